"""Indexing functions."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, get_op

__all__ = ["take", "take_along_axis"]

_take_along_dim = get_op("take_along_dim")


def as_indices(indices: Tensor) -> Tensor:
    """Integers in the dtype of indices. A tensor would take uint8 for a mask."""
    if indices.dtype is _core.uint64 and indices.numel() and (most := indices.max().item()) >= 2**63:
        raise IndexError(f"index: {most} is larger than any size of a dim")
    return indices if indices.dtype is _core.int64 else indices.to(_core.int64)


@checks.in_own_name
def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The slices at given places along an axis.

    Args:
        x: a tensor.
        indices: integers; negative ones count from the end.
        axis: along which; may be left out where `x` has one.

    Example:
        >>> take(dt.tensor([[1, 2], [3, 4]]), dt.tensor([1, 1]), axis=1).tolist()
        [[2, 2], [4, 4]]
    """
    checks.tensors("take", x=x, indices=indices)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: axis is missing; x has {x.ndim} dims")
        axis = 0
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"take: axis {axis} is out of range for {x.ndim} dims")
    return x[(slice(None),) * (axis % x.ndim) + (as_indices(indices),)]


@checks.in_own_name
def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """The elements at given places along an axis, each of the other places with its own.

    Args:
        x: a tensor.
        indices: integers, of as many dims as `x`, broadcast with it along the others.
        axis: along which.

    Example:
        >>> take_along_axis(dt.tensor([[1, 2], [3, 4]]), dt.tensor([[1], [0]]), axis=1).tolist()
        [[2], [3]]
    """
    checks.tensors("take_along_axis", x=x, indices=indices)
    if indices.ndim != x.ndim:
        raise ValueError(f"take_along_axis: x has {x.ndim} dims, indices has {indices.ndim}")
    return _take_along_dim(x, as_indices(indices), axis)
