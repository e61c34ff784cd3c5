"""Utility functions."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, get_op
from ._common import promoted, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["all", "any", "diff"]

_all, _any, _diff = get_op("all"), get_op("any"), get_op("diff")


def _truth(op: Any, x: Tensor, axis: int | Sequence[int] | None, keepdims: bool) -> Tensor:
    """A bool, which PyTorch's answer about uint8 is not."""
    result = reduced(op, x, axis, keepdims)
    return result if result.dtype is _core.bool else result.to(_core.bool)


@checks.in_own_name
def all(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether no element is 0 over the given axes, or over all.

    Example:
        >>> all(dt.tensor([[True, True], [True, False]]), axis=0).tolist()
        [True, False]
    """
    return _truth(_all, x, axis, keepdims)


@checks.in_own_name
def any(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether an element is not 0 over the given axes, or over all.

    Example:
        >>> any(dt.tensor([[True, False], [False, False]]), axis=0).tolist()
        [True, False]
    """
    return _truth(_any, x, axis, keepdims)


@checks.in_own_name
def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences between neighbours along an axis, and the differences of these, n times.

    Args:
        x: a tensor.
        axis: along which.
        n: how many times.
        prepend, append: what to put before and behind `x` first.

    Example:
        >>> diff(dt.tensor([1, 4, 9])).tolist()
        [3, 5]
    """
    same = dict(zip(("x", "prepend", "append"), (x, prepend, append), strict=True))
    names = [name for name, value in same.items() if value is not None]
    same |= zip(names, promoted("diff", *(same[name] for name in names)), strict=True)
    return _diff(same["x"], n, axis, same["prepend"], same["append"])
