"""Elementwise functions of one tensor, written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

import dovetail as dt
from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    float_result,
    make,
    promote,
    rng_for,
    samples_for,
    wide,
)

EDGES = np.array([0.0, -0.0, 0.5, -1.5, 2.0, np.inf, -np.inf, np.nan])

# reference, lowest and highest input, result ("same", "floating" or "bool"), whether integers are taken
FUNCTIONS: dict[str, tuple[Callable[..., Any], float, float, str, bool]] = {
    "isposinf": (np.isposinf, -4, 4, "bool", True),
    "isneginf": (np.isneginf, -4, 4, "bool", True),
    "isreal": (np.isreal, -4, 4, "bool", True),
    "signbit": (np.signbit, -4, 4, "bool", True),
    "frac": (lambda x: x - np.trunc(x), -4, 4, "same", False),
    "deg2rad": (np.deg2rad, -400, 400, "floating", True),
    "rad2deg": (np.rad2deg, -7, 7, "floating", True),
    "logit": (scipy.special.logit, 0.01, 0.99, "floating", False),
    "sinc": (np.sinc, -4, 4, "floating", True),
}


@samples_for(*FUNCTIONS)
def functions(op: str) -> Iterator[Sample]:
    fn, low, high, result, integers = FUNCTIONS[op]
    rng = rng_for(op)

    def reference(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return fn(wide(x).astype(np.float64))

    def tolerance(dtype: str) -> dict[str, Any]:
        return {} if dtype in SIXTEENS else {"rtol": 1e-5, "atol": 1e-6}

    for dtype in (*ALL_FLOATS, *(ALL_INTS if integers else ())):
        gives = "bool" if result == "bool" else float_result(dtype) if result == "floating" else dtype
        for shape in ((), (0,), (7,), (3, 4)):
            yield Sample((T(make(rng, shape, dtype, low, high)),), reference, dtype=gives, **tolerance(gives))
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype, low, high), layout),), reference, dtype=gives, **tolerance(gives))
    for dtype in ALL_FLOATS:
        gives = "bool" if result == "bool" else dtype
        edges = EDGES if op != "frac" else EDGES[:5]
        yield Sample((T(edges.astype(dtype)),), reference, dtype=gives, **tolerance(gives))


@samples_for("logit")
def clamped_logits(op: str) -> Iterator[Sample]:
    x = np.array([0.0, 1.0, 0.3, -1.0, 2.0])
    for dtype in ALL_FLOATS:
        for eps in (0.1, 1e-3):
            yield Sample(
                (T(x.astype(dtype)), eps),
                lambda x, eps: scipy.special.logit(np.clip(wide(x), eps, 1 - eps)),
                rtol=None if dtype in SIXTEENS else 1e-5,
            )


@samples_for("sinc", "isreal")
def of_complex(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in COMPLEXES:
        x = make(rng, (3, 4), dtype, -2, 2)
        x[0] = x[0].real
        gives = dtype if op == "sinc" else "bool"
        yield Sample((T(x),), lambda x: np.sinc(wide(x)) if op == "sinc" else np.isreal(x), dtype=gives)


@samples_for("nan_to_num")
def numbers_for_nan(op: str) -> Iterator[Sample]:
    def reference(x: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
        limits = dt.finfo(getattr(dt, str(x.dtype)))
        posinf = limits.max if posinf is None else posinf
        neginf = limits.min if neginf is None else neginf
        return np.nan_to_num(wide(x), nan=nan or 0.0, posinf=posinf, neginf=neginf)

    for dtype in ALL_FLOATS + COMPLEXES:
        for args in ((), (1.0,), (1.0, 2.0, -3.0), (None, None, 5.0)):
            edges = np.stack([EDGES, EDGES[::-1]], -1).view(complex)[:, 0] if dtype in COMPLEXES else EDGES
            yield Sample((T(edges.astype(dtype)), *args), reference)
    yield Sample((T(np.array([1, 2])),), lambda x: x)


@samples_for("nan_to_numbers")
def special_values(op: str) -> Iterator[Sample]:
    def reference(x: Any, nan: float, posinf: float, neginf: float) -> Any:
        return np.nan_to_num(wide(x), nan=nan, posinf=posinf, neginf=neginf)

    for dtype in ALL_FLOATS:
        yield Sample((T(EDGES.astype(dtype)), 1.0, 2.0, -3.0), reference)


@samples_for("clip", "clamp_min", "clamp_max")
def clips(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, low: Any = None, high: Any = None, *, dtype: str) -> Any:
        x, low, high = (None if value is None else np.asarray(value).astype(dtype) for value in (x, low, high))
        x = x if low is None else np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    bounds: dict[str, tuple[tuple[Any, ...], ...]] = {
        "clip": ((1, 2), (None, 2), (1,)),
        "clamp_min": ((1,),),
        "clamp_max": ((2,),),
    }
    for dtype in (*ALL_FLOATS, *ALL_INTS):
        x = T(make(rng, (3, 4), dtype))
        for args in (*bounds[op], tuple(T(make(rng, (4,), dtype)) for _ in bounds[op][0])):
            meet = promote(x, *(arg for arg in args if arg is not None))

            def expected(x: Any, *args: Any, meet: str = meet) -> Any:
                return reference(x, *((None, *args) if op == "clamp_max" else args), dtype=meet)

            yield Sample((x, *args), expected, dtype=meet)


@errors_for(*(set(FUNCTIONS) - {"isreal", "sinc"}))
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: not defined for dtype {dtype}")


@errors_for("frac", "logit", "sinc")
def refuses_nonsense(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(("text",), TypeError, op)
    yield ErrorSample((), TypeError, op)
