"""Common divisors and multiples of integers, against NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_INTS,
    LAYOUTS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    meet,
    promote,
    rng_for,
    samples_for,
)


@samples_for("gcd", "lcm")
def divisors(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ALL_INTS:
        reference = in_dtype(op, dtype)
        for a, b in (((), ()), ((0,), (1,)), ((7,), (7,)), ((3, 4), (4,)), ((2, 1, 3), (4, 1))):
            x, y = (T(make(rng, shape, dtype, -11, 11)) for shape in (a, b))
            yield Sample((x, y), reference)
        for layout in LAYOUTS:
            yield Sample(
                (T(make(rng, (3, 4), dtype, -11, 11), layout), T(make(rng, (3, 4), dtype, -11, 11))), reference
            )
        yield Sample((T(make(rng, (3, 4), dtype, -11, 11)), 6), reference)
        if op == "gcd":
            info = np.iinfo(dtype)
            edges = np.array([info.min, info.max, 0, 1], dtype)
            yield Sample((T(edges), T(np.array([info.max, info.max, 0, info.max], dtype))), reference)
    for other in ALL_INTS:
        if meet("int32", other):
            x, y = T(make(rng, (5,), "int32", -11, 11)), T(make(rng, (5,), other, 0, 11))
            gives = promote(x, y)
            yield Sample((x, y), in_dtype(op, gives), dtype=gives)


def in_dtype(op: str, dtype: str) -> Any:
    return lambda a, b: getattr(np, op)(np.asarray(a).astype(dtype), np.asarray(b).astype(dtype))


@errors_for("gcd", "lcm")
def refuses(op: str) -> Iterator[ErrorSample]:
    for dtype in ("float32", "bool", "complex64"):
        x = T(np.ones(2, dtype))
        yield ErrorSample((x, x), TypeError, f"^{op}: not defined for dtype {dtype}; it is defined for integers")
