"""Distances and angles between vectors."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import (
    expand,
    in_float,
    promoted,
    promoted_floating,
    refuse_complex,
    root,
    shape_text,
    short,
    wrap_dim,
)

# Beyond so many rows Euclidean distances go by way of a matrix product, unless that is ruled out.
_MANY_ROWS = 25
# Elements of a tensor of differences that are worth having at once.
_MOST_DIFFERENCES = 1 << 20
# The orders whose sums a kernel folds as fast as it reads; others are a power of every difference.
_BY_KERNEL = (0.0, 1.0, 2.0, math.inf)
_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@op(
    "cdist(Tensor x1, Tensor x2, float p=2.0, str? compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor",
)
@in_float
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = _MODES[0]) -> Tensor:
    """The p-norm distances between all pairs of rows of two matrices.

        out[..., i, j] = sum(|x1[..., i, :] - x2[..., j, :]| ** p) ** (1 / p)

    with p = inf the largest difference and p = 0 the number of differences that are not 0. The gradient is 0 where the
    distance is.

    Args:
        x1: shape (..., P, M).
        x2: shape (..., R, M), of the same dtype; the dims in front are broadcast.
        p: the order, not negative.
        compute_mode: Euclidean distances by a matrix product are faster, and lose digits where points are close:
            'use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist', or, by default, with more than 25 rows
            ('use_mm_for_euclid_dist_if_necessary').

    Shape: (..., P, R).

    Raises:
        ValueError: p is negative, a tensor has fewer than two dims, or the rows are not of one size.

    Example:
        >>> dt.cdist(dt.tensor([[0.0, 0.0]]), dt.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    compute_mode = compute_mode or _MODES[0]
    _check_rows(x1, x2)
    if not p >= 0:
        raise ValueError(f"cdist: p must not be negative, got {p}")
    if compute_mode not in _MODES:
        raise ValueError(f"cdist: compute_mode must be one of {', '.join(map(repr, _MODES))}, got {compute_mode!r}")
    many = x1.shape[-2] > _MANY_ROWS or x2.shape[-2] > _MANY_ROWS
    if p == 2 and (compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many)):
        return _by_product(x1, x2)
    if p in _BY_KERNEL:
        return _by_kernel(x1, x2, p)
    # All differences at once, but for memory: of so many rows at a time.
    each = math.prod(dt.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])) * x2.shape[-2] * x1.shape[-1]
    rows = max(1, _MOST_DIFFERENCES // max(each, 1))
    if x1.shape[-2] <= rows:
        return _by_differences(x1, x2, p)
    return dt.cat([_by_differences(part, x2, p) for part in dt.split(x1, rows, -2)], -2)


def _check_rows(x1: Tensor, x2: Tensor) -> None:
    for name, x in (("x1", x1), ("x2", x2)):
        if not x.dtype.is_floating_point:
            raise TypeError(f"cdist: {name} must be floating point, got {short(x.dtype)}")
        if x.ndim < 2:
            raise ValueError(f"cdist: {name} must have at least two dims, got shape {shape_text(x.shape)}")
    if x1.dtype != x2.dtype:
        raise TypeError(f"cdist: both tensors must have the same dtype, got {short(x1.dtype)} and {short(x2.dtype)}")
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(
            f"cdist: rows must be of one size, got shapes {shape_text(x1.shape)} and {shape_text(x2.shape)}"
        )


def _by_differences(x1: Tensor, x2: Tensor, p: float) -> Tensor:
    difference = dt.unsqueeze(x1, -2) - dt.unsqueeze(x2, -3)
    return dt.norm(difference, p, -1) if x1.shape[-1] else dt.sum(difference, -1)


def _by_kernel(x1: Tensor, x2: Tensor, p: float) -> Tensor:
    if x1.ndim == x2.ndim == 2:
        return dt.squeeze(distances(dt.unsqueeze(x1, 0), dt.unsqueeze(x2, 0), p), [0])
    batch = dt.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    count = math.prod(batch)
    first, second = (
        dt.reshape(expand(x, [*batch, *x.shape[-2:]]), [count, *x.shape[-2:]])
        if tuple(x.shape[:-2]) != tuple(batch)
        else dt.reshape(x, [count, *x.shape[-2:]])
        for x in (x1, x2)
    )
    return dt.reshape(distances(first, second, p), [*batch, x1.shape[-2], x2.shape[-2]])


@op("distances(Tensor x1, Tensor x2, float p) -> Tensor", internal=True, kernel=True)
@in_float
def distances(x1: Tensor, x2: Tensor, p: float) -> Tensor:
    """The p-norm distances between the rows of two stacks of matrices, (B, P, M) and (B, R, M).

    Example:
        >>> dt._core.get_op("distances")(dt.zeros(1, 1, 2), dt.tensor([[[3.0, 4.0], [0.0, 1.0]]]), 2.0).tolist()
        [[[5.0, 1.0]]]
    """
    return _by_differences(x1, x2, p)


@op(
    "distances_grad(Tensor grad, Tensor x1, Tensor x2, Tensor distances, float p) -> Tensor",
    internal=True,
    kernel=True,
)
@in_float
def distances_grad(grad: Tensor, x1: Tensor, x2: Tensor, distances: Tensor, p: float) -> Tensor:
    """The gradient of `distances` with respect to the first rows; 0 of a distance of 0.

    Example:
        >>> grad = dt._core.get_op("distances_grad")
        >>> grad(dt.ones(1, 1, 1), dt.zeros(1, 1, 2), dt.tensor([[[3.0, 4.0]]]), dt.full((1, 1, 1), 5.0), 1.0).tolist()
        [[[-1.0, -1.0]]]
    """
    difference = dt.unsqueeze(x1, -2) - dt.unsqueeze(x2, -3)
    return dt.sum(_pull(difference, dt.unsqueeze(grad, -1), dt.unsqueeze(distances, -1), p), [-2])


@op("pdist_of(Tensor input, float p) -> Tensor", internal=True, kernel=True)
@in_float
def pdist_of(input: Tensor, p: float) -> Tensor:
    """The p-norm distances between all rows of a matrix, behind `nn.functional.pdist`.

    Example:
        >>> dt._core.get_op("pdist_of")(dt.tensor([[0.0, 0.0], [3.0, 4.0]]), 2.0).tolist()
        [5.0]
    """
    rows, others = dt.triu_indices(input.shape[0], input.shape[0], 1, device=input.device)
    difference = dt.index_select(input, 0, rows) - dt.index_select(input, 0, others)
    return dt.norm(difference, p, [1]) if input.shape[1] else dt.sum(difference, [1])


@op("pdist_grad(Tensor grad, Tensor input, Tensor distances, float p) -> Tensor", internal=True, kernel=True)
@in_float
def pdist_grad(grad: Tensor, input: Tensor, distances: Tensor, p: float) -> Tensor:
    """The gradient of `pdist_of`; 0 of a distance of 0.

    Example:
        >>> grad = dt._core.get_op("pdist_grad")
        >>> grad(dt.ones(1), dt.tensor([[0.0, 0.0], [3.0, 4.0]]), dt.tensor([5.0]), 1.0).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
    """
    rows, others = dt.triu_indices(input.shape[0], input.shape[0], 1, device=input.device)
    difference = dt.index_select(input, 0, rows) - dt.index_select(input, 0, others)
    pull = _pull(difference, dt.unsqueeze(grad, -1), dt.unsqueeze(distances, -1), p)
    return dt.index_add(dt.index_add(dt.zeros_like(input), 0, rows, pull), 0, others, -pull)


def _pull(difference: Tensor, grad: Tensor, distance: Tensor, p: float) -> Tensor:
    """The gradient of a distance with respect to the differences that it is of."""
    if p == 0:
        return dt.zeros_like(difference) * grad
    if p == 1:
        return dt.sign(difference) * grad
    if math.isinf(p):
        return dt.where(dt.abs(difference) == distance, dt.sign(difference), 0) * grad
    apart = dt.where(distance == 0, 1, distance)
    if p == 2:
        return difference * dt.where(distance == 0, 0, grad / apart)
    same = (difference == 0) | (distance == 0)
    part = dt.where(same, 1, dt.abs(difference)) / apart
    return dt.where(same, 0, dt.sign(difference) * dt.pow(part, p - 1) * grad)


def _by_product(x1: Tensor, x2: Tensor) -> Tensor:
    """|a - b|^2 = |a|^2 - 2 a b + |b|^2, with the norms as further columns of the product."""
    square1, square2 = (dt.sum(x * x, -1, True) for x in (x1, x2))
    left = dt.cat([-2 * x1, square1, dt.ones_like(square1)], -1)
    right = dt.cat([x2, dt.ones_like(square2), square2], -1)
    return root(dt.clamp_min(dt.matmul(left, right.mT), 0))


@op("pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False) -> Tensor")
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm distance between the vectors of two tensors, one by one.

        out = sum(|x1 - x2 + eps| ** p) ** (1 / p), over the last dim

    Args:
        x1, x2: shapes (..., D) that broadcast.
        p: the order.
        eps: keeps the derivative finite where the vectors are equal.
        keepdim: keep the last dim with size 1.

    Example:
        >>> dt.pairwise_distance(dt.tensor([[0.0, 0.0]]), dt.tensor([[3.0, 4.0]])).tolist()
        [5.0]
    """
    x1, x2 = promoted_floating(x1, x2)
    difference = x1 - x2 + eps
    return dt.norm(difference if difference.ndim else dt.unsqueeze(difference, 0), p, -1, keepdim)


@op("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor")
@in_float
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors.

        out = sum(x1 * x2) / (max(|x1|, eps) * max(|x2|, eps)), over dim

    Args:
        x1, x2: floating-point tensors that broadcast.
        dim: along which the vectors lie.
        eps: the least length that is divided by.

    Example:
        >>> dt.cosine_similarity(dt.tensor([[1.0, 0.0]]), dt.tensor([[0.0, 2.0]])).tolist()
        [0.0]
    """
    refuse_complex("cosine_similarity", x1, x2)
    x1, x2 = promoted(x1, x2)
    if not x1.dtype.is_floating_point:
        raise TypeError(f"cosine_similarity: expected floating-point tensors, got {short(x1.dtype)}")
    x1, x2 = dt.broadcast_tensors(x1, x2)
    dim = wrap_dim("cosine_similarity", dim, x1.ndim)
    # Each by its own length first: the product of two squares would overflow sooner.
    unit1, unit2 = (x / dt.clamp_min(dt.norm(x, 2, [dim], True), eps) for x in (x1, x2))
    return dt.sum(unit1 * unit2, [dim])


@op("renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", method=True, inplace=True, out=True)
@in_float
def renorm(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Shorten the slices along a dim whose p-norm is larger than `maxnorm`, so that it becomes that.

        out[i] = self[i] * maxnorm / (|self[i]|_p + 1e-7)   where |self[i]|_p > maxnorm

    Args:
        self: at least two dims, floating point or complex.
        p: the order of the norm, positive.
        dim: the dim whose indices name the slices.
        maxnorm: not negative.

    Example:
        >>> dt.renorm(dt.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0).round(decimals=4).tolist()
        [[0.6, 0.8], [0.3, 0.4]]
    """
    if not (self.dtype.is_floating_point or self.dtype.is_complex):
        raise TypeError(f"renorm: expected a floating-point or complex tensor, got {short(self.dtype)}")
    if isinstance(p, complex) or not p > 0:
        raise ValueError(f"renorm: p must be positive, got {p}")
    if isinstance(maxnorm, complex) or not maxnorm >= 0:
        raise ValueError(f"renorm: maxnorm must not be negative, got {maxnorm}")
    if self.ndim < 2:
        raise ValueError(f"renorm: expected at least two dims, got shape {shape_text(self.shape)}")
    dim = wrap_dim("renorm", dim, self.ndim)
    if self.numel() == 0:
        return dt.clone(self)
    norm = dt.norm(self, p, [d for d in range(self.ndim) if d != dim], True)
    if math.isinf(maxnorm):
        return dt.clone(self)
    return self * dt.where(norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)
