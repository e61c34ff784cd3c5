"""Derivatives of sampled functions."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import promoted_floating, shape_text, wrap_dims


@op(
    "gradient(Tensor self, Tensor[] coordinates, int[] dim, int edge_order=1) -> Tensor[]",
    internal=True,
)
def gradient(self: Tensor, coordinates: list[Tensor], dim: Sequence[int], edge_order: int = 1) -> list[Tensor]:
    """Estimate the derivatives of a function along dims from its values: what `dt.gradient` gives.

    In the inside by the parabola through a point and its neighbours, exact to second order:

        f'(x_i) = a f_i-1 + b f_i + c f_i+1 of the steps before and behind

    Args:
        coordinates: for each of the dims the step between neighbours (a zero-dim tensor) or where the values stand
            (a vector).
        dim: the dims.
        edge_order: 1 takes the slope to the only neighbour at the ends, 2 the parabola through the last three points.

    Example:
        >>> gradient = dt._core.get_op("gradient")
        >>> gradient(dt.tensor([0.0, 1.0, 4.0]), [dt.tensor(1.0)], [0])[0].tolist()
        [1.0, 2.0, 3.0]
    """
    if self.dtype in (dt.bool, dt.uint8):
        raise TypeError(f"gradient: not defined for dtype {self.dtype.name}; convert with .float()")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    dims = wrap_dims("gradient", dim, self.ndim) if self.ndim else []
    if len(coordinates) != len(dims):
        raise ValueError(f"gradient: expected coordinates for {len(dims)} dims, got {len(coordinates)}")
    (x,) = promoted_floating(self)
    for d, each in zip(dims, coordinates, strict=True):
        if x.shape[d] <= edge_order:
            raise ValueError(
                f"gradient: dim {d} must have at least edge_order + 1 = {edge_order + 1} values, got shape "
                f"{shape_text(x.shape)}"
            )
        if each.ndim and tuple(each.shape) != (x.shape[d],):
            raise ValueError(
                f"gradient: dim {d} has {x.shape[d]} values, but its coordinates have shape {shape_text(each.shape)}"
            )
    return [_along(x, each, d, edge_order) for d, each in zip(dims, coordinates, strict=True)]


def _along(x: Tensor, coordinates: Tensor, dim: int, edge_order: int) -> Tensor:
    x = dt.movedim(x, dim, -1)
    uniform = coordinates.ndim == 0
    steps = dt.diff(coordinates) if not uniform else dt.ones([x.shape[-1] - 1], dtype=x.dtype, device=x.device)
    slopes = dt.diff(x) / (coordinates if uniform else steps)
    before, behind = slopes[..., :-1], slopes[..., 1:]
    h, k = steps[:-1], steps[1:]
    # Each slope counts by the step on the other side.
    inside = (before * k + behind * h) / (h + k)
    first, last = slopes[..., :1], slopes[..., -1:]
    if edge_order == 2:
        first = first + (first - slopes[..., 1:2]) * (h[:1] / (h[:1] + k[:1]))
        last = last + (last - slopes[..., -2:-1]) * (k[-1:] / (h[-1:] + k[-1:]))
    return dt.movedim(dt.cat([first, inside, last], -1), -1, dim)
