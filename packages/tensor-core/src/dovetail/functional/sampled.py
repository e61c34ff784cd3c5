"""Histograms and derivatives of samples: bins, ranges and spacings in several forms."""

from __future__ import annotations

import math

import dovetail as dt

from .. import checks
from .._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


__all__ = ["gradient", "histogram", "histogramdd"]

# ---- histograms ----


class Histogram(tuple):  # type: ignore[type-arg]
    """Counts, and the edges between which they are: the tuple (hist, bin_edges)."""

    __slots__ = ()

    @property
    def hist(self) -> Tensor:
        """The counts."""
        result: Tensor = self[0]
        return result

    @property
    def bin_edges(self) -> Any:
        """The edges: a tensor, or a tuple of one for every dim."""
        return self[1]

    def __repr__(self) -> str:
        return f"Histogram(hist={self.hist!r}, bin_edges={self.bin_edges!r})"


@checks.in_own_name
def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: tuple[Tensor, Tensor] | None = None,
) -> Any:
    """Count the elements of a tensor by intervals.

    Interval i reaches from edge i up to, and without, edge i + 1; the last holds its upper edge too. What is outside,
    and NaN, is not counted.

    Args:
        input: floating point, any shape.
        bins: how many equal intervals, or the ascending edges, a vector of input's dtype.
        range: the ends of equal intervals; by default the least and the largest element.
        weight: what each element counts as, in input's shape; 1 by default.
        density: divide by the sum and by the intervals' widths, so that the integral is 1.

    Returns:
        A tuple (hist, bin_edges).

    Example:
        >>> dt.histogram(dt.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist.tolist()
        [0.0, 2.0, 1.0, 0.0]
    """
    checks.tensors("histogram", input=input)
    points = input.reshape(-1, 1)
    edges = _edges("histogram", points, [bins], range)
    if weight is not None:
        checks.tensors("histogram", weight=weight)
        if weight.shape != input.shape:
            raise ValueError(
                f"histogram: weight must have the input's shape {tuple(input.shape)}, got {tuple(weight.shape)}"
            )
        weight = weight.reshape(-1)
    result = Histogram((_counts(points, edges, weight=weight, density=density), edges[0]))
    return Histogram(checks.written("histogram", result, out))


@checks.in_own_name
def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """Count points in space by the cells of a grid.

    Args:
        input: points, shape (..., dims), floating point.
        bins: how many equal intervals there are in every dim, or in each of them, or the ascending edges of each.
        range: the ends of the intervals, low and high of one dim after the other; by default the least and the largest
            coordinate.
        weight: what each point counts as, shape (...); 1 by default.
        density: divide by the sum and by the cells' sizes, so that the integral is 1.

    Returns:
        A tuple (hist, bin_edges) of the counts and a tuple of the edges of every dim.

    Example:
        >>> x = dt.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [2.0, 2.0]])
        >>> dt.histogramdd(x, bins=[3, 3]).hist.tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    """
    checks.tensors("histogramdd", input=input)
    if input.ndim < 2:
        raise ValueError(f"histogramdd: input must have at least two dims, got shape {tuple(input.shape)}")
    dims = input.shape[-1]
    each = [bins] * dims if isinstance(bins, int) else list(bins)
    if len(each) != dims or not dims:
        raise ValueError(f"histogramdd: bins must be one for each of {dims} dims, got {len(each)}")
    points = input.reshape(-1, dims)
    edges = _edges("histogramdd", points, each, range)
    if weight is not None:
        checks.tensors("histogramdd", weight=weight)
        if weight.shape != input.shape[:-1]:
            raise ValueError(
                f"histogramdd: weight must have shape {tuple(input.shape[:-1])}, got {tuple(weight.shape)}"
            )
        weight = weight.reshape(-1)
    return Histogram((_counts(points, edges, weight=weight, density=density), tuple(edges)))


_counts = get_op("histogram_counts")


def _edges(who: str, points: Tensor, bins: list[Any], range: Sequence[float] | None) -> list[Tensor]:
    """The edges of every dim; `range` holds low and high of one after the other."""
    if not points.dtype.is_floating_point:
        raise TypeError(f"{who}: expected a floating-point tensor, got {points.dtype.name}; convert with .float()")
    if all(isinstance(each, Tensor) for each in bins):
        if range is not None:
            raise TypeError(f"{who}: range goes with a number of bins; edges bring their own")
        return bins
    checks.integers(who, **{f"bins of dim {dim}": each for dim, each in enumerate(bins)})
    if range is not None and len(range) != 2 * len(bins):
        raise ValueError(f"{who}: range must hold {2 * len(bins)} numbers, got {len(range)}")
    edges = []
    for dim, count in enumerate(bins):
        if count <= 0:
            raise ValueError(f"{who}: bins must be positive, got {count} for dim {dim}")
        if range is not None:
            low, high = float(range[2 * dim]), float(range[2 * dim + 1])
        elif points.shape[0] == 0:
            low, high = 0.0, 1.0
        else:
            low, high = points[:, dim].amin().item(), points[:, dim].amax().item()
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{who}: the range from {low} to {high} of dim {dim} is not finite")
        if low > high:
            raise ValueError(f"{who}: range must not fall, got {low} and {high} for dim {dim}")
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges.append(dt.linspace(low, high, count + 1, dtype=points.dtype, device=points.device))
    return edges


# ---- derivatives ----

_gradient = get_op("gradient")


@checks.in_own_name
def gradient(
    input: Tensor,
    *,
    spacing: float | Sequence[float] | Sequence[Tensor] | None = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """Estimate the derivatives of a function along dims from its values on a grid.

    In the inside by central differences, exact to second order also where the steps differ.

    Args:
        input: the values; integers (but uint8) give floats.
        spacing: the step between neighbours, one for all dims (1 where it is None) or one for each; or, for each, a
            vector of where the values stand.
        dim: one or several dims; all by default.
        edge_order: 1 takes the slope to the only neighbour at the ends, 2 the parabola through the last three points.

    Returns:
        A tuple of one tensor in input's shape for every dim.

    Raises:
        ValueError: a dim has fewer than edge_order + 1 values.

    Example:
        >>> dt.gradient(dt.tensor([0.0, 1.0, 4.0, 9.0]))[0].tolist()
        [1.0, 2.0, 4.0, 5.0]
        >>> dt.gradient(dt.tensor([0.0, 4.0]), spacing=2.0)[0].tolist()
        [2.0, 2.0]
    """
    checks.tensors("gradient", input=input)
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    spacing = 1 if spacing is None else spacing
    given = [spacing] * len(dims) if isinstance(spacing, (int, float)) else spacing
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            f"gradient: spacing must be a number or a list of numbers or Tensors, got {checks.shown(given)}"
        )
    if len(given) != len(dims):
        raise ValueError(f"gradient: expected spacing for {len(dims)} dims, got {len(given)}")
    for each in given:
        if not isinstance(each, (int, float, Tensor)):
            raise TypeError(f"gradient: spacing must hold numbers or Tensors, got {checks.shown(each)}")
    where = input.device
    coordinates = [
        each.to(where) if isinstance(each, Tensor) else dt.tensor(each, dtype=dt.float64).to(where) for each in given
    ]
    return tuple(_gradient(input, coordinates, dims, edge_order))
