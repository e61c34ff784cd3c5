"""What the windows share. They are computed in float64 and rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops._common import short

# A window from its places, -1 to 1 around the middle, and half the number of steps between its ends.
Shape = Callable[[Tensor, float], Tensor]


def window(
    name: str, length: int, symmetric: bool, shape: Shape, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """A window of this shape. A periodic one is a symmetric one with a point more, which is left out."""
    dtype = dtype or dt.get_default_dtype()
    if not dtype.is_floating_point:
        raise TypeError(f"{name}: dtype must be a real floating one, got {short(dtype)}")
    if length < 0:
        raise ValueError(f"{name}: the length must not be negative, got {length}")
    if length < 2:
        return dt.ones(length, dtype=dtype, device=device)
    steps = length - 1 if symmetric else length
    # (Whole numbers up to the division, so that both halves are each other's mirror image.)
    places = (2 * dt.arange(length, dtype=dt.float64, device=device) - steps) / steps
    return shape(places, steps / 2).to(dtype)


def cosines(coefficients: Sequence[float]) -> Shape:
    """A weighted sum of cosines: a[0] - a[1] cos(2 pi n / N) + a[2] cos(4 pi n / N) - ..."""

    def shape(places: Tensor, half: float) -> Tensor:
        total = dt.full_like(places, coefficients[0])
        for k, a in enumerate(coefficients[1:], 1):
            total = total + a * dt.cos(places * (k * math.pi))  # the sign is in the half turn between 0 and the middle
        return total

    return shape


def hamming(alpha: float, beta: float) -> Shape:
    return cosines([alpha, beta])


def triangle(places: Tensor, half: float) -> Tensor:
    return 1 - dt.abs(places)


def kaiser(beta: float) -> Shape:
    def shape(places: Tensor, half: float) -> Tensor:
        return dt.i0(beta * dt.sqrt(1 - places * places)) / dt.i0(dt.full_like(places, beta))

    return shape


BLACKMAN = (0.42, 0.5, 0.08)
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
