"""Quantiles: values below which a share of the elements lies."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor, checks
from dovetail.ops import op
from dovetail.ops._common import shape_text, short, widened

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")
EXACT = 1 << 24  # ranks up to here are exact in float32


@op(
    "quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",
    method=True,
    out=True,
)
def quantile(
    self: Tensor, q: Tensor, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which the share q of the elements lies.

    With n elements in order, s, it stands at rank = q (n - 1); between two of them

        out = s[floor(rank)] + (rank - floor(rank)) * (s[ceil(rank)] - s[floor(rank)])

    Args:
        self: floating point, not empty.
        q: a number from 0 to 1, or a vector of them of self's dtype.
        dim: along which; of all elements by default.
        keepdim: keep `dim` with size 1.
        interpolation: "linear", as above; "lower" or "higher", one of the neighbours; "nearest" (of two as near,
            that with the even rank); "midpoint", the mean of both.

    Shape: self's without `dim`; for a vector q its length comes first. A NaN makes the result NaN.

    Raises:
        TypeError: self is not floating point, or q has another dtype.
        ValueError: self is empty, or a q is outside of [0, 1].

    Example:
        >>> dt.quantile(dt.tensor([4.0, 1.0, 3.0, 2.0]), 0.5).item()
        2.5
        >>> dt.quantile(dt.tensor([[0.0, 1.0], [2.0, 5.0]]), dt.tensor([0.0, 0.75]), dim=1).tolist()
        [[0.0, 2.0], [0.75, 4.25]]
    """
    return _quantile("quantile", self, q, dim, keepdim, interpolation)


@op(
    "nanquantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",
    method=True,
    out=True,
)
def nanquantile(
    self: Tensor, q: Tensor, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which the share q of the elements lies, NaN left out: see `dt.quantile`.

    Where there is nothing but NaN the result is NaN.

    Example:
        >>> dt.nanquantile(dt.tensor([4.0, dt.nan, 3.0, 2.0]), 0.5).item()
        3.0
    """
    return _quantile("nanquantile", self, q, dim, keepdim, interpolation)


def _quantile(name: str, self: Tensor, q: Tensor, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    _check(name, self, q, interpolation)
    x = widened(self)
    lines = dt.movedim(x, dim, -1) if dim is not None else x  # checks dim
    x = dt.reshape(x, [-1]) if dim is None or x.ndim == 0 else lines
    if x.numel() == 0:
        raise ValueError(f"{name}: expected at least one element along every dim, got shape {shape_text(self.shape)}")
    s = dt.sort(x, -1)[0]  # NaN comes last
    exact = x.dtype if x.shape[-1] <= EXACT else dt.float64
    shares = dt.reshape(q.to(x.device, exact) if dt._core._is_wrapped_number(q) else q.to(exact), [-1])
    rank = _ranks(x, shares, name == "nanquantile")
    result = _at(s, rank, interpolation)
    result = dt.movedim(result, -1, 0) if q.ndim else dt.squeeze(result, -1)
    if keepdim:
        kept = [1 if dim is None or i == dim % self.ndim else size for i, size in enumerate(self.shape)]
        result = dt.reshape(result, [*q.shape, *kept])
    return result.to(self.dtype)


def _check(name: str, x: Tensor, q: Tensor, interpolation: str) -> None:
    if not x.dtype.is_floating_point:
        raise TypeError(f"{name}: expected a floating-point tensor, got {short(x.dtype)}; convert with .float()")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    if q.ndim > 1:
        raise ValueError(f"{name}: q must be a number or a vector, got shape {shape_text(q.shape)}")
    if not dt._core._is_wrapped_number(q) and q.dtype != x.dtype:
        raise TypeError(f"{name}: q must have the input's dtype {short(x.dtype)}, got {short(q.dtype)}")
    if q.dtype.is_complex or not dt.all((q >= 0) & (q <= 1)).item():
        raise ValueError(f"{name}: q must be from 0 to 1, got {checks.shown(q.tolist())}")


def _ranks(x: Tensor, shares: Tensor, leave_nan_out: bool) -> Tensor:
    """Where the quantiles stand among the sorted elements of each line: shape (*lines, shares)."""
    nan = dt.isnan(x)
    last = x.shape[-1] - 1
    if leave_nan_out:
        count = dt.sum(dt.logical_not(nan), -1, True).to(shares.dtype)
        return shares * dt.clamp_min(count - 1, 0)  # of nothing but NaN it is the first
    return dt.where(dt.any(nan, -1, True), float(last), shares * last)


def _at(s: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """The elements of sorted lines at ranks that may lie between two of them."""
    if interpolation == "nearest":
        return dt.gather(s, -1, dt.round(rank).to(dt.int64))
    low, high = dt.floor(rank), dt.ceil(rank)
    if interpolation in ("lower", "higher"):
        return dt.gather(s, -1, (low if interpolation == "lower" else high).to(dt.int64))
    below, above = dt.gather(s, -1, low.to(dt.int64)), dt.gather(s, -1, high.to(dt.int64))
    weight = (rank - low).to(s.dtype) if interpolation == "linear" else dt.full_like(below, 0.5)
    # Between two infinities is infinity, not their difference, NaN.
    infinite = dt.isinf(below) & (below == above)
    return dt.where(infinite, below, dt.lerp(below, dt.where(infinite, 0, above), weight))
