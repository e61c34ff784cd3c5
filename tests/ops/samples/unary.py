"""Elementwise functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.special

from tests.ops.framework import (
    ALL_FLOATS,
    COMPLEXES,
    DTYPES,
    FLOATS,
    INTS,
    SHAPES,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    every,
    float_result,
    layouts_of,
    make,
    real_of,
    rng_for,
    samples_for,
    wide,
)

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1e-30, 3e4, -3e4)


@dataclass(frozen=True)
class Unary:
    """How an op is sampled: its reference, its domain, and which dtype it gives."""

    reference: Callable[[np.ndarray], np.ndarray]
    low: float = -4
    high: float = 4
    result: str = "floating"  # or "same", "bool"
    dtypes: tuple[str, ...] = DTYPES
    rtol: float | None = None
    atol: float | None = None


def _sign(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == bool else np.nan_to_num(np.sign(x))  # NaN has no sign: 0


def _away(fn: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """For functions that NumPy does not know of integers."""
    return lambda x: np.zeros(x.shape, bool) if x.dtype.kind in "iub" else fn(x)


NUMBERS = (*FLOATS, *INTS)

UNARY: dict[str, Unary] = {
    "neg": Unary(np.negative, result="same", dtypes=NUMBERS),
    "abs": Unary(np.abs, result="same", dtypes=NUMBERS),
    "sign": Unary(_sign, result="same"),
    "floor": Unary(np.floor, result="same", dtypes=NUMBERS),
    "ceil": Unary(np.ceil, result="same", dtypes=NUMBERS),
    "trunc": Unary(np.trunc, result="same", dtypes=NUMBERS),
    "round": Unary(np.round, result="same", dtypes=NUMBERS),
    "exp": Unary(np.exp),
    "expm1": Unary(np.expm1),
    "log": Unary(np.log, 0.01, 9),
    "log1p": Unary(np.log1p, -0.99, 9),
    "sqrt": Unary(np.sqrt, 0, 9),
    "sin": Unary(np.sin, -20, 20),
    "cos": Unary(np.cos, -20, 20),
    "tan": Unary(np.tan, -1.5, 1.5, rtol=5e-6),
    "asin": Unary(np.arcsin, -1, 1),
    "acos": Unary(np.arccos, -1, 1),
    "atan": Unary(np.arctan),
    "sinh": Unary(np.sinh),
    "cosh": Unary(np.cosh),
    "tanh": Unary(np.tanh),
    "asinh": Unary(np.arcsinh),
    "acosh": Unary(np.arccosh, 1, 9),
    "atanh": Unary(np.arctanh, -0.99, 0.99),
    "erf": Unary(scipy.special.erf),
    "erfc": Unary(scipy.special.erfc),
    "erfinv": Unary(scipy.special.erfinv, -0.99, 0.99, rtol=1e-5),
    "lgamma": Unary(lambda x: scipy.special.gammaln(np.where(x == -np.inf, np.inf, x)), 0.1, 9, rtol=1e-5, atol=2e-6),
    "exp2": Unary(np.exp2),
    "log2": Unary(np.log2, 0.01, 9),
    "log10": Unary(np.log10, 0.01, 9),
    "rsqrt": Unary(lambda x: 1 / np.sqrt(np.asarray(x, np.float64)), 0.1, 9),
    "reciprocal": Unary(lambda x: 1 / np.asarray(x, np.float64), 0.1, 9),
    "square": Unary(np.square, result="same", dtypes=NUMBERS),
    "sigmoid": Unary(scipy.special.expit),
    "relu": Unary(lambda x: np.maximum(x, 0), result="same", dtypes=NUMBERS),
    "positive": Unary(np.positive, result="same", dtypes=NUMBERS),
    "isnan": Unary(_away(np.isnan), result="bool"),
    "isinf": Unary(_away(np.isinf), result="bool"),
    "isfinite": Unary(lambda x: ~_away(lambda y: ~np.isfinite(y))(x), result="bool"),
    "logical_not": Unary(np.logical_not, result="bool"),
    "bitwise_not": Unary(np.invert, result="same", dtypes=(*INTS, "bool")),
}


def _log2(x: np.ndarray) -> np.ndarray:
    return np.log(x) / np.log(2)


def _log1p(z: np.ndarray) -> np.ndarray:
    """NumPy's loses the digits of small numbers."""
    x, y = z.real, z.imag
    return 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)


