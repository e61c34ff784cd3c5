"""Covariances, and counts of values by interval."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor, checks
from dovetail.ops import op
from dovetail.ops._common import promoted_floating, shape_text, short, widened

# ---- covariance ----


@op(
    "cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor",
    method=True,
)
def cov(self: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """The covariance matrix of variables.

        out[i, j] = sum_k w_k (x_ik - mean_i) conj(x_jk - mean_j) / (sum w - correction)

    with weighted means; with `aweights` a and w = f * a the correction counts as correction * sum(w a) / sum(w).

    Args:
        self: shape (variables, observations), or (observations,) of one variable; not bool.
        correction: what is taken from the number of observations.
        fweights: how often each observation counts: integers, shape (observations,).
        aweights: how much each counts: floating point, shape (observations,).

    Shape: (variables, variables), or () for one variable. Integers give floats.

    Raises:
        ValueError: the weights are negative, sum to zero, or are not one for each observation.

    Example:
        >>> dt.cov(dt.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    _check_variables("cov", self)
    (x,) = promoted_floating(self)
    x = widened(x)
    if x.ndim < 2:
        x = dt.reshape(x, [1, -1])
    weights = _weights(x, fweights, aweights)
    if weights is None:
        weights = dt.ones([x.shape[1]], dtype=_real_of(x.dtype), device=x.device)
    total = dt.sum(weights)
    # Of weights of importance it counts how far they are from being all alike.
    alike = 1 if aweights is None else dt.sum(weights * aweights.to(total.dtype)) / total
    centred = x - dt.sum(x * weights, 1, True) / total
    product = dt.matmul(centred * weights, dt.conj(centred).mT)
    norm = dt.clamp_min(total - correction * alike, 0)
    result = dt.squeeze(product / norm)
    return result.to(self.dtype) if self.dtype in (dt.float16, dt.bfloat16) else result


def _check_variables(name: str, x: Tensor) -> None:
    if x.dtype == dt.bool:
        raise TypeError(f"{name}: not defined for dtype bool; convert with .float()")
    if x.ndim > 2:
        raise ValueError(f"{name}: expected at most two dims, got shape {shape_text(x.shape)}")


def _real_of(dtype: dt.dtype) -> dt.dtype:
    """The dtype of a complex number's parts; any other is its own."""
    return {dt.complex64: dt.float32, dt.complex128: dt.float64}.get(dtype, dtype)


def _weights(x: Tensor, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """The weights of both kinds multiplied, in the dtype of x's parts."""
    given = [(name, w) for name, w in (("fweights", fweights), ("aweights", aweights)) if w is not None]
    if not given:
        return None
    for name, w in given:
        whole = not (w.dtype.is_floating_point or w.dtype.is_complex or w.dtype == dt.bool)
        if whole != (name == "fweights") or w.dtype.is_complex or w.dtype == dt.bool:
            wanted = "integers" if name == "fweights" else "floating point"
            raise TypeError(f"cov: {name} must be {wanted}, got {short(w.dtype)}")
        if w.ndim > 1 or w.numel() != x.shape[1]:
            raise ValueError(
                f"cov: {name} must have one number for each of {x.shape[1]} observations, got shape "
                f"{shape_text(w.shape)}"
            )
        if dt.any(w < 0).item():
            raise ValueError(f"cov: {name} must not be negative")
    real = _real_of(x.dtype)
    weights = given[0][1].to(real).reshape([-1])
    for _, w in given[1:]:
        weights = weights * w.to(real)
    if x.shape[1] and not dt.any(weights != 0).item():
        raise ValueError("cov: the weights sum to zero")
    return weights


@op("corrcoef(Tensor self) -> Tensor", method=True)
def corrcoef(self: Tensor) -> Tensor:
    """The correlation coefficients of variables.

        out[i, j] = cov[i, j] / sqrt(cov[i, i] * cov[j, j])

    Args:
        self: shape (variables, observations), or (observations,) of one variable; not bool.

    Shape: (variables, variables), or () for one variable. Integers give floats; parts are kept within [-1, 1].

    Example:
        >>> dt.corrcoef(dt.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    _check_variables("corrcoef", self)
    sixteen = self.dtype in (dt.float16, dt.bfloat16)
    c = dt.cov(widened(self))
    if c.ndim == 0:  # NaN stays NaN
        return (c / c).to(self.dtype) if sixteen else c / c
    deviation = dt.sqrt(dt.real(dt.diagonal(c)))
    c = c / dt.unsqueeze(deviation, 1) / dt.unsqueeze(deviation, 0)
    if c.dtype.is_complex:
        return dt.complex(dt.clamp(c.real, -1, 1), dt.clamp(c.imag, -1, 1))
    c = dt.clamp(c, -1, 1)
    return c.to(self.dtype) if sixteen else c


# ---- histograms ----


@op(
    "histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
    method=True,
    out=True,
    non_differentiable=True,
)
def histc(self: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in equal intervals.

    Interval i reaches from min + i * (max - min) / bins up to, and without, the next; the last holds `max` too. What is
    outside, and NaN, is not counted.

    Args:
        self: floating point, any shape.
        bins: how many intervals.
        min, max: the ends; where both are equal, the least and the largest element, or, if these are equal too, 1 to
            either side.

    Raises:
        ValueError: `bins` is not positive, `min` is above `max`, or an end is not finite.

    Example:
        >>> dt.histc(dt.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3).tolist()
        [0.0, 2.0, 1.0, 0.0]
    """
    _check_histogram("histc", self, None)
    if bins <= 0:
        raise ValueError(f"histc: bins must be positive, got {bins}")
    if isinstance(min, complex) or isinstance(max, complex):
        raise TypeError(f"histc: min and max must be real numbers, got {checks.shown(min)} and {checks.shown(max)}")
    if min > max:
        raise ValueError(f"histc: min must not be above max, got {min} and {max}")
    flat = widened(dt.reshape(self, [-1]))
    low, high = float(min), float(max)
    if low == high and flat.numel():
        low, high = dt.amin(flat).item(), dt.amax(flat).item()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"histc: the range from {low} to {high} is not finite")
    if low == high:
        low, high = low - 1, high + 1
    inside = (flat >= low) & (flat <= high)
    place = dt.where(inside, (flat - low) * bins / (high - low), 0.0).to(dt.int64)
    place = dt.clamp_max(place, bins - 1)
    counts = dt.zeros([bins], dtype=dt.int64, device=self.device)
    return dt.index_add(counts, 0, place, inside.to(dt.int64)).to(self.dtype)


def _check_histogram(name: str, x: Tensor, weight: Tensor | None) -> None:
    if not x.dtype.is_floating_point:
        raise TypeError(f"{name}: expected a floating-point tensor, got {short(x.dtype)}; convert with .float()")
    if weight is not None and weight.dtype != x.dtype:
        raise TypeError(f"{name}: weight must have the input's dtype {short(x.dtype)}, got {short(weight.dtype)}")


@op(
    "histogram_counts(Tensor self, Tensor[] edges, *, Tensor? weight=None, bool density=False) -> Tensor",
    internal=True,
)
def histogram_counts(
    self: Tensor, edges: list[Tensor], *, weight: Tensor | None = None, density: bool = False
) -> Tensor:
    """Count points in the cells of a grid: what `dt.histogram` and `dt.histogramdd` give for their edges.

    Interval i of a dim reaches from edge i up to, and without, edge i + 1; the last holds its upper edge too. What is
    outside, and NaN, is not counted.

    Args:
        self: points, shape (n, dims), floating point.
        edges: the ascending edges of every dim, of self's dtype.
        weight: what each point counts as, shape (n,); 1 by default.
        density: divide by the sum of the counts and the cells' sizes, so that the integral over the grid is 1.

    Example:
        >>> counts = dt._core.get_op("histogram_counts")
        >>> counts(dt.tensor([[0.5], [1.0], [2.0]]), [dt.tensor([0.0, 1.0, 2.0])]).tolist()
        [1.0, 2.0]
    """
    if self.ndim != 2 or self.shape[1] != len(edges) or not edges:
        raise ValueError(
            f"histogram_counts: expected points of shape (n, {len(edges)}), one column for each of the edges, got "
            f"{shape_text(self.shape)}"
        )
    _check_histogram("histogram_counts", self, weight)
    if weight is not None and weight.shape != self.shape[:1]:
        raise ValueError(
            f"histogram_counts: weight must have shape {shape_text(self.shape[:1])}, got {shape_text(weight.shape)}"
        )
    sizes = []
    for each in edges:
        if each.ndim != 1 or each.shape[0] < 2 or each.dtype != self.dtype:
            raise ValueError(
                "histogram_counts: edges must be vectors of two or more numbers of the input's dtype, got shape "
                f"{shape_text(each.shape)} and {short(each.dtype)}"
            )
        sizes.append(each.shape[0] - 1)
    cell, inside = _cells(self, edges)
    amounts = dt.ones_like(self[:, 0]) if weight is None else weight
    amounts = widened(dt.where(inside, amounts, 0))
    total = dt.index_add(dt.zeros([math.prod(sizes)], dtype=amounts.dtype, device=self.device), 0, cell, amounts)
    counts = dt.reshape(total, sizes)
    if density:
        counts = counts / dt.sum(counts)
        for dim, each in enumerate(edges):
            counts = counts / dt.reshape(widened(dt.diff(each)), [-1] + [1] * (len(edges) - dim - 1))
    return counts.to(self.dtype)


def _cells(points: Tensor, edges: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The number of the cell that each point is in, and whether it is in any."""
    cell = dt.zeros_like(points[:, 0], dtype=dt.int64)
    inside = dt.ones_like(cell, dtype=dt.bool)
    for dim, each in enumerate(edges):
        x = points[:, dim].contiguous()
        inside = inside & (x >= each[0]) & (x <= each[-1])
        last = each.shape[0] - 2
        place = dt.clamp(dt.searchsorted(each.contiguous(), x, right=True) - 1, 0, last)
        cell = cell * (last + 1) + place
    return dt.where(inside, cell, 0), inside
