"""Gathering, scattering, joining and padding in the rarer dtypes: 16-bit floats, all integers, complex numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_INTS,
    COMPLEXES,
    LAYOUTS,
    RARE_INTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)

DTYPES = (*SIXTEENS, *RARE_INTS, *COMPLEXES)
INDEX = np.array([[2, 0, 1, 2], [0, 0, 2, 1]])


def laid_out(x: np.ndarray) -> Iterator[T]:
    yield T(x)
    for layout in LAYOUTS:
        yield T(x, layout)


@samples_for("gather")
def gathers(op: str) -> Iterator[Sample]:
    rng = rng_for("gather-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample((x, 0, T(INDEX)), lambda x, dim, index: np.take_along_axis(x, index, dim))


@samples_for("index_select")
def selections(op: str) -> Iterator[Sample]:
    rng = rng_for("index_select-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample((x, 1, T(np.array([3, 0, 3]))), lambda x, dim, index: np.take(x, index, dim))


@samples_for("scatter")
def scatters(op: str) -> Iterator[Sample]:
    rng = rng_for("scatter-dtypes")
    index = np.array([[2, 0, 1, 2], [0, 1, 2, 1]])  # no place twice

    def reference(x: Any, dim: int, index: Any, src: Any) -> Any:
        np.put_along_axis(x, index, src, dim)
        return x

    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample((x, 0, T(index), T(make(rng, (2, 4), dtype))), reference)


def put(ufunc: np.ufunc, x: np.ndarray, index: np.ndarray, src: np.ndarray) -> np.ndarray:
    """Each element of `src` put together with what is in its place, along dim 0; integers wrap around."""
    dtype = x.dtype
    x, src = (x, src) if dtype.kind in "iu" else (wide(x), wide(src))
    with np.errstate(over="ignore"):
        ufunc.at(x, (index, np.arange(x.shape[1])), src)
    return x


@samples_for("scatter_add")
def sums(op: str) -> Iterator[Sample]:
    rng = rng_for("scatter_add-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            args = (x, 0, T(INDEX), T(make(rng, (2, 4), dtype)))
            yield Sample(args, lambda x, dim, index, src: put(np.add, x, index, src))
    for dtype in ALL_INTS:
        x, src = (T(np.full(shape, np.iinfo(dtype).max, dtype)) for shape in ((3, 4), (2, 4)))
        yield Sample((x, 0, T(INDEX), src), lambda x, dim, index, src: put(np.add, x, index, src))
    for dtype in SIXTEENS:  # kept in float until all is added: 256 + 1 is 256 in bfloat16
        x, index, src = np.full((1, 1), 2048, dtype), np.zeros((64, 1), np.int64), np.ones((64, 1), dtype)
        yield Sample((T(x), 0, T(index), T(src)), lambda x, dim, index, src: wide(x) + 64)


@samples_for("scatter_reduce")
def reductions(op: str) -> Iterator[Sample]:
    rng = rng_for("scatter_reduce-dtypes")
    ufuncs = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}

    def reference(x: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
        return put(ufuncs[reduce], x, index, src)

    def mean(x: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
        whole = x.dtype.kind in "iu"
        total = put(np.add, wide(x), index, wide(src))
        count = put(np.add, np.ones(x.shape, np.int64), index, np.ones_like(index))
        return total // count if whole else total / count

    for dtype in DTYPES:
        kinds = ("sum", "prod") if dtype in COMPLEXES else tuple(ufuncs)
        for reduce in kinds:
            args = (T(make(rng, (3, 4), dtype)), 0, T(INDEX), T(make(rng, (2, 4), dtype)), reduce)
            yield Sample(args, reference)
        args = (T(make(rng, (3, 4), dtype)), 0, T(INDEX), T(make(rng, (2, 4), dtype)), "mean")
        yield Sample(args, mean)


@samples_for("index_add")
def additions(op: str) -> Iterator[Sample]:
    rng = rng_for("index_add-dtypes")

    def reference(x: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        x, source = wide(x), wide(source)
        np.add.at(x, index, source.dtype.type(alpha) * source)
        return x

    for dtype in DTYPES:
        index = T(np.array([2, 0, 2]))
        for kwargs in ({}, {"alpha": 2}, *([{"alpha": 1 - 2j}] if dtype in COMPLEXES else [])):
            args = (T(make(rng, (3, 4), dtype)), 0, index, T(make(rng, (3, 4), dtype)))
            yield Sample(args, reference, kwargs)


@samples_for("index")
def indexings(op: str) -> Iterator[Sample]:
    rng = rng_for("index-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample((x, [T(np.array([2, -1])), T(np.array([0, 3]))]), lambda x, indices: x[tuple(indices)])


@samples_for("index_put")
def writes(op: str) -> Iterator[Sample]:
    rng = rng_for("index_put-dtypes")

    def reference(x: Any, indices: Any, values: Any, accumulate: bool) -> Any:
        if not accumulate:
            x[tuple(indices)] = values
            return x
        x = wide(x)
        np.add.at(x, tuple(indices), wide(values))
        return x

    for dtype in DTYPES:
        for accumulate in (False, True):
            for x in laid_out(make(rng, (3, 4), dtype)):
                indices = [T(np.array([2, 0, 1]))] if not accumulate else [T(np.array([2, 0, 2]))]
                yield Sample((x, indices, T(make(rng, (3, 4), dtype)), accumulate), reference)


@samples_for("cat")
def joins(op: str) -> Iterator[Sample]:
    rng = rng_for("cat-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample(([x, T(make(rng, (2, 4), dtype))], 0), lambda xs, dim: np.concatenate(xs, dim), dtype=dtype)


@samples_for("constant_pad_nd")
def paddings(op: str) -> Iterator[Sample]:
    rng = rng_for("pad-dtypes")

    def reference(x: Any, pad: Any, value: Any = 0) -> Any:
        return np.pad(x, [(0, 0), tuple(pad)], constant_values=np.asarray(value).astype(x.dtype))

    for dtype in DTYPES:
        value = 1 + 2j if dtype in COMPLEXES else 3
        for x in laid_out(make(rng, (3, 4), dtype)):
            yield Sample((x, [1, 2], value), reference)


@samples_for("nonzero")
def found(op: str) -> Iterator[Sample]:
    rng = rng_for("nonzero-dtypes")
    for dtype in DTYPES:
        for x in laid_out(make(rng, (3, 4), dtype, 0, 2) * make(rng, (3, 4), "bool").astype(dtype)):
            yield Sample((x,), lambda x: np.argwhere(wide(x)), dtype="int64")
        if dtype in SIXTEENS or dtype in COMPLEXES:
            x = np.array([0.0, -0.0, np.nan, 1.0]).astype(dtype)
            yield Sample((T(x),), lambda x: np.argwhere(wide(x)), dtype="int64")
    for x in (np.array([0, 1j, -0j, 1]), np.array([0, 1j, -0j, 1], np.complex64)):
        yield Sample((T(x),), np.argwhere, dtype="int64")


@errors_for("scatter_reduce")
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 4), np.complex64))
    args = (x, 0, T(INDEX % 2), x, "amax")
    yield ErrorSample(args, TypeError, "^scatter_reduce: amax is not defined for dtype complex64")


@errors_for("index_add")
def refuses_complex_alpha(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 4), np.float32))
    args = (x, 0, T(np.array([0, 1])), x)
    yield ErrorSample(args, TypeError, "^index_add: alpha must be real", {"alpha": 1j})
