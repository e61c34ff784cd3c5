"""What PyTorch's programs ask of a tensor where Dovetail has one kind only: dense, in memory, on a named device."""

from __future__ import annotations

from .._core import Tensor

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

    from ..storage import TypedStorage, UntypedStorage


def get_device(self: Tensor) -> int:
    """The index of the tensor's device; -1 on the CPU.

    Example:
        >>> dt.ones(2).get_device()
        -1
    """
    return -1 if self.device.type == "cpu" else self.device.index or 0


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory that the tensor and its views share.

    Example:
        >>> x = dt.zeros(4)
        >>> x.untyped_storage().nbytes(), x[1:].untyped_storage().data_ptr() == x.data_ptr()
        (16, True)
    """
    from ..storage import UntypedStorage

    return UntypedStorage(self)


def storage(self: Tensor) -> TypedStorage:
    """The memory that the tensor and its views share, as elements: PyTorch's older form of `untyped_storage`.

    Example:
        >>> dt.tensor([[1, 2], [3, 4]]).T.storage().tolist()
        [1, 2, 3, 4]
    """
    from ..storage import TypedStorage

    return TypedStorage(self)


def _layout(self: Tensor) -> Any:
    """`dt.strided`: elements stand in memory at regular distances."""
    from ..formats import strided

    return strided


def _never(what: str) -> property:
    def answer(self: Tensor) -> bool:
        return False

    answer.__doc__ = f"Whether the tensor is {what}: never, there are none."
    return property(answer)


def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dims in the order of their strides, the largest first.

    Example:
        >>> dt.ones(2, 3).T.dim_order()
        (1, 0)
    """
    return tuple(sorted(range(self.ndim), key=lambda dim: -self.stride(dim)))


def _on(kind: str) -> property:
    def answer(self: Tensor) -> bool:
        return self.device.type == kind

    answer.__doc__ = f"Whether the tensor is on a device of type {kind}."
    return property(answer)


METHODS: dict[str, Any] = {
    "get_device": get_device,
    "untyped_storage": untyped_storage,
    "layout": property(_layout),
    "is_meta": _never("without memory"),
    "is_mkldnn": _never("in oneDNN's layout"),
    "is_nested": _never("a list of tensors of several shapes"),
    "is_quantized": _never("quantized"),
    "is_sparse": _never("sparse"),
    "is_sparse_csr": _never("sparse"),
    **{f"is_{kind}": _on(kind) for kind in ("mps", "mtia", "xla", "xpu")},
    "dim_order": dim_order,
    "storage": storage,
}
