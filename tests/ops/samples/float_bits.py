"""Exponents, neighbours and the bytes of numbers, against NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
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
)

EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.0, 0.75, 65504.0, -3.0])


def extremes(dtype: str) -> np.ndarray:
    """The largest numbers, and those near zero that have fewer digits."""
    import ml_dtypes

    info = ml_dtypes.finfo(dtype)
    least = np.array(float(info.smallest_subnormal)).astype(dtype)
    return np.array([float(info.max), float(info.min), least, -least, float(info.tiny), 3 * float(least)]).astype(dtype)


def inputs(op: str, dtype: str) -> Iterator[T]:
    rng = rng_for(op)
    yield T(EDGES.astype(dtype))
    yield T(extremes(dtype))
    for shape in ((), (0,), (7,), (2, 3, 4)):
        yield T((make(rng, shape, dtype) * 100).astype(dtype))
    for layout in LAYOUTS:
        yield T(make(rng, (3, 4), dtype), layout)


@samples_for("frexp")
def parts(op: str) -> Iterator[Sample]:
    def reference(x: Any) -> Any:
        mantissa, exponent = np.frexp(x.astype(np.float64))
        return mantissa, np.where(np.isfinite(mantissa), exponent, 0)

    for dtype in ALL_FLOATS:
        for x in inputs(op, dtype):
            yield Sample((x,), reference, dtype=(dtype, "int32"), rtol=0, atol=0)


@samples_for("frexp_mantissa", "frexp_exponent")
def one_part(op: str) -> Iterator[Sample]:
    def reference(x: Any) -> Any:
        mantissa, exponent = np.frexp(x.astype(np.float64))
        return mantissa if op == "frexp_mantissa" else np.where(np.isfinite(mantissa), exponent, 0)

    for dtype in FLOATS:
        for x in inputs(op, dtype):
            yield Sample((x,), reference, dtype=dtype, rtol=0, atol=0)


@samples_for("nextafter")
def neighbours(op: str) -> Iterator[Sample]:
    for dtype in ALL_FLOATS:
        for x in inputs(op, dtype):
            for y in (T(np.array(0, dtype)), T(np.array(np.inf, dtype)), T(np.array(-1, dtype))):
                yield Sample((x, y), np.nextafter, rtol=0, atol=0)
        x, y = EDGES.astype(dtype)[:, None], EDGES.astype(dtype)
        yield Sample((T(x), T(y)), np.nextafter, rtol=0, atol=0)
        yield Sample((T(extremes(dtype)), T(extremes(dtype)[::-1].copy())), np.nextafter, rtol=0, atol=0)


@errors_for("frexp", "nextafter")
def refuses_others(op: str) -> Iterator[ErrorSample]:
    for dtype in ("int64", "bool", "complex64"):
        x = T(np.ones(2, dtype))
        yield ErrorSample((x,) if op == "frexp" else (x, x), TypeError, f"^{op}: expected .*floating-point")


# ---- views ----


@samples_for("view_dtype")
def views(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dtype: D) -> Any:
        return np.ascontiguousarray(x).reshape(x.shape).view(np.dtype(dtype.name))

    numbers = (*FLOATS, *ALL_INTS, *COMPLEXES, "float16", "bfloat16")
    for dtype in (*numbers, "bool"):
        for wanted in numbers if dtype != "bool" else ALL_INTS:
            for shape in ((4,), (2, 3, 8), (0, 16), (3, 0)):
                x = make(rng, shape, dtype)
                if (x.itemsize * shape[-1]) % np.dtype(wanted).itemsize == 0:
                    yield Sample((T(x), D(wanted)), reference, dtype=wanted, rtol=0, atol=0)
    for layout in ("transposed", "offset", "reversed", "expanded", "strided"):
        yield Sample((T(make(rng, (4, 2), "float32"), layout), D("int32")), reference, dtype="int32")
    for dtype, wanted in (("float64", "uint8"), ("int16", "float64")):
        yield Sample((T(make(rng, (4, 16), dtype), "expanded"), D(wanted)), reference, dtype=wanted, rtol=0, atol=0)
    yield Sample((T(np.array(1.5, np.float32)), D("int32")), reference, dtype="int32")


@errors_for("view_dtype")
def refuses_bytes(op: str) -> Iterator[ErrorSample]:
    x = np.ones((2, 3), np.float32)
    for args, error, match in (
        ((T(x), D("bool")), TypeError, "no bool"),
        ((T(x), D("float64")), ValueError, "multiples of 2"),
        ((T(x, "transposed"), D("uint8")), ValueError, "side by side"),
        ((T(np.array(1.0)), D("int32")), ValueError, "zero-dim"),
    ):
        yield ErrorSample(args, error, f"^{op}: .*{match}")
