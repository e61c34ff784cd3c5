"""Methods that change the tensor itself: its shape, or a part of its elements."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..storage import UntypedStorage


_as_strided = get_op("as_strided")
_fill = get_op("fill")
_narrow = get_op("narrow")


def zero_(self: Tensor) -> Tensor:
    """Set all elements to 0; returns self.

    Example:
        >>> dt.ones(2).zero_().tolist()
        [0.0, 0.0]
    """
    try:
        return self.fill_(0)
    except Exception as error:
        checks.speak_as("zero_", error)
        raise


@checks.in_own_name
def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Fill the main diagonal; returns self.

    Args:
        wrap: in a tall matrix go on after a row's gap.

    Example:
        >>> dt.zeros(2, 2).fill_diagonal_(1).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if self.ndim < 2:
        raise ValueError(f"fill_diagonal_: expected at least two dims, got {self.ndim}")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise ValueError(f"fill_diagonal_: all dims must be of one size, got shape {tuple(self.shape)}")
    step = sum(self.stride())
    _as_strided(self, [min(self.shape)], [step], self.storage_offset()).fill_(fill_value)
    if wrap and self.ndim == 2 and self.shape[0] > self.shape[1] + 1:
        below = _narrow(self, 0, self.shape[1] + 1, self.shape[0] - self.shape[1] - 1)
        fill_diagonal_(below, fill_value, wrap)
    return self


def _reshaped(name: str) -> Callable[..., Tensor]:
    """`x.name_(...)`: x takes over the geometry of `x.name(...)`, over the same memory."""
    view = get_op(name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _only_unrecorded(f"{name}_", self, f"use {name}()")
        self.data = view(self.detach(), *args, **kwargs)
        return self

    method.__name__ = f"{name}_"
    method.__qualname__ = f"Tensor.{name}_"
    method.__doc__ = (
        f"{name}() in place: the tensor itself gets the other geometry, over the same memory; returns self."
    )
    return method


def _only_unrecorded(name: str, x: Tensor, instead: str) -> None:
    if x.requires_grad and _core.is_grad_enabled():
        raise RuntimeError(f"{name}: the shape of a tensor that requires gradients can't change in place; {instead}")


@checks.in_own_name
def resize_(self: Tensor, *sizes: Any) -> Tensor:
    """Change the shape, keeping as many of the first elements as fit; new ones are uninitialised. Returns self.

    Raises BufferError where memory that NumPy, a buffer or another library shares would have to grow.

    Example:
        >>> dt.tensor([1, 2, 3, 4]).resize_(3).tolist()
        [1, 2, 3]
    """
    _only_unrecorded("resize_", self, "use reshape() or slices")
    shape = _core.Size(sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes)
    count, room = shape.numel(), self._storage_nbytes() // self.itemsize - self.storage_offset()
    source = self.detach()
    if count > room:
        exports = self._storage_exports()
        if exports:
            raise BufferError(
                f"resize_: shape {tuple(shape)} needs more memory than the tensor's {room} elements of {self.dtype}, "
                f"which {exports} arrays or buffers share; let go of them, or clone() the tensor first"
            )
        grown = get_op("empty")([count], dtype=self.dtype, device=self.device)
        kept = _as_strided(source, [room], [1], self.storage_offset())
        grown[:room].copy_(kept)
        self.data = grown.view(shape)
    else:
        self.data = _as_strided(source, [count], [1], self.storage_offset()).view(shape)
    return self


@checks.in_own_name
def resize_as_(self: Tensor, other: Tensor) -> Tensor:
    """`resize_` to another tensor's shape.

    Example:
        >>> dt.tensor([1, 2, 3]).resize_as_(dt.ones(2)).tolist()
        [1, 2]
    """
    return resize_(self, other.shape)


@checks.in_own_name
def resize(self: Tensor, *sizes: Any) -> Tensor:
    """The elements in another shape of as many: PyTorch's older name of `reshape`, without -1.

    Example:
        >>> dt.tensor([1, 2, 3, 4]).resize(2, 2).tolist()
        [[1, 2], [3, 4]]
    """
    return _of_same_count("resize", self, sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes)


def _of_same_count(who: str, x: Tensor, sizes: Any) -> Tensor:
    checks.sizes(who, size=sizes if isinstance(sizes, str) else tuple(sizes))
    shape = _core.Size(sizes)
    if shape.numel() != x.numel():
        raise ValueError(
            f"{who}: shape {tuple(shape)} has {shape.numel()} elements, but the tensor of shape {tuple(x.shape)} has "
            f"{x.numel()}; resize_() changes their number"
        )
    return x.reshape(shape)


@checks.in_own_name
def resize_as(self: Tensor, other: Tensor) -> Tensor:
    """The elements in another tensor's shape, of as many: PyTorch's older name of `reshape_as`.

    Example:
        >>> dt.tensor([1, 2]).resize_as(dt.ones(2, 1)).tolist()
        [[1], [2]]
    """
    checks.tensors("resize_as", other=other)
    return _of_same_count("resize_as", self, other.shape)


@checks.in_own_name
def set_(
    self: Tensor,
    source: Tensor | UntypedStorage | None = None,
    storage_offset: int = 0,
    size: Any = None,
    stride: Any = None,
) -> Tensor:
    """Let the tensor be a view of other memory; returns self.

    Forms:
        `set_(other)`: another tensor's memory and geometry.
        `set_(source, storage_offset, size, stride=None)`: a part of a tensor's or a storage's memory; without strides
        in row-major order.
        `set_(storage)`: all of a storage, as a vector.
        `set_()`: no elements.

    Raises ValueError where the memory does not hold the elements.

    Example:
        >>> x, y = dt.zeros(1), dt.tensor([1.0, 2.0, 3.0])
        >>> x.set_(y.untyped_storage(), 1, (2,)).tolist()
        [2.0, 3.0]
    """
    _only_unrecorded("set_", self, "assign to its name, or to .data")
    if source is None:
        self.data = get_op("empty")([0], dtype=self.dtype, device=self.device)
        return self
    whole = source.detach() if isinstance(source, Tensor) else source.typed(self.dtype)
    if whole.dtype is not self.dtype or whole.device != self.device:
        raise TypeError(
            f"set_: the memory must be of {self.dtype.name} on {self.device}, got {whole.dtype.name} on {whole.device}"
        )
    if size is not None:
        sizes = _core.Size(size)
        if stride is None:
            stride = [_core.Size(sizes[i + 1 :]).numel() for i in range(len(sizes))]
        whole = _as_strided(whole, sizes, stride, storage_offset)
    elif storage_offset or stride is not None:
        raise TypeError(
            f"set_: storage_offset and stride go with a size, got {checks.shown(storage_offset)} and "
            f"{checks.shown(stride)}"
        )
    self.data = whole
    return self


METHODS: dict[str, Any] = {
    "set_": set_,
    "resize": resize,
    "resize_as": resize_as,
    "zero_": zero_,
    "fill_diagonal_": fill_diagonal_,
    "resize_": resize_,
    "resize_as_": resize_as_,
    **{f"{name}_": _reshaped(name) for name in ("as_strided", "squeeze", "swapaxes", "t", "transpose", "unsqueeze")},
}
METHODS["swapdims_"] = METHODS["swapaxes_"]
