"""Binary and ternary arithmetic written in terms of the primitive ops."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import (
    in_float,
    promoted,
    promoted_floating,
    refuse_complex,
    require_floating,
    short,
    widened,
)


@op("rsub(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor")
def rsub(self: Tensor, other: Tensor, *, alpha: float = 1) -> Tensor:
    """Subtract the first tensor from the second.

        out = other - alpha * self

    Example:
        >>> dt.rsub(dt.tensor([1, 2]), 10).tolist()
        [9, 8]
    """
    return dt.sub(other, self, alpha=alpha)


@op("true_divide(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True)
def true_divide(self: Tensor, other: Tensor) -> Tensor:
    """Divide without rounding; integers give floats.

        out = self / other

    Example:
        >>> dt.true_divide(dt.tensor([1, 2]), 2).tolist()
        [0.5, 1.0]
    """
    return dt.div(self, other)


@op(
    "lcm(Tensor self, Tensor other) -> Tensor",
    method=True,
    inplace=True,
    out=True,
    non_differentiable=True,
    elementwise=True,
)
def lcm(self: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers; 0 where either is.

        out = |self / gcd(self, other) * other|

    Beyond the dtype's range it wraps around.

    Example:
        >>> dt.lcm(dt.tensor([4, 0, -6]), dt.tensor([6, 5, 4])).tolist()
        [12, 0, 12]
    """
    self, other = promoted(self, other)
    if self.dtype.is_floating_point or self.dtype.is_complex or self.dtype == dt.bool:
        raise TypeError(f"lcm: not defined for dtype {short(self.dtype)}; it is defined for integers")
    divisor = dt.gcd(self, other)
    return dt.abs(dt.div(self, dt.where(divisor == 0, 1, divisor), rounding_mode="trunc") * other)


