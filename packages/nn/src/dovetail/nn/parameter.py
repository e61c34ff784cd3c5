"""Parameter and Buffer: tensors that a Module recognises as its own."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks


class Parameter(dt.Tensor):
    """A tensor that a Module registers as a parameter when it is assigned to an attribute.

    Args:
        data: the values; the parameter shares their storage.
        requires_grad: whether gradients are computed for it.

    Example:
        >>> p = Parameter(dt.zeros(2))
        >>> p.requires_grad
        True
    """

    @checks.in_class_name
    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = dt.empty(0)
        if not isinstance(data, dt.Tensor):
            raise TypeError(f"Parameter: expected a tensor, got {checks.shown(data)}; make one with dt.tensor(...)")
        self = dt.Tensor._make_subclass(cls, data.detach())
        if requires_grad:
            self.requires_grad_(True)
        return self

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        copy: Parameter = memo[id(self)]
        return copy


class Buffer(dt.Tensor):
    """A tensor that a Module registers as a buffer when it is assigned to an attribute.

    Args:
        data: the values.
        persistent: whether it belongs to the state dict.
    """

    persistent: bool

    @checks.in_class_name
    def __new__(cls, data: Any, *, persistent: bool = True) -> Buffer:
        checks.tensors("Buffer", data=data)
        self = dt.Tensor._make_subclass(cls, data.detach())
        self.persistent = persistent
        return self

    def __init__(self, data: Any, *, persistent: bool = True) -> None:
        pass
