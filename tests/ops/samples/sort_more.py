"""Orders and searches written in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
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
from tests.ops.samples.sort import distinct, stable_order

NUMBERS = (*FLOATS, *INTS)


@samples_for("argsort")
def argsorts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
        return stable_order(x, dim, descending)

    for dtype in NUMBERS:
        for args in ((), (0,), (1, True)):
            yield Sample((T(distinct(rng, (4, 5), dtype)), *args), reference, dtype="int64")
        yield Sample((T(make(rng, (4, 9), dtype)), 1, True, True), reference, dtype="int64")


@samples_for("msort")
def msorts(op: str) -> Iterator[Sample]:
    for dtype in NUMBERS:
        yield Sample((T(make(rng_for(op), (4, 5), dtype)),), lambda x: np.sort(x, 0))


@samples_for("topk")
def topks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
        order = np.take(stable_order(x, dim, largest), range(k), axis=dim)
        return np.take_along_axis(x, order, dim), order

    for dtype in NUMBERS:
        x = T(distinct(rng, (4, 6), dtype))
        for args in ((3,), (2, 0), (6, 1, False), (0,), (1, -1, True)):
            yield Sample((x, *args), reference, dtype=(dtype, "int64"))
    yield Sample((T(np.array([1.0, np.nan, 3.0], np.float32)), 2), reference, dtype=("float32", "int64"))


# Sizes from which other ways are taken: few elements, short and long digits, one pass for the first few.
LENGTHS = (1, 24, 25, 300, 5000, 17_000, 40_000)


def hard(rng: np.random.Generator, n: int, dtype: str) -> np.ndarray:
    """Many ties; the extremes of the dtype; both zeros and NaN."""
    x = rng.integers(0, 40, n)
    if dtype in FLOATS:
        some = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, -1.5], dtype)
    else:
        some = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    out = x.astype(dtype)
    places = rng.integers(0, n, n // 8)
    out[places] = rng.choice(some, places.size)
    return out


@samples_for("sort_first")
def first_ones(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, k: int, descending: bool = False) -> Any:
        if x.ndim == 0:
            return x, np.zeros((), np.int64)
        order = np.take(stable_order(x, dim, descending), range(k), axis=dim)
        return np.take_along_axis(x, order, dim), order

    for dtype in NUMBERS:
        for descending in (False, True):
            for n in LENGTHS:
                for k in sorted({0, 1, n // 40, n // 2, n}):
                    yield Sample((T(hard(rng, n, dtype)), 0, k, descending), reference, dtype=(dtype, "int64"))
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (4, 6), dtype), layout), 0, 3, descending), reference, dtype=(dtype, "int64"))
        for shape in ((), (3, 0), (0, 3)):
            x = T(make(rng, shape, dtype))
            yield Sample((x, -1, min(shape[-1], 2) if shape else 1), reference, dtype=(dtype, "int64"))


@samples_for("select_rank")
def ranks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, of: str, k: int = 0) -> Any:
        if x.ndim == 0:
            return x, np.zeros((), np.int64)
        order = stable_order(x, dim, False)
        count = x.shape[dim]
        nans = np.sum(x != x, axis=dim, keepdims=True)
        middle = np.where(nans > 0, count - nans, (count - 1) // 2)
        wanted = {"rank": np.full_like(nans, k), "median": middle, "nanmedian": np.maximum(count - nans - 1, 0) // 2}
        places = np.take_along_axis(order, wanted[of], dim)
        return np.take_along_axis(x, places, dim), places

    for dtype in NUMBERS:
        for of in ("rank", "median", "nanmedian"):
            for n in LENGTHS:
                yield Sample((T(hard(rng, n, dtype)), 0, of, n // 3), reference, dtype=(dtype, "int64"))
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (4, 6), dtype), layout), 0, of, 2), reference, dtype=(dtype, "int64"))
            yield Sample((T(make(rng, (), dtype)), -1, of), reference, dtype=(dtype, "int64"))
            yield Sample((T(make(rng, (0, 3), dtype)), 1, of), reference, dtype=(dtype, "int64"))


@samples_for("kthvalue")
def kthvalues(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
        order = np.take(stable_order(x, dim, False), [k - 1], axis=dim)
        values = np.take_along_axis(x, order, dim)
        return (values, order) if keepdim else (values.squeeze(dim), order.squeeze(dim))

    for dtype in NUMBERS:
        x = T(distinct(rng, (4, 6), dtype))
        for args in ((1,), (6,), (2, 0), (3, 1, True)):
            yield Sample((x, *args), reference, dtype=(dtype, "int64"))


@samples_for("searchsorted", "bucketize")
def searches(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def search(
        line: Any, values: Any, *, out_int32: bool = False, right: bool = False, side: str = "left", sorter: Any = None
    ) -> Any:
        side = "right" if right else side
        line = line if sorter is None else np.take_along_axis(line, sorter, -1)
        if line.ndim == 1:
            return np.searchsorted(line, values, side)
        rows = [np.searchsorted(a, b, side) for a, b in zip(line, values, strict=True)]
        return np.stack(rows)

    def reference(first: Any, second: Any, **kwargs: Any) -> Any:
        return search(first, second, **kwargs) if op == "searchsorted" else search(second, first, **kwargs)

    for dtype in NUMBERS:
        line, values = np.sort(make(rng, (7,), dtype, 0, 9)), make(rng, (3, 4), dtype, 0, 9)
        args = (T(line), T(values)) if op == "searchsorted" else (T(values), T(line))
        for kwargs in ({}, {"right": True}, {"out_int32": True}):
            yield Sample(args, reference, kwargs, dtype="int32" if "out_int32" in kwargs else "int64")
        if op == "searchsorted":
            rows = (T(np.sort(make(rng, (3, 7), dtype, 0, 9))), T(values))
            yield Sample(rows, reference, dtype="int64")
            for side in ("left", "right"):
                yield Sample(rows, reference, {"side": side}, dtype="int64")
            mixed = make(rng, (3, 7), dtype, 0, 9)
            sorter = T(np.argsort(mixed, kind="stable"))
            yield Sample((T(mixed), T(values)), reference, {"sorter": sorter, "right": True}, dtype="int64")


@samples_for("insertion_places")
def places(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(values: Any, line: Any, right: bool) -> Any:
        side = "right" if right else "left"
        if line.ndim == 1:
            return np.searchsorted(line, values, side)
        return np.stack([np.searchsorted(a, b, side) for a, b in zip(line, values, strict=True)])

    for dtype in NUMBERS:
        for n in (0, 1, 2, 7, 64):
            for right in (False, True):
                line, values = np.sort(make(rng, (n,), dtype, 0, 9)), make(rng, (3, 11), dtype, 0, 9)
                yield Sample((T(values), T(line), right), reference, dtype="int64")
                yield Sample((T(values, "transposed"), T(line, "strided"), right), reference, dtype="int64")
                rows = np.sort(make(rng, (3, n), dtype, 0, 9))
                yield Sample((T(values), T(rows), right), reference, dtype="int64")
    for dtype in ("float32", "float64"):
        line = np.array([-np.inf, -1, -0.0, 2, np.inf, np.nan, np.nan], dtype)
        values = np.array([np.nan, np.inf, -np.inf, 0, 2, 5, -1, np.nan, 3, -4], dtype)
        for right in (False, True):
            yield Sample((T(values), T(line), right), reference, dtype="int64")


@samples_for("random_order")
def orders(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for n in (0, 1, 2, 100, 5000, 30000):
        bits = rng.integers(-(2**63), 2**63 - 1, n)
        yield Sample((T(bits),), lambda x: np.argsort(x, kind="stable"), dtype="int64")
        for least in (2, 2**40):  # far from evenly distributed
            few = rng.integers(0, least, n)
            yield Sample((T(few),), lambda x: np.argsort(x, kind="stable"), dtype="int64")
    yield Sample((T(rng.integers(-(2**63), 2**63 - 1, 60), "strided"),), lambda x: np.argsort(x), dtype="int64")


X = T(np.zeros((2, 3), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "topk": [((X, 4), ValueError), ((X, -1), ValueError), ((X, 1, 2), IndexError)],
    "sort_first": [((X, 0, -1), ValueError), ((X, -1, 4), ValueError), ((X, 2, 1), IndexError)],
    "select_rank": [((X, 0, "mean"), ValueError), ((X, 0, "rank", 9), ValueError), ((X, 2, "rank"), IndexError)],
    "kthvalue": [((X, 4), ValueError), ((X, 0), ValueError), ((X, 1, 2), IndexError)],
    "argsort": [((X, 2), IndexError)],
    "searchsorted": [((T(np.zeros((), np.float32)), X), ValueError)],
}


@errors_for("searchsorted")
def refuses_sides(op: str) -> Iterator[ErrorSample]:
    line = T(np.arange(3))
    yield ErrorSample((line, line), ValueError, "^searchsorted: side must be 'left' or 'right'", {"side": "middle"})
    yield ErrorSample((line, line), ValueError, "^searchsorted: .* contradict", {"side": "left", "right": True})
    yield ErrorSample((line, line), ValueError, r"^searchsorted: sorter .* got \(2,\)", {"sorter": T(np.arange(2))})


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, "^[a-z_]+: ")
