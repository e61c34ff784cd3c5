"""Choosing elements: conditions, places that are not zero, unique values."""

from __future__ import annotations

import warnings

import dovetail as dt

from .. import checks
from .._core import Size, Tensor, get_op
from ._names import with_aliases

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


__all__ = ["nonzero", "repeat_interleave", "unique", "unique_consecutive", "unravel_index", "where"]

_nonzero = get_op("nonzero")
_repeat_interleave = get_op("repeat_interleave")
_where = get_op("where")


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Elements of one tensor where a condition holds, of another where it does not.

        out = input if condition else other

    The three are broadcast together; numbers will do for tensors. `where(condition)` alone gives the places where it
    holds, as `nonzero(as_tuple=True)`.

    Args:
        condition: bool.

    Example:
        >>> x = dt.tensor([-1.0, 2.0])
        >>> dt.where(x > 0, x, 0.0).tolist()
        [0.0, 2.0]
    """
    if out is not None:
        return _where.call((condition, input, other), (out,))
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if isinstance(condition, Tensor) and condition.dtype is dt.uint8:
        warnings.warn("where: a uint8 condition is deprecated; use a bool tensor", UserWarning, stacklevel=3)
        condition = condition != 0
    return _where(condition, input, other)


@checks.in_own_name
def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """The places of the elements that are not zero.

    Args:
        as_tuple: give a vector of indices for every dim, which indexes `input`, instead of a place in every row.

    Example:
        >>> dt.nonzero(dt.tensor([0, 3, 5])).tolist()
        [[1], [2]]
        >>> dt.nonzero(dt.tensor([0, 3, 5]), as_tuple=True)[0].tolist()
        [1, 2]
    """
    if as_tuple:
        places = _nonzero(input if input.ndim else input.reshape([1]))
        return tuple(places.unbind(1))
    return checks.written("nonzero", _nonzero(input), out)


@with_aliases
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Repeat every element (or slice along `dim`) before the next one comes.

    Forms:
        `repeat_interleave(x, repeats, dim=None)`: `repeats` is an int, or a vector with a count for each slice.
        `repeat_interleave(counts)`: the index i `counts[i]` times.

    Args:
        dim: along which; without it the flattened tensor's elements are repeated.
        output_size: the size along `dim` that the result must have, if given.

    Example:
        >>> dt.repeat_interleave(dt.tensor([1, 2]), 2).tolist()
        [1, 1, 2, 2]
        >>> dt.repeat_interleave(dt.tensor([1, 2]), dt.tensor([1, 3])).tolist()
        [1, 2, 2, 2]
    """
    result = _repeated(input, repeats, dim)
    size = result.shape[0 if dim is None else dim]
    if output_size is not None and output_size != size:
        raise ValueError(f"repeat_interleave: the result has size {size}, but output_size is {output_size}")
    return result


def _repeated(input: Tensor, repeats: int | Tensor | None, dim: int | None) -> Tensor:
    if repeats is None:
        return _repeated_indices(input)
    if isinstance(repeats, int):
        return _repeat_interleave(input, repeats, dim)
    checks.tensors("repeat_interleave", input=input, repeats=repeats)
    if repeats.numel() == 1:
        return _repeat_interleave(input, int(repeats.item()), dim)
    if dim is None:
        input, dim = input.reshape([-1]), 0
    if repeats.ndim != 1 or repeats.shape[0] != input.shape[dim]:
        raise ValueError(
            f"repeat_interleave: repeats must have a count for each of {input.shape[dim]} slices, "
            f"got shape {tuple(repeats.shape)}"
        )
    return dt.index_select(input, dim, _repeated_indices(repeats))


def _repeated_indices(counts: Tensor) -> Tensor:
    checks.tensors("repeat_interleave", repeats=counts)
    if counts.ndim != 1 or counts.dtype not in (dt.int64, dt.int32):
        raise ValueError(
            f"repeat_interleave: counts must be a vector of int64, got {counts.dtype} {tuple(counts.shape)}"
        )
    if counts.numel() == 0:
        return counts.to(dt.int64)
    if bool((counts < 0).any()):
        raise ValueError(f"repeat_interleave: counts must not be negative, got {dt.amin(counts).item()}")
    ends = dt.cumsum(counts, 0)
    total = int(ends[-1].item())
    if bool((ends < 0).any()):  # the first sum beyond int64 is negative
        raise ValueError(
            f"repeat_interleave: counts up to {dt.amax(counts).item()} have a sum that int64 does not hold"
        )
    # Element k belongs to the first slice that ends after it: its number is how many end before.
    marks = dt.index_add(dt.zeros([total + 1], dtype=dt.int64, device=ends.device), 0, ends, dt.ones_like(ends))
    return dt.cumsum(marks[:total], 0)


