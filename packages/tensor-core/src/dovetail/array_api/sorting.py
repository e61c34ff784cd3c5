"""Sorting functions."""

from __future__ import annotations

from .. import checks
from .._core import Tensor, get_op

__all__ = ["argsort", "sort"]

_argsort, _sort = get_op("argsort"), get_op("sort")


@checks.in_own_name
def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort a tensor along an axis.

    Args:
        x: a tensor of real numbers.
        axis: along which.
        descending: the largest first.
        stable: equal elements stay in their order.

    Example:
        >>> argsort(dt.tensor([3, 1, 2])).tolist()
        [1, 2, 0]
    """
    return _argsort(x, axis, descending, stable)


@checks.in_own_name
def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along an axis.

    Args:
        x: a tensor of real numbers.
        axis: along which.
        descending: the largest first.
        stable: equal elements stay in their order.

    Example:
        >>> sort(dt.tensor([3, 1, 2])).tolist()
        [1, 2, 3]
    """
    return _sort(x, axis, descending, stable)[0]
