"""What array libraries look for on an array: the array API standard's attributes, and NumPy's protocols."""

from __future__ import annotations

from .. import checks
from .._core import Tensor, get_op
from .conversion import to

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
_flip, _matmul = get_op("flip"), get_op("matmul")


def __array_namespace__(self: Tensor, *, api_version: str | None = None) -> ModuleType:
    """The functions of the array API standard for tensors: the module `dovetail.array_api`.

    Raises:
        ValueError: `api_version` is none of those that the module satisfies.

    Example:
        >>> dt.ones(1).__array_namespace__().__name__
        'dovetail.array_api'
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: api_version must be one of {', '.join(_VERSIONS)}, got {api_version!r}")
    from .. import array_api

    return array_api


@checks.in_own_name
def to_device(self: Tensor, device: Any, /, *, stream: Any = None) -> Tensor:
    """The tensor on a device; itself where it is there. `to` under the array API standard's name.

    Args:
        device: a device or its name.
        stream: must be None: a copy is ordered by the streams that are current.

    Example:
        >>> dt.ones(1).to_device("cpu").device.type
        'cpu'
    """
    if stream is not None:
        raise ValueError(f"to_device: stream must be None, got {stream!r}; make it current with dt.cuda.stream()")
    if device is None:
        raise TypeError("to_device: expected a device, got None")
    return to(self, device)


def __imatmul__(self: Tensor, other: Tensor | complex) -> Tensor:
    """`x @= y`: the product, written into `x`."""
    if not isinstance(other, Tensor):
        return NotImplemented
    product = _matmul(self, other)
    if product.shape != self.shape:
        raise ValueError(f"@=: a product of shape {tuple(product.shape)} does not fit shape {tuple(self.shape)}")
    return self.copy_(product)


def __reversed__(self: Tensor) -> Tensor:
    """`reversed(x)`: the rows from the last to the first; of a zero-dim tensor itself."""
    return _flip(self, [0]) if self.ndim else self


def __array_ufunc__(self: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A NumPy ufunc called with a tensor: the op of the same meaning."""
    from ..numpy_protocols import ufunc_result

    return ufunc_result(ufunc, method, inputs, kwargs)


METHODS: dict[str, Any] = {
    "__array_namespace__": __array_namespace__,
    "__array_ufunc__": __array_ufunc__,
    "__imatmul__": __imatmul__,
    "__reversed__": __reversed__,
    "to_device": to_device,
}
