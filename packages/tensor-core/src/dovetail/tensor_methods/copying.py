"""Copies of a tensor as an object, and new tensors like one."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


_as_strided, _clone, _view = get_op("as_strided"), get_op("clone"), get_op("view")
_view_as_complex, _view_as_real = get_op("view_as_complex"), get_op("view_as_real")


def __copy__(self: Tensor) -> Tensor:
    """Another object over the same memory."""
    result = type(self)._make_subclass(self, self.requires_grad)
    result.__dict__.update(self.__dict__)
    return result


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy of the data, the gradient and what hangs on the object; tensors that share memory share the copy."""
    from copy import deepcopy

    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "deepcopy: only tensors that no recorded op made can be deep-copied; use detach().clone() instead"
        )
    result = type(self)._make_subclass(_in_copied_storage(self.detach(), memo), self.requires_grad)
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = deepcopy(self.grad, memo)
    result.__dict__.update(deepcopy(self.__dict__, memo))
    return result


def _in_copied_storage(tensor: Tensor, memo: dict[Any, Any]) -> Tensor:
    """The same view of a copy of the whole storage, one copy for all tensors of a deep copy that share it."""
    count = tensor._storage_nbytes() // tensor.element_size()
    if not count:
        return _clone(tensor)
    key = ("storage", tensor._storage_ptr())
    if key not in memo:
        memo[key] = _clone(_as_strided(tensor, (count,), (1,), 0))
    storage = memo[key]
    if storage.dtype is not tensor.dtype:  # complex numbers, of which the other sees the parts
        storage = _view_as_complex(storage.reshape(-1, 2)) if tensor.is_complex() else _view_as_real(storage)
    return _as_strided(storage, tensor.shape, tensor.stride(), tensor.storage_offset())


@checks.in_own_name
def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of a copy of the data, of this one's dtype and device unless others are given.

    Example:
        >>> dt.ones(1).new_tensor([1, 2]).tolist()
        [1.0, 2.0]
    """
    return _core.tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


@checks.in_own_name
def new_empty_strided(
    self: Tensor,
    size: Any,
    stride: Any,
    *,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """An uninitialised tensor with given strides, of this one's dtype and device unless others are given.

    Example:
        >>> dt.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """
    from ..constructors import empty_strided

    return empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


@checks.in_own_name
def as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """A view of the whole tensor as an object of a subclass; gradients flow to the tensor.

    Example:
        >>> class Named(dt.Tensor):
        ...     name = "nobody's"
        >>> dt.ones(1).as_subclass(Named).name
        "nobody's"
    """
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"as_subclass: cls must be a subclass of Tensor, got {checks.shown(cls)}")
    result = _view(self, self.shape)
    result.__class__ = cls
    return result


@checks.in_own_name
def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of this one's dtype and device: `x.new(2, 3)` is uninitialised, `x.new(data)` holds data.

    PyTorch's older form of `new_empty` and `new_tensor`.

    Example:
        >>> dt.ones(1).new([1, 2]).tolist()
        [1.0, 2.0]
    """
    from ..legacy import made

    return made("new", args, self.dtype, self.device if device is None else _core.device(device))


METHODS: dict[str, Any] = {
    "__copy__": __copy__,
    "__deepcopy__": __deepcopy__,
    "new_tensor": new_tensor,
    "new_empty_strided": new_empty_strided,
    "as_subclass": as_subclass,
    "new": new,
}
