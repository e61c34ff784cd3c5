"""Running sums and products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DTYPES,
    FLOATS,
    LAYOUTS,
    D,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)


@samples_for("cumsum", "cumprod")
def scans(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = {"cumsum": np.cumsum, "cumprod": np.cumprod}[op]
    low, high = (-4, 4) if op == "cumsum" else (0.5, 1.5)

    def reference(x: Any, dim: int) -> Any:
        return fn(wide(x), axis=dim) if x.ndim else wide(x)

    def with_dtype(x: Any, dim: int, *, dtype: D) -> Any:
        return fn(wide(x.astype(dtype.name)), axis=dim)

    for dtype in DTYPES:
        result = dtype if dtype in FLOATS else "int64"
        for dim in (0, 1, 2, -1):
            yield Sample((T(make(rng, (2, 3, 4), dtype, low, high)), dim), reference, dtype=result, rtol=1e-5)
        for shape in ((), (0,), (1,), (2, 0)):
            yield Sample((T(make(rng, shape, dtype)), 0), reference, dtype=result)
        for layout in LAYOUTS:
            for dim in (0, 1):
                yield Sample((T(make(rng, (3, 4), dtype, low, high), layout), dim), reference, dtype=result, rtol=1e-5)
        yield Sample((T(make(rng, (3, 4), dtype, 0, 3)), 1), with_dtype, {"dtype": D("float64")}, dtype="float64")
    bounds = (-1, 1) if op == "cumsum" else (0.99, 1.01)
    for shape, dim in (((5000,), 0), ((70, 700), 1), ((700, 70), 0)):
        yield Sample((T(make(rng, shape, "float32", *bounds)), dim), reference, rtol=1e-4, atol=1e-4)
    yield Sample((T(np.array([1.0, np.nan, 2.0, np.inf], np.float32)), 0), reference)


@errors_for("cumsum", "cumprod")
def refuses_dims(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 3), np.float32))
    yield ErrorSample((x, 2), IndexError, f"^{op}: dim 2 is out of range")
    yield ErrorSample((x, -3), IndexError, f"^{op}: dim -3 is out of range")
    yield ErrorSample((x,), TypeError, op)
