"""Elementwise functions of several tensors, written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    SIXTEENS,
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

PAIRS: dict[str, Callable[..., Any]] = {
    "true_divide": np.divide,
    "hypot": np.hypot,
    "copysign": np.copysign,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "xlogy": scipy.special.xlogy,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "heaviside": lambda a, b: np.where(np.isnan(a), 0, np.heaviside(a, b)),
    "rsub": lambda a, b: b - a,
    "ldexp": lambda a, b: a * 2.0**b,
}
OF_INTEGERS = {
    "fmax": "same",
    "fmin": "same",
    "rsub": "same",
    "true_divide": "floating",
    "copysign": "floating",
    "xlogy": "floating",
}
OF_COMPLEX = {"rsub", "true_divide", "ldexp"}
REFUSE_COMPLEX = set(PAIRS) - OF_COMPLEX - {"logaddexp"}
EDGES = np.array([0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan])


def tolerance(dtype: str) -> dict[str, Any]:
    return {} if dtype in SIXTEENS else {"rtol": 1e-5, "atol": 1e-6}


def quiet(fn: Callable[..., Any]) -> Callable[..., Any]:
    def reference(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return fn(*(wide(arg) for arg in args), **kwargs)

    return reference


@samples_for(*PAIRS)
def pairs(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    low = 0.1 if op == "xlogy" else -4

    def sample(a: Any, b: Any, dtype: str) -> Sample:
        return Sample((a, b), quiet(PAIRS[op]), dtype=dtype, **tolerance(dtype))

    for dtype in ALL_FLOATS + (COMPLEXES if op in OF_COMPLEX else ()):
        for x, y in (((3, 4), (3, 4)), ((3, 1), (4,)), ((), ()), ((0,), (1,)), ((5,), ())):
            yield sample(T(make(rng, x, dtype, low)), T(make(rng, y, dtype, low)), dtype)
        yield sample(
            T(make(rng, (3, 4), dtype, low), "transposed"), T(make(rng, (3, 4), dtype, low), "reversed"), dtype
        )
        if op not in ("ldexp", "heaviside"):
            yield sample(T(make(rng, (3, 4), dtype, low)), 2, dtype)
        if op != "ldexp" and dtype not in COMPLEXES:
            a, b = (values.ravel().astype(dtype) for values in np.meshgrid(EDGES, EDGES))
            yield sample(T(a), T(b), dtype)
    for dtype in ALL_INTS if op in OF_INTEGERS else ():
        result = dtype if OF_INTEGERS[op] == "same" else float_result(dtype)
        array = make(rng, (3, 4), dtype, 1, 9)
        yield sample(T(array), T(np.sort(array)), result)


@samples_for("rsub")
def rsub_alpha(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    args = (T(make(rng, (3, 4), "float32")), T(make(rng, (4,), "float32")))
    yield Sample(args, lambda a, b, alpha: b - alpha * a, {"alpha": 2.5})


@samples_for("float_power")
def float_powers(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in COMPLEXES:
        args = (T(make(rng, (3, 4), dtype, 0, 4)), T(make(rng, (4,), dtype, 0, 3)))
        yield Sample(args, quiet(lambda a, b: a**b), dtype="complex128", rtol=1e-6)
    for dtype in (*ALL_FLOATS, *ALL_INTS):
        args = (T(make(rng, (3, 4), dtype, 0, 4)), T(make(rng, (4,), dtype, 0, 3)))
        yield Sample(args, quiet(lambda a, b: np.float_power(a, b)), dtype="float64", rtol=1e-6)
        yield Sample((args[0], 2), quiet(lambda a, b: np.float_power(a, b)), dtype="float64", rtol=1e-6)


@samples_for("addcmul", "addcdiv")
def add_products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, a: Any, b: Any, *, value: Any = 1) -> Any:
        return x + value * (a * b if op == "addcmul" else a / b)

    for dtype in ALL_FLOATS + COMPLEXES:
        for kwargs in ({}, {"value": -0.5}):
            args = [T(make(rng, shape, dtype, 0.5, 4)) for shape in ((3, 4), (4,), (3, 1))]
            yield Sample(tuple(args), quiet(reference), kwargs, **tolerance(dtype))
            args = [T(make(rng, (3, 4), dtype, 0.5, 4), "transposed") for _ in range(3)]
            yield Sample(tuple(args), quiet(reference), kwargs, **tolerance(dtype))
    for dtype in ALL_INTS if op == "addcmul" else ():
        args = [T(make(rng, (3, 4), dtype)) for _ in range(3)]
        yield Sample(tuple(args), quiet(reference), {"value": 2})


@samples_for("lerp")
def lerps(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, weight: Any) -> Any:
        return a + weight * (b - a)

    for dtype in ALL_FLOATS + COMPLEXES:
        a, b = T(make(rng, (3, 4), dtype)), T(make(rng, (4,), dtype))
        for weight in (0.25, 1.0, T(make(rng, (3, 1), dtype, 0, 1))):
            yield Sample((a, b, weight), quiet(reference), **tolerance(dtype))


@samples_for("isclose")
def closeness(op: str) -> Iterator[Sample]:
    def reference(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
        return np.isclose(wide(a), wide(b), rtol, atol, equal_nan)

    for dtype in ALL_FLOATS + COMPLEXES:
        a = np.array([1.0, 1.0, 1.0, np.inf, -np.inf, np.nan, 0.0]).astype(dtype)
        b = np.array([1.0, 1.000001, 1.1, np.inf, np.inf, np.nan, 1e-9]).astype(dtype)
        for args in ((), (0.2,), (0.0, 0.2), (1e-5, 1e-8, True)):
            yield Sample((T(a), T(b), *args), reference, dtype="bool")
    yield Sample((T(np.array([1, 2])), T(np.array([1, 3]))), reference, dtype="bool")


@errors_for(*REFUSE_COMPLEX)
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        ones = T(np.ones(2, dtype))
        yield ErrorSample((ones, ones), TypeError, f"^{op}: not defined for dtype {dtype}")


@errors_for(*PAIRS, "float_power", "isclose")
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    a, b = T(np.ones((2, 3), np.float32)), T(np.ones((2, 4), np.float32))
    yield ErrorSample((a, b), ValueError, r"\(2, [34]\).*\(2, [34]\)")
    yield ErrorSample((a, "text"), TypeError, op)


@samples_for("ldexp")
def ldexp_of_integers(op: str) -> Iterator[Sample]:
    """Exponents are integers most often, and may go beyond what 2 ** n has as a float where the product does not."""
    rng = rng_for(op)

    def reference(x: Any, n: Any) -> Any:
        return np.ldexp(x.astype(np.float64), n)

    exponents = T(np.array([-3, 0, 5, 11]))
    for dtype in ALL_FLOATS:
        yield Sample((T(make(rng, (3, 4), dtype)), exponents), reference, dtype=dtype)
    yield Sample((T(np.array([3, -4], np.int8)), T(np.array([2, -1]))), reference, dtype="float32", variants=False)
    for dtype, small, power in (("float32", 1e-30, 130), ("float32", 1e30, -140), ("float64", 1e-200, 1030)):
        yield Sample((T(np.array([small], dtype)), T(np.array([power]))), reference, dtype=dtype, rtol=1e-6)


@samples_for("logaddexp")
def logaddexp_of_complex(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "complex")
    for dtype in COMPLEXES:
        x, y = make(rng, (3, 4), dtype), make(rng, (4,), dtype)
        yield Sample((T(x), T(y)), lambda a, b: np.log(np.exp(a) + np.exp(b)), **tolerance(dtype))
        far = np.array([1000 + 1j, 1 - 2j, complex(-np.inf, 1)], dtype)
        near = np.array([-1000 - 2j, 999 + 1j, 2 + 1j], dtype)
        yield Sample((T(far), T(near)), lambda a, b: np.where(a.real > b.real, a, b), **tolerance(dtype))
        for infinite in (np.inf, -np.inf):
            same = T(np.array([complex(infinite, 0)], dtype))
            yield Sample((same, same), lambda a, b: a, **tolerance(dtype))
