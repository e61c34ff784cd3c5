"""Elementwise choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DTYPES,
    FLOATS,
    INTS,
    LAYOUTS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    promote,
    rng_for,
    samples_for,
)


@samples_for("where")
def where_samples(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(condition: T, a: Any, b: Any) -> Sample:
        return Sample((condition, a, b), np.where, dtype=promote(a, b))

    shapes = [((), (), ()), ((0,), (0,), (0,)), ((3, 1), (4,), (2, 1, 1)), ((), (3, 4), ()), ((5,), (), ())]
    for dtype in DTYPES:
        for mask, a, b in shapes:
            yield sample(T(make(rng, mask, "bool")), T(make(rng, a, dtype)), T(make(rng, b, dtype)))
        for layout in LAYOUTS:
            mask, a, b = (make(rng, (3, 4), kind) for kind in ("bool", dtype, dtype))
            yield sample(T(mask, layout), T(a), T(b, layout))
        for other in DTYPES:
            if other != dtype:
                yield sample(T(make(rng, (3, 4), "bool")), T(make(rng, (3, 4), dtype)), T(make(rng, (4,), other)))
        for number in (True, 2, 0.5):
            yield sample(T(make(rng, (3, 4), "bool")), T(make(rng, (3, 4), dtype)), number)
            yield sample(T(make(rng, (3, 4), "bool")), number, T(make(rng, (3, 4), dtype)))
    yield sample(T(make(rng, (70_001,), "bool")), T(make(rng, (70_001,), "float32")), 0.0)


@samples_for("clamp")
def clamp_samples(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, low: Any = None, high: Any = None, *, dtype: str) -> Any:
        x = np.asarray(x).astype(dtype)
        if low is not None:
            x = np.maximum(x, np.asarray(low).astype(dtype))
        return x if high is None else np.minimum(x, np.asarray(high).astype(dtype))

    def sample(*args: Any) -> Sample:
        dtype = promote(*(arg for arg in args if arg is not None))
        return Sample(args, lambda *values: reference(*values, dtype=dtype), dtype=dtype)

    for dtype in (*FLOATS, *INTS):
        x = T(make(rng, (3, 4), dtype))
        yield sample(x, 1, 2)
        yield sample(x, 1)
        yield sample(x, None, 2)
        yield sample(x, 3, 1)  # the upper bound wins
        yield sample(x, T(make(rng, (4,), dtype)), T(make(rng, (3, 1), dtype)))
        yield sample(x, None, T(make(rng, (3, 4), dtype), "reversed"))
        yield sample(x, 0.5, 2.5)
        for shape in ((), (0,), (1031,)):
            yield sample(T(make(rng, shape, dtype)), 1, 2)
        for layout in LAYOUTS:
            yield sample(T(make(rng, (3, 4), dtype), layout), 1, 2)
    for dtype in FLOATS:
        yield sample(T(np.array([np.nan, np.inf, -np.inf, 0.0], dtype)), -1, 1)
        yield sample(T(np.array([0.0, 1.0], dtype)), T(np.array([np.nan, 0.5], dtype)))


@samples_for("masked_fill")
def masked_fill_samples(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, mask: Any, value: Any) -> Any:
        return np.where(mask, np.asarray(value).astype(x.dtype), x)

    for dtype in DTYPES:
        for value in (1, 2.5, True):
            yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (3, 4), "bool")), value), reference)
        yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (4,), "bool")), T(np.array(1, dtype))), reference)
        yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (), "bool")), 0), reference)
        yield Sample((T(make(rng, (0,), dtype)), T(make(rng, (0,), "bool")), 0), reference)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), T(make(rng, (3, 4), "bool"), layout), 1), reference)
    yield Sample((T(make(rng, (3, 4), "float32")), T(make(rng, (3, 4), "bool")), T(np.array(2, np.int64))), reference)


@errors_for("where")
def where_errors(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.float32))
    yield ErrorSample((T(np.array([1, 0])), ones, ones), TypeError, "^where: condition must have dtype bool, got int64")
    yield ErrorSample((T(np.ones(3, bool)), ones, ones), ValueError, r"^where: .*\(3,\)")


@errors_for("clamp")
def clamp_errors(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones(2, np.float32)),), ValueError, "^clamp: at least one of min and max")
    yield ErrorSample((T(np.ones(2, bool)), True), TypeError, "^clamp: not defined for dtype bool")
    yield ErrorSample((T(np.ones(2, np.float32)), T(np.ones(3, np.float32))), ValueError, "^clamp: ")


@errors_for("masked_fill")
def masked_fill_errors(op: str) -> Iterator[ErrorSample]:
    x, mask = T(np.ones(2, np.float32)), T(np.ones(2, bool))
    yield ErrorSample((x, T(np.ones(2, np.int64)), 1), TypeError, "^masked_fill: mask must have dtype bool, got int64")
    yield ErrorSample(
        (x, mask, T(np.ones(2, np.float32))), ValueError, r"^masked_fill: value must be a number .* \(2,\)"
    )
    yield ErrorSample((x, T(np.ones(3, bool)), 1), ValueError, r"\(3,\)")
