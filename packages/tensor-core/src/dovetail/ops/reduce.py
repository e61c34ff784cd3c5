"""Reductions written in terms of the primitive ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import in_float, promoted_floating, require_floating, root, short, widened, wrap_dim

_select_rank = get_op("select_rank")
_sum_of_numbers, _sum_of_squares = get_op("sum_of_numbers"), get_op("sum_of_squares")


@op("std(Tensor self, int[]? dim=None, *, Scalar? correction=1, bool keepdim=False) -> Tensor", method=True, out=True)
@in_float
def std(
    self: Tensor, dim: Sequence[int] | None = None, *, correction: float | None = 1, keepdim: bool = False
) -> Tensor:
    """The standard deviation over the given dims, or over all.

        out = sqrt(sum((x - mean(x)) ** 2) / max(0, N - correction))

    Args:
        dim: the dims to reduce; all by default.
        correction: 1 estimates without bias from a sample; 0 is the population's.
        keepdim: keep the reduced dims with size 1.

    Its gradient is 0 where the deviation is.

    Example:
        >>> dt.std(dt.tensor([1.0, 2.0, 3.0])).item()
        1.0
    """
    return root(dt.var(self, dim, correction=correction, keepdim=keepdim))


@op("var_mean(Tensor self, int[]? dim=None, *, Scalar? correction=1, bool keepdim=False) -> (Tensor var, Tensor mean)")
def var_mean(
    self: Tensor, dim: Sequence[int] | None = None, *, correction: float | None = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over the given dims, or over all. See `dt.var`.

    Example:
        >>> variance, mean = dt.var_mean(dt.tensor([1.0, 2.0, 3.0]))
        >>> variance.item(), mean.item()
        (1.0, 2.0)
    """
    return dt.var(self, dim, correction=correction, keepdim=keepdim), dt.mean(self, dim, keepdim)


