"""Reductions, scans and sorts in the rarer dtypes: 16-bit floats, all integers, complex numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_INTS,
    COMPLEXES,
    LAYOUTS,
    RARE_INTS,
    SIXTEENS,
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
from tests.ops.samples.sort import stable_order

NUMBERS = (*SIXTEENS, *RARE_INTS)
FOLDS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "sum": (np.sum, (*NUMBERS, *COMPLEXES)),
    "prod": (np.prod, (*NUMBERS, *COMPLEXES)),
    "mean": (np.mean, (*SIXTEENS, *COMPLEXES)),
    "amax": (np.max, NUMBERS),
    "amin": (np.min, NUMBERS),
    "any": (np.any, (*NUMBERS, *COMPLEXES)),
    "all": (np.all, (*NUMBERS, *COMPLEXES)),
    "var": (lambda x, axis: np.var(x, axis=axis, ddof=1), (*SIXTEENS, *COMPLEXES)),
}


def summed(dtype: str) -> str:
    """What integers are added up in: int64, which holds all but uint64."""
    return "int64" if dtype in ALL_INTS and dtype != "uint64" else dtype


def real_of(dtype: str) -> str:
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def folded(op: str, dtype: str) -> str:
    if op in ("any", "all"):
        return "uint8" if dtype == "uint8" else "bool"
    if op == "var":
        return real_of(dtype)
    return summed(dtype) if op in ("sum", "prod") else dtype


@samples_for(*FOLDS)
def folds(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dtypes")
    fn, dtypes = FOLDS[op]
    low, high = (0.5, 1.6) if op == "prod" else (0, 2) if op in ("any", "all") else (-4, 4)

    def reference(x: Any, dim: Any = None) -> Any:
        return fn(wide(x), axis=dim if x.ndim else None)

    for dtype in dtypes:
        near = {"rtol": 2e-5, "atol": 2e-5} if dtype in ("complex64", "float32") else {}

        def sample(x: T, *args: Any, dtype: str = dtype, near: dict[str, float] = near) -> Sample:
            return Sample((x, *args), reference, dtype=folded(op, dtype), **near)  # type: ignore[arg-type]

        for dim in (None, 0, -1, (0, 2)):
            yield sample(T(make(rng, (2, 3, 4), dtype, low, high)), dim)
        for layout in LAYOUTS:
            for dim in (None, 0, 1):
                yield sample(T(make(rng, (3, 4), dtype, low, high), layout), dim)
        if op != "var":
            yield sample(T(make(rng, (), dtype, low, high)))
        if op not in ("amax", "amin", "var", "mean"):
            yield sample(T(np.zeros((2, 0), dtype)), 1)
        if op == "prod" and dtype in COMPLEXES:
            continue  # of many, too large or too small
        for shape in ((70, 130), (1031,)):  # the longer ones: by columns, in lanes
            bounds = (0.999, 1.001) if op == "prod" and dtype not in ALL_INTS else (low, high)
            for dim in range(len(shape)):
                yield sample(T(make(rng, shape, dtype, *bounds)), dim)


@samples_for("sum", "prod")
def folds_that_wrap_around(op: str) -> Iterator[Sample]:
    fn = {"sum": np.sum, "prod": np.prod}[op]

    def reference(x: Any, dim: Any, *, dtype: D) -> Any:
        return fn(x.astype(dtype.name), axis=dim, dtype=dtype.name)

    rng = rng_for(op + "-wrap")
    for dtype in ALL_INTS:
        x = make(rng, (40, 70), dtype, 0, 100)
        for dim in (0, 1):
            yield Sample((T(x), dim), reference, {"dtype": D(dtype)}, dtype=dtype)
    for dtype in SIXTEENS:  # as integers, and integers as 16-bit floats
        yield Sample((T(make(rng, (3, 4), dtype, 0, 3)), 1), reference, {"dtype": D("int16")}, dtype="int16")
        yield Sample((T(make(rng, (3, 4), "int32", 0, 3)), 1), reference, {"dtype": D(dtype)}, dtype=dtype)


@samples_for("sum")
def sums_beyond_sixteen_bits(op: str) -> Iterator[Sample]:
    # Added up in float: in 16 bits 2048 + 1 is 2048, and 256 + 1 is 256.
    for dtype in SIXTEENS:
        yield Sample((T(np.ones((3, 5000), dtype)), 1), lambda x, dim: wide(x).sum(dim))
        yield Sample((T(np.ones((5000, 3), dtype)), 0), lambda x, dim: wide(x).sum(dim))


@samples_for("var", "std")
def variances_of_large_numbers(op: str) -> Iterator[Sample]:
    fn = {"var": np.var, "std": np.std}[op]
    x = np.array([-300.0, 300.0, -280.0, 310.0], np.float32)
    for dtype in SIXTEENS if op == "std" else ("bfloat16",):  # squares that float16 does not hold
        yield Sample((T(x.astype(dtype)),), lambda x: fn(wide(x), ddof=1))


@samples_for("sum", "mean", "amax", "amin", "any", "all")
def folds_of_special_values(op: str) -> Iterator[Sample]:
    fn, dtypes = FOLDS[op]
    for dtype in (*SIXTEENS, *(COMPLEXES if op != "mean" else ())):
        if dtype not in dtypes:
            continue
        x = np.array([[1.0, np.nan, 2.0], [0.0, -0.0, 0.0], [np.inf, 1.0, 0.0]]).astype(dtype)
        for dim in (0, 1):
            yield Sample((T(x), dim), lambda x, dim: fn(wide(x), axis=dim), dtype=folded(op, dtype))


@samples_for("norm")
def norms(op: str) -> Iterator[Sample]:
    rng = rng_for("norm-dtypes")

    def reference(x: Any, p: float, dim: Any) -> Any:
        return np.linalg.norm(wide(x), p, dim)

    for dtype in (*SIXTEENS, *COMPLEXES):
        for p in (1, 2, 3, np.inf, -np.inf, 0):
            x = T(make(rng, (4, 6), dtype))
            yield Sample(
                (x, p, (1,)),
                lambda x, p, dim: reference(x, p, 1),
                dtype=real_of(dtype),
                rtol=2e-3 if dtype == "float16" else None,
            )
        x = T(np.array([300.0, 400.0]).astype(dtype))  # squares that float16 does not hold
        yield Sample((x, 2, (0,)), lambda x, p, dim: reference(x, p, 0), dtype=real_of(dtype))


@samples_for("logsumexp")
def logarithms_of_sums(op: str) -> Iterator[Sample]:
    rng = rng_for("logsumexp-dtypes")

    def reference(x: Any, dim: Any) -> Any:
        return np.log(np.exp(wide(x)).sum(axis=dim))

    for dtype in (*SIXTEENS, *COMPLEXES):
        near = {"rtol": 1e-5, "atol": 1e-5} if dtype == "complex64" else {}
        yield Sample((T(make(rng, (4, 40), dtype)), (1,)), reference, **near)


@samples_for("argmax", "argmin")
def places(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dtypes")
    fn = {"argmax": np.argmax, "argmin": np.argmin}[op]

    def reference(x: Any, dim: Any = None) -> Any:
        return fn(wide(x), axis=dim)

    for dtype in NUMBERS:
        for dim in (None, 0, 1):
            yield Sample((T(make(rng, (40, 70), dtype, -1000, 1000)), dim), reference, dtype="int64")
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (5, 4), dtype), layout), 1), reference, dtype="int64")
    for dtype in ALL_INTS:
        ends = np.iinfo(dtype)
        yield Sample((T(np.array([1, ends.min, ends.max, ends.max, ends.min], dtype)),), reference, dtype="int64")
    for dtype in SIXTEENS:
        yield Sample((T(np.array([1.0, np.nan, np.inf], np.float32).astype(dtype)),), reference, dtype="int64")


@samples_for("cumsum", "cumprod")
def scans(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dtypes")
    fn = {"cumsum": np.cumsum, "cumprod": np.cumprod}[op]
    low, high = (-4, 4) if op == "cumsum" else (0.5, 1.5)

    def reference(x: Any, dim: int) -> Any:
        return fn(wide(x), axis=dim) if x.ndim else wide(x)

    for dtype in (*NUMBERS, *COMPLEXES):
        near = {"rtol": 1e-5, "atol": 1e-5} if dtype == "complex64" else {}
        for dim in (0, 1):
            yield Sample((T(make(rng, (3, 40), dtype, low, high)), dim), reference, dtype=summed(dtype), **near)
            for layout in LAYOUTS:
                x = T(make(rng, (3, 4), dtype, low, high), layout)
                yield Sample((x, dim), reference, dtype=summed(dtype), **near)
        yield Sample((T(make(rng, (), dtype)), 0), reference, dtype=summed(dtype))
        yield Sample((T(np.zeros((2, 0), dtype)), 1), reference, dtype=summed(dtype))

    def wrapping(x: Any, dim: int, *, dtype: D) -> Any:
        return fn(x, axis=dim, dtype=dtype.name)

    for dtype in ALL_INTS:
        x = make(rng, (70,), dtype, 1, 100)
        yield Sample((T(x), 0), wrapping, {"dtype": D(dtype)}, dtype=dtype)


@samples_for("sort")
def sorts(op: str) -> Iterator[Sample]:
    rng = rng_for("sort-dtypes")

    def reference(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
        order = stable_order(wide(x), dim, descending)
        return np.take_along_axis(x, order, dim), order

    for dtype in NUMBERS:
        for descending in (False, True):
            for shape in ((5, 7), (3, 300), (20_000,), (0,)):
                x = T(make(rng, shape, dtype, -1000, 1000))
                yield Sample((x, -1, descending, True), reference, dtype=(dtype, "int64"))
            for layout in LAYOUTS:
                x = T(make(rng, (4, 6), dtype), layout)
                yield Sample((x, 0, descending, True), reference, dtype=(dtype, "int64"))
    for dtype in SIXTEENS:
        x = T(np.array([1.0, np.nan, -np.inf, np.inf, np.nan, -0.0, 0.0, -3.0], np.float32).astype(dtype))
        for descending in (False, True):
            yield Sample((x, 0, descending, True), reference, dtype=(dtype, "int64"))
    for dtype in ALL_INTS:
        ends = np.iinfo(dtype)
        x = T(np.array([1, ends.max, ends.min, 0, ends.max - 1], dtype))
        yield Sample((x, 0, False, True), reference, dtype=(dtype, "int64"))


@errors_for("amax", "amin", "argmax", "argmin", "sort")
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones(3, np.complex64)),), TypeError, f"^{op}: .*complex64")
