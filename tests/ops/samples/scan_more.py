"""Running functions written in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    COMPLEXES,
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
    wide,
)

NEAR: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-6}


@samples_for("logcumsumexp")
def logcumsumexps(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int) -> Any:
        return np.logaddexp.accumulate(wide(x), axis=dim)

    for dtype in FLOATS:
        for dim in (0, 1, -1):
            yield Sample((T(make(rng, (3, 4), dtype)), dim), reference, **NEAR)
        yield Sample((T(np.array([-np.inf, 1000.0, 1000.0, -1000.0], dtype)), 0), reference, **NEAR)
        yield Sample((T(make(rng, (50,), dtype, -30, 30)), 0), reference, **NEAR)

    def of_complex(x: Any, dim: int) -> Any:
        return np.log(np.cumsum(np.exp(x.astype(np.complex128)), axis=dim))

    for dtype in COMPLEXES:
        for dim in (0, -1):
            yield Sample((T(make(rng, (3, 4), dtype, -1.5, 1.5)), dim), of_complex, **NEAR)
        apart = np.array([-np.inf, 1 + 2j, -40 + 1j, 30 - 1j, -np.inf], dtype)
        yield Sample((T(apart), 0), of_complex, **NEAR)


@samples_for("cummax", "cummin")
def running_extremes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int) -> Any:
        moved = np.moveaxis(x, dim, 0)
        values, indices = moved.copy(), np.zeros(moved.shape, np.int64)
        for i in range(1, len(moved)):
            # The last of equal ones; NaN stays.
            newer = (moved[i] >= values[i - 1]) if op == "cummax" else (moved[i] <= values[i - 1])
            newer |= moved[i] != moved[i]
            newer &= (values[i - 1] == values[i - 1]) | (moved[i] != moved[i])
            values[i] = np.where(newer, moved[i], values[i - 1])
            indices[i] = np.where(newer, i, indices[i - 1])
        return np.moveaxis(values, 0, dim), np.moveaxis(indices, 0, dim)

    for dtype in (*FLOATS, *INTS):
        for dim in (0, 1, -1):
            yield Sample((T(make(rng, (5, 6), dtype)), dim), reference, dtype=(dtype, "int64"))
        for layout in LAYOUTS[:-1]:
            yield Sample((T(make(rng, (5, 6), dtype), layout), 0), reference, dtype=(dtype, "int64"))
    x = np.array([1.0, 3.0, np.nan, 2.0, np.nan, 9.0], np.float32)
    yield Sample((T(x), 0), reference, dtype=("float32", "int64"))


@samples_for("diff")
def differences(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
        ends = {name: end for name, end in (("prepend", prepend), ("append", append)) if end is not None}
        return np.diff(x, n, dim, **ends)

    for dtype in (*FLOATS, "int64", "int32"):
        x = T(make(rng, (3, 5), dtype))
        for args in ((), (2,), (1, 0), (0,), (9,)):
            yield Sample((x, *args), reference, **NEAR)
        end = T(make(rng, (3, 2), dtype))
        yield Sample((x, 1, -1, end, end), reference, **NEAR)


@samples_for("trapezoid", "cumulative_trapezoid")
def integrals(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
        y = np.moveaxis(wide(y), dim, -1)
        step = dx if x is None else np.diff(wide(x) if x.ndim == 1 else np.moveaxis(wide(x), dim, -1), axis=-1)
        areas = (y[..., 1:] + y[..., :-1]) / 2 * step
        return areas.sum(-1) if op == "trapezoid" else np.moveaxis(areas.cumsum(-1), -1, dim)

    for dtype in FLOATS:
        y = T(make(rng, (3, 5), dtype))
        yield Sample((y,), reference, **NEAR)
        yield Sample((y,), reference, {"dx": 0.5}, **NEAR)
        yield Sample((y,), reference, {"dim": 0}, **NEAR)
        yield Sample((y, T(make(rng, (5,), dtype))), reference, **NEAR)
        yield Sample((y, T(make(rng, (3, 5), dtype))), reference, **NEAR)


X = T(np.zeros((2, 3), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "logcumsumexp": [((X, 2), IndexError)],
    "cummax": [((X, 2), IndexError)],
    "cummin": [((X, 2), IndexError)],
    "trapezoid": [((T(np.zeros((), np.float32)),), ValueError)],
    "diff": [((X, -1), ValueError), ((X, 1, 2), IndexError), ((T(np.zeros((), np.float32)),), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, "^[a-z_]+: ")
