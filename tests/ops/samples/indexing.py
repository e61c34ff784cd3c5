"""Indexing, written in Python."""

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
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
)
from tests.ops.samples.gather import reduce_at


def along(index: np.ndarray, shape: tuple[int, ...], dim: int) -> np.ndarray:
    """A vector of places as an index of a whole shape."""
    line = [1] * len(shape)
    line[dim] = -1
    return np.broadcast_to(index.reshape(line), shape)


def reference_of_scalars(x: Any, dim: int, index: Any, value: Any) -> Any:
    """index_fill, where a zero-dim tensor has the one place 0, which is also -1."""
    row = np.moveaxis(x.reshape(x.shape or (1,)), dim, 0)
    row[index] = value
    return x


@samples_for("index_copy", "index_fill")
def index_writes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, source: Any) -> Any:
        moved = np.moveaxis(x, dim, 0)
        moved[index] = np.moveaxis(source, dim, 0) if np.ndim(source) else np.asarray(source).astype(x.dtype)
        return x

    for dtype in DTYPES:
        for shape, dim in (((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1)):
            index = rng.permutation(shape[dim])[:2]
            part = [2 if i == dim % len(shape) else n for i, n in enumerate(shape)]
            source = T(make(rng, tuple(part), dtype)) if op == "index_copy" else 1
            for layout in ("contiguous", "transposed", "strided") if len(shape) > 1 else ("contiguous",):
                yield Sample((T(make(rng, shape, dtype), layout), dim, T(index), source), reference)
    if op == "index_fill":
        for shape, dim in (((3, 4), 1), ((3,), -1), ((), 0)):
            yield Sample((T(make(rng, shape, "float64")), dim, T(np.array([-1, 0])), 7), reference_of_scalars)
        for value in (2.5, T(np.array(3.0, np.float32))):
            yield Sample((T(make(rng, (3, 4), "float32")), 0, T(np.array([0, 2])), value), reference)


@samples_for("index_reduce")
def index_reduces(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool) -> Any:
        reduce = "prod" if reduce == "prod" else reduce
        return reduce_at(x, dim, along(index, source.shape, dim), source, reduce, include_self)

    for reduce in ("prod", "mean", "amax", "amin"):
        for dtype in FLOATS:
            for include_self in (True, False):
                args = (0, T(rng.integers(0, 3, 5)), T(make(rng, (5, 4), dtype)), reduce)
                yield Sample((T(make(rng, (3, 4), dtype)), *args), reference, {"include_self": include_self}, rtol=1e-5)


@samples_for("take")
def takes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in DTYPES:
        for shape in ((), (5,), (2, 3), (0,)):
            index = T(rng.integers(-12, 12, shape))
            for layout in ("contiguous", *LAYOUTS):
                yield Sample((T(make(rng, (3, 4), dtype), layout), index), lambda x, index: np.take(x, index))


@samples_for("put")
def puts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
        flat = np.ascontiguousarray(x).ravel()
        if accumulate:
            np.add.at(flat, index.ravel(), source.ravel())
        else:
            flat[index.ravel()] = source.ravel()
        return flat.reshape(x.shape)

    for dtype in (*FLOATS, *INTS):
        index = rng.permutation(12)[:6].reshape(2, 3) - 12 * rng.integers(0, 2, (2, 3))
        for accumulate in (False, True):
            args = (T(index), T(make(rng, (2, 3), dtype)), accumulate)
            yield Sample((T(make(rng, (3, 4), dtype)), *args), reference)
    many = (T(rng.integers(0, 12, 50)), T(make(rng, (50,), "float64")), True)
    yield Sample((T(make(rng, (3, 4), "float64")), *many), reference)


@samples_for("take_along_dim")
def takes_along(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, index: Any, dim: Any = None) -> Any:
        if dim is None:
            return np.take_along_axis(x.ravel(), index.ravel(), 0)
        return np.take_along_axis(x, index, dim)

    for dtype in DTYPES:
        x = T(make(rng, (3, 4), dtype))
        for shape, dim in (((3, 2), 1), ((1, 2), 1), ((5, 4), 0), ((5, 1), 0), ((2, 4), -2)):
            yield Sample((x, T(rng.integers(-3, 3, shape)), dim), reference)
        yield Sample((x, T(rng.integers(-12, 12, (2, 2)))), reference)


@samples_for("masked_select")
def masked_selects(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, mask: Any) -> Any:
        x, mask = np.broadcast_arrays(x, mask)
        return x[mask]

    for dtype in DTYPES:
        for shape, mask in (((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((3, 4), ()), ((0,), (0,))):
            yield Sample((T(make(rng, shape, dtype)), T(make(rng, mask, "bool"))), reference)


@samples_for("masked_scatter")
def masked_scatters(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, mask: Any, source: Any) -> Any:
        mask = np.broadcast_to(mask, x.shape)
        x[mask] = source.ravel()[: mask.sum()]
        return x

    for dtype in DTYPES:
        for mask in ((3, 4), (4,), (3, 1)):
            args = (T(make(rng, mask, "bool")), T(make(rng, (4, 4), dtype)))
            yield Sample((T(make(rng, (3, 4), dtype)), *args), reference)
        nothing = (T(np.zeros((3, 4), bool)), T(np.zeros(0, dtype)))
        yield Sample((T(make(rng, (3, 4), dtype)), *nothing), reference)


@samples_for("argwhere")
def argwheres(op: str) -> Iterator[Sample]:
    for shape in ((5,), (3, 4), (0,)):
        yield Sample((T(make(rng_for(op), shape, "bool")),), np.argwhere, dtype="int64")


@samples_for("nonzero_static")
def places_of_some(op: str) -> Iterator[Sample]:
    def reference(x: Any, *, size: int, fill_value: int = -1) -> Any:
        places = np.argwhere(x) if x.ndim else np.zeros((int(bool(x)), 0))
        filled = np.full((size, x.ndim), fill_value)
        filled[: len(places)] = places[:size]
        return filled

    for dtype in DTYPES:
        for shape in ((), (5,), (3, 4), (0, 2)):
            for size in (0, 2, 20):
                x = T(make(rng_for(op), shape, "bool").astype(dtype))
                yield Sample((x,), reference, {"size": size}, dtype="int64")
                yield Sample((x,), reference, {"size": size, "fill_value": 7}, dtype="int64")


@errors_for("nonzero_static")
def refuses_sizes(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones(3, np.float32))
    yield ErrorSample((x,), ValueError, "^nonzero_static: size must not be negative, got -1", {"size": -1})


@samples_for("bincount")
def bincounts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in INTS:
        x = T(rng.integers(0, 6, 20).astype(dtype))
        yield Sample((x,), lambda x: np.bincount(x), dtype="int64")
        yield Sample((x, None, 10), lambda x, weights, n: np.bincount(x, minlength=n), dtype="int64")
        for weights, result in (("float32", "float32"), ("float64", "float64"), ("int64", "float64")):
            yield Sample((x, T(make(rng, (20,), weights))), np.bincount, dtype=result, rtol=1e-5, atol=1e-5)
    yield Sample((T(np.zeros(0, np.int64)),), lambda x: np.zeros(0), dtype="int64")


@samples_for("isin")
def isins(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in (*FLOATS, *INTS):
        elements, tests = (rng.integers(0, 9, shape).astype(dtype) for shape in ((3, 4), (5,)))
        for invert in (False, True):
            yield Sample(
                (T(elements), T(tests)),
                lambda a, b, invert: np.isin(a, b, invert=invert),
                {"invert": invert},
                dtype="bool",
            )
        yield Sample((T(elements), T(tests[:0])), np.isin, dtype="bool")


X = T(np.zeros((3, 4), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "take": [((X, T(np.array([12]))), IndexError), ((X, T(np.array([-13]))), IndexError)],
    "put": [
        ((X, T(np.array([1])), T(np.ones(2, np.float32))), ValueError),
        ((X, T(np.array([1])), T(np.ones(1))), TypeError),
    ],
    "take_along_dim": [((X, T(np.array([1])), 1), ValueError), ((X, T(np.array([[4]])), 1), IndexError)],
    "masked_select": [((X, T(np.ones((3, 4)))), TypeError), ((X, T(np.ones(3, bool))), ValueError)],
    "masked_scatter": [
        ((X, T(np.ones((3, 4), bool)), T(np.ones(2, np.float32))), IndexError),
        ((X, T(np.ones((3, 4), bool)), T(np.ones(12))), TypeError),
    ],
    "bincount": [
        ((T(np.array([-1])),), ValueError),
        ((T(np.ones(2)),), ValueError),
        ((T(np.array([1])), None, -1), ValueError),
    ],
    "index_copy": [((X, 0, T(np.array([3])), T(np.ones((1, 4), np.float32))), IndexError)],
    "index_fill": [((X, 0, T(np.array([3])), 1.0), IndexError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, "^[a-z_]+: ")
