"""Norms of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import ErrorSample, Refusal, Sample, T, errors_for, make, rng_for, samples_for
from tests.ops.samples.linalg_matrices import DTYPES, RECTANGLES, SQUARES, TOLERANCE, in_layouts, real_dtype, well

INF = float("inf")


@samples_for("linalg_vector_norm")
def vector_norms(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        dims = tuple(range(x.ndim)) if not dim else tuple(dim)
        size = np.abs(x)
        if ord == INF:
            return size.max(dims, keepdims=keepdim)
        if ord == -INF:
            return size.min(dims, keepdims=keepdim)
        if ord == 0:
            return (size != 0).sum(dims, keepdims=keepdim)
        return (size**ord).sum(dims, keepdims=keepdim) ** (1 / ord)

    for dtype, x in in_layouts(rng, well, ((3, 4), (2, 3, 4), (1, 1))):
        common = {"dtype": real_dtype(dtype), **TOLERANCE[dtype]}
        for ord in (0, 1, 2, 3, 0.5, -1, INF, -INF):
            yield Sample((x, ord), reference, **common)
            yield Sample((x, ord, [-1], True), reference, **common)
            yield Sample((x, ord, [0, 1]), reference, **common)
    for dtype in DTYPES:
        common = {"dtype": real_dtype(dtype), **TOLERANCE[dtype]}
        yield Sample((T(make(rng, (), dtype)), 3), reference, **common)
        yield Sample((T(make(rng, (0,), dtype)), 2), reference, **common)
        yield Sample((T(make(rng, (2, 0), dtype)), 1, [1]), reference, **common)
    for dtype in ("float16", "bfloat16"):
        yield Sample(
            (T(make(rng, (3, 4), dtype)), 2, [1]),
            lambda x, o, d: reference(x.astype(float), o, d),
            dtype=dtype,
            rtol=2e-2,
        )


@samples_for("linalg_matrix_norm")
def matrix_norms(op: str) -> Iterator[Sample]:
    def reference(A: Any, ord: float, dim: Any = (-2, -1), keepdim: bool = False) -> Any:
        if A.size == 0:
            kept = [1 if i - A.ndim in dim or i in dim else n for i, n in enumerate(A.shape)]
            return np.zeros(kept if keepdim else A.shape[:-2])
        return np.linalg.norm(A, ord, tuple(dim), keepdim)

    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        common = {"dtype": real_dtype(dtype), **TOLERANCE[dtype]}
        for ord in (1, 2, INF, *((-1, -2, -INF) if A.array.size else ())):
            yield Sample((A, ord), reference, **common)
            if A.array.ndim == 3:
                yield Sample((A, ord, [-2, -1], True), reference, **common)
                if A.array.size:
                    yield Sample((A, ord, [2, 0]), reference, **common)


@samples_for("nuclear_norm")
def nuclear_norms(op: str) -> Iterator[Sample]:
    def reference(A: Any, dim: Any = (-2, -1), keepdim: bool = False) -> Any:
        return np.linalg.norm(A, "nuc", tuple(dim), keepdim) if A.size else np.zeros(A.shape[:-2])

    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        common = {"dtype": real_dtype(dtype), **TOLERANCE[dtype]}
        yield Sample((A,), reference, **common)
        if A.array.ndim == 3 and A.array.size:
            yield Sample((A, [0, 2], True), reference, **common)


X = T(np.ones((2, 3), np.float32))
VECTOR = T(np.ones(3, np.float32))
INTS = T(np.eye(2, dtype=np.int64))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal, str]]] = {
    "linalg_vector_norm": [
        ((INTS,), TypeError, "int64"),
        ((X, 2, [5]), IndexError, "out of range"),
        ((T(np.ones((2, 0), np.float32)), INF), RuntimeError, "no elements"),
    ],
    "linalg_matrix_norm": [
        ((VECTOR, 1), ValueError, "at least 2"),
        ((X, 3), ValueError, "ord must be"),
        ((X, 1, [0]), ValueError, "two dims"),
        ((X, 1, [0, 0]), ValueError, "twice"),
        ((INTS, 1), TypeError, "int64"),
    ],
    "nuclear_norm": [((VECTOR,), ValueError, "at least 2"), ((INTS,), TypeError, "int64")],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error, words in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: .*{words}")
