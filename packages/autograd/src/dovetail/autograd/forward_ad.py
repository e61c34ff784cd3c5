"""Forward mode in the imperative style: tensors that carry a tangent inside a `with dual_level()`.

    >>> import dovetail.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(dt.tensor(3.0), dt.tensor(1.0))
    ...     fwAD.unpack_dual(x * x).tangent.item()
    6.0

`dt.func.jvp` does the same for a function.
"""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple

from dovetail import Tensor, checks

from . import _engine
from .levels import dual, inside_transform

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A dual tensor's parts; the tangent is None for a tensor without one."""

    primal: Tensor
    tangent: Tensor | None


class dual_level:
    """The scope in which dual tensors mean something. Scopes do not nest; `dt.func.jvp` does.

    Example:
        >>> with dt.autograd.forward_ad.dual_level():
        ...     x = dt.autograd.forward_ad.make_dual(dt.ones(2), dt.tensor([1.0, 2.0]))
        ...     dt.autograd.forward_ad.unpack_dual(x.exp().log()).tangent.tolist()
        [1.0, 2.0]
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        exit_dual_level()


def enter_dual_level() -> int:
    """Begin a scope of dual tensors; returns its number, 0.

    Raises RuntimeError where one is open.
    """
    if dual.level is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment; nest dovetail.func.jvp instead")
    if inside_transform():
        raise RuntimeError("enter_dual_level: called inside a transform (grad, jvp, vmap); use dovetail.func.jvp there")
    level = _engine.Level("jvp")
    level.push()
    dual.level = level
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the scope, which is number 0; tangents are gone after it."""
    if dual.level is None or level not in (None, 0):
        raise RuntimeError("Trying to exit a forward AD level that was not entered")
    if inside_transform():
        raise RuntimeError("exit_dual_level: inside a transform (grad, jvp, vmap) that began after the level")
    dual.level.pop()
    dual.level = None


def _level(who: str, number: int | None, **tensors: Tensor) -> _engine.Level:
    checks.tensors(who, **tensors)
    if dual.level is None:
        raise RuntimeError(f"{who}: Trying to use a dual tensor outside of a dual_level(); enter one first")
    if number not in (None, 0):
        raise RuntimeError(f"{who}: level must be None or 0, as levels do not nest, got {checks.shown(number)}")
    return dual.level


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor with the same elements that carries a tangent, of its shape and dtype.

    It is known to autograd as the tensor is. Raises RuntimeError for a tensor that carries a tangent already.

    Example:
        >>> with dt.autograd.forward_ad.dual_level():
        ...     x = dt.autograd.forward_ad.make_dual(dt.tensor(2.0), dt.tensor(1.0))
        ...     dt.autograd.forward_ad.unpack_dual(x**3).tangent.item()
        12.0
    """
    of = _level("make_dual", level, tensor=tensor, tangent=tangent)
    for t in (tensor, tangent):
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise ValueError(f"make_dual: expected tensors of floating or complex dtype, got {t.dtype}")
    if tangent.shape != tensor.shape:
        raise RuntimeError(
            f"make_dual: the tangent must have the tensor's shape {tuple(tensor.shape)}, got {tuple(tangent.shape)}"
        )
    if tangent.dtype != tensor.dtype:
        raise RuntimeError(f"make_dual: the tangent must have the tensor's dtype {tensor.dtype}, got {tangent.dtype}")
    if _engine.tangent(tensor, of) is not None:
        raise RuntimeError("make_dual: the tensor carries a tangent already; unpack_dual gives the tensor without it")
    return _engine.dual(tensor, tangent, of)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor without its tangent, and the tangent, None where there is none, or no scope.

    Example:
        >>> with dt.autograd.forward_ad.dual_level():
        ...     dt.autograd.forward_ad.unpack_dual(dt.tensor(2.0)).tangent is None
        True
    """
    if dual.level is None and level is None:
        checks.tensors("unpack_dual", tensor=tensor)
        return UnpackedDualTensor(tensor, None)
    of = _level("unpack_dual", level, tensor=tensor)
    tangent = _engine.tangent(tensor, of)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    primal = _engine.handle(tensor)
    _engine.forget(primal, of)
    return UnpackedDualTensor(primal, tangent)
