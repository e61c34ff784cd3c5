"""Ops over views: reshape, splitting, and writing into a part of a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tests.ops.framework import DTYPES, LAYOUTS, ErrorSample, Refusal, Sample, T, errors_for, make, rng_for, samples_for


@samples_for("reshape")
def reshapes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for shape, size in (
        ((), (1,)),
        ((6,), (2, 3)),
        ((2, 3, 4), (4, -1)),
        ((0,), (0, 2)),
        ((3, 4), (3, 2, 2)),
        ((3, 4), (12,)),
    ):
        for dtype in DTYPES:
            yield Sample((T(make(rng, shape, dtype)), size), lambda x, size: x.reshape(size))
        for layout in LAYOUTS:
            if shape and 0 not in shape:
                yield Sample((T(make(rng, shape, "float32"), layout), size), lambda x, size: x.reshape(size))


@samples_for("flatten")
def flattens(op: str) -> Iterator[Sample]:
    def reference(x: Any, start: int = 0, end: int = -1) -> Any:
        if x.ndim == 0:
            return x.reshape(1)
        start, end = start % x.ndim, end % x.ndim
        return x.reshape(*x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :])

    for shape, args in (
        ((), ()),
        ((3,), ()),
        ((2, 3, 4), ()),
        ((2, 3, 4), (1,)),
        ((2, 3, 4), (0, 1)),
        ((2, 3, 4), (-2, -1)),
        ((2, 0), ()),
    ):
        for layout in ("contiguous", *LAYOUTS) if shape and 0 not in shape else ("contiguous",):
            yield Sample((T(make(rng_for(op), shape, "float32"), layout), *args), reference)


@samples_for("split_with_sizes")
def splits(op: str) -> Iterator[Sample]:
    def reference(x: Any, sizes: Any, dim: int = 0) -> Any:
        return np.split(x, np.cumsum(sizes)[:-1], axis=dim)

    for shape, args in (
        ((5,), ((2, 3),)),
        ((5,), ((0, 5, 0),)),
        ((4, 6), ((1, 2, 3), 1)),
        ((4, 6), ((4,),)),
        ((4, 6), ((5, 1), -1)),
    ):
        for layout in ("contiguous", *LAYOUTS):
            yield Sample((T(make(rng_for(op), shape, "float32"), layout), *args), reference)


@samples_for("unbind")
def unbinds(op: str) -> Iterator[Sample]:
    def reference(x: Any, dim: int = 0) -> Any:
        return [np.take(x, i, axis=dim) for i in range(x.shape[dim])]

    for shape, args in (((3,), ()), ((3, 4), ()), ((3, 4), (1,)), ((2, 3, 4), (-2,)), ((0, 3), ())):
        yield Sample((T(make(rng_for(op), shape, "float32")), *args), reference)


def _written(x: np.ndarray, part: np.ndarray, src: np.ndarray) -> np.ndarray:
    part[...] = src
    return x


@samples_for("slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter")
def scatters(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sliced(x: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
        return _written(x, x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)], src)

    def selected(x: Any, src: Any, dim: int, index: int) -> Any:
        return _written(x, np.moveaxis(x, dim, 0)[index, ...], src)

    def diagonal(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        part = np.diagonal(x, offset, dim1, dim2)
        part.flags.writeable = True
        return _written(x, part, src)

    def strided(x: Any, src: Any, size: Any, stride: Any, offset: int = 0) -> Any:
        flat = np.ascontiguousarray(x)
        part = as_strided(flat.ravel()[offset:], size, [n * x.itemsize for n in stride], writeable=True)
        return _written(flat, part, src)

    reference, cases = {
        "slice_scatter": (
            sliced,
            [((2, 4), (0, 1)), ((3, 2), (1, None, None, 2)), ((3, 4), (1, None, None, -1)), ((0, 4), (0, 2, 1))],
        ),
        "select_scatter": (selected, [((4,), (0, 1)), ((3,), (-1, -2))]),
        "diagonal_scatter": (diagonal, [((3,), ()), ((3,), (1,)), ((1,), (-2, 0, 1)), ((2,), (1, 1, 0))]),
        "as_strided_scatter": (strided, [((2, 2), ((2, 2), (4, 1))), ((3,), ((3,), (4,), 1))]),
    }[op]
    for shape, args in cases:
        for dtype in DTYPES:
            yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, shape, dtype)), *args), reference)
        for layout in LAYOUTS if op != "as_strided_scatter" else ():
            yield Sample((T(make(rng, (3, 4), "float32"), layout), T(make(rng, shape, "float32")), *args), reference)


@samples_for("as_strided_scatter")
def scatters_into_storage(op: str) -> Iterator[Sample]:
    """The strides are those of the storage, however the tensor lies in it."""

    def reference(x: Any, src: Any, size: Any, stride: Any, offset: int) -> Any:
        storage = np.ascontiguousarray(x.T)
        part = as_strided(storage.ravel()[offset:], size, [n * x.itemsize for n in stride], writeable=True)
        return _written(storage, part, src).T

    args = (T(make(rng_for(op), (3, 4), "float32"), "transposed"), T(make(rng_for(op), (2, 3), "float32")))
    yield Sample((*args, (2, 3), (6, 1), 2), reference)


def error_of(*args: Any, error: Refusal, match: str, shape: tuple[int, ...] = (2, 3)) -> ErrorSample:
    return ErrorSample((T(np.zeros(shape, np.float32)), *args), error, match)


@errors_for("reshape")
def refuses_reshape(op: str) -> Iterator[ErrorSample]:
    yield error_of((4,), error=ValueError, match=r"^reshape: .*\(2, 3\) has 6 elements")
    yield error_of((-1, -1), error=ValueError, match="^reshape: only one")


@errors_for("flatten")
def refuses_flatten(op: str) -> Iterator[ErrorSample]:
    yield error_of(1, 0, error=ValueError, match="^flatten: start_dim 1 comes after end_dim 0")
    yield error_of(2, error=IndexError, match="^flatten: dim 2")


@errors_for("split_with_sizes")
def refuses_split(op: str) -> Iterator[ErrorSample]:
    yield error_of((1, 2), error=ValueError, match=r"^split_with_sizes: split_sizes must add up to 2.*\(1, 2\)")
    yield error_of((3, -1), error=ValueError, match="^split_with_sizes: split_sizes must")
    yield error_of((2**62, 2**62), error=ValueError, match="^split_with_sizes: split_sizes must")
    yield error_of((1,), error=ValueError, match="^split_with_sizes: a zero-dim", shape=())


@errors_for("unbind")
def refuses_unbind(op: str) -> Iterator[ErrorSample]:
    yield error_of(error=IndexError, match="^unbind: a zero-dim", shape=())
    yield error_of(2, error=IndexError, match="^unbind: dim 2")


@errors_for("slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter")
def refuses_parts(op: str) -> Iterator[ErrorSample]:
    more: dict[str, tuple[Any, ...]] = {"select_scatter": (0, 0), "as_strided_scatter": ((3,), (1,))}
    src = T(np.zeros(1, np.float32))  # would broadcast, and is refused all the same
    yield error_of(
        src, *more.get(op, ()), error=ValueError, match=rf"^{op}: src must have the shape of the part .*\(1,\)"
    )
