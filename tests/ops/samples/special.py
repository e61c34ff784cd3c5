"""Special functions, against SciPy's. How exact they are over wide ranges is in test_special_accuracy.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special as sp

from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    FLOATS,
    LAYOUTS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    float_result,
    make,
    rng_for,
    samples_for,
    wide,
)
from tests.ops.samples.binary import Binary, sample_of
from tests.ops.samples.unary import Unary, samples_of

EXACT = {"rtol": 2e-7, "atol": 1e-12}  # of float32: all is computed in double

# ---- of one tensor ---------------------------------------------------------------------------------------------


def at_infinity(fn: Callable[..., Any], left: float, right: float) -> Callable[[np.ndarray], np.ndarray]:
    """SciPy's function with the limits that it leaves out."""

    def reference(x: np.ndarray) -> np.ndarray:
        return np.where(x == np.inf, right, np.where(x == -np.inf, left, fn(x)))

    return reference


def _airy(which: int, far: float) -> Callable[[np.ndarray], np.ndarray]:
    """SciPy's loses digits far to the left: the value at -3e4, which is sampled, is from 40-digit arithmetic."""
    return lambda x: np.where(x == -3e4, far, sp.airy(x)[which])


def _spherical(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, 1, np.where(np.isinf(x), 0, np.sin(x) / x))


UNARY: dict[str, Unary] = {
    "digamma": Unary(sp.psi, 0.1, 9, **EXACT),
    "i0": Unary(at_infinity(sp.i0, np.inf, np.inf), **EXACT),
    "airy_ai_slope": Unary(at_infinity(_airy(1, -7.3641107314761885298), np.nan, 0), **EXACT),
    "special_airy_ai": Unary(at_infinity(_airy(0, 0.0054856236456691888876), 0, 0), **EXACT),
    "special_bessel_j0": Unary(at_infinity(sp.j0, 0, 0), -9, 9, **EXACT),
    "special_bessel_j1": Unary(at_infinity(sp.j1, 0, 0), -9, 9, **EXACT),
    "special_bessel_y0": Unary(at_infinity(sp.y0, np.nan, 0), 0.1, 9, **EXACT),
    "special_bessel_y1": Unary(at_infinity(sp.y1, np.nan, 0), 0.1, 9, **EXACT),
    "special_entr": Unary(sp.entr, 0.01, 4),
    "special_erfcx": Unary(sp.erfcx, **EXACT),
    "special_i0e": Unary(sp.i0e, **EXACT),
    "special_i1": Unary(at_infinity(sp.i1, -np.inf, np.inf), **EXACT),
    "special_i1e": Unary(sp.i1e, **EXACT),
    "special_log_ndtr": Unary(sp.log_ndtr, **EXACT),
    "special_modified_bessel_k0": Unary(sp.k0, 0.1, 9, **EXACT),
    "special_modified_bessel_k1": Unary(sp.k1, 0.1, 9, **EXACT),
    "special_ndtr": Unary(sp.ndtr, **EXACT),
    "special_ndtri": Unary(sp.ndtri, 0, 1, **EXACT),
    "special_scaled_modified_bessel_k0": Unary(sp.k0e, 0.1, 9, **EXACT),
    "special_scaled_modified_bessel_k1": Unary(sp.k1e, 0.1, 9, **EXACT),
    "special_spherical_bessel_j0": Unary(_spherical, rtol=2e-6),
}


@samples_for(*UNARY)
def of_one_tensor(op: str) -> Iterator[Sample]:
    yield from samples_of(op, UNARY[op])


@samples_for("digamma")
def left_of_zero(op: str) -> Iterator[Sample]:
    poles = np.array([-3.0, -1.0, -2.5, -0.5, -7.25, -0.0, 0.0])
    for dtype in FLOATS:
        yield Sample((T(poles.astype(dtype)),), lambda x: sp.psi(wide(x)))


# ---- of two ----------------------------------------------------------------------------------------------------


def _zeta(s: Any, q: Any) -> Any:
    # SciPy's is NaN at infinite s where the sum has a limit, and infinite at s = NaN over a pole.
    limit = np.where(q > 1, 0.0, np.where(q == 1, 1.0, np.inf))
    return np.where(np.isnan(s), np.nan, np.where((s == np.inf) & ~np.isnan(q), limit, sp.zeta(s, q)))


BINARY: dict[str, Binary] = {
    "igamma": Binary(sp.gammainc, "floating", low=0.1, high=9),
    "igammac": Binary(sp.gammaincc, "floating", low=0.1, high=9),
    "special_zeta": Binary(_zeta, "floating", low=1.1, high=9),
    "special_xlog1py": Binary(sp.xlog1py, "floating", low=-0.9, high=4),
}
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e-5, 30.0, np.inf, -np.inf, np.nan])