# What is defined for complex numbers, with NumPy's function where it is not the one above.
COMPLEX: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    name: UNARY[name].reference
    for name in [
        "neg",
        "abs",
        "exp",
        "expm1",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "log10",
        "square",
        "positive",
        "logical_not",
        "isnan",
        "isinf",
        "isfinite",
    ]
} | {
    "log1p": _log1p,
    "exp2": lambda x: np.exp(x * np.log(2)),
    "log2": _log2,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def _reference(op: str, unary: Unary) -> Callable[[np.ndarray], np.ndarray]:
    def reference(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            if x.dtype.kind == "c":
                return COMPLEX[op](wide(x))
            if unary.result == "floating":
                return unary.reference(wide(x).astype(np.float64))
            # unsigned integers wrap around where they are their own dtype
            return unary.reference(x if x.dtype.kind in "ub" else wide(x))

    return reference


def result_dtype(op: str, unary: Unary, dtype: str) -> str:
    if op == "abs":
        return real_of(dtype)
    if unary.result == "floating":
        return float_result(dtype)
    return "bool" if unary.result == "bool" else dtype


@samples_for(*UNARY)
def unary_samples(op: str) -> Iterator[Sample]:
    return samples_of(op, UNARY[op])


def samples_of(op: str, unary: Unary) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(tensor: T) -> Sample:
        dtype = result_dtype(op, unary, str(tensor.array.dtype))
        narrow = dtype == "float32"
        return Sample(
            (tensor,),
            _reference(op, unary),
            dtype=dtype,
            rtol=unary.rtol if narrow else None,
            atol=unary.atol if narrow else None,
        )

    for dtype in every(unary.dtypes) + (COMPLEXES if op in COMPLEX else ()):
        for shape in SHAPES if dtype in FLOATS else ((), (5,), (3, 4)):
            yield sample(T(make(rng, shape, dtype, unary.low, unary.high)))
        yield from map(sample, layouts_of(make(rng, (3, 4), dtype, unary.low, unary.high)))
    for dtype in (dtype for dtype in FLOATS if dtype in unary.dtypes):
        yield sample(T(make(rng, (1031,), dtype, unary.low, unary.high)))  # vector loops and their tails
        yield sample(T(make(rng, (2, 3, 5), dtype, unary.low, unary.high), "transposed"))
        yield sample(T(np.array(SPECIAL, dtype)))
    for dtype in (dtype for dtype in SIXTEENS if "float32" in unary.dtypes):
        yield sample(T(make(rng, (2111,), dtype, unary.low, unary.high)))  # several blocks, and part of one
        yield sample(T(make(rng, (41, 3, 29), dtype, unary.low, unary.high), "transposed"))
        yield sample(T(np.array(SPECIAL, "float32").astype(dtype)))
    if "float32" in unary.dtypes:
        yield sample(T(make(rng, (70_001,), "float32", unary.low, unary.high)))  # several threads


@samples_for("round")
def round_samples(op: str) -> Iterator[Sample]:
    def reference(x: np.ndarray, decimals: int) -> np.ndarray:
        return np.round(wide(x), decimals)

    values = np.array([0.125, 1.15, -2.671, 1234.56, 0.0, np.nan, np.inf])
    for dtype in FLOATS:
        for decimals in (2, 0, -2):
            yield Sample((T(values.astype(dtype)),), reference, {"decimals": decimals}, rtol=1e-6)
    for dtype in SIXTEENS:
        yield Sample((T(values.astype(dtype)),), reference, {"decimals": 2})


@errors_for("neg", "abs", "floor", "ceil", "trunc", "square", "relu", "positive")
def refuses_bool(op: str) -> Iterator[ErrorSample]:
    if op != "square":
        yield ErrorSample((T(np.array([True])),), TypeError, f"^{op}: not defined for dtype bool")


@errors_for(*(set(UNARY) - set(COMPLEX)))
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: not defined for dtype {dtype}")


@errors_for("bitwise_not")
def refuses_floats(op: str) -> Iterator[ErrorSample]:
    for dtype in ALL_FLOATS:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: not defined for dtype {dtype}")


@errors_for(*UNARY)
def refuses_nonsense(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((), TypeError, op)
    yield ErrorSample(("text",), TypeError, op)
    yield ErrorSample((T(np.ones(2, np.float32)),), TypeError, op, {"no_such_argument": 1})


@errors_for("exp", "sqrt", "sigmoid", "erf")
def refuses_float_into_int(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.int64))
    yield ErrorSample((ones,), RuntimeError, f"^{op}: a result of dtype float32 can't be written", method=f"{op}_")
    yield ErrorSample(
        (T(np.ones(3, np.float32)),), ValueError, rf"^{op}: .*\(3,\).*\(2,\)", {"out": T(np.ones(2, np.float32))}
    )