@checks.in_own_name
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Turn indices into the flattened tensor into an index for every dim.

    Args:
        indices: int64, of any shape.
        shape: of the tensor that is meant.

    Example:
        >>> [index.tolist() for index in dt.unravel_index(dt.tensor([3, 5]), (2, 3))]
        [[1, 1], [0, 2]]
    """
    checks.tensors("unravel_index", indices=indices)
    checks.sizes("unravel_index", shape=shape)
    sizes = Size([shape] if isinstance(shape, int) else shape)
    if indices.numel() and not bool(((indices >= -sizes.numel()) & (indices < sizes.numel())).all()):
        raise IndexError(f"unravel_index: an index is out of range for shape {tuple(sizes)}")
    rest = dt.where(indices < 0, indices + sizes.numel(), indices)
    places = []
    for size in reversed(sizes):
        places.append(rest % size)
        rest = rest // size
    return tuple(reversed(places))


# ---- unique values ----


@with_aliases
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different values of a tensor, in ascending order.

    Args:
        sorted: accepted as in PyTorch; the result is always sorted.
        return_inverse: give also, in input's shape, where each element's value stands in the result.
        return_counts: give also how often each value occurs.
        dim: compare the slices along a dim instead of single elements.

    Returns:
        The values, or a tuple of them and what was asked for.

    Example:
        >>> dt.unique(dt.tensor([3, 1, 3])).tolist()
        [1, 3]
        >>> values, counts = dt.unique(dt.tensor([3, 1, 3]), return_counts=True)
        >>> counts.tolist()
        [1, 2]
    """
    checks.tensors("unique", input=input)
    if dim is None:
        rows, order = dt.sort(input.reshape([-1]), 0, stable=True)
    else:
        rows = input.movedim(dim, 0)
        order = _lexicographic(rows.flatten(1) if rows.ndim > 1 else rows.unsqueeze(1))
        rows = dt.index_select(rows, 0, order)
    begins = _begins(rows)
    first = _nonzero(begins).reshape([-1])
    values, inverse = dt.index_select(rows, 0, first), None
    if return_inverse:
        group = dt.cumsum(begins, 0) - 1
        inverse = dt.scatter(dt.zeros_like(group), 0, order, group)
    return _answers(
        values if dim is None else values.movedim(0, dim),
        inverse if inverse is None or dim is not None else inverse.reshape(input.shape),
        _lengths(first, rows.shape[0]) if return_counts else None,
    )


@with_aliases
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The values with all but the first of each run of equal ones left out.

    Args:
        return_inverse: give also, in input's shape, where each element's value stands in the result.
        return_counts: give also how long each run is.
        dim: compare the slices along a dim instead of single elements.

    Example:
        >>> dt.unique_consecutive(dt.tensor([1, 1, 2, 1])).tolist()
        [1, 2, 1]
    """
    checks.tensors("unique_consecutive", input=input)
    rows = input.reshape([-1]) if dim is None else input.movedim(dim, 0)
    begins = _begins(rows)
    first = _nonzero(begins).reshape([-1])
    values, group = dt.index_select(rows, 0, first), None
    if return_inverse:
        group = dt.cumsum(begins, 0) - 1
    return _answers(
        values if dim is None else values.movedim(0, dim),
        group if group is None or dim is not None else group.reshape(input.shape),
        _lengths(first, rows.shape[0]) if return_counts else None,
    )


def _begins(rows: Tensor) -> Tensor:
    """For each row whether it begins a run of equal ones."""
    begins = dt.ones([rows.shape[0]], dtype=dt.bool, device=rows.device)
    if rows.shape[0] > 1:
        differ = rows[1:] != rows[:-1]
        begins[1:] = differ if rows.ndim == 1 else differ.flatten(1).any(1)
    return begins


def _lengths(first: Tensor, count: int) -> Tensor:
    """How long the runs are that begin there."""
    return dt.cat([first[1:], dt.full([min(count, 1)], count, dtype=dt.int64, device=first.device)]) - first


def _lexicographic(rows: Tensor) -> Tensor:
    """The order of rows that compares first column before second, by stable sorts from the last on."""
    order = dt.arange(rows.shape[0], device=rows.device)
    if rows.shape[0] < 2:  # of no rows there may be any number of columns
        return order
    for column in reversed(range(rows.shape[1])):
        keys = dt.index_select(rows[:, column], 0, order)
        order = dt.index_select(order, 0, dt.argsort(keys, stable=True))
    return order


def _answers(*parts: Tensor | None) -> Any:
    wanted = tuple(part for part in parts if part is not None)
    return wanted if len(wanted) > 1 else wanted[0]
