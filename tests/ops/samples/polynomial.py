"""Samples of the orthogonal polynomials; the reference is scipy.special in double precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special

from tests.ops.framework import (
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    layouts_of,
    make,
    rng_for,
    samples_for,
    wide,
)


def third(n: Any, x: Any) -> Any:
    return special.eval_chebyu(n, x) - np.where(n > 0, special.eval_chebyu(np.maximum(n - 1, 0), x), 0)


def fourth(n: Any, x: Any) -> Any:
    return special.eval_chebyu(n, x) + np.where(n > 0, special.eval_chebyu(np.maximum(n - 1, 0), x), 0)


POLYNOMIALS: dict[str, Callable[[Any, Any], Any]] = {
    "chebyshev_polynomial_t": special.eval_chebyt,
    "chebyshev_polynomial_u": special.eval_chebyu,
    "chebyshev_polynomial_v": third,
    "chebyshev_polynomial_w": fourth,
    "shifted_chebyshev_polynomial_t": special.eval_sh_chebyt,
    "shifted_chebyshev_polynomial_u": special.eval_sh_chebyu,
    "shifted_chebyshev_polynomial_v": lambda n, x: third(n, 2 * x - 1),
    "shifted_chebyshev_polynomial_w": lambda n, x: fourth(n, 2 * x - 1),
    "hermite_polynomial_h": special.eval_hermite,
    "hermite_polynomial_he": special.eval_hermitenorm,
    "laguerre_polynomial_l": special.eval_laguerre,
    "legendre_polynomial_p": special.eval_legendre,
}
OPS = tuple(f"special_{name}" for name in POLYNOMIALS)
NEAR: dict[str, dict[str, float]] = {
    "float64": {"rtol": 1e-10, "atol": 1e-10},
    "float32": {"rtol": 1e-4, "atol": 2e-5},
    "float16": {"rtol": 2e-3, "atol": 1e-3},
    "bfloat16": {"rtol": 1e-2, "atol": 1e-2},
}


def reference_of(op: str) -> Callable[[Any, Any], Any]:
    polynomial = POLYNOMIALS[op.removeprefix("special_")]

    def reference(x: Any, n: Any) -> Any:
        degree = np.trunc(np.asarray(wide(n), np.float64)).astype(np.int64)
        x = np.asarray(wide(x), np.float64)
        return np.where(degree < 0, 0.0, polynomial(np.maximum(degree, 0), x))

    return reference


def sample(op: str, x: Any, n: Any, dtype: str) -> Sample:
    return Sample((x, n), reference_of(op), dtype=dtype, **NEAR[dtype])


@samples_for(*OPS)
def polynomials(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ("float32", "float64"):
        x = make(rng, (3, 5), dtype, -1, 1)
        for n in (0, 1, 2, 3, 7, 2.9, -1, -0.5):
            yield sample(op, T(x), n, dtype)
        yield sample(op, T(x), T(np.arange(-1, 4)), dtype)
        yield sample(op, T(x), T(np.arange(3).reshape(3, 1).astype(dtype)), dtype)
        yield sample(op, T(x[0, 0]), T(np.arange(6)), dtype)
        yield sample(op, T(np.array([-1, 0, 1, 0.5], dtype)), 5, dtype)
        for shape in ((), (0,), (2, 0, 3)):
            yield sample(op, T(make(rng, shape, dtype, -1, 1)), 3, dtype)
            yield sample(op, T(make(rng, shape, dtype, -1, 1)), T(np.array(2)), dtype)
        yield sample(op, T(np.zeros((0, 1), dtype)), T(np.arange(3)), dtype)
        for laid in layouts_of(x):
            yield sample(op, laid, 4, dtype)
            yield sample(op, laid, T(np.arange(5)), dtype)
        yield sample(op, 0.25, T(np.arange(5).astype(dtype)), dtype)
    yield sample(op, 0.25, T(np.arange(5)), "float32")
    for x in (np.arange(4), np.arange(4, dtype=np.uint8), np.arange(4, dtype=np.int16), np.array([True, False])):
        yield sample(op, T(x), 3, "float32")
        yield sample(op, T(x), T(np.arange(2).reshape(2, 1)), "float32")
    for dtype in SIXTEENS:
        yield sample(op, T(np.linspace(-1, 1, 9).astype(dtype)), 3, dtype)
        yield sample(op, T(np.linspace(-1, 1, 4).astype(dtype)), T(np.arange(4)), dtype)


@samples_for(*OPS)
def of_high_degree(op: str) -> Iterator[Sample]:
    x = np.array([-2, -1.25, -1, -0.7, -0.01, 0, 0.3, 0.9, 1, 1.5])
    for n in (8, 9, 10, 25, 60):
        yield sample(op, T(x), n, "float64")
    yield sample(op, T(x), T(np.array([12, 9, 31, 8, 20, 11, 10, 40, 15, 16])), "float64")
    yield sample(op, T(x), T(np.array([[0], [30], [-3], [1]])), "float64")


@samples_for(*OPS)
def of_no_number(op: str) -> Iterator[Sample]:
    x = T(np.array([0.5, np.nan, 0.25], np.float32))

    def reference(x: Any, n: Any) -> Any:
        return np.where(np.isfinite(n), reference_of(op)(x, 3), 0)

    yield Sample((x, 3), reference, rtol=1e-4)
    yield Sample((x, float("nan")), reference)
    yield Sample((x, T(np.array([3, np.nan, np.inf], np.float32))), reference, rtol=1e-4)


@samples_for("special_chebyshev_polynomial_t", "special_chebyshev_polynomial_u")
def of_huge_degree(op: str) -> Iterator[Sample]:
    def reference(x: Any, n: int) -> Any:
        ends = n + 1 if op.endswith("u") else 1
        return np.array([-ends if n % 2 else ends, ends])

    for n in (2**20, 2**20 + 1):
        yield Sample((T(np.array([-1.0, 1.0])), n), reference, dtype="float64")


@samples_for("special_hermite_polynomial_h", "special_hermite_polynomial_he")
def beyond_hermite(op: str) -> Iterator[Sample]:
    yield Sample((T(np.array([0.5, 2.0])), 600), lambda x, n: np.full(2, np.nan), dtype="float64")


@errors_for(*OPS)
def refused(op: str) -> Iterator[ErrorSample]:
    x, z = T(np.ones(3, np.float32)), T(np.ones(3, np.complex64))
    yield ErrorSample((z, 2), TypeError, rf"^{op}: not defined for dtype complex64")
    yield ErrorSample((x, z), TypeError, rf"^{op}: not defined for dtype complex64")
    yield ErrorSample((x, T(np.ones(2, np.int64))), (ValueError, RuntimeError), rf"^{op}: ")


@errors_for("special_laguerre_polynomial_l", "special_legendre_polynomial_p")
def refused_degrees(op: str) -> Iterator[ErrorSample]:
    x = T(np.full(3, 0.5, np.float32))
    yield ErrorSample((x, 2**40), ValueError, rf"^{op}: n must be at most 131072, got {2**40}")
