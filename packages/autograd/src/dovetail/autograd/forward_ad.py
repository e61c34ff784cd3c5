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

from dovetail import Tensor

from . import _engine
from .levels import dual

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
    level = _engine.Level("jvp")
    level.push()
    dual.level = level
    return 0


def exit_dual_level() -> None:
    """End the scope; tangents are gone after it."""
    if dual.level is None:
        raise RuntimeError("Trying to exit a forward AD level that was not entered")
    dual.level.pop()
    dual.level = None


def _level(who: str) -> _engine.Level:
    if dual.level is None:
        raise RuntimeError(f"{who}: Trying to use a dual tensor outside of a dual_level(); enter one first")
    return dual.level


def make_dual(tensor: Tensor, tangent: Tensor) -> Tensor:
    """A tensor with the same elements that carries a tangent, of its shape and dtype.

    Example:
        >>> with dt.autograd.forward_ad.dual_level():
        ...     x = dt.autograd.forward_ad.make_dual(dt.tensor(2.0), dt.tensor(1.0))
        ...     dt.autograd.forward_ad.unpack_dual(x**3).tangent.item()
        12.0
    """
    level = _level("make_dual")
    for t in (tensor, tangent):
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise ValueError(f"make_dual: expected tensors of floating or complex dtype, got {t.dtype}")
    if tangent.shape != tensor.shape:
        raise RuntimeError(
            f"make_dual: the tangent must have the tensor's shape {tuple(tensor.shape)}, got {tuple(tangent.shape)}"
        )
    if tangent.dtype != tensor.dtype:
        raise RuntimeError(f"make_dual: the tangent must have the tensor's dtype {tensor.dtype}, got {tangent.dtype}")
    return _engine.dual(tensor, tangent, level)


def unpack_dual(tensor: Tensor) -> UnpackedDualTensor:
    """A tensor without its tangent, and the tangent, None where there is none.

    Example:
        >>> with dt.autograd.forward_ad.dual_level():
        ...     dt.autograd.forward_ad.unpack_dual(dt.tensor(2.0)).tangent is None
        True
    """
    level = _level("unpack_dual")
    tangent = _engine.tangent(tensor, level)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    primal = _engine.handle(tensor)
    _engine.forget(primal, level)
    return UnpackedDualTensor(primal, tangent)
