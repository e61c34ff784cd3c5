"""Elementwise functions. Two operands, of which one may be a Python number, meet in the standard's promoted dtype."""

from __future__ import annotations

import builtins

from .. import checks
from .._core import Tensor, get_op
from ._common import binary, promoted, unary
from .data_types import iinfo

__all__ = ["abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh"]
__all__ += ["bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor"]
__all__ += ["ceil", "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor"]
__all__ += ["floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan", "less"]
__all__ += ["less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or"]
__all__ += ["logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter", "not_equal", "positive", "pow"]
__all__ += ["real", "reciprocal", "remainder", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square"]
__all__ += ["subtract", "tan", "tanh", "trunc"]

# ---- one operand ----

abs = unary("abs")
acos = unary("acos")
acosh = unary("acosh")
asin = unary("asin")
asinh = unary("asinh")
atan = unary("atan")
atanh = unary("atanh")
bitwise_invert = unary("bitwise_invert", "bitwise_not")
ceil = unary("ceil")
conj = unary("conj")
cos = unary("cos")
cosh = unary("cosh")
exp = unary("exp")
expm1 = unary("expm1")
floor = unary("floor")
imag = unary("imag")
isfinite = unary("isfinite")
isinf = unary("isinf")
isnan = unary("isnan")
log = unary("log")
log10 = unary("log10")
log1p = unary("log1p")
log2 = unary("log2")
logical_not = unary("logical_not")
negative = unary("negative", "neg")
positive = unary("positive")
real = unary("real")
reciprocal = unary("reciprocal")
signbit = unary("signbit")
sin = unary("sin")
sinh = unary("sinh")
sqrt = unary("sqrt")
square = unary("square")
tan = unary("tan")
tanh = unary("tanh")
trunc = unary("trunc")

# ---- two operands ----

add = binary("add")
atan2 = binary("atan2")
bitwise_and = binary("bitwise_and")
bitwise_left_shift = binary("bitwise_left_shift")
bitwise_or = binary("bitwise_or")
bitwise_right_shift = binary("bitwise_right_shift")
bitwise_xor = binary("bitwise_xor")
copysign = binary("copysign")
divide = binary("divide", "div")
equal = binary("equal", "eq")
floor_divide = binary("floor_divide")
greater = binary("greater", "gt")
greater_equal = binary("greater_equal", "ge")
hypot = binary("hypot")
less = binary("less", "lt")
less_equal = binary("less_equal", "le")
logaddexp = binary("logaddexp")
logical_and = binary("logical_and")
logical_or = binary("logical_or")
logical_xor = binary("logical_xor")
maximum = binary("maximum")
minimum = binary("minimum")
multiply = binary("multiply", "mul")
nextafter = binary("nextafter")
not_equal = binary("not_equal", "ne")
pow = binary("pow")
remainder = binary("remainder")
subtract = binary("subtract", "sub")

# ---- what is more than an op ----

_clamp, _complex, _round, _sgn, _where = (get_op(name) for name in ("clamp", "complex", "round", "sgn", "where"))


@checks.in_own_name
def round(x: Tensor, /) -> Tensor:
    """The nearest whole number, of two the even one; of complex numbers that of each part.

    Example:
        >>> round(dt.tensor([0.5, 1.5])).tolist()
        [0.0, 2.0]
    """
    return _complex(_round(x.real), _round(x.imag)) if x.is_complex() else _round(x)


@checks.in_own_name
def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1, or NaN of NaN; of a complex number the one of absolute value 1 in its direction.

    Example:
        >>> sign(dt.tensor([-2.0, 0.0, dt.nan])).tolist()
        [-1.0, 0.0, nan]
    """
    result = _sgn(x)
    return _where(isnan(x), x, result) if x.is_floating_point() else result


@checks.in_own_name
def clip(x: Tensor, /, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    """What is below `min` becomes `min`, what is above `max` becomes `max`; the dtype stays that of `x`.

    Args:
        x: a tensor of real numbers.
        min, max: numbers, or tensors with which `x` is broadcast.

    Example:
        >>> clip(dt.tensor([1, 5, 9]), 2, 7).tolist()
        [2, 5, 7]
    """
    if min is None and max is None:
        return x.clone()
    bounds = {name: _bound(x, value) for name, value in (("min", min), ("max", max)) if value is not None}
    same, *others = promoted("clip", x, *bounds.values())
    result = _clamp(same, **dict(zip(bounds, others, strict=True)))
    return result if result.dtype is x.dtype else result.to(x.dtype)


def _bound(x: Tensor, bound: Tensor | float) -> Tensor | float:
    """A Python integer beyond an integer dtype's limits bounds nothing, and becomes the limit."""
    if not isinstance(bound, int) or x.is_floating_point():
        return bound
    limits = iinfo(x.dtype)
    return builtins.min(builtins.max(bound, limits.min), limits.max)
