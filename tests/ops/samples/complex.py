"""Complex numbers: their parts, and what is theirs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_DTYPES,
    ALL_FLOATS,
    COMPLEXES,
    FLOATS,
    LAYOUTS,
    SHAPES,
    ErrorSample,
    Sample,
    T,
    errors_for,
    float_result,
    make,
    real_of,
    rng_for,
    samples_for,
    wide,
)

REALS = tuple(dtype for dtype in ALL_DTYPES if dtype not in COMPLEXES)


def sgn(x: Any) -> Any:
    if x.dtype.kind == "b":
        return x
    x = wide(x)
    if x.dtype.kind != "c":
        return np.nan_to_num(np.sign(x))
    length = np.abs(x)
    return np.where(length == 0, 0, x / np.where(length == 0, 1, length))


def angle(x: Any) -> Any:
    return np.angle(wide(x)) if x.dtype.kind == "c" else np.where(np.isnan(wide(x)), np.nan, np.angle(wide(x)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "real": np.real,
    "conj": lambda x: x if x.dtype == bool or x.dtype.kind == "V" else np.conj(x),
    "conj_physical": lambda x: x if x.dtype == bool or x.dtype.kind == "V" else np.conj(x),
    "angle": angle,
    "sgn": sgn,
}


@samples_for(*FUNCTIONS)
def functions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(x: T) -> Sample:
        dtype = str(x.array.dtype)
        dtype = real_of(dtype) if op in ("real", "angle") else dtype
        # Real numbers are their own conjugates: nothing is written.
        variants = op != "conj_physical" or x.array.dtype.kind == "c"
        dtype = float_result(dtype) if op == "angle" else dtype
        return Sample((x,), FUNCTIONS[op], dtype=dtype, variants=variants)

    for dtype in ALL_DTYPES:
        for shape in SHAPES if dtype in COMPLEXES else ((3, 4),):
            yield sample(T(make(rng, shape, dtype)))
        for layout in LAYOUTS:
            yield sample(T(make(rng, (3, 4), dtype), layout))
    for dtype in COMPLEXES:
        yield sample(T(make(rng, (1031,), dtype)))
        yield sample(T(np.array([0, 1, -1, 1j, -1j, 3 - 4j, np.nan], dtype)))
    for dtype in ALL_FLOATS:
        yield sample(T(np.array([*([] if op == "sgn" else [0.0]), 1.5, -1.5, np.nan, np.inf, -np.inf]).astype(dtype)))


@samples_for("imag", "view_as_real")
def parts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any) -> Any:
        return np.imag(x) if op == "imag" else np.stack([x.real, x.imag], axis=-1)

    for dtype in COMPLEXES:
        for shape in SHAPES:
            yield Sample((T(make(rng, shape, dtype)),), reference, dtype=real_of(dtype))
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout),), reference, dtype=real_of(dtype))


@samples_for("view_as_complex")
def pairs(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype, gives in zip(FLOATS, COMPLEXES, strict=True):
        for shape in ((2,), (0, 2), (3, 2), (3, 4, 2)):
            yield Sample((T(make(rng, shape, dtype)),), lambda x: x[..., 0] + 1j * x[..., 1], dtype=gives)
        yield Sample((T(make(rng, (3, 4, 2), dtype), "expanded"),), lambda x: x[..., 0] + 1j * x[..., 1], dtype=gives)


@samples_for("complex", "polar")
def from_parts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any) -> Any:
        a, b = wide(a), wide(b)
        return a + 1j * b if op == "complex" else a * np.cos(b) + 1j * a * np.sin(b)

    for dtype, gives in zip(FLOATS, COMPLEXES, strict=True):
        for a, b in (((), ()), ((0,), (0,)), ((3, 1), (4,)), ((1031,), (1031,)), ((3, 4), ())):
            args = T(make(rng, a, dtype, 0)), T(make(rng, b, dtype))
            yield Sample(args, reference, dtype=gives)
        for layout in LAYOUTS:
            args = T(make(rng, (3, 4), dtype, 0), layout), T(make(rng, (3, 4), dtype))
            yield Sample(args, reference, dtype=gives)


@errors_for("imag", "view_as_real")
def refuses_reals(op: str) -> Iterator[ErrorSample]:
    for dtype in REALS:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: expected a complex dtype, got {dtype}")


@errors_for("view_as_complex")
def refuses_other_pairs(op: str) -> Iterator[ErrorSample]:
    for dtype in (*COMPLEXES, "float16", "int64"):
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: expected dtype float32 or float64, got {dtype}")
    ones = np.ones((2, 2), np.float32)
    yield ErrorSample((T(np.ones((2, 3), np.float32)),), ValueError, rf"^{op}: the last dim must have size 2.*\(2, 3\)")
    yield ErrorSample((T(np.float32(1)),), ValueError, f"^{op}: the last dim must have size 2")
    for layout in ("transposed", "strided", "reversed"):
        yield ErrorSample((T(ones, layout),), ValueError, f"^{op}: the parts of a number must lie side by side")


@errors_for("complex", "polar")
def refuses_other_parts(op: str) -> Iterator[ErrorSample]:
    single, double = T(np.ones(2, np.float32)), T(np.ones(2, np.float64))
    yield ErrorSample((single, double), TypeError, f"^{op}: both tensors must have the same dtype")
    for dtype in ("float16", "int64", "complex64"):
        ones = T(np.ones(2, dtype))
        yield ErrorSample((ones, ones), TypeError, f"^{op}: not defined for dtype {dtype}")
    yield ErrorSample((single, T(np.ones(3, np.float32))), ValueError, rf"^{op}: .*\(2,\) and \(3,\)")
