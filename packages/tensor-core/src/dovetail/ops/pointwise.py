"""Functions of one tensor, element by element, written in terms of the primitive ops."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import in_float, promoted_floating, refuse_complex, widened


@op("clip(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", method=True, inplace=True, out=True)
def clip(self: Tensor, min: Tensor | None = None, max: Tensor | None = None) -> Tensor:
    """Limit every element to a range: another name of `dt.clamp`.

    Example:
        >>> dt.clip(dt.tensor([-2.0, 0.5, 2.0]), -1, 1).tolist()
        [-1.0, 0.5, 1.0]
    """
    return dt.clamp(self, min, max)


@op("clamp_min(Tensor self, Tensor min) -> Tensor", method=True, inplace=True, out=True)
def clamp_min(self: Tensor, min: Tensor) -> Tensor:
    """Raise every element to at least `min`.

        out = max(self, min)

    Example:
        >>> dt.clamp_min(dt.tensor([-1.0, 2.0]), 0).tolist()
        [0.0, 2.0]
    """
    return dt.clamp(self, min)


@op("clamp_max(Tensor self, Tensor max) -> Tensor", method=True, inplace=True, out=True)
def clamp_max(self: Tensor, max: Tensor) -> Tensor:
    """Lower every element to at most `max`.

        out = min(self, max)

    Example:
        >>> dt.clamp_max(dt.tensor([-1.0, 2.0]), 0).tolist()
        [-1.0, 0.0]
    """
    return dt.clamp(self, None, max)


@op(
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
def nan_to_num(
    self: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Replace NaN and the infinities by numbers.

    Args:
        nan: in place of NaN; 0 by default.
        posinf: in place of inf; by default the largest finite value of the dtype.
        neginf: in place of -inf; by default the lowest finite value.

    Example:
        >>> dt.nan_to_num(dt.tensor([1.0, dt.nan, dt.inf]), posinf=9.0).tolist()
        [1.0, 0.0, 9.0]
    """
    if self.dtype.is_complex:
        parts = dt.view_as_real(self)
        return dt.view_as_complex(dt.nan_to_num(parts, nan, posinf, neginf).contiguous())
    if not self.dtype.is_floating_point:
        return dt.clone(self)
    limits = dt.finfo(self.dtype)
    posinf, neginf = limits.max if posinf is None else posinf, limits.min if neginf is None else neginf
    return _replaced(self, 0.0 if nan is None else nan, posinf, neginf)


@op("nan_to_numbers(Tensor self, float nan, float posinf, float neginf) -> Tensor", internal=True, elementwise=True)
def _replaced(self: Tensor, nan: float, posinf: float, neginf: float) -> Tensor:
    """Numbers in place of NaN and the infinities.

    Example:
        >>> dt.nan_to_num(dt.tensor([dt.nan, -dt.inf]), neginf=-1.0).tolist()
        [0.0, -1.0]
    """
    out = self.masked_fill(dt.isnan(self), nan)
    return out.masked_fill(self == math.inf, posinf).masked_fill(self == -math.inf, neginf)


@op("isposinf(Tensor self) -> Tensor", method=True, out=True, non_differentiable=True)
def isposinf(self: Tensor) -> Tensor:
    """Whether every element is positive infinity.

    Example:
        >>> dt.isposinf(dt.tensor([1.0, dt.inf, -dt.inf])).tolist()
        [False, True, False]
    """
    refuse_complex("isposinf", self)
    return self == math.inf


@op("isneginf(Tensor self) -> Tensor", method=True, out=True, non_differentiable=True)
def isneginf(self: Tensor) -> Tensor:
    """Whether every element is negative infinity.

    Example:
        >>> dt.isneginf(dt.tensor([1.0, dt.inf, -dt.inf])).tolist()
        [False, False, True]
    """
    refuse_complex("isneginf", self)
    return self == -math.inf


@op("isreal(Tensor self) -> Tensor", method=True, non_differentiable=True)
def isreal(self: Tensor) -> Tensor:
    """Whether every element is a real number: a complex one is where its imaginary part is 0.

    Example:
        >>> dt.isreal(dt.tensor([1.0, 2.0])).tolist()
        [True, True]
    """
    return dt.imag(self) == 0 if self.dtype.is_complex else dt.ones_like(self, dtype=dt.bool)


