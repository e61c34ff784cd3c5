"""Concatenation and padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import DTYPES, LAYOUTS, ErrorSample, Sample, T, errors_for, make, promote, rng_for, samples_for


@samples_for("cat")
def cats(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(parts: Any, dim: int = 0) -> Any:
        kept = [part for part in parts if part.shape != (0,)] or parts
        return np.concatenate(kept, axis=dim)

    def sample(parts: list[T], *args: Any) -> Sample:
        dtype = str(parts[0].array.dtype)
        for part in parts[1:]:
            dtype = promote(T(np.zeros(1, dtype)), T(np.zeros(1, part.array.dtype)))
        return Sample((parts, *args), reference, dtype=dtype)

    for dtype in DTYPES:

        def part(*shape: int, layout: str = "contiguous", dtype: str = dtype) -> T:
            return T(make(rng, shape, dtype), layout)

        yield sample([part(3)])
        yield sample([part(3), part(0), part(2)])
        yield sample([part(0), part(0)])
        yield sample([part(2, 3), part(0), part(4, 3)], 0)
        yield sample([part(2, 3), part(2, 1), part(2, 0)], -1)
        yield sample([part(2, 3, 4), part(2, 5, 4)], 1)
        for layout in LAYOUTS:
            for dim in (0, 1):
                yield sample([part(3, 4, layout=layout), part(3, 4), part(3, 4, layout=layout)], dim)
        for other in DTYPES:
            if other != dtype:
                yield sample([part(3), T(make(rng, (2,), other))])
    yield sample([T(make(rng, (2, 1), "float32")) for _ in range(40)], 1)
    yield sample([T(make(rng, (200, 201), "float32")) for _ in range(3)], 1)


@samples_for("constant_pad_nd")
def pads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, pad: Any, value: Any = 0) -> Any:
        for i in range(len(pad) // 2):
            axis = x.ndim - 1 - i
            before, after = pad[2 * i : 2 * i + 2]
            x = np.moveaxis(x, axis, 0)[max(-before, 0) : x.shape[axis] - max(-after, 0)]
            fill = [np.full((max(n, 0), *x.shape[1:]), value) for n in (before, after)]
            x = np.moveaxis(np.concatenate([fill[0], x, fill[1]]).astype(x.dtype), 0, axis)
        return x

    for dtype in DTYPES:
        for pad in ((1, 2), (0, 0), (1, 0, 0, 2), (-1, 2), (-1, -2, 1, -1), (-2, -2), ()):
            for value in (0, 2, 1.5):
                yield Sample((T(make(rng, (3, 4), dtype)), pad, value), reference)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), (1, 1, -1, 1), 1), reference)
        yield Sample((T(make(rng, (0, 4), dtype)), (1, 1, 2, 0), 1), reference)
        yield Sample((T(make(rng, (2, 3, 4), dtype)), (1, 1, 1, 1, 1, 1)), reference)
        yield Sample((T(make(rng, (), dtype)), ()), reference)


@errors_for("cat")
def refuses_cat(op: str) -> Iterator[ErrorSample]:
    x = T(np.zeros((2, 3), np.float32))
    yield ErrorSample(([],), ValueError, "^cat: expected at least one tensor")
    yield ErrorSample(
        ([x, T(np.zeros((2, 4), np.float32))],), ValueError, r"^cat: .*\(2, 3\) and \(2, 4\) \(tensor 1\)"
    )
    yield ErrorSample(([x, T(np.zeros(2, np.float32))],), ValueError, "^cat: tensors must have one shape")
    yield ErrorSample(([T(np.zeros((), np.float32))],), ValueError, "^cat: zero-dim tensors")
    yield ErrorSample(([x, x], 2), IndexError, "^cat: dim 2")
    yield ErrorSample((x,), TypeError, "cat")


@errors_for("constant_pad_nd")
def refuses_pad(op: str) -> Iterator[ErrorSample]:
    x = T(np.zeros((2, 3), np.float32))
    yield ErrorSample((x, (1,)), ValueError, r"^constant_pad_nd: pad must hold two numbers .*\(1,\)")
    yield ErrorSample(
        (x, (0,) * 6), ValueError, "^constant_pad_nd: pad must hold two numbers for each of at most 2 dims"
    )
    yield ErrorSample((x, (-4, 5)), ValueError, "^constant_pad_nd: .*crops more than the 3 places")
    yield ErrorSample((x, (2**62, 2**62)), (ValueError, MemoryError), "constant_pad_nd|bytes")