@samples_for(*BINARY)
def of_two_tensors(op: str) -> Iterator[Sample]:
    binary = BINARY[op]
    rng = rng_for(op)

    def operand(shape: tuple[int, ...], dtype: str, layout: str = "contiguous") -> T:
        return T(make(rng, shape, dtype, binary.low, binary.high), layout)

    for dtype in (*ALL_FLOATS, *ALL_INTS, "bool"):
        for a, b in (((), ()), ((5,), ()), ((3, 1), (1, 4)), ((4,), (2, 3, 4)), ((2, 0), (1, 1))):
            yield sample_of(binary, operand(a, dtype), operand(b, dtype))
        for layout in LAYOUTS:
            yield sample_of(binary, operand((3, 4), dtype, layout), operand((4,), dtype))
            yield sample_of(binary, operand((3, 4), dtype), operand((3, 4), dtype, layout))
        yield sample_of(binary, operand((3, 4), dtype), operand((4,), "float64"))
        yield sample_of(binary, operand((3, 4), dtype), 2)
        yield sample_of(binary, operand((3, 4), dtype), 1.5)
    for dtype in ALL_FLOATS:
        a, b = (values.ravel().astype(dtype) for values in np.meshgrid(SPECIAL, SPECIAL))
        yield sample_of(binary, T(a), T(b))
        yield sample_of(binary, operand((41, 3, 29), dtype, "transposed"), operand((29,), dtype, "reversed"))


# ---- with an order ---------------------------------------------------------------------------------------------


@samples_for("polygamma", "mvlgamma")
def with_an_order(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    orders = (0, 1, 2, 3, 7) if op == "polygamma" else (1, 2, 3, 5)

    def reference(x: Any, order: int) -> Any:
        x = wide(x).astype(np.float64)
        return sp.polygamma(order, x) if op == "polygamma" else _log_multigamma(x, order)

    for order in orders:
        for dtype in (*ALL_FLOATS, *ALL_INTS, *(["bool"] if op == "polygamma" else [])):
            tolerance = {"rtol": 1e-6} if float_result(dtype) == "float32" else {}
            for shape in ((), (0,), (7,), (3, 4)):
                x = T(make(rng, shape, dtype, 3, 9))
                yield Sample((x, order), reference, dtype=float_result(dtype), **tolerance)
            for layout in LAYOUTS:
                x = T(make(rng, (3, 4), dtype, 3, 9), layout)
                yield Sample((x, order), reference, dtype=float_result(dtype), **tolerance)
        if op == "polygamma":
            for dtype in ALL_FLOATS:
                yield Sample((T(np.array([0.5, 40.0, np.inf, np.nan, 0.0, 1e-3]).astype(dtype)), order), reference)
            for dtype in FLOATS:
                yield Sample((T(np.array([-0.5, -2.25, -1.0, -np.inf]).astype(dtype)), order), reference, rtol=2e-7)


def _log_multigamma(x: np.ndarray, p: int) -> np.ndarray:
    """SciPy's refuses what lies below (p - 1) / 2."""
    return p * (p - 1) / 4 * np.log(np.pi) + sum(sp.gammaln(x - j / 2) for j in range(p))


# ---- refusals --------------------------------------------------------------------------------------------------


@errors_for(*UNARY)
def refuses_unary(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: not defined for dtype {dtype}")
    yield ErrorSample((), TypeError, op)
    yield ErrorSample(("text",), TypeError, op)
    yield ErrorSample((T(np.ones(2, np.float32)),), TypeError, op, {"no_such_argument": 1})


@errors_for(*BINARY)
def refuses_binary(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.float32))
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)), ones), TypeError, f"^{op}: not defined for dtype complex64|complex128")
    yield ErrorSample((ones, T(np.ones(3, np.float32))), ValueError, rf"^{op}: shapes .*\(2,\).*\(3,\)")
    yield ErrorSample((ones, "text"), TypeError, op)
    yield ErrorSample((ones,), TypeError, op)


@errors_for("digamma", "i0", "igamma", "igammac")
def refuses_float_into_int(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.int64))
    args = (ones, ones) if op in BINARY else (ones,)
    yield ErrorSample(args, RuntimeError, f"^{op}: a result of dtype float32 can't be written", method=f"{op}_")


@errors_for("polygamma", "mvlgamma")
def refuses_orders(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.float32))
    said = "n must not be negative, got -1" if op == "polygamma" else "p must be from 1 to 10000, got -1"
    yield ErrorSample((ones, -1), ValueError, f"^{op}: {said}")
    yield ErrorSample((ones, 1.5), TypeError, op)
    yield ErrorSample((ones,), TypeError, op)
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)), 1), TypeError, f"^{op}: not defined for dtype {dtype}")


@errors_for("mvlgamma")
def refuses_bool(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.array([True])), 1), TypeError, "^mvlgamma: not defined for dtype bool")