@op("signbit(Tensor self) -> Tensor", method=True, out=True, non_differentiable=True)
def signbit(self: Tensor) -> Tensor:
    """Whether every element is negative; -0.0 is, NaN is not.

    Example:
        >>> dt.signbit(dt.tensor([1.0, -0.0, -2.0])).tolist()
        [False, True, True]
    """
    refuse_complex("signbit", self)
    negative = self < 0
    if not self.dtype.is_floating_point:
        return negative
    # The reciprocal tells the two zeros apart.
    return negative | ((self == 0) & (dt.reciprocal(self) < 0))


@op("frac(Tensor self) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
def frac(self: Tensor) -> Tensor:
    """The fractional part, with the sign of the element.

        out = self - trunc(self)

    Example:
        >>> dt.frac(dt.tensor([1.5, -2.25])).tolist()
        [0.5, -0.25]
    """
    return self - dt.trunc(self)


@op("deg2rad(Tensor self) -> Tensor", method=True, inplace=True, out=True)
@in_float
def deg2rad(self: Tensor) -> Tensor:
    """Turn degrees into radians.

        out = self * pi / 180

    Example:
        >>> dt.deg2rad(dt.tensor(180.0)).item()
        3.1416
    """
    refuse_complex("deg2rad", self)
    return self * (math.pi / 180)


@op("rad2deg(Tensor self) -> Tensor", method=True, inplace=True, out=True)
@in_float
def rad2deg(self: Tensor) -> Tensor:
    """Turn radians into degrees.

        out = self * 180 / pi

    Example:
        >>> dt.rad2deg(dt.tensor(3.14159265)).item()
        180.0
    """
    refuse_complex("rad2deg", self)
    return self * (180 / math.pi)


@op("logit(Tensor self, float? eps=None) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
@in_float
def logit(self: Tensor, eps: float | None = None) -> Tensor:
    """The inverse of the sigmoid.

        out = log(x / (1 - x)), with x = self, or clamp(self, eps, 1 - eps) where eps is given

    NaN outside [0, 1] without `eps`.

    Example:
        >>> dt.logit(dt.tensor([0.5, 1.0])).tolist()
        [0.0, inf]
    """
    refuse_complex("logit", self)
    (x,) = promoted_floating(self)
    if eps is not None:
        x = dt.clamp(x, eps, 1 - eps)
    return dt.log(x / (1 - x))


@op("sinc(Tensor self) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
@in_float
def sinc(self: Tensor) -> Tensor:
    """The normalised cardinal sine.

        out = sin(pi x) / (pi x), and 1 where x is 0

    Example:
        >>> dt.sinc(dt.tensor([0.0])).tolist()
        [1.0]
    """
    (x,) = promoted_floating(self)
    zero = x == 0
    angle = math.pi * dt.where(zero, 1, x)
    return dt.where(zero, 1, dt.sin(angle) / angle)


@op(
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor",
    method=True,
    non_differentiable=True,
)
def isclose(self: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether the elements of two tensors are close.

        |self - other| <= atol + rtol * |other|, or equal (so infinities are close to themselves)

    Args:
        rtol: relative tolerance, not negative.
        atol: absolute tolerance, not negative.
        equal_nan: whether two NaNs are close.

    Both tensors must have the same dtype.

    Example:
        >>> dt.isclose(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 2.1])).tolist()
        [True, False]
    """
    if self.dtype != other.dtype:
        raise TypeError(f"isclose: both tensors must have the same dtype, got {self.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise ValueError(f"isclose: rtol and atol must not be negative, got rtol={rtol}, atol={atol}")
    close = self == other
    if equal_nan:
        close = close | (dt.isnan(self) & dt.isnan(other))
    if rtol == 0 and atol == 0:
        return close
    self, other = (widened(tensor) for tensor in promoted_floating(self, other))
    error = dt.abs(self - other)
    return close | (dt.isfinite(error) & (error <= atol + dt.abs(rtol * other)))
