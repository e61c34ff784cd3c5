"""New tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_DTYPES,
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    DEVICE,
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

SIZES: tuple[tuple[int, ...], ...] = ((), (0,), (3,), (2, 3), (2, 0, 3), (1031,))
ON = {"device": DEVICE}


def only_shape(actual: np.ndarray, wanted: np.ndarray) -> None:
    """For empty tensors: any elements will do."""


def number_dtype(number: Any) -> str:
    return {bool: "bool", int: "int64", float: "float32", complex: "complex64"}[type(number)]


@samples_for("full")
def full(op: str) -> Iterator[Sample]:
    def reference(size: Any, number: Any, **_: Any) -> Any:
        return np.full(size, number)

    for size in SIZES:
        for number in (2, 0.5, True, -1.0, float("inf"), 1.5 - 2j):
            yield Sample((size, number), reference, ON, dtype=number_dtype(number))
    for dtype in ALL_DTYPES:
        for number in (2, 1.5, True):
            yield Sample(((2, 3), number), reference, {"dtype": D(dtype), **ON}, dtype=dtype)
    for dtype in COMPLEXES:
        yield Sample(((2, 3), 1.5 - 2j), reference, {"dtype": D(dtype), **ON}, dtype=dtype)


@samples_for("zeros", "ones", "empty")
def by_size(op: str) -> Iterator[Sample]:
    def reference(size: Any, **_: Any) -> Any:
        return np.ones(size) if op == "ones" else np.zeros(size)

    compare = only_shape if op == "empty" else None
    for size in SIZES:
        yield Sample((size,), reference, ON, dtype="float32", compare=compare)
    for dtype in ALL_DTYPES:
        yield Sample(((2, 3),), reference, {"dtype": D(dtype), **ON}, dtype=dtype, compare=compare)


@samples_for("arange")
def arange(op: str) -> Iterator[Sample]:
    def reference(start: Any, end: Any, step: Any, **_: Any) -> Any:
        count = max(0, int(np.ceil((end - start) / step)))
        return start + step * np.arange(count)

    for args in ((0, 10, 1), (3, -4, -2), (0, 0, 1), (5, 6, 10), (-3, 70_001, 1)):
        yield Sample(args, reference, ON, dtype="int64")
    for args in ((0.0, 1.0, 0.25), (0, 5.5, 1), (1, 0, -0.25), (0.0, 3.0, 1.5)):
        yield Sample(args, reference, ON, dtype="float32")
    for dtype in (*ALL_FLOATS, *ALL_INTS):
        yield Sample((1, 8, 3), reference, {"dtype": D(dtype), **ON}, dtype=dtype)


@samples_for("fill")
def fill(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, value: Any) -> Any:
        return np.full(x.shape, np.asarray(value).astype(x.dtype))

    for dtype in ALL_DTYPES:
        for value in (2, 1.5, True, T(np.array(3, np.int64))):
            yield Sample((T(make(rng, (3, 4), dtype)), value), reference)
        for shape in ((), (0,), (1031,)):
            yield Sample((T(make(rng, shape, dtype)), 1), reference)
        for layout in LAYOUTS:
            if layout != "expanded":
                yield Sample((T(make(rng, (3, 4), dtype), layout), 1), reference)


@samples_for("zeros_like", "ones_like", "empty_like", "full_like")
def like(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    numbers: tuple[Any, ...] = (2, 1.5, True) if op == "full_like" else (None,)

    def reference(x: Any, number: Any = None, **_: Any) -> Any:
        return np.full(x.shape, 1 if op == "ones_like" else number or 0)

    compare = only_shape if op == "empty_like" else None
    for number in numbers:
        more = () if number is None else (number,)
        for dtype in ALL_DTYPES:
            for shape in ((), (0,), (2, 3)):
                yield Sample((T(make(rng, shape, dtype)), *more), reference, compare=compare)
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (3, 4), dtype), layout), *more), reference, compare=compare)
            other = {"dtype": D("int32"), **ON}
            yield Sample((T(make(rng, (2, 3), dtype)), *more), reference, other, dtype="int32", compare=compare)


@samples_for("new_zeros", "new_ones", "new_empty", "new_full")
def new(op: str) -> Iterator[Sample]:
    numbers: tuple[Any, ...] = (2, 1.5) if op == "new_full" else (None,)

    def reference(x: Any, size: Any, number: Any = None, **_: Any) -> Any:
        return np.full(size, 1 if op == "new_ones" else number or 0)

    compare = only_shape if op == "new_empty" else None
    for number in numbers:
        more = () if number is None else (number,)
        for dtype in ALL_DTYPES:
            for size in ((), (0,), (2, 3)):
                yield Sample((T(np.zeros(2, dtype)), size, *more), reference, compare=compare)
            other = {"dtype": D("float64"), **ON}
            yield Sample((T(np.zeros(2, dtype)), (3,), *more), reference, other, dtype="float64", compare=compare)


@errors_for("full", "zeros", "ones", "empty", "new_zeros", "new_ones", "new_empty", "new_full")
def refuses_sizes(op: str) -> Iterator[ErrorSample]:
    first = (T(np.zeros(1, np.float32)),) if op.startswith("new") else ()
    more = (1,) if op.endswith("full") else ()
    yield ErrorSample((*first, (2, -1), *more), ValueError, rf"^{op}: .*\(2, -1\)")
    yield ErrorSample((*first, "text", *more), TypeError, op)
    yield ErrorSample((*first, (2**40, 2**40), *more), (MemoryError, ValueError, RuntimeError), "")


@errors_for("arange")
def refuses_steps(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((0, 1, 0), ValueError, "^arange: step must not be zero")
    yield ErrorSample((0, 1, -1), ValueError, "^arange: a step of -1 does not lead from 0 to 1")
    yield ErrorSample((0.0, float("inf"), 1), ValueError, "^arange: .*finite")
    yield ErrorSample((0, 1e300, 1), ValueError, "^arange: ")


@errors_for("full", "fill")
def refuses_complex_values(op: str) -> Iterator[ErrorSample]:
    match = "(fill_value must be real for tensors|a complex value can't fill a tensor) of dtype float32"
    if op == "fill":
        yield ErrorSample((T(np.ones(2, np.float32)), 1j), TypeError, f"^{op}: {match}")
    else:
        yield ErrorSample(((2,), 1j), TypeError, f"^{op}: {match}", {"dtype": D("float32")})


@errors_for("arange")
def refuses_dtypes(op: str) -> Iterator[ErrorSample]:
    for dtype in ("bool", *COMPLEXES):
        yield ErrorSample((0, 3, 1), TypeError, f"^arange: not defined for dtype {dtype}", {"dtype": D(dtype)})
    yield ErrorSample((0, 3j, 1), TypeError, "^arange: start, end and step must be real numbers")


@errors_for("fill")
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    x = T(np.zeros(2, np.float32))
    yield ErrorSample((x, T(np.zeros(2, np.float32))), ValueError, r"^fill: value must be a number .*\(2,\)")
    yield ErrorSample(
        (x, T(np.zeros(1, np.float32))), ValueError, r"^fill: value must be a number .*\(1,\)", method="fill_"
    )