@op("hypot(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
@in_float
def hypot(self: Tensor, other: Tensor) -> Tensor:
    """The hypotenuse of a right triangle, without overflow on the way.

        out = sqrt(self ** 2 + other ** 2)

    Infinite where either leg is, even if the other is NaN. The tensors are broadcast together and must be floating
    point.

    Example:
        >>> dt.hypot(dt.tensor([3.0]), dt.tensor([4.0])).tolist()
        [5.0]
    """
    refuse_complex("hypot", self, other)
    require_floating("hypot", self, other)
    self, other = promoted(self, other)
    a, b = dt.abs(self), dt.abs(other)
    large, small = dt.maximum(a, b), dt.minimum(a, b)
    # Scaled by the larger leg the squares can neither overflow nor vanish.
    flat = (large == 0) | dt.isinf(large)
    ratio = small / dt.where(flat, 1, large)
    length = dt.where(flat, large, large * dt.sqrt(1 + ratio * ratio))
    return dt.where(dt.isinf(a) | dt.isinf(b), math.inf, length)


@op("copysign(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
def copysign(self: Tensor, other: Tensor) -> Tensor:
    """The magnitude of the first tensor with the sign of the second.

        out = -|self| where other is negative or -0.0, else |self|

    Integers give floats. A NaN in `other` counts as positive.

    Example:
        >>> dt.copysign(dt.tensor([1.0, -2.0]), dt.tensor([-0.0, 3.0])).tolist()
        [-1.0, 2.0]
    """
    refuse_complex("copysign", self, other)
    negative = dt.signbit(other)
    (self, other) = promoted_floating(self, other)
    magnitude = dt.abs(self)
    return dt.where(negative, -magnitude, magnitude)


@op("logaddexp(Tensor self, Tensor other) -> Tensor", method=True, out=True, elementwise=True)
@in_float
def logaddexp(self: Tensor, other: Tensor) -> Tensor:
    """The logarithm of a sum of exponentials, without overflow.

        out = log(exp(self) + exp(other))

    The tensors are broadcast together and must be floating point, or complex.

    Example:
        >>> dt.logaddexp(dt.tensor(1000.0), dt.tensor(1000.0)).item()
        1000.693
    """
    require_floating("logaddexp", self, other)
    self, other = promoted(self, other)
    if self.dtype.is_complex:
        return _logaddexp_complex(self, other)
    large = dt.maximum(self, other)
    # Two equal infinities would differ by NaN.
    gap = dt.where(dt.isinf(large), 0, self - other)
    return large + dt.log1p(dt.exp(-dt.abs(gap)))


def _logaddexp_complex(a: Tensor, b: Tensor) -> Tensor:
    swapped = b.real > a.real
    large, small = dt.where(swapped, b, a), dt.where(swapped, a, b)
    # Where the larger real part is infinite, so is the result, or the smaller has no part in it.
    plain = dt.isfinite(large.real)
    gap = dt.where(plain, small - large, 0)
    either = dt.where(plain, large + dt.log1p(dt.exp(gap)), large)
    return dt.where(dt.isnan(a) | dt.isnan(b), complex(math.nan, math.nan), either)


@op("logaddexp2(Tensor self, Tensor other) -> Tensor", method=True, out=True, elementwise=True)
@in_float
def logaddexp2(self: Tensor, other: Tensor) -> Tensor:
    """The base-2 logarithm of a sum of powers of two, without overflow.

        out = log2(2 ** self + 2 ** other)

    The tensors are broadcast together and must be floating point.

    Example:
        >>> dt.logaddexp2(dt.tensor(2000.0), dt.tensor(2000.0)).item()
        2001.0
    """
    refuse_complex("logaddexp2", self, other)
    require_floating("logaddexp2", self, other)
    self, other = promoted(self, other)
    large = dt.maximum(self, other)
    gap = dt.where(dt.isinf(large), 0, self - other)
    return large + dt.log1p(dt.exp2(-dt.abs(gap))) * (1 / math.log(2))


@op("xlogy(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
@in_float
def xlogy(self: Tensor, other: Tensor) -> Tensor:
    """Multiply by a logarithm, with 0 for 0 times anything but NaN.

        out = self * log(other), and 0 where self is 0 and other is not NaN

    Integers give floats.

    Example:
        >>> dt.xlogy(dt.tensor([0.0, 2.0]), dt.tensor([0.0, 1.0])).tolist()
        [0.0, 0.0]
    """
    refuse_complex("xlogy", self, other)
    self, other = promoted_floating(self, other)
    # Only where the logarithm is not finite is it replaced: elsewhere d/dself stays log(other).
    vanishes = (self == 0) & ((other <= 0) | (other == math.inf))
    return self * dt.log(dt.where(vanishes, 1, other))


@op("float_power(Tensor self, Tensor exponent) -> Tensor", method=True, inplace=True, out=True)
def float_power(self: Tensor, exponent: Tensor) -> Tensor:
    """Raise to a power in float64, or complex128, whatever the arguments' dtypes.

        out = self ** exponent

    Example:
        >>> dt.float_power(dt.tensor([2, 3]), -1).dtype
        dovetail.float64
    """
    wide = dt.complex128 if self.dtype.is_complex or exponent.dtype.is_complex else dt.float64
    return dt.pow(self.to(wide), exponent.to(wide))


@op("fmax(Tensor self, Tensor other) -> Tensor", method=True, out=True, elementwise=True)
def fmax(self: Tensor, other: Tensor) -> Tensor:
    """The larger element of each pair; a NaN loses against a number.

    `dt.maximum` lets NaN win.

    Example:
        >>> dt.fmax(dt.tensor([1.0, dt.nan]), dt.tensor([2.0, 0.0])).tolist()
        [2.0, 0.0]
    """
    refuse_complex("fmax", self, other)
    self, other = promoted(self, other)
    return dt.where((self >= other) | dt.isnan(other), self, other)


@op("fmin(Tensor self, Tensor other) -> Tensor", method=True, out=True, elementwise=True)
def fmin(self: Tensor, other: Tensor) -> Tensor:
    """The smaller element of each pair; a NaN loses against a number.

    `dt.minimum` lets NaN win.

    Example:
        >>> dt.fmin(dt.tensor([1.0, dt.nan]), dt.tensor([2.0, 0.0])).tolist()
        [1.0, 0.0]
    """
    refuse_complex("fmin", self, other)
    self, other = promoted(self, other)
    return dt.where((self <= other) | dt.isnan(other), self, other)


@op("heaviside(Tensor self, Tensor values) -> Tensor", method=True, inplace=True, out=True)
def heaviside(self: Tensor, values: Tensor) -> Tensor:
    """The step function.

        out = 0 where self < 0, values where self == 0, 1 where self > 0

    Both tensors must have the same dtype.

    Example:
        >>> dt.heaviside(dt.tensor([-1.0, 0.0, 2.0]), dt.tensor(0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    refuse_complex("heaviside", self, values)
    if self.dtype != values.dtype:
        raise TypeError(
            f"heaviside: both tensors must have the same dtype, got {short(self.dtype)} and {short(values.dtype)}"
        )
    return dt.where(self == 0, values, (self > 0).to(self.dtype))


@op("ldexp(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True)
def ldexp(self: Tensor, other: Tensor) -> Tensor:
    """Multiply by a power of two.

        out = self * 2 ** other

    Example:
        >>> dt.ldexp(dt.tensor([1.5]), dt.tensor([3])).tolist()
        [12.0]
    """
    dtype = promoted_floating(self, other)[0].dtype
    x = widened(self)
    if other.dtype.is_complex:
        return x * 2.0**other
    power = other.to(dt.float64 if dtype in (dt.float64, dt.complex128) else dt.float32)
    half = dt.trunc(power / 2)  # 2 ** power may overflow where the product does not
    return (x * 2.0**half * 2.0 ** (power - half)).to(dtype)


@op(
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
    elementwise=True,
)
@in_float
def addcmul(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Add a scaled product.

        out = self + value * tensor1 * tensor2

    The tensors are broadcast together. For integer tensors `value` must be an integer.

    Example:
        >>> dt.addcmul(dt.tensor([1.0]), dt.tensor([2.0]), dt.tensor([3.0]), value=0.5).tolist()
        [4.0]
    """
    product = tensor1 * tensor2
    _check_scale("addcmul", value, self, product)
    return dt.add(self, product, alpha=value)


def _check_scale(name: str, value: float, *tensors: Tensor) -> None:
    dtype = dt.result_type(*tensors)
    if not isinstance(value, int) and not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"{name}: value must be an integer for integer tensors, got {value}")


@op(
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
    elementwise=True,
)
@in_float
def addcdiv(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Add a scaled quotient.

        out = self + value * tensor1 / tensor2

    The tensors are broadcast together; `tensor1` and `tensor2` must not both be integers.

    Example:
        >>> dt.addcdiv(dt.tensor([1.0]), dt.tensor([1.0]), dt.tensor([4.0]), value=2).tolist()
        [1.5]
    """
    require_floating("addcdiv", tensor1, tensor2)
    return dt.add(self, tensor1 / tensor2, alpha=value)


@op("lerp(Tensor self, Tensor end, Tensor weight) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
@in_float
def lerp(self: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Interpolate linearly between two tensors.

        out = self + weight * (end - self)

    computed from the nearer end, so that weight 1 gives `end` exactly. `self` and `end` must have the same floating
    dtype; `weight` is a number or a tensor.

    Example:
        >>> dt.lerp(dt.tensor([0.0, 10.0]), dt.tensor([10.0, 20.0]), 0.25).tolist()
        [2.5, 12.5]
    """
    require_floating("lerp", self)
    if self.dtype != end.dtype:
        raise TypeError(f"lerp: expected end to be {short(self.dtype)} like self, got {short(end.dtype)}")
    weight = weight.to(self.dtype)
    gap = end - self
    return dt.where(dt.abs(weight) < 0.5, self + weight * gap, end - gap * (1 - weight))
