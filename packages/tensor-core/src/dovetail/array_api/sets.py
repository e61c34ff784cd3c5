"""Set functions. NaNs differ from each other; the values come in ascending order."""

from __future__ import annotations

from typing import NamedTuple

from .. import _core, checks
from .._core import Tensor, get_op

__all__ = ["unique_all", "unique_counts", "unique_inverse", "unique_values"]

_arange, _argsort, _cat, _cumsum, _diff = (get_op(name) for name in ("arange", "argsort", "cat", "cumsum", "diff"))
_empty_like, _ne, _ones = get_op("empty_like"), get_op("ne"), get_op("ones")


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


@checks.in_own_name
def unique_all(x: Tensor, /) -> UniqueAll:
    """The different values, where each occurs first, where each element's value is among them, and how many it has.

    Example:
        >>> found = unique_all(dt.tensor([3, 1, 3]))
        >>> found.values.tolist(), found.indices.tolist(), found.inverse_indices.tolist(), found.counts.tolist()
        ([1, 3], [1, 0], [1, 0, 1], [1, 2])
    """
    order, flat, first = _grouped(x)
    starts = first.nonzero().reshape(-1)
    ends = _ones((1,), dtype=_core.int64, device=x.device) * flat.shape[0]
    inverse = _empty_like(order)
    inverse[order] = _cumsum(first, 0) - 1
    counts = _diff(_cat([starts, ends]))
    return UniqueAll(flat[starts], order[starts], inverse.reshape(x.shape), counts)


@checks.in_own_name
def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different values, and how many elements have each.

    Example:
        >>> found = unique_counts(dt.tensor([3, 1, 3]))
        >>> found.values.tolist(), found.counts.tolist()
        ([1, 3], [1, 2])
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


@checks.in_own_name
def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different values, and where each element's value is among them.

    Example:
        >>> found = unique_inverse(dt.tensor([3, 1, 3]))
        >>> found.values.tolist(), found.inverse_indices.tolist()
        ([1, 3], [1, 0, 1])
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


@checks.in_own_name
def unique_values(x: Tensor, /) -> Tensor:
    """The different values.

    Example:
        >>> unique_values(dt.tensor([3, 1, 3])).tolist()
        [1, 3]
    """
    _, flat, first = _grouped(x)
    return flat[first]


def _grouped(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The order that sorts the elements, equal ones as they come; the elements in it; and which begin a new value."""
    checks.tensors("unique", x=x)
    flat = x.reshape(-1)
    if x.is_complex():  # by the real part, then by the imaginary one: the last sort decides first
        order = _argsort(flat.imag, stable=True)
        order = order[_argsort(flat.real[order], stable=True)]
    else:
        order = _argsort(flat, stable=True)
    flat = flat[order]
    first = _ones(flat.shape, dtype=_core.bool, device=x.device)
    first[1:] = _ne(flat[1:], flat[:-1])
    return order, flat, first
