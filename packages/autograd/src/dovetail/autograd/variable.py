"""Variable: what a tensor that requires gradients was called before every tensor could."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor, checks

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor)

    def __call__(cls, data: Any = None, requires_grad: bool = False) -> Tensor:
        checks.tensors("Variable", data=data)
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_VariableMeta):
    """A tensor's former name, for older programs: `Variable(tensor)` is another handle on the tensor's elements.

    Example:
        >>> x = dt.autograd.Variable(dt.ones(2), requires_grad=True)
        >>> x.requires_grad, isinstance(x, dt.autograd.Variable)
        (True, True)
    """
