"""Joining tensors: stacking and what is made of concatenation."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import shape_text, wrap_dim


@op("stack(Tensor[] tensors, int dim=0) -> Tensor", out=True)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Join tensors of one shape along a new dim.

    Args:
        tensors: at least one.
        dim: where the new dim stands in the result.

    Example:
        >>> dt.stack([dt.tensor([1, 2]), dt.tensor([3, 4])]).tolist()
        [[1, 2], [3, 4]]
    """
    _some("stack", tensors)
    shape = tensors[0].shape
    for i, tensor in enumerate(tensors):
        if tensor.shape != shape:
            raise ValueError(
                f"stack: all tensors must have one shape, got {shape_text(shape)} at position 0 and "
                f"{shape_text(tensor.shape)} at position {i}"
            )
    dim = wrap_dim("stack", dim, len(shape) + 1)
    return dt.cat([dt.unsqueeze(tensor, dim) for tensor in tensors], dim)


@op("hstack(Tensor[] tensors) -> Tensor", out=True)
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors side by side: along the second dim, vectors along their only one.

    Example:
        >>> dt.hstack([dt.tensor([1, 2]), dt.tensor([3])]).tolist()
        [1, 2, 3]
    """
    _some("hstack", tensors)
    parts = [dt.atleast_1d(tensor) for tensor in tensors]
    return dt.cat(parts, 0 if parts[0].ndim == 1 else 1)


@op("vstack(Tensor[] tensors) -> Tensor", out=True, alias=("row_stack",))
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors below each other: along the first dim, vectors as rows.

    Example:
        >>> dt.vstack([dt.tensor([1, 2]), dt.tensor([3, 4])]).tolist()
        [[1, 2], [3, 4]]
    """
    _some("vstack", tensors)
    return dt.cat([dt.atleast_2d(tensor) for tensor in tensors], 0)


@op("dstack(Tensor[] tensors) -> Tensor", out=True)
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors behind each other, along the third dim.

    Example:
        >>> dt.dstack([dt.tensor([1, 2]), dt.tensor([3, 4])]).tolist()
        [[[1, 3], [2, 4]]]
    """
    _some("dstack", tensors)
    return dt.cat([dt.atleast_3d(tensor) for tensor in tensors], 2)


@op("column_stack(Tensor[] tensors) -> Tensor", out=True)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors as columns: vectors and numbers become columns first.

    Example:
        >>> dt.column_stack([dt.tensor([1, 2]), dt.tensor([3, 4])]).tolist()
        [[1, 3], [2, 4]]
    """
    _some("column_stack", tensors)
    return dt.cat([dt.reshape(tensor, [-1, 1]) if tensor.ndim < 2 else tensor for tensor in tensors], 1)


@op("block_diag(Tensor[] tensors) -> Tensor")
def block_diag(tensors: Sequence[Tensor]) -> Tensor:
    """A matrix with the given ones along its diagonal, zeros elsewhere; vectors count as rows.

    Example:
        >>> dt.block_diag(dt.tensor([[1]]), dt.tensor([[2, 3]])).tolist()
        [[1, 0, 0], [0, 2, 3]]
    """
    _some("block_diag", tensors)
    blocks = [dt.atleast_2d(tensor) for tensor in tensors]
    for i, block in enumerate(blocks):
        if block.ndim > 2:
            raise ValueError(f"block_diag: every tensor must have at most two dims, number {i} has {block.ndim}")
    width, at, rows = sum(block.shape[1] for block in blocks), 0, []
    for block in blocks:
        rows.append(dt.constant_pad_nd(block, [at, width - at - block.shape[1]]))
        at += block.shape[1]
    return dt.cat(rows, 0)


@op("cartesian_prod(Tensor[] tensors) -> Tensor")
def cartesian_prod(tensors: Sequence[Tensor]) -> Tensor:
    """All ways of taking one element of each vector, as rows; a single vector as it is.

    Example:
        >>> dt.cartesian_prod(dt.tensor([1, 2]), dt.tensor([3, 4])).tolist()
        [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    _some("cartesian_prod", tensors)
    for i, tensor in enumerate(tensors):
        if tensor.ndim != 1:
            raise ValueError(f"cartesian_prod: expected vectors, number {i} has {tensor.ndim} dims")
    if len(tensors) == 1:
        return tensors[0]
    return dt.stack([dt.reshape(grid, [-1]) for grid in dt.meshgrid(*tensors, indexing="ij")], 1)


def _some(name: str, tensors: Sequence[Tensor]) -> None:
    if not tensors:
        raise ValueError(f"{name}: expected at least one tensor, got an empty list")
