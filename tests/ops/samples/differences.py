"""Derivatives of samples, against NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    COMPLEXES,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    float_result,
    make,
    rng_for,
    samples_for,
    wide,
)


@samples_for("gradient")
def derivatives(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, coordinates: Any, dims: Any, edge_order: int = 1) -> Any:
        found = np.gradient(wide(x), *map(wide, coordinates), axis=tuple(dims), edge_order=edge_order)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    for dtype in (*ALL_FLOATS, *COMPLEXES, "int64", "int8"):
        real = float_result(dtype) if dtype not in COMPLEXES else {"complex64": "float32"}.get(dtype, "float64")
        near: dict[str, Any] = {"rtol": 5e-2, "atol": 5e-2} if dtype in SIXTEENS else {"rtol": 2e-5, "atol": 2e-5}
        whole = dtype in ("int64", "int8")
        step, half = (
            T(np.array(2, "int64" if whole else real)),
            T(np.array(4 if whole else 0.5, "int64" if whole else real)),
        )
        for order in (1, 2):
            gives = (float_result(dtype),)
            yield Sample((T(make(rng, (5,), dtype)), [step], [0], order), reference, dtype=gives, **near)
            x = T(make(rng, (4, 3, 5), dtype))
            yield Sample((x, [step, half], [0, -1], order), reference, dtype=gives * 2, **near)
            at = [T(np.cumsum(rng.integers(1, 4, n) if whole else rng.uniform(0.5, 1, n).astype(real))) for n in (4, 3)]
            yield Sample((x, at, [0, 1], order), reference, dtype=gives * 2, **near)
            yield Sample((x, [half, at[1]], [2, 1], order), reference, dtype=gives * 2, **near)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), [step], [1]), reference, dtype=gives, **near)
        yield Sample((T(make(rng, (0, 3), dtype)), [step], [1]), reference, dtype=gives, **near)


@errors_for("gradient")
def refuses(op: str) -> Iterator[ErrorSample]:
    x, step = T(np.ones((2, 3), np.float32)), T(np.array(1, np.float32))
    for args, error, match in (
        ((x, [step], [0], 2), ValueError, "edge_order . 1 = 3 values"),
        ((x, [step], [0], 3), ValueError, "edge_order must be 1 or 2, got 3"),
        ((x, [step], [2]), IndexError, "out of range"),
        ((x, [step, step], [1, 1]), ValueError, "appears twice"),
        ((x, [step], [0, 1]), ValueError, "expected coordinates for 2 dims, got 1"),
        ((x, [T(np.ones(4, np.float32))], [1]), ValueError, r"shape \(4,\)"),
        ((T(np.ones(3, np.uint8)), [step], [0]), TypeError, "not defined for dtype uint8"),
    ):
        yield ErrorSample(args, error, f"^{op}: .*{match}")
