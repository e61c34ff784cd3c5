"""Elementwise primitives. Inputs come in one dtype and with the output's sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def wide(x: Array) -> Array:
    """16-bit floats in float32, in which they compute; anything else as it is. (bfloat16 is of no kind of NumPy's.)"""
    return x.astype(np.float32) if x.dtype.name in ("float16", "bfloat16") else x


def elementwise(fn: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    """A kernel from a function of arrays."""
    return with_args(lambda args, *ins: fn(*ins))


def with_args(fn: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    """A kernel from a function of the op's arguments and the arrays (None for one that was not given)."""

    def kernel(outs: Any, ins: Any, args: Any) -> None:
        out = np.asarray(outs[0])
        with np.errstate(all="ignore"):
            result = fn(args, *[None if x is None else wide(np.asarray(x)) for x in ins])
            result = np.asarray(result)
            drops = result.dtype.kind == "c" and out.dtype.kind not in "cb"  # a real dtype keeps the real part
            out[...] = (result.real if drops else result).astype(out.dtype)

    return kernel


def by_element(fn: Callable[[float], float]) -> Callable[[Array], Array]:
    """For functions that NumPy does not have."""
    return lambda x: np.array([fn(float(v)) for v in x.ravel()], dtype=x.dtype).reshape(x.shape)


def lgamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def erfinv(x: float) -> float:
    if not abs(x) < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    y = NormalDist().inv_cdf((x + 1) / 2) / math.sqrt(2) if abs(x) > 1e-8 else x * math.sqrt(math.pi) / 2
    for _ in range(2):  # Newton: the first guess loses digits near 0
        y -= (math.erf(y) - x) * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return y


def round_(args: Any, x: Array) -> Array:
    if np.issubdtype(x.dtype, np.integer):
        return np.round(x, args[1]) if args[1] < 0 else x
    return np.round(x, args[1])


def add(args: Any, a: Array, b: Array) -> Array:
    if a.dtype == bool:
        return a | (b & bool(args[2]))
    return a + b if args[2] == 1 else a + b * np.asarray(args[2]).astype(a.dtype)


def sub(args: Any, a: Array, b: Array) -> Array:
    return a - b if args[2] == 1 else a - b * np.asarray(args[2]).astype(a.dtype)


def check_divisor(who: str, a: Array, b: Array) -> None:
    if np.issubdtype(a.dtype, np.integer) and (b == 0).any():
        raise RuntimeError(f"{who}: division by zero")


def floor_divide(a: Array, b: Array) -> Array:
    check_divisor("floor_divide", a, b)
    if np.issubdtype(a.dtype, np.integer):
        return np.floor_divide(a, b)
    return np.where(b == 0, a / b, np.floor_divide(a, b))


def remainder(a: Array, b: Array) -> Array:
    check_divisor("remainder", a, b)
    return np.remainder(a, b)


def fmod(a: Array, b: Array) -> Array:
    check_divisor("fmod", a, b)
    return np.fmod(a, b)


def div(args: Any, a: Array, b: Array) -> Array:
    if args[2] is None:
        return np.true_divide(a, b)
    check_divisor("div", a, b)
    if args[2] == "floor":
        return floor_divide(a, b)
    if np.issubdtype(a.dtype, np.integer):
        whole = np.floor_divide(a, b)
        return whole + ((whole < 0) & (whole * b != a))
    return np.trunc(a / b)


def sign(x: Array) -> Array:
    """The sign of every element: that of True is True, and NaN has none."""
    return x if x.dtype == bool else np.nan_to_num(np.sign(x))


def pow_(a: Array, b: Array) -> Array:
    if not np.issubdtype(a.dtype, np.signedinteger):
        return np.power(a, b)
    # An integer to a negative power is 0, unless its absolute value is 1.
    positive = np.power(a, np.maximum(b, 0))
    inverse = np.where(a == 1, 1, np.where(a == -1, 1 - 2 * (b & 1), 0))
    return np.where(b < 0, inverse, positive)


def shift(fn: Callable[[Array, Array], Array], left: bool) -> Callable[[Array, Array], Array]:
    def shifted(a: Array, b: Array) -> Array:
        bits = a.dtype.itemsize * 8
        far = (b < 0) | (b >= bits)
        beyond = np.zeros_like(a) if left else np.where(a < 0, -1, 0).astype(a.dtype)
        return np.where(far, beyond, fn(a, np.where(far, 0, b)))

    return shifted


def clamp(args: Any, x: Array, low: Array | None, high: Array | None) -> Array:
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def of_parts(real: Array, imag: Array) -> Array:
    """Complex numbers; 1j * inf would have a real part of its own."""
    pairs = np.stack((real, imag), axis=-1)
    return pairs.view(np.result_type(pairs, np.complex64))[..., 0]


KERNELS = {
    name: elementwise(fn)
    for name, fn in {
        "neg": np.negative,
        "abs": np.abs,
        "sign": sign,
        "floor": np.floor,
        "ceil": np.ceil,
        "trunc": np.trunc,
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "sqrt": np.sqrt,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "sinh": np.sinh,
        "cosh": np.cosh,
        "tanh": np.tanh,
        "asinh": np.arcsinh,
        "acosh": np.arccosh,
        "atanh": np.arctanh,
        "erf": by_element(math.erf),
        "erfinv": by_element(erfinv),
        "lgamma": by_element(lgamma),
        "isnan": np.isnan,
        "logical_not": np.logical_not,
        "bitwise_not": np.invert,
        "mul": np.multiply,
        "floor_divide": floor_divide,
        "remainder": remainder,
        "fmod": fmod,
        "pow": pow_,
        "atan2": np.arctan2,
        "complex": of_parts,
        "maximum": np.maximum,
        "minimum": np.minimum,
        "eq": np.equal,
        "ne": np.not_equal,
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "logical_and": np.logical_and,
        "logical_or": np.logical_or,
        "logical_xor": np.logical_xor,
        "bitwise_and": np.bitwise_and,
        "bitwise_or": np.bitwise_or,
        "bitwise_xor": np.bitwise_xor,
        "bitwise_left_shift": shift(np.left_shift, True),
        "bitwise_right_shift": shift(np.right_shift, False),
        "where": np.where,
        "copy": lambda src: src,
        "fill": lambda value: value,
    }.items()
} | {
    "round": with_args(round_),
    "add": with_args(add),
    "sub": with_args(sub),
    "div": with_args(div),
    "clamp": with_args(clamp),
}
