"""Floating-point numbers taken apart: exponents and neighbours, from their bits."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import promoted, short, widened

view_dtype = get_op("view_dtype")
_frexp_mantissa, _frexp_exponent = get_op("frexp_mantissa"), get_op("frexp_exponent")

# The integers that hold a float's bits.
_BITS = {dt.float16: dt.int16, dt.bfloat16: dt.int16, dt.float32: dt.int32, dt.float64: dt.int64}
# Bits of the mantissa, of the exponent, and what a stored exponent is above that of a mantissa in [1/2, 1).
_LAYOUT = {dt.float32: (23, 8, 126), dt.float64: (52, 11, 1022)}


@op(
    "frexp(Tensor self) -> (Tensor mantissa, Tensor exponent)",
    method=True,
    out=True,
)
def frexp(self: Tensor) -> tuple[Tensor, Tensor]:
    """Take every number apart into a mantissa and a power of two.

        self = mantissa * 2 ** exponent, with 0.5 <= |mantissa| < 1

    Zeros, infinities and NaN are their own mantissas, with exponent 0. The exponents are int32.

    Example:
        >>> mantissa, exponent = dt.frexp(dt.tensor([1.0, -6.0]))
        >>> mantissa.tolist(), exponent.tolist()
        ([0.5, -0.75], [1, 3])
    """
    if not self.dtype.is_floating_point:
        raise TypeError(f"frexp: expected a floating-point tensor, got {short(self.dtype)}; convert with .float()")
    x = widened(self)
    return _frexp_mantissa(x).to(self.dtype), _frexp_exponent(x.detach()).to(dt.int32)


@op("frexp_mantissa(Tensor self) -> Tensor", internal=True, elementwise=True)
def frexp_mantissa(self: Tensor) -> Tensor:
    """The mantissas that `dt.frexp` gives, of float32 or float64.

    Example:
        >>> dt._core.get_op("frexp_mantissa")(dt.tensor([1.0, -6.0])).tolist()
        [0.5, -0.75]
    """
    exponent = _exponents("frexp_mantissa", self)
    # In two steps: a power of two may be beyond the dtype's range.
    half = exponent // 2
    return self * _power_of_two(-half, self.dtype) * _power_of_two(half - exponent, self.dtype)


@op("frexp_exponent(Tensor self) -> Tensor", internal=True, elementwise=True, non_differentiable=True)
def frexp_exponent(self: Tensor) -> Tensor:
    """The exponents that `dt.frexp` gives, of float32 or float64, as numbers of that dtype.

    Example:
        >>> dt._core.get_op("frexp_exponent")(dt.tensor([1.0, -6.0])).tolist()
        [1.0, 3.0]
    """
    return _exponents("frexp_exponent", self).to(self.dtype)


def _exponents(name: str, x: Tensor) -> Tensor:
    if x.dtype not in _LAYOUT:
        raise TypeError(f"{name}: expected float32 or float64, got {short(x.dtype)}")
    mantissa_bits, exponent_bits, bias = _LAYOUT[x.dtype]
    x = dt.abs(x.detach())
    subnormal = x < 2.0 ** (2 - bias)
    raised = dt.where(subnormal, x * 2.0**64, x)
    stored = view_dtype(raised, _BITS[x.dtype]) >> mantissa_bits
    exponent = dt.where(subnormal, stored - 64, stored) - bias
    return dt.where((x == 0) | (stored == 2**exponent_bits - 1), 0, exponent)


def _power_of_two(exponent: Tensor, dtype: dt.dtype) -> Tensor:
    mantissa_bits, _, bias = _LAYOUT[dtype]
    return view_dtype((exponent + bias + 1) << mantissa_bits, dtype)


@op("nextafter(Tensor self, Tensor other) -> Tensor", method=True, inplace=True, out=True, elementwise=True)
def nextafter(self: Tensor, other: Tensor) -> Tensor:
    """The next number that the dtype has after `self` in the direction of `other`.

    `other` itself where both are equal; NaN where either is.

    Example:
        >>> (dt.nextafter(dt.tensor(1.0), dt.tensor(2.0)) - 1).item() == 2.0**-23
        True
    """
    self, other = promoted(self, other)
    if not self.dtype.is_floating_point:
        raise TypeError(f"nextafter: expected floating-point tensors, got {short(self.dtype)}; convert with .float()")
    x, y = dt.broadcast_tensors(self, other)
    bits = view_dtype(x, _BITS[x.dtype])
    # Away from zero the bits count up; the first step from zero takes the sign of where it leads.
    stepped = dt.where((x < y) == (x > 0), bits + 1, bits - 1)
    least = dt.where(y > 0, 1, dt.iinfo(bits.dtype).min + 1).to(bits.dtype)
    result = view_dtype(dt.where(x == 0, least, stepped), x.dtype)
    result = dt.where(x == y, y, result)
    return dt.where(dt.isnan(x) | dt.isnan(y), x + y, result)
