"""Searching functions."""

from __future__ import annotations

from .. import _core, checks, functional
from .._core import Tensor, get_op
from ._common import promoted, reduced
from .indexing import as_indices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]

_argmax, _argmin, _ne, _sum, _where = (get_op(name) for name in ("argmax", "argmin", "ne", "sum", "where"))
_searchsorted = get_op("searchsorted")


@checks.in_own_name
def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element is, the first of several; without an axis as if `x` were flat.

    Example:
        >>> argmax(dt.tensor([1, 3, 2])).item()
        1
    """
    return _argmax(x, axis, keepdims)


@checks.in_own_name
def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element is, the first of several; without an axis as if `x` were flat.

    Example:
        >>> argmin(dt.tensor([3, 1, 2])).item()
        1
    """
    return _argmin(x, axis, keepdims)


@checks.in_own_name
def count_nonzero(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """How many elements are not 0.

    Example:
        >>> count_nonzero(dt.tensor([[0, 1], [2, 3]]), axis=0).tolist()
        [1, 2]
    """
    return reduced(_sum, _ne(x, 0), axis, keepdims)


@checks.in_own_name
def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """Where the elements are that are not 0: their indices along each axis.

    Example:
        >>> [i.tolist() for i in nonzero(dt.tensor([[0, 1], [2, 0]]))]
        [[0, 1], [1, 0]]
    """
    checks.tensors("nonzero", x=x)
    if x.ndim == 0:
        raise ValueError("nonzero: a zero-dim tensor has no axis")
    return tuple(functional.select.nonzero(x, as_tuple=True))


@checks.in_own_name
def searchsorted(x1: Tensor, x2: Tensor | float, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Where values would be put into a sorted vector so that it stays sorted.

    Args:
        x1: the vector.
        x2: the values.
        side: "left" puts a value before those that equal it, "right" behind.
        sorter: the indices that sort `x1`, where it is not sorted.

    Example:
        >>> searchsorted(dt.tensor([1, 3, 5]), dt.tensor([3, 4])).tolist()
        [1, 2]
    """
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: side must be "left" or "right", got {checks.shown(side)}')
    ordered, values = promoted("searchsorted", x1, x2)
    if sorter is not None:
        ordered = ordered[as_indices(sorter)]
    return _searchsorted(ordered.contiguous(), values.contiguous(), right=side == "right")


@checks.in_own_name
def where(condition: Tensor, x1: Tensor | complex, x2: Tensor | complex, /) -> Tensor:
    """The elements of `x1` where the condition holds, of `x2` elsewhere.

    Example:
        >>> where(dt.tensor([True, False]), dt.tensor([1, 2]), 0).tolist()
        [1, 0]
    """
    checks.tensors("where", condition=condition)
    if condition.dtype is not _core.bool:
        raise TypeError(f"where: condition must be of dtype bool, got {condition.dtype.name}")
    return _where(condition, *promoted("where", x1, x2))
