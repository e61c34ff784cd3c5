"""Covariances and histograms, against NumPy's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    FLOATS,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Refusal,
    Sample,
    T,
    errors_for,
    float_result,
    make,
    rng_for,
    samples_for,
    wide,
)

SHAPES: tuple[tuple[int, ...], ...] = ((3, 5), (1, 5), (5,), (2, 1), (3, 0), (0, 3), ())


def near(dtype: str) -> dict[str, Any]:
    if dtype in SIXTEENS:
        return {"rtol": 2e-2, "atol": 2e-2}
    return {"rtol": 2e-5, "atol": 1e-5} if dtype in ("float32", "complex64") else {"rtol": 1e-10, "atol": 1e-11}


def covariance(x: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    x = np.atleast_2d(wide(x))
    f = np.ones(x.shape[1]) if fweights is None else fweights
    w = f if aweights is None else f * wide(aweights)
    with np.errstate(all="ignore"):
        centred = x - (x * w).sum(1, keepdims=True) / w.sum()
        alike = 1 if aweights is None else (w * wide(aweights)).sum() / w.sum()
        return np.squeeze((centred * w) @ centred.conj().T / max(w.sum() - correction * alike, 0))


@samples_for("cov")
def covariances(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in (*ALL_FLOATS, *COMPLEXES, *ALL_INTS):
        loose = near(float_result(dtype))
        for shape in SHAPES:
            x = T(make(rng, shape, dtype))
            for kwargs in ({}, {"correction": 0}):
                yield Sample((x,), covariance, dict(kwargs), dtype=float_result(dtype), **loose)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 5), dtype), layout),), covariance, dtype=float_result(dtype), **loose)
    often = T(np.array([1, 0, 2, 3, 1]))
    for dtype in (*FLOATS, *COMPLEXES):
        much = T(np.array([0.5, 1, 0.25, 0, 2]).astype("float64" if dtype in ("float64", "complex128") else "float32"))
        for shape in SHAPES[:3]:
            x = T(make(rng, shape, dtype))
            for kwargs in (
                {"fweights": often},
                {"aweights": much},
                {"fweights": often, "aweights": much},
                {"fweights": often, "aweights": much, "correction": 0},
            ):
                yield Sample((x,), covariance, kwargs, **near(dtype))


@samples_for("corrcoef")
def correlations(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any) -> Any:
        c = covariance(x)
        with np.errstate(all="ignore"):
            if c.ndim == 0:
                return c / c
            deviation = np.sqrt(c.diagonal().real)
            return c / deviation[:, None] / deviation

    for dtype in (*ALL_FLOATS, *COMPLEXES, "int64", "uint8"):
        for shape in SHAPES[:6]:
            # No variable is constant: its correlation would be rounding over rounding.
            x = make(rng, shape, dtype) + np.arange(shape[-1] if shape else 1).astype(dtype)
            yield Sample((T(x),), reference, dtype=float_result(dtype), **near(float_result(dtype)))


# ---- histograms ----


def counts_between(x: Any, bins: int = 100, low: float = 0, high: float = 0) -> Any:
    x = wide(x).ravel()
    if low == high and x.size:
        low, high = x.min(), x.max()
    if low == high:
        low, high = low - 1, high + 1
    x = x[(x >= low) & (x <= high)]
    place = np.minimum(((x - low) * bins / (high - low)).astype(int), bins - 1)
    return np.bincount(place, minlength=bins)


@samples_for("histc")
def counts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ALL_FLOATS:
        # Quarters: no element is so near an edge that rounding could move it.
        x = np.round(make(rng, (5, 7), dtype).astype(np.float64) * 4).astype(dtype) / np.array(4, dtype)
        for args in ((), (8, -4, 4), (4, 0, 2), (1,), (6, -1, 0.5), (16, 3, 3)):
            yield Sample((T(x), *args), counts_between)
        for layout in LAYOUTS:
            yield Sample((T(x, layout), 8, -4, 4), counts_between)
        for constant in (np.ones((3,), dtype), np.zeros((0,), dtype), np.array(2, dtype)):
            yield Sample((T(constant), 4), counts_between)
    yield Sample((T(np.array([1, math.nan, math.inf, -math.inf, 0.5])), 2, 0, 2), counts_between)


@samples_for("histogram_counts")
def cells(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, edges: Any, *, weight: Any = None, density: bool = False) -> Any:
        weight = None if weight is None else wide(weight)
        return np.histogramdd(wide(x), [wide(each) for each in edges], weights=weight, density=density)[0]

    for dtype in ALL_FLOATS:
        loose = {"rtol": 2e-2, "atol": 2e-2} if dtype in SIXTEENS else near(dtype)
        for dims in (1, 2, 3):
            edges = [T(np.array([-3.0, -1, 0, 0.5, 3])[: 5 - dim].astype(dtype)) for dim in range(dims)]
            x, weight = T(make(rng, (40, dims), dtype)), T(make(rng, (40,), dtype, 0, 2))
            for kwargs in ({}, {"weight": weight}, {"density": True}, {"weight": weight, "density": True}):
                yield Sample((x, edges), reference, dict(kwargs), **loose)
        yield Sample((T(np.zeros((0, 1), dtype)), [T(np.arange(3).astype(dtype))]), reference)
    for layout in LAYOUTS:
        yield Sample(
            (T(make(rng, (9, 2), "float32"), layout), [T(np.arange(-2.0, 3, dtype=np.float32))] * 2), reference
        )


X, INT = T(np.ones((2, 3), np.float32)), T(np.ones((2, 3), np.int64))
EDGES = T(np.arange(3, dtype=np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], Refusal]]] = {
    "cov": [
        ((T(np.ones((2, 2, 2))),), {}, ValueError),
        ((T(np.ones((2, 2), bool)),), {}, TypeError),
        ((X,), {"fweights": T(np.ones(3))}, TypeError),
        ((X,), {"fweights": T(np.ones(2, np.int64))}, ValueError),
        ((X,), {"fweights": T(np.array([1, -1, 1]))}, ValueError),
        ((X,), {"aweights": T(np.ones(3, np.int64))}, TypeError),
        ((X,), {"aweights": T(np.zeros(3))}, ValueError),
    ],
    "corrcoef": [((T(np.ones((2, 2, 2))),), {}, ValueError), ((T(np.ones((2, 2), bool)),), {}, TypeError)],
    "histc": [
        ((INT,), {}, TypeError),
        ((X, 0), {}, ValueError),
        ((X, 3, 2, 1), {}, ValueError),
        ((T(np.array([1.0, math.nan])), 3), {}, ValueError),
        ((X, 3, 0, math.inf), {}, ValueError),
    ],
    "histogram_counts": [
        ((X, [EDGES]), {}, ValueError),
        ((INT, [EDGES] * 3), {}, TypeError),
        ((X, [EDGES, EDGES, T(np.ones(1, np.float32))]), {}, ValueError),
        ((X, [EDGES] * 3), {"weight": T(np.ones(3, np.float32))}, ValueError),
        ((X, [EDGES] * 3), {"weight": T(np.ones(2))}, TypeError),
    ],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: ", kwargs)