@op("std_mean(Tensor self, int[]? dim=None, *, Scalar? correction=1, bool keepdim=False) -> (Tensor std, Tensor mean)")
def std_mean(
    self: Tensor, dim: Sequence[int] | None = None, *, correction: float | None = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over the given dims, or over all. See `dt.std`.

    Example:
        >>> deviation, mean = dt.std_mean(dt.tensor([1.0, 2.0, 3.0]))
        >>> deviation.item(), mean.item()
        (1.0, 2.0)
    """
    return dt.std(self, dim, correction=correction, keepdim=keepdim), dt.mean(self, dim, keepdim)


@op("logsumexp(Tensor self, int[] dim, bool keepdim=False) -> Tensor", method=True, out=True)
@in_float
def logsumexp(self: Tensor, dim: Sequence[int], keepdim: bool = False) -> Tensor:
    """The logarithm of the sum of exponentials over the given dims, without overflow.

        out = log(sum(exp(self)))

    Integers give floats; the sum of nothing gives -inf.

    Example:
        >>> dt.logsumexp(dt.tensor([1000.0, 1000.0]), 0).item()
        1000.693
    """
    (x,) = promoted_floating(self)
    if x.numel() == 0:
        return dt.log(dt.sum(dt.exp(x), dim, keepdim))
    # The shift cancels, so no gradient flows through it; an infinite one would give inf - inf.
    shift = dt.amax(dt.real(x.detach()) if x.dtype.is_complex else x.detach(), dim, keepdim=True)
    shift = shift.masked_fill(dt.isinf(shift), 0)
    out = dt.log(dt.sum(dt.exp(x - shift), dim, keepdim=True)) + shift
    return out if keepdim else dt.squeeze(out, dim if dim else None)


@op(
    "norm(Tensor self, Scalar p=2, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    out=True,
)
def norm(
    self: Tensor,
    p: float = 2,
    dim: Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
) -> Tensor:
    """The vector p-norm over the given dims, or over all.

        out = sum(|x| ** p) ** (1 / p)

    with p = inf the largest magnitude, p = -inf the smallest, and p = 0 the number of elements that are not 0. Its
    gradient is 0 where the norm is.

    Args:
        p: the order, a number.
        dim: the dims to reduce; all by default.
        keepdim: keep the reduced dims with size 1.
        dtype: what to cast to before.

    Example:
        >>> dt.norm(dt.tensor([3.0, 4.0])).item()
        5.0
    """
    require_floating("norm", self)
    x = self if dtype is None else self.to(dtype)
    if widened(x) is not x:
        return dt.norm(widened(x), p, dim, keepdim).to(x.dtype)
    if x.dtype.is_complex:
        x = dt.abs(x)
    if p == 0:
        return dt.sum((x != 0).to(x.dtype), dim, keepdim)
    if p == 2:
        return root(_sum_of_squares(x, dim, keepdim))
    magnitude = dt.abs(x)
    if p == 1:
        return dt.sum(magnitude, dim, keepdim)
    if p == math.inf:
        return dt.amax(magnitude, dim, keepdim)
    if p == -math.inf:
        return dt.amin(magnitude, dim, keepdim)
    if 0 < p < 1:  # steep at 0, where the derivative is to be 0 as that of the others is
        flat = magnitude == 0
        powers = dt.where(flat, 0, dt.pow(dt.where(flat, 1, magnitude), p))
    else:
        powers = dt.pow(magnitude, p)
    total = dt.sum(powers, dim, keepdim)
    zero = total == 0
    return dt.where(zero, total, dt.pow(dt.where(zero, 1, total), 1 / p)) if p > 0 else dt.pow(total, 1 / p)


@op("dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", method=True)
def dist(self: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of the difference of two tensors.

    Example:
        >>> dt.dist(dt.tensor([0.0, 0.0]), dt.tensor([3.0, 4.0])).item()
        5.0
    """
    return dt.norm(self - other, p)


@op("count_nonzero(Tensor self, int[]? dim=None) -> Tensor", method=True, non_differentiable=True)
def count_nonzero(self: Tensor, dim: Sequence[int] | None = None) -> Tensor:
    """How many elements are not zero, over the given dims or over all.

    Example:
        >>> dt.count_nonzero(dt.tensor([0, 3, 0, 5])).item()
        2
    """
    return dt.sum(self != 0, dim)


@op("nansum(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor", method=True, out=True)
def nansum(
    self: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None
) -> Tensor:
    """The sum with NaN counted as zero, over the given dims or over all.

    Example:
        >>> dt.nansum(dt.tensor([1.0, dt.nan, 2.0])).item()
        3.0
    """
    return _sum_of_numbers(self, dim, keepdim, dtype=dtype)


@op("nanmean(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor", method=True, out=True)
def nanmean(
    self: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False, *, dtype: dt.dtype | None = None
) -> Tensor:
    """The mean of the elements that are not NaN, over the given dims or over all.

    NaN where there are none.

    Example:
        >>> dt.nanmean(dt.tensor([1.0, dt.nan, 3.0])).item()
        2.0
    """
    require_floating("nanmean", self)
    count = dt.sum(dt.logical_not(dt.isnan(self)), dim, keepdim)
    return dt.nansum(self, dim, keepdim, dtype=dtype) / count


@op("aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", method=True, out=True)
def aminmax(self: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element, over one dim or over all.

    Example:
        >>> low, high = dt.aminmax(dt.tensor([3, 1, 2]))
        >>> low.item(), high.item()
        (1, 3)
    """
    dims = None if dim is None else [dim]
    return dt.amin(self, dims, keepdim), dt.amax(self, dims, keepdim)


@op("max_dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", out=True)
def max_dim(self: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The largest element along a dim, and where it is: what `dt.max(x, dim)` calls.

    NaN wins; of equal elements the first is taken, and alone gets the gradient.

    Example:
        >>> values, indices = dt.max(dt.tensor([[1, 5], [7, 2]]), 1)
        >>> values.tolist(), indices.tolist()
        ([5, 7], [1, 0])
    """
    dim = _nonempty("max", self, dim)
    return _pick(self, dim, dt.argmax(_ordered(self), dim, keepdim=True), keepdim)


@op("min_dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", out=True)
def min_dim(self: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest element along a dim, and where it is: what `dt.min(x, dim)` calls.

    NaN wins; of equal elements the first is taken, and alone gets the gradient.

    Example:
        >>> values, indices = dt.min(dt.tensor([[1, 5], [7, 2]]), 1)
        >>> values.tolist(), indices.tolist()
        ([1, 2], [0, 1])
    """
    dim = _nonempty("min", self, dim)
    return _pick(self, dim, dt.argmin(_ordered(self), dim, keepdim=True), keepdim)


def _ordered(x: Tensor) -> Tensor:
    """What argmax and argmin take: of bool, False comes before True."""
    return x.to(dt.uint8) if x.dtype == dt.bool else x


def _nonempty(name: str, x: Tensor, dim: int) -> int:
    dim = wrap_dim(name, dim, x.ndim)
    if x.ndim and x.shape[dim] == 0:
        raise IndexError(f"{name}: dim {dim} has size 0, and nothing is the {name} of nothing")
    return dim


def _pick(x: Tensor, dim: int, indices: Tensor, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The elements that `indices` (with the dim kept) names."""
    values = dt.gather(x, dim, indices)
    if keepdim or x.ndim == 0:
        return values, indices
    return dt.squeeze(values, [dim]), dt.squeeze(indices, [dim])


@op("median(Tensor self) -> Tensor")
def median(self: Tensor) -> Tensor:
    """The median of all elements: of an even number of them the lower of the middle two.

    NaN if there is one, or if there are no elements. `dt.median(x, dim)` gives values and indices along a dim.

    Example:
        >>> dt.median(dt.tensor([3.0, 1.0, 2.0, 4.0])).item()
        2.0
    """
    if self.numel() == 0:
        empty = math.nan if self.dtype.is_floating_point else _lowest(self)
        return dt.full([], empty, dtype=self.dtype, device=self.device)
    return dt.reshape(_select_rank(dt.reshape(self, [-1]), 0, "median")[0], [])


@op("median_dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)")
def median_dim(self: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The median along a dim, and where it is: what `dt.median(x, dim)` calls.

    Example:
        >>> values, indices = dt.median(dt.tensor([[3.0, 1.0, 2.0]]), 1)
        >>> values.tolist(), indices.tolist()
        ([2.0], [2])
    """
    dim = _nonempty("median", self, dim)
    if self.ndim == 0:
        return dt.clone(self), dt.zeros_like(self, dtype=dt.int64)
    return _middle(self, dim, "median", keepdim)


@op("nanmedian(Tensor self) -> Tensor")
def nanmedian(self: Tensor) -> Tensor:
    """The median of the elements that are not NaN: of an even number the lower of the middle two.

    Example:
        >>> dt.nanmedian(dt.tensor([3.0, dt.nan, 1.0])).item()
        1.0
    """
    if self.numel() == 0:
        return dt.median(self)
    return dt.nanmedian_dim(dt.reshape(self, [-1]), 0)[0]


@op("nanmedian_dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)")
def nanmedian_dim(self: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The median along a dim with NaN left out, and where it is: what `dt.nanmedian(x, dim)` calls.

    Example:
        >>> dt.nanmedian(dt.tensor([[3.0, dt.nan, 1.0]]), 1).values.tolist()
        [1.0]
    """
    if not self.dtype.is_floating_point or self.ndim == 0:
        return dt.median_dim(self, dim, keepdim)
    dim = _nonempty("nanmedian", self, dim)
    return _middle(self, dim, "nanmedian", keepdim)


def _middle(x: Tensor, dim: int, of: str, keepdim: bool) -> tuple[Tensor, Tensor]:
    values, indices = _select_rank(x, dim, of)
    return (values, indices) if keepdim else (dt.squeeze(values, [dim]), dt.squeeze(indices, [dim]))


def _at_rank(values: Tensor, indices: Tensor, dim: int, rank: Tensor, keepdim: bool) -> tuple[Tensor, Tensor]:
    values, indices = dt.gather(values, dim, rank), dt.gather(indices, dim, rank)
    return (values, indices) if keepdim else (dt.squeeze(values, [dim]), dt.squeeze(indices, [dim]))


def _lowest(x: Tensor) -> int:
    if x.dtype == dt.bool or x.dtype.is_complex:
        raise TypeError(f"median: has no meaning for {short(x.dtype)}")
    return dt.iinfo(x.dtype).min


@op("mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", method=True, out=True)
def mode(self: Tensor, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The most frequent value along a dim, and where its last one is; of equally frequent ones the smallest.

    Example:
        >>> values, indices = dt.mode(dt.tensor([3, 1, 3, 2]))
        >>> values.item(), indices.item()
        (3, 2)
    """
    dim = _nonempty("mode", self, dim)
    if self.ndim == 0:
        return dt.clone(self), dt.zeros_like(self, dtype=dt.int64)
    values, indices = dt.sort(self, dim, stable=True)
    # In sorted order equal values stand together: an element's run length so far is its distance from the run's start.
    n = self.shape[dim]
    shape = [1] * self.ndim
    shape[dim] = n
    position = dt.reshape(dt.arange(n, device=self.device), shape)
    previous = dt.narrow(values, dim, 0, n - 1)
    starts = dt.narrow(values, dim, 1, n - 1) != previous
    start = dt.cat(
        [
            dt.zeros_like(dt.narrow(values, dim, 0, 1), dtype=dt.int64),
            dt.where(starts, dt.narrow(position, dim, 1, n - 1), 0),
        ],
        dim,
    )
    length = position - dt.cummax(start, dim)[0]
    return _at_rank(values, indices, dim, dt.argmax(length, dim, keepdim=True), keepdim)


@op("trace(Tensor self) -> Tensor", method=True)
def trace(self: Tensor) -> Tensor:
    """The sum of a matrix's diagonal.

    Example:
        >>> dt.trace(dt.tensor([[1, 2], [3, 4]])).item()
        5
    """
    if self.ndim != 2:
        raise ValueError(f"trace: expected a matrix, got {self.ndim} dims")
    return dt.sum(dt.diagonal(self))
