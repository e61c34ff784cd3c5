"""Reductions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DTYPES,
    FLOATS,
    INTS,
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

NUMBERS = (*FLOATS, *INTS)


def _axis(dim: Any) -> Any:
    return None if dim is None or dim == () else dim


def _over(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: fn(wide(x), axis=_axis(dim) if x.ndim else None, keepdims=keepdim)


def _truth(fn: Callable[..., Any]) -> Callable[..., Any]:
    """No dims are none: every element by itself."""
    return lambda x, dim=None, keepdim=False: fn(x, axis=dim if x.ndim else None, keepdims=keepdim)


REFERENCES: dict[str, Callable[..., Any]] = {
    "sum": _over(np.sum),
    "prod": _over(np.prod),
    "mean": _over(np.mean),
    "amax": _over(np.max),
    "amin": _over(np.min),
    "any": _truth(np.any),
    "all": _truth(np.all),
}
DIMS: tuple[Any, ...] = (None, (), 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2))


def accumulated(dtype: str) -> str:
    return dtype if dtype in FLOATS else "int64"


def result_dtype(op: str, dtype: str) -> str:
    if op in ("any", "all"):
        return "uint8" if dtype == "uint8" else "bool"
    return accumulated(dtype) if op in ("sum", "prod") else dtype


@samples_for(*REFERENCES)
def reductions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    low, high = (0.5, 1.6) if op == "prod" else (-4, 4)

    def sample(tensor: T, *args: Any, **kwargs: Any) -> Sample:
        dtype = result_dtype(op, str(tensor.array.dtype))
        large = dtype == "float32" and tensor.array.size > 1000
        near = {"rtol": 1e-4 if op == "prod" else 1e-5, "atol": 2e-5} if large else {}
        return Sample((tensor, *args), REFERENCES[op], kwargs, dtype=dtype, **near)

    for dtype in FLOATS if op == "mean" else DTYPES:
        cube = make(rng, (2, 3, 4), dtype, low, high)
        for dim in DIMS:
            yield sample(T(cube), dim)
            yield sample(T(cube), dim, keepdim=True)
        for layout in LAYOUTS:
            for dim in (None, 0, 1, -1, (0, 2)):
                yield sample(T(make(rng, (2, 3, 4), dtype, low, high), layout), dim)
        for dim in (None, 0, -1):
            yield sample(T(make(rng, (), dtype, low, high)), dim)
        if op not in ("amax", "amin"):
            with_nothing = [((0,), 0), ((2, 0), 1), ((2, 0), None)]
            for shape, dim in with_nothing if op != "mean" else []:
                yield sample(T(np.zeros(shape, dtype)), dim)
        yield sample(T(np.zeros((2, 0), dtype)), 0)
    for shape, dim in (
        ((1031,), 0),
        ((37, 129), 0),
        ((37, 129), 1),
        ((70_001,), None),
        ((300, 301), 1),
        ((300, 301), 0),
    ):
        dtype = "float32"
        bounds = (0.999, 1.001) if op == "prod" else (low, high)
        yield sample(T(make(rng, shape, dtype, *bounds)), dim)


@samples_for("mean")
def mean_of_nothing(op: str) -> Iterator[Sample]:
    yield Sample((T(np.zeros((2, 0), np.float32)), 1), lambda x, dim: np.full(2, np.nan))


@samples_for("amax", "amin", "sum", "prod", "mean")
def reductions_of_nan(op: str) -> Iterator[Sample]:
    for dtype in FLOATS:
        x = np.array([[1.0, np.nan, 2.0], [np.inf, 1.0, 0.0], [3.0, 1.0, -np.inf]], dtype)
        for dim in (0, 1, None):
            yield Sample((T(x), dim), REFERENCES[op])


@samples_for("any", "all")
def truth_of_nan(op: str) -> Iterator[Sample]:
    for dtype in FLOATS:
        x = np.array([[np.nan, np.nan], [0.0, -0.0], [0.0, np.nan]], dtype)
        yield Sample((T(x), 1), REFERENCES[op], dtype="bool")


@samples_for("sum", "prod", "mean")
def with_dtype(op: str) -> Iterator[Sample]:
    def reference(x: Any, dim: Any, *, dtype: D) -> Any:
        fn = {"sum": np.sum, "prod": np.prod, "mean": np.mean}[op]
        return fn(wide(x.astype(dtype.name)), axis=dim)

    rng = rng_for(op + "-dtype")
    targets = FLOATS if op == "mean" else (*FLOATS, "int32", "int64")
    for dtype in DTYPES:
        for target in targets:
            yield Sample((T(make(rng, (3, 4), dtype, 0, 3)), 1), reference, {"dtype": D(target)}, dtype=target)


@samples_for("sum")
def exact_sums(op: str) -> Iterator[Sample]:
    # Pairwise summation: an error far below that of adding one by one.
    x = np.full(1_000_000, 0.1, np.float32)
    yield Sample((T(x),), lambda x: x.astype(np.float64).sum(), rtol=1e-6, name="million-tenths")


@samples_for("var")
def variances(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: Any = None, *, correction: Any = 1, keepdim: bool = False) -> Any:
        with np.errstate(all="ignore"):
            return np.var(wide(x), axis=_axis(dim), ddof=1 if correction is None else correction, keepdims=keepdim)

    for dtype in FLOATS:
        for dim in DIMS:
            for kwargs in ({}, {"correction": 0}, {"correction": 2, "keepdim": True}, {"correction": None}):
                if dim in (0,) and kwargs.get("correction") == 2:
                    continue  # as many as there are: see below
                yield Sample(
                    (T(make(rng, (2, 3, 4), dtype)), dim), reference, kwargs, rtol=1e-5 if dtype == "float32" else None
                )
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), 1), reference)
        # Far from zero: the mean must be taken away before squaring.
        yield Sample((T(make(rng, (50,), dtype, 999, 1001)),), reference, rtol=1e-4 if dtype == "float32" else 1e-9)
        yield Sample((T(np.array([2.0], dtype)),), lambda x: np.array(np.nan))
        yield Sample((T(np.array([1.0, 2.0], dtype)),), lambda x, correction: np.array(np.inf), {"correction": 2})


@samples_for("argmax", "argmin")
def arg_reductions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = {"argmax": np.argmax, "argmin": np.argmin}[op]

    def reference(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if x.ndim == 0:
            return np.zeros((), np.int64)
        return fn(x, axis=dim, keepdims=keepdim)

    for dtype in NUMBERS:
        for dim in (None, 0, 1, -1):
            for keepdim in (False, True):
                yield Sample((T(make(rng, (2, 3, 4), dtype)), dim, keepdim), reference, dtype="int64")
        for layout in LAYOUTS:
            for dim in (None, 0, 1):
                yield Sample((T(make(rng, (5, 4), dtype), layout), dim), reference, dtype="int64")
        yield Sample((T(make(rng, (), dtype)),), reference, dtype="int64")
        yield Sample((T(make(rng, (), dtype)), 0), reference, dtype="int64")
        yield Sample((T(np.zeros((2, 0), dtype)), 0), reference, dtype="int64")
        # The first of equal ones.
        yield Sample((T(np.array([1, 3, 3, 1, 0, 0], dtype)),), reference, dtype="int64")
        yield Sample((T(make(rng, (70_001,), dtype, -1000, 1000)),), reference, dtype="int64")
        yield Sample((T(make(rng, (65, 130), dtype, -1000, 1000)), 0), reference, dtype="int64")
    for dtype in FLOATS:
        x = np.array([[1.0, np.nan, np.nan], [np.inf, 1.0, -np.inf]], dtype)
        for dim in (None, 0, 1):
            yield Sample((T(x), dim), reference, dtype="int64")


@errors_for(*REFERENCES, "var")
def refuses_dims(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 3), np.float32))
    yield ErrorSample((x, 2), IndexError, f"^{op}: dim 2 is out of range")
    yield ErrorSample((x, (0, -3)), IndexError, f"^{op}: dim -3 is out of range")
    yield ErrorSample((x, (0, -2)), ValueError, f"^{op}: dim 0 appears twice")


@errors_for("argmax", "argmin")
def refuses_dims_of_arg(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 3), np.float32))
    yield ErrorSample((x, 2), IndexError, f"^{op}: dim 2 is out of range")
    yield ErrorSample((T(np.ones(2, bool)),), TypeError, f"^{op}: not defined for dtype bool")


@errors_for("amax", "amin", "argmax", "argmin")
def refuses_nothing(op: str) -> Iterator[ErrorSample]:
    nothing = T(np.ones((2, 0), np.float32))
    yield ErrorSample((nothing, 1), IndexError, rf"^{op}: .*\(2, 0\)")
    yield ErrorSample((nothing,), IndexError, rf"^{op}: .*\(2, 0\)")


@errors_for("mean", "var")
def refuses_integers(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones(3, np.int64)),), TypeError, f"^{op}: .*floating-point dtype, got int64")
