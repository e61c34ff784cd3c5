"""Special functions written in terms of others."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import in_float, promoted_floating, refuse, refuse_complex


@op("special_entr(Tensor self) -> Tensor", out=True, internal=True, elementwise=True)
@in_float
def special_entr(self: Tensor) -> Tensor:
    """The entropy of every element.

        out = -self * log(self), 0 where self is 0 and -inf where it is negative

    Integers and bool give floats. Accuracy: within 2 ulp.

    Example:
        >>> dt.special.entr(dt.tensor([0.0, 0.5, -1.0])).tolist()
        [0.0, 0.34657359, -inf]
    """
    refuse_complex("special_entr", self)
    (x,) = promoted_floating(self)
    return dt.where(x < 0, -math.inf, 0 - x * dt.log(dt.where(x <= 0, 1, x)))


@op("special_xlog1py(Tensor self, Tensor other) -> Tensor", out=True, internal=True, elementwise=True)
@in_float
def special_xlog1py(self: Tensor, other: Tensor) -> Tensor:
    """Multiply by the logarithm of one plus a number, with 0 for 0 times anything but NaN.

        out = self * log1p(other), and 0 where self is 0 and other is not NaN

    The tensors are broadcast together; either may be a number. Integers and bool give floats.
    Accuracy: within 2 ulp.

    Example:
        >>> dt.special.xlog1py(dt.tensor([0.0, 2.0]), dt.tensor([-1.0, 1e-8])).tolist()
        [0.0, 1.9999999e-08]
    """
    refuse_complex("special_xlog1py", self, other)
    self, other = promoted_floating(self, other)
    # Only where the logarithm is not finite is it replaced: elsewhere d/dself stays log1p(other).
    vanishes = (self == 0) & ((other <= -1) | (other == math.inf))
    return self * dt.log1p(dt.where(vanishes, 0, other))


@op("mvlgamma(Tensor self, int p) -> Tensor", method=True, inplace=True, out=True)
@in_float
def mvlgamma(self: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function.

        out = p (p - 1) / 4 * log(pi) + sum of lgamma(self - j / 2) over j = 0, ..., p - 1

    Args:
        self: a tensor of any shape; its elements should be above (p - 1) / 2. Integers give floats.
        p: the dimension, from 1 to 10000.

    Raises:
        ValueError: `p` is out of that range.
        TypeError: the tensor is of dtype bool or complex.

    Example:
        >>> dt.mvlgamma(dt.tensor([2.0, 3.0]), 2).tolist()
        [0.45158270, 1.5501949]
    """
    refuse_complex("mvlgamma", self)
    if self.dtype == dt.bool:
        refuse(TypeError, "mvlgamma", "not defined for dtype bool; convert with .float()")
    if not 1 <= p <= _MOST_DIMENSIONS:
        refuse(ValueError, "mvlgamma", f"p must be from 1 to {_MOST_DIMENSIONS}, got {p}")
    (x,) = promoted_floating(self)
    total = dt.lgamma(x)
    for j in range(1, p):
        total = total + dt.lgamma(x - j / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)


_MOST_DIMENSIONS = 10_000  # each is a pass over the tensor


@op("special_spherical_bessel_j0(Tensor self) -> Tensor", out=True, internal=True, elementwise=True)
@in_float
def special_spherical_bessel_j0(self: Tensor) -> Tensor:
    """The spherical Bessel function of the first kind of order 0.

        out = sin(self) / self, and 1 where self is 0

    Integers and bool give floats. Accuracy: within 3 ulp.

    Example:
        >>> dt.special.spherical_bessel_j0(dt.tensor([0.0, 1.0])).tolist()
        [1.0, 0.84147098]
    """
    refuse_complex("special_spherical_bessel_j0", self)
    (x,) = promoted_floating(self)
    zero, infinite = x == 0, dt.isinf(x)
    x = dt.where(zero | infinite, 1, x)
    return dt.where(zero, 1, dt.where(infinite, 0, dt.sin(x) / x))
