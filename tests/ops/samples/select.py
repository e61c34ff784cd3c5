"""Elementwise choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_DTYPES,
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    meet,
    promote,
    rng_for,
    samples_for,
)


@samples_for("where")
def where_samples(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(condition: T, a: Any, b: Any) -> Sample:
        dtype = promote(a, b)

        def reference(condition: Any, x: Any, y: Any) -> Any:
            return np.where(condition, np.asarray(x).astype(dtype), np.asarray(y).astype(dtype))

        return Sample((condition, a, b), reference, dtype=dtype)

    shapes = [((), (), ()), ((0,), (0,), (0,)), ((3, 1), (4,), (2, 1, 1)), ((), (3, 4), ()), ((5,), (), ())]
    for dtype in ALL_DTYPES:
        for mask, a, b in shapes:
            yield sample(T(make(rng, mask, "bool")), T(make(rng, a, dtype)), T(make(rng, b, dtype)))
        for layout in LAYOUTS:
            mask, a, b = (make(rng, (3, 4), kind) for kind in ("bool", dtype, dtype))
            yield sample(T(mask, layout), T(a), T(b, layout))
        for other in ALL_DTYPES:
            if other != dtype and meet(dtype, other):
                yield sample(T(make(rng, (3, 4), "bool")), T(make(rng, (3, 4), dtype)), T(make(rng, (4,), other)))
        for number in (True, 2, 0.5, 1j):
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

    for dtype in (*ALL_FLOATS, *ALL_INTS):
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
    for dtype in ALL_FLOATS:
        yield sample(T(np.array([np.nan, np.inf, -np.inf, 0.0]).astype(dtype)), -1, 1)
        yield sample(T(np.array([0.0, 1.0]).astype(dtype)), T(np.array([np.nan, 0.5]).astype(dtype)))
    for dtype in SIXTEENS:
        yield sample(T(make(rng, (2111,), dtype)), -1, T(make(rng, (2111,), dtype)))


@samples_for("masked_fill")
def masked_fill_samples(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, mask: Any, value: Any) -> Any:
        return np.where(mask, np.asarray(value).astype(x.dtype), x)

    for dtype in ALL_DTYPES:
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
    for dtype in ("bool", *COMPLEXES):
        yield ErrorSample((T(np.ones(2, dtype)), True), TypeError, f"^clamp: not defined for dtype {dtype}")
    yield ErrorSample((T(np.ones(2, np.float32)), T(np.ones(3, np.float32))), ValueError, "^clamp: ")


@errors_for("masked_fill")
def refuses_complex_values(op: str) -> Iterator[ErrorSample]:
    args = T(np.ones(2, np.float32)), T(np.ones(2, bool)), 1j
    yield ErrorSample(args, TypeError, "^masked_fill: a complex value can't fill a tensor of dtype float32")


@errors_for("masked_fill")
def masked_fill_errors(op: str) -> Iterator[ErrorSample]:
    x, mask = T(np.ones(2, np.float32)), T(np.ones(2, bool))
    yield ErrorSample((x, T(np.ones(2, np.int64)), 1), TypeError, "^masked_fill: mask must have dtype bool, got int64")
    yield ErrorSample(
        (x, mask, T(np.ones(2, np.float32))), ValueError, r"^masked_fill: value must be a number .* \(2,\)"
    )
    yield ErrorSample((x, T(np.ones(3, bool)), 1), ValueError, r"\(3,\)")
