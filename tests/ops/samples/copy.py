"""Copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_DTYPES,
    DEVICE,
    LAYOUTS,
    SHAPES,
    D,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
)


@samples_for("clone", "contiguous", "to_device")
def same_elements(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    more = (DEVICE,) if op == "to_device" else ()
    for dtype in ALL_DTYPES:
        for shape in SHAPES:
            yield Sample((T(make(rng, shape, dtype)), *more), lambda x, *_: x)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), *more), lambda x, *_: x)
    yield Sample((T(make(rng, (37, 41, 43), "float32"), "transposed"), *more), lambda x, *_: x)


@samples_for("cast")
def casts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(x: T, target: str) -> Sample:
        def reference(x: Any, dtype: D) -> Any:
            drops = x.dtype.kind == "c" and dtype.name != "bool" and not dtype.name.startswith("complex")
            return (x.real if drops else x).astype(dtype.name)  # a real dtype keeps the real part

        return Sample((x, D(target)), reference, dtype=target)

    for dtype in ALL_DTYPES:
        for target in ALL_DTYPES:
            # What a float below zero becomes in uint8 is nobody's promise.
            low = 0 if target.startswith("uint") else -4
            for shape in ((), (0,), (1031,)):
                yield sample(T(make(rng, shape, dtype, low, 4)), target)
            for layout in LAYOUTS:
                yield sample(T(make(rng, (3, 4), dtype, low, 4), layout), target)
    for dtype in ("float32", "float64"):
        yield sample(T(np.array([np.nan, np.inf, 0.0, -0.0, 1e-30], dtype)), "bool")
    yield sample(T(np.array([2**40 + 1, -1], np.int64)), "int32")
    yield sample(T(np.array([2**40 + 1, -1], np.int64)), "float32")


@samples_for("copy")
def copies(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, src: Any) -> Any:
        src = np.asarray(src)
        drops = src.dtype.kind == "c" and x.dtype.kind not in "cb"
        return np.broadcast_to((src.real if drops else src).astype(x.dtype), x.shape)

    for dtype in ALL_DTYPES:
        for source in ALL_DTYPES:
            values = make(rng, (3, 4), source, 0, 4)
            yield Sample((T(make(rng, (3, 4), dtype)), T(values)), reference)
        for shape in ((), (4,), (3, 1)):
            yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, shape, dtype))), reference)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (3, 4), dtype), layout)), reference)
            if layout != "expanded":
                yield Sample((T(make(rng, (3, 4), dtype), layout), T(make(rng, (3, 4), dtype))), reference)
        yield Sample((T(make(rng, (3, 4), dtype)), 2), reference)
    yield Sample((T(make(rng, (70_001,), "float32")), T(make(rng, (70_001,), "float64"))), reference)


@errors_for("copy")
def refuses_larger(op: str) -> Iterator[ErrorSample]:
    x = T(np.zeros((2, 3), np.float32))
    for method in ("copy_", ""):
        yield ErrorSample((x, T(np.zeros(4, np.float32))), ValueError, r"^copy: .*\(4,\)", method=method)
        yield ErrorSample((x, T(np.zeros((1, 2, 3), np.float32))), ValueError, r"^copy: .*\(1, 2, 3\)", method=method)
    yield ErrorSample(
        (T(np.zeros((2, 3), np.float32), "expanded"), x), RuntimeError, "^copy: several elements", method="copy_"
    )


@errors_for("cast")
def refuses_no_dtype(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.zeros(2, np.float32)), 3), TypeError, "cast")


@errors_for("to_device")
def refuses_unknown_device(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.zeros(2, np.float32)), "nowhere"), (RuntimeError, ValueError), "nowhere")
