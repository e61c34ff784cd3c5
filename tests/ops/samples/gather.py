"""Reading from, and writing to, places along a dim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DTYPES,
    FLOATS,
    INTS,
    LAYOUTS,
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


def places(rng: np.random.Generator, shape: tuple[int, ...], size: int, dtype: str = "int64") -> np.ndarray:
    return rng.integers(0, size, shape).astype(dtype)


def spots(index: np.ndarray, dim: int) -> tuple[np.ndarray, ...]:
    """For every element of an index along `dim`, all its coordinates."""
    where = list(np.indices(index.shape))
    where[dim] = index
    return tuple(where)


# ---- gather ------------------------------------------------------------------------------------------------


@samples_for("gather")
def gathers(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any) -> Any:
        return x.reshape(max(x.shape, (1,)))[spots(np.atleast_1d(index), dim % max(x.ndim, 1))].reshape(index.shape)

    for dtype in DTYPES:
        for shape, dim, size in (
            ((5,), 0, (3,)),
            ((3, 4), 0, (2, 4)),
            ((3, 4), -1, (3, 7)),
            ((2, 3, 4), 1, (2, 5, 3)),
            ((3, 4), 1, (0, 4)),
        ):
            yield Sample((T(make(rng, shape, dtype)), dim, T(places(rng, size, shape[dim]))), reference)
        for layout in LAYOUTS:
            index = places(rng, (3, 4), 3)
            yield Sample((T(make(rng, (3, 4), dtype), layout), 0, T(index)), reference)
            yield Sample((T(make(rng, (3, 4), dtype)), 0, T(index, layout)), reference)
        yield Sample((T(make(rng, (3, 4), dtype)), 1, T(places(rng, (3, 4), 4, "int32"))), reference)
        yield Sample((T(make(rng, (), dtype)), 0, T(np.zeros((), np.int64))), reference)
    yield Sample((T(make(rng, (200, 300), "float32")), 1, T(places(rng, (200, 300), 300))), reference)


# ---- scatter -----------------------------------------------------------------------------------------------

SCATTERS: dict[str, Callable[..., Any]] = {
    "sum": np.add,
    "prod": np.multiply,
    "amax": np.maximum,
    "amin": np.minimum,
}


def reduce_at(
    x: np.ndarray, dim: int, index: np.ndarray, src: np.ndarray, reduce: str, include_self: bool
) -> np.ndarray:
    dim %= max(x.ndim, 1)
    spot = spots(index, dim)
    values = np.asarray(src)[tuple(slice(n) for n in index.shape)]
    result, counts = wide(x), np.zeros(x.shape, np.int64)
    np.add.at(counts, spot, 1)
    fn = SCATTERS["sum" if reduce == "mean" else reduce]
    if not include_self:
        start = {"prod": 1, "amax": _lowest(result), "amin": _highest(result)}.get(reduce, 0)
        result = np.where(counts > 0, start, result)
    fn.at(result, spot, wide(values))
    if reduce == "mean":
        share = np.maximum(counts + include_self, 1)
        result = result / share if result.dtype.kind == "f" else np.floor_divide(result, share)
    return result


def _lowest(x: np.ndarray) -> Any:
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def _highest(x: np.ndarray) -> Any:
    return np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max


@samples_for("scatter")
def scatters(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, src: Any) -> Any:
        values = np.broadcast_to(src, index.shape) if np.ndim(src) == 0 else src[tuple(slice(n) for n in index.shape)]
        x[spots(index, dim % x.ndim)] = values
        return x

    def distinct(shape: tuple[int, int], dim: int, size: int) -> np.ndarray:
        """Every place at most once, so that the result is one."""
        rows = [rng.permutation(size)[: shape[dim]] for _ in range(shape[1 - dim])]
        return np.stack(rows, axis=1 - dim)

    for dtype in DTYPES:
        for shape, dim in (((3, 2), 1), ((2, 4), 0), ((3, 4), -1)):
            index = T(distinct(shape, dim % 2, (3, 4)[dim]))
            yield Sample((T(make(rng, (3, 4), dtype)), dim, index, T(make(rng, (3, 4), dtype))), reference)
            yield Sample((T(make(rng, (3, 4), dtype)), dim, index, 2), reference)
        for layout in LAYOUTS:
            index = distinct((3, 4), 1, 4)
            args = (1, T(index, layout if layout != "expanded" else "offset"), T(make(rng, (3, 4), dtype), layout))
            yield Sample((T(make(rng, (3, 4), dtype), layout), *args), reference)
    yield Sample((T(np.zeros(3, np.float32)), 0, T(np.array([2, 0], np.int32)), 1.5), reference)
    yield Sample((T(np.zeros(3, np.float32)), 0, T(np.zeros(0, np.int64)), T(np.zeros(0, np.float32))), reference)


@samples_for("scatter_add")
def scatter_adds(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, src: Any) -> Any:
        return reduce_at(x, dim, index, src, "sum", True)

    for dtype in NUMBERS:
        for size, dim in (((3, 9), 1), ((7, 4), 0), ((2, 3), 0)):
            args = (dim, T(places(rng, size, (3, 4)[dim])), T(make(rng, size, dtype)))
            yield Sample((T(make(rng, (3, 4), dtype)), *args), reference, rtol=1e-5)
        for layout in LAYOUTS:
            args = (1, T(places(rng, (3, 4), 4), layout), T(make(rng, (3, 4), dtype), layout))
            yield Sample((T(make(rng, (3, 4), dtype), layout), *args), reference)
        yield Sample(
            (T(make(rng, (5,), dtype)), 0, T(places(rng, (9,), 5, "int32")), T(make(rng, (9,), dtype))), reference
        )
    big = (
        T(np.zeros((50, 20), np.float32)),
        0,
        T(places(rng, (900, 20), 50)),
        T(make(rng, (900, 20), "float32", 0, 1)),
    )
    yield Sample(big, reference, rtol=1e-5)


@samples_for("scatter_reduce")
def scatter_reduces(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
        return reduce_at(x, dim, index, src, reduce, include_self)

    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for dtype in NUMBERS:
            for include_self in (True, False):
                for dim in (0, 1):
                    args = (dim, T(places(rng, (3, 4), (3, 4)[dim])), T(make(rng, (3, 4), dtype, 0, 5)), reduce)
                    kwargs = {"include_self": include_self}
                    yield Sample((T(make(rng, (3, 4), dtype, 0, 5)), *args), reference, kwargs, rtol=1e-5)


# ---- index_select, index_add, nonzero ----------------------------------------------------------------------


@samples_for("index_select")
def index_selects(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any) -> Any:
        return np.take(x, np.atleast_1d(index), axis=dim) if x.ndim else x

    for dtype in DTYPES:
        for shape, dim, count in (((5,), 0, 3), ((3, 4), 0, 7), ((3, 4), -1, 2), ((2, 3, 4), 1, 5), ((3, 4), 0, 0)):
            yield Sample((T(make(rng, shape, dtype)), dim, T(places(rng, (count,), shape[dim]))), reference)
        for layout in LAYOUTS:
            for dim in (0, 1):
                yield Sample(
                    (T(make(rng, (3, 4), dtype), layout), dim, T(places(rng, (5,), 3), layout_1d(layout))), reference
                )
        yield Sample((T(make(rng, (3, 4), dtype)), 0, T(np.array(1))), reference)
        yield Sample((T(make(rng, (3, 4), dtype)), 0, T(np.array([1, 2], np.int32))), reference)
        yield Sample((T(make(rng, (), dtype)), 0, T(np.array([0]))), reference)
    yield Sample((T(make(rng, (500, 64), "float32")), 0, T(places(rng, (2000,), 500))), reference)


def layout_1d(layout: str) -> str:
    return layout if layout in ("strided", "reversed", "offset") else "contiguous"


@samples_for("index_add")
def index_adds(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
        result = wide(x)
        moved = np.moveaxis(result, dim, 0) if x.ndim else result
        np.add.at(moved, np.atleast_1d(index), alpha * (np.moveaxis(wide(source), dim, 0) if x.ndim else wide(source)))
        return result

    for dtype in NUMBERS:
        for shape, dim, count in (((5,), 0, 9), ((3, 4), 0, 7), ((3, 4), -1, 2), ((2, 3, 4), 1, 5)):
            source = [n if i != dim % len(shape) else count for i, n in enumerate(shape)]
            args = (dim, T(places(rng, (count,), shape[dim])), T(make(rng, tuple(source), dtype)))
            yield Sample((T(make(rng, shape, dtype)), *args), reference, rtol=1e-5)
            yield Sample((T(make(rng, shape, dtype)), *args), reference, {"alpha": 2}, rtol=1e-5)
        for layout in LAYOUTS:
            args = (0, T(places(rng, (3,), 3)), T(make(rng, (3, 4), dtype), layout))
            yield Sample((T(make(rng, (3, 4), dtype), layout), *args), reference, rtol=1e-5)


@samples_for("nonzero")
def nonzeros(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any) -> Any:
        return np.argwhere(x) if x.ndim else np.zeros((int(bool(x)), 0))

    for dtype in DTYPES:
        for shape in ((), (0,), (9,), (3, 4), (2, 3, 4), (2, 0)):
            yield Sample((T(make(rng, shape, "bool").astype(dtype)),), reference, dtype="int64")
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (5, 6), "bool").astype(dtype), layout),), reference, dtype="int64")
        yield Sample((T(np.zeros((3, 4), dtype)),), reference, dtype="int64")
    yield Sample((T(make(rng, (300, 301), "bool")),), reference, dtype="int64")
    yield Sample((T(np.array([np.nan, 0.0, -0.0, 1e-30])),), reference, dtype="int64")


# ---- errors ------------------------------------------------------------------------------------------------

X = T(np.zeros((3, 4), np.float32))


def index(*values: Any, dtype: str = "int64") -> T:
    return T(np.array(values, dtype))


@errors_for("gather")
def refuses_gather(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, 0, index([3])), IndexError, "^gather: .*3.*")
    yield ErrorSample((X, 0, index([-1])), IndexError, "^gather: .*-1")
    yield ErrorSample(
        (X, 0, index(0)), ValueError, r"^gather: index and self must have as many dims, got shapes \(1,\) and \(3, 4\)"
    )
    yield ErrorSample(
        (X, 1, index([0], [0], [0], [0])),
        ValueError,
        r"^gather: index of shape \(4, 1\) is larger than self .* in dim 0",
    )
    yield ErrorSample(
        (X, 0, index([0.0], dtype="float32")), TypeError, "^gather: index must have dtype int64 .*got float32"
    )
    yield ErrorSample((X, 2, index([0])), IndexError, "^gather: dim 2")


@errors_for("scatter", "scatter_add", "scatter_reduce")
def refuses_scatter(op: str) -> Iterator[ErrorSample]:
    more = ("sum",) if op == "scatter_reduce" else ()
    src = T(np.ones((3, 4), np.float32))
    yield ErrorSample((X, 0, index([3]), src, *more), IndexError, f"^{op}: .*3.*")
    yield ErrorSample((X, 0, index([-1]), src, *more), IndexError, f"^{op}: .*-1")
    yield ErrorSample((X, 0, index(0), src, *more), ValueError, f"^{op}: index and self must have as many dims")
    yield ErrorSample(
        (X, 0, index([0, 0]), T(np.ones((1, 1), np.float32)), *more),
        ValueError,
        f"^{op}: index of shape .* larger than src",
    )
    yield ErrorSample(
        (X, 0, index([0]), T(np.ones((3, 4))), *more),
        TypeError,
        f"^{op}: self and src must have the same dtype, got float32 and float64",
    )
    if op == "scatter_reduce":
        yield ErrorSample(
            (X, 0, index([0]), src, "max"), ValueError, "^scatter_reduce: reduce must be 'sum'.* got 'max'"
        )


@errors_for("index_select")
def refuses_index_select(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, 0, index(0, 3)), IndexError, "^index_select: .*3")
    yield ErrorSample((X, 0, index(-1)), IndexError, "^index_select: .*-1")
    yield ErrorSample((X, 0, index([0])), ValueError, r"^index_select: index must have one dim, got shape \(1, 1\)")
    yield ErrorSample((X, 0, T(np.ones(3, bool))), TypeError, "^index_select: index must have dtype int64")


@errors_for("index_add")
def refuses_index_add(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, 0, index(0, 3), T(np.ones((2, 4), np.float32))), IndexError, "^index_add: .*3")
    yield ErrorSample(
        (X, 0, index(0), T(np.ones((2, 4), np.float32))), ValueError, r"^index_add: source must have .*\(2, 4\)"
    )
    yield ErrorSample(
        (X, 0, index(0), T(np.ones((1, 4)))), TypeError, "^index_add: self and source must have the same dtype"
    )
    whole = T(np.ones(3, np.int64))
    yield ErrorSample(
        (whole, 0, index(0), T(np.ones(1, np.int64))), TypeError, "^index_add: alpha must be an integer", {"alpha": 0.5}
    )
