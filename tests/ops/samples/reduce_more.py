"""Reductions written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

from tests.ops.framework import (
    FLOATS,
    INTS,
    LAYOUTS,
    D,
    ErrorSample,
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)

NUMBERS = (*FLOATS, *INTS)
NEAR: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-6}


def _axis(dim: Any) -> Any:
    return None if dim is None or dim == () else dim


@samples_for("std", "var_mean", "std_mean")
def deviations(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: Any = None, *, correction: Any = 1, keepdim: bool = False) -> Any:
        x, axis = wide(x), _axis(dim)
        spread = (np.var if op == "var_mean" else np.std)(x, axis=axis, ddof=correction, keepdims=keepdim)
        return spread if op == "std" else (spread, x.mean(axis, keepdims=keepdim))

    for dtype in FLOATS:
        for dim in (None, 0, (0, 2), -1):
            for kwargs in ({}, {"correction": 0, "keepdim": True}):
                yield Sample((T(make(rng, (3, 4, 5), dtype)), dim), reference, kwargs, **NEAR)


@samples_for("logsumexp")
def logsumexps(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: Any, keepdim: bool = False) -> Any:
        with np.errstate(all="ignore"):
            return scipy.special.logsumexp(wide(x), axis=dim, keepdims=keepdim)

    for dtype in FLOATS:
        for dim in (0, -1, (0, 1)):
            for keepdim in (False, True):
                yield Sample((T(make(rng, (3, 4), dtype)), dim, keepdim), reference, **NEAR)
        far = np.array([[1000.0, 1000.0], [-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 0.0]], dtype)
        yield Sample((T(far), 1), reference, **NEAR)


@samples_for("norm")
def norms(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
        size, axis = np.abs(wide(x)), _axis(dim)
        if p in (np.inf, -np.inf):
            return (np.max if p > 0 else np.min)(size, axis=axis, keepdims=keepdim)
        if p == 0:
            return (size != 0).sum(axis, keepdims=keepdim)
        return (size**p).sum(axis, keepdims=keepdim) ** (1 / p)

    for dtype in FLOATS:
        for p in (2, 1, 0, 3, 0.5, float("inf"), -float("inf")):
            for dim in (None, 1, (0, 1)):
                yield Sample((T(make(rng, (3, 4), dtype)), p, dim), reference, **NEAR)
            yield Sample((T(make(rng, (3, 4), dtype)), p, 0, True), reference, **NEAR)
    yield Sample((T(make(rng, (3, 4), "float32")),), reference, {"dtype": D("float64")}, dtype="float64", rtol=1e-6)


@samples_for("dist")
def distances(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, p: Any = 2) -> Any:
        size = np.abs(wide(a) - wide(b))
        return size.max() if p == np.inf else (size**p).sum() ** (1 / p)

    for dtype in FLOATS:
        for p in (2, 1, 3, float("inf")):
            yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (4,), dtype)), p), reference, **NEAR)


@samples_for("count_nonzero")
def counts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in (*NUMBERS, "bool"):
        for dim in (None, 0, (0, 1)):
            x = T(make(rng, (3, 4), "bool").astype(dtype))
            yield Sample((x, dim), lambda x, dim: np.asarray(np.count_nonzero(x, axis=_axis(dim))), dtype="int64")


@samples_for("nansum", "nanmean", "sum_of_numbers")
def without_nan(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = np.nanmean if op == "nanmean" else np.nansum

    def reference(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return fn(wide(x), axis=_axis(dim), keepdims=keepdim)

    for dtype in FLOATS:
        x = make(rng, (3, 4), dtype)
        x[0, 1] = x[2, 3] = np.nan
        for dim in (None, 0, -1, (0, 1)):
            yield Sample((T(x), dim), reference, **NEAR)
            yield Sample((T(x), dim, True), reference, **NEAR)
    if op != "nanmean":
        yield Sample((T(make(rng, (3, 4), "int32")), 1), reference, dtype="int64")


@samples_for("sum_of_squares")
def squares(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return (wide(x) ** 2).sum(axis=_axis(dim), keepdims=keepdim)

    for dtype in FLOATS:
        for shape in ((3, 4), (70, 90)):
            for dim in (None, 0, -1, (0, 1)):
                yield Sample((T(make(rng, shape, dtype)), dim), reference, **NEAR)
                yield Sample((T(make(rng, shape, dtype)), dim, True), reference, **NEAR)


@samples_for("aminmax")
def ranges(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        return x.min(axis=dim, keepdims=keepdim), x.max(axis=dim, keepdims=keepdim)

    for dtype in NUMBERS:
        for kwargs in ({}, {"dim": 0}, {"dim": -1, "keepdim": True}):
            yield Sample((T(make(rng, (3, 4), dtype)),), reference, kwargs)


# ---- values and where they are -----------------------------------------------------------------------------

Pick = Callable[[np.ndarray], int]


def first_of(fn: Callable[..., Any]) -> Pick:
    return lambda row: int(fn(row))


def middle(row: np.ndarray) -> int:
    if row.dtype.kind == "f" and np.isnan(row).any():
        return int(np.argmax(np.isnan(row)))
    return int(np.argsort(row, kind="stable")[(len(row) - 1) // 2])


def nan_middle(row: np.ndarray) -> int:
    numbers = len(row) - int(np.isnan(row).sum()) if row.dtype.kind == "f" else len(row)
    return int(np.argsort(row, kind="stable")[max(numbers - 1, 0) // 2])


def along(x: np.ndarray, dim: int, keepdim: bool, pick: Pick) -> tuple[np.ndarray, np.ndarray]:
    """For every row along `dim`, the element that `pick` chooses, and its place."""
    if x.ndim == 0:
        return x, np.zeros((), np.int64)
    indices = np.expand_dims(np.apply_along_axis(pick, dim, x).astype(np.int64), dim)
    values = np.take_along_axis(x, indices, dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


PICKS: dict[str, Pick] = {
    "max_dim": first_of(np.argmax),
    "min_dim": first_of(np.argmin),
    "median_dim": middle,
    "nanmedian_dim": nan_middle,
}


@samples_for(*PICKS)
def picks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, keepdim: bool = False) -> Any:
        return along(x, dim, keepdim, PICKS[op])

    def sample(x: T, *args: Any) -> Sample:
        return Sample((x, *args), reference, dtype=(str(x.array.dtype), "int64"))

    if op in ("max_dim", "min_dim"):
        for shape, dim in (((3, 4), 0), ((3, 4), -1), ((2, 1), 1), ((), 0)):
            yield sample(T(make(rng, shape, "bool")), dim)
    for dtype in NUMBERS:
        distinct = rng.permutation(60).reshape(3, 4, 5).astype(dtype)
        for dim in (0, 1, -1):
            for keepdim in (False, True):
                yield sample(T(distinct), dim, keepdim)
        for layout in LAYOUTS[:-1]:
            yield sample(T(distinct[0], layout), 1)
        yield sample(T(np.array(3, dtype)), 0)
    for dtype in FLOATS:
        x = np.array([[1.0, np.nan, 3.0, 2.0], [4.0, 1.0, 3.0, 2.0], [np.nan, np.nan, np.nan, 1.0]], dtype)
        yield sample(T(x), 1)


@samples_for("median", "nanmedian")
def medians(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    pick = middle if op == "median" else nan_middle

    def reference(x: Any) -> Any:
        return x.ravel()[pick(x.ravel())]

    for dtype in NUMBERS:
        for shape in ((), (1,), (4,), (5,), (3, 4)):
            yield Sample((T(make(rng, shape, dtype)),), reference)
    for dtype in FLOATS:
        yield Sample((T(np.array([1.0, np.nan, 3.0, 2.0, 5.0], dtype)),), reference)
        yield Sample((T(np.zeros(0, dtype)),), lambda x: np.array(np.nan))


@samples_for("mode")
def modes(op: str) -> Iterator[Sample]:
    def pick(row: np.ndarray) -> int:
        values, counts = np.unique(row, return_counts=True)
        return int(np.flatnonzero(row == values[np.argmax(counts)])[-1])

    def reference(x: Any, dim: int = -1, keepdim: bool = False) -> Any:
        return along(x, dim, keepdim, pick)

    for dtype in NUMBERS:
        x = T(rng_for(op).integers(0, 3, (4, 7)).astype(dtype))
        for args in ((), (0,), (1, True)):
            yield Sample((x, *args), reference, dtype=(dtype, "int64"))
        different = T(rng_for(op + "different").permutation(28).reshape(4, 7).astype(dtype))
        for args in ((), (0, True)):
            yield Sample((different, *args), reference, dtype=(dtype, "int64"))


@samples_for("trace")
def traces(op: str) -> Iterator[Sample]:
    for dtype in NUMBERS:
        for shape in ((3, 3), (2, 4), (0, 0)):
            result = dtype if dtype in FLOATS else "int64"
            yield Sample((T(make(rng_for(op), shape, dtype)),), lambda x: np.trace(wide(x)), dtype=result, rtol=1e-5)


X = T(np.zeros((2, 3), np.float32))
NOTHING = T(np.zeros((2, 0), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "std": [((X, 2), IndexError), ((T(np.ones(2, np.int64)),), TypeError)],
    "logsumexp": [((X, (2,)), IndexError)],
    "norm": [((X, 2, (2,)), IndexError)],
    "max_dim": [((X, 2), IndexError), ((NOTHING, 1), IndexError)],
    "min_dim": [((X, 2), IndexError), ((NOTHING, 1), IndexError)],
    "median_dim": [((X, 2), IndexError), ((NOTHING, 1), IndexError)],
    "mode": [((X, 2), IndexError), ((NOTHING, 1), IndexError)],
    "trace": [((T(np.ones(3, np.float32)),), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, "^[a-z_]+: ")
