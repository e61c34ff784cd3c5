"""Advanced indexing."""

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
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)

SHAPE = (3, 4, 5)


def key(indices: Any) -> tuple[Any, ...]:
    return tuple(slice(None) if index is None else index for index in indices)


def all_indices(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """Tuples of indices into SHAPE; no place appears twice in one."""

    def pick(dim: int, shape: tuple[int, ...], dtype: str = "int64", layout: str = "contiguous") -> T:
        size = SHAPE[dim]
        values = rng.permutation(size)[: int(np.prod(shape))].reshape(shape)
        signs = rng.integers(0, 2, shape) * size  # some from the end
        return T((values - signs).astype(dtype), layout)

    yield (pick(0, (2,)),)
    yield (pick(0, (2,), "int32"),)
    yield (pick(0, ()),)
    yield (pick(0, (3, 1)),)
    yield (None, pick(1, (2, 2)))
    yield (None, None, pick(2, (4,)))
    yield (pick(0, (3,)), pick(1, (3,)))
    yield (pick(0, (3, 1)), pick(1, (4,)))
    yield (pick(0, (3,)), None, pick(2, (3,)))
    yield (None, pick(1, (3,)), pick(2, (3,)))
    yield (pick(0, (2,)), pick(1, (2,)), pick(2, (2,)))
    yield (T(np.zeros(0, np.int64)),)
    yield (pick(0, (3,), layout="reversed"), pick(1, (3,), layout="strided"))
    yield (T(rng.integers(0, 2, 3).astype(bool)),)
    yield (None, T(rng.integers(0, 2, 4).astype(bool)))
    yield (T(rng.integers(0, 2, (3, 4)).astype(bool)),)
    yield (T(rng.integers(0, 2, SHAPE).astype(bool), "transposed"),)
    yield (T(np.zeros(3, bool)),)
    yield (T(np.array([True, False, True])), pick(1, (2,)))


@samples_for("index")
def reads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, indices: Any) -> Any:
        return x[key(indices)]

    for dtype in DTYPES:
        for indices in all_indices(rng):
            yield Sample((T(make(rng, SHAPE, dtype)), indices), reference)
    for layout in LAYOUTS:
        for indices in all_indices(rng):
            yield Sample((T(make(rng, SHAPE, "float32"), layout), indices), reference)
    many = (T(rng.integers(0, 300, 5000)), T(rng.integers(0, 200, 5000)))
    yield Sample((T(make(rng, (300, 200), "float32")), many), reference)


@samples_for("index_put")
def writes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
        if not accumulate:
            x[key(indices)] = np.asarray(values).astype(x.dtype)
            return x
        result = wide(x)
        np.add.at(result, key(indices), wide(values))
        return result

    def shape_of(indices: Any) -> tuple[int, ...]:
        plain = tuple(None if index is None else index.array for index in indices)
        return tuple(np.zeros(SHAPE)[key(plain)].shape)

    for dtype in DTYPES:
        for indices in all_indices(rng):
            x, shape = T(make(rng, SHAPE, dtype)), shape_of(indices)
            yield Sample((x, indices, T(make(rng, shape, dtype))), reference)
            yield Sample((x, indices, 1), reference)
            if dtype != "bool":
                yield Sample((x, indices, T(make(rng, shape[-1:], dtype)), True), reference)
    for layout in LAYOUTS:
        for indices in all_indices(rng):
            yield Sample((T(make(rng, SHAPE, "float32"), layout), indices, T(make(rng, (), "float32"))), reference)
    for dtype in (*FLOATS, *INTS):  # places that appear many times
        indices = (T(rng.integers(0, 3, 200)), T(rng.integers(-4, 4, 200)))
        values = T(make(rng, (200, 1), dtype, 0, 2))
        yield Sample((T(make(rng, SHAPE, dtype)), indices, values, True), reference, rtol=1e-5)


X = T(np.zeros((3, 4), np.float32))


@errors_for("index")
def refuses_index(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, [T(np.array([3]))]), IndexError, "^index: .*3")
    yield ErrorSample((X, [T(np.array([-4]))]), IndexError, "^index: .*-4")
    yield ErrorSample(
        (X, [T(np.array([0.5]))]), IndexError, "^index: an index must have dtype int64, int32 or bool, got float64"
    )
    yield ErrorSample((X, [T(np.ones(4, bool))]), IndexError, r"^index: a mask of shape \(4,\) does not match")
    yield ErrorSample((X, [T(np.zeros(1, np.int64))] * 3), IndexError, r"^index: 3 indices are too many .*\(3, 4\)")
    yield ErrorSample(
        (X, [T(np.zeros(2, np.int64)), T(np.zeros(3, np.int64))]),
        IndexError,
        "^index: index tensors .* don't broadcast",
    )
    yield ErrorSample((X, [None, None]), IndexError, "^index: at least one index")


@errors_for("index_put")
def refuses_index_put(op: str) -> Iterator[ErrorSample]:
    one = [T(np.array([1]))]
    yield ErrorSample((X, [T(np.array([3]))], 1.0), IndexError, "^index_put: .*3")
    yield ErrorSample(
        (X, one, T(np.ones(3, np.float32))),
        ValueError,
        r"^index_put: values of shape \(3,\) don't broadcast to \(1, 4\)",
    )
    yield ErrorSample((X, one, T(np.ones(4))), TypeError, "^index_put: self and values must have the same dtype")
