"""Quantiles, against NumPy's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def reference(op: str) -> Any:
    def by_numpy(x: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
        with np.errstate(all="ignore"):
            function, x = np.nanquantile if op == "nanquantile" else np.quantile, np.asarray(x)
            if x.ndim == 0:  # NumPy has no dim of it, and would keep one
                x, dim, keepdim = x.reshape(1), 0, False
            return function(wide(x), wide(q), axis=dim, keepdims=keepdim, method=interpolation)

    return by_numpy


@samples_for("quantile", "nanquantile")
def quantiles(op: str) -> Iterator[Sample]:
    rng, by_numpy = rng_for(op), reference(op)
    for dtype in ALL_FLOATS:
        loose = {"rtol": 1e-2, "atol": 1e-2} if dtype in SIXTEENS else {}
        x, shares = make(rng, (3, 5), dtype), T(np.array([0, 0.25, 0.5, 1]).astype(dtype))
        for q in (0.25, shares):
            for args in ((), (0,), (-1,), (1, True), (None, True)):
                yield Sample((T(x), q, *args), by_numpy, **loose)
        for method in METHODS:
            yield Sample((T(x), shares, 1), by_numpy, {"interpolation": method}, **loose)
        for layout in LAYOUTS:
            yield Sample((T(x, layout), 0.75, 1), by_numpy, **loose)
        for shape in ((), (1,), (2, 1, 4)):
            yield Sample((T(make(rng, shape, dtype)), 0.5), by_numpy, **loose)
            yield Sample((T(make(rng, shape, dtype)), T(np.array(0.5).astype(dtype)), -1), by_numpy, **loose)
    holes = make(rng, (4, 5), "float64")
    holes[0, 1] = holes[1, 0] = holes[1, 4] = math.nan
    holes[3] = math.nan if op == "quantile" else 1
    for method in METHODS:
        yield Sample((T(holes), T(np.array([0.0, 0.3, 1])), 1), by_numpy, {"interpolation": method})
    ends = T(np.array([math.inf, 1, math.inf, -math.inf, 3]))
    for q in (0.0, 0.25, 0.75, 1.0):  # NumPy takes infinity from infinity
        yield Sample((ends, q), lambda x, q: np.sort(x)[round(4 * q)])


X = T(np.ones((2, 3), np.float32))


@errors_for("quantile", "nanquantile")
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error in (
        ((T(np.ones(3, np.int64)), 0.5), {}, TypeError),
        ((X, T(np.ones(1))), {}, TypeError),
        ((X, T(np.ones((1, 1), np.float32))), {}, ValueError),
        ((X, 1.5), {}, ValueError),
        ((X, math.nan), {}, ValueError),
        ((X, 0.5, 2), {}, IndexError),
        ((T(np.ones((0, 3), np.float32)), 0.5), {}, ValueError),
        ((X, 0.5), {"interpolation": "cubic"}, ValueError),
    ):
        yield ErrorSample(args, error, f"^{op}: ", kwargs)
