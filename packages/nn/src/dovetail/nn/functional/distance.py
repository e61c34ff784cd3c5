"""Lengths of vectors and distances between them."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail.ops import get_op, op

from ._common import of_floats, of_floats_and_complex, shape_text

cosine_similarity = get_op("cosine_similarity")
pairwise_distance = get_op("pairwise_distance")
pdist_of = get_op("pdist_of")
BY_KERNEL = (0.0, 1.0, 2.0, math.inf)


@op("normalize(Tensor input, float p=2.0, int dim=1, float eps=1e-12) -> Tensor", out=True)
@of_floats_and_complex
def normalize(input: dt.Tensor, p: float, dim: int, eps: float) -> dt.Tensor:
    """Vectors of length 1: ``x / max(‖x‖_p, eps)`` along ``dim``.

    Args:
        p: the order of the norm.
        dim: along which the vectors lie.
        eps: the least length that is divided by.

    Example:
        >>> dt.normalize(dt.tensor([[3.0, 4.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """
    return input / dt.norm(input, p, dim, keepdim=True).clamp(min=eps)


@op("pdist(Tensor input, float p=2.0) -> Tensor")
@of_floats
def pdist(input: dt.Tensor, p: float) -> dt.Tensor:
    """The distances between all rows of a matrix: the part above the diagonal of ``cdist(x, x, p)``, row by row.

        out[k] = ‖x_i - x_j‖_p   for i < j

    Shape:
        input ``(N, D)``, output ``(N·(N - 1) / 2,)``.

    Example:
        >>> dt.pdist(dt.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).tolist()
        [5.0, 1.0, 4.242640972137451]
    """
    if input.ndim != 2:
        raise ValueError(f"pdist: expected a matrix (N, D), got shape {shape_text(input)}")
    if not p >= 0:
        raise ValueError(f"pdist: p must not be negative, got {p}")
    if p in BY_KERNEL:
        return pdist_of(input, p)
    rows, others = dt.triu_indices(input.shape[0], input.shape[0], 1, device=input.device)
    return dt.norm(input.index_select(0, rows) - input.index_select(0, others), p, [1])
