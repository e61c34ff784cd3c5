"""Sorting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import DTYPES, FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for


def stable_order(x: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """Where the sorted elements were, equal ones in their order; NaN counts as the largest."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    backwards = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    return np.asarray(x.shape[dim] - 1 - np.flip(backwards, dim))


def distinct(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """No two equal elements, so that every correct sort gives the same indices."""
    return rng.permutation(int(np.prod(shape))).reshape(shape).astype(dtype)


@samples_for("sort")
def sorts(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
        if x.ndim == 0:
            return x, np.zeros((), np.int64)
        order = stable_order(x, dim, descending)
        return np.take_along_axis(x, order, dim), order

    def sample(x: T, *args: Any) -> Sample:
        return Sample((x, *args), reference, dtype=(str(x.array.dtype), "int64"))

    for dtype in DTYPES:
        for descending in (False, True):
            for dim in (0, 1, -1):
                yield sample(T(make(rng, (5, 7), dtype)), dim, descending, True)
                if dtype != "bool":
                    yield sample(T(distinct(rng, (5, 7), dtype)), dim, descending)
            for layout in LAYOUTS:
                yield sample(T(make(rng, (4, 6), dtype), layout), 1, descending, True)
            yield sample(T(make(rng, (2, 3, 4), dtype)), 1, descending, True)
            for shape in ((), (0,), (1,), (3, 0)):
                yield sample(T(make(rng, shape, dtype)), -1, descending, True)
            yield sample(T(make(rng, (3000,), dtype, -1000, 1000)), 0, descending, True)
    for dtype in FLOATS:
        x = np.array([1.0, np.nan, -np.inf, np.inf, np.nan, -0.0, 0.0, -3.0], dtype)
        for descending in (False, True):
            yield sample(T(x), 0, descending, True)
    yield sample(T(distinct(rng, (100, 300), "float32")), 0)
    yield sample(T(distinct(rng, (70_001,), "int32")))


@errors_for("sort")
def refuses_dims(op: str) -> Iterator[ErrorSample]:
    x = T(np.zeros((2, 3), np.float32))
    yield ErrorSample((x, 2), IndexError, "^sort: dim 2 is out of range")
    yield ErrorSample((x, "text"), TypeError, "sort")
