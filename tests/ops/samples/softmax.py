"""softmax, log_softmax and their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DTYPES,
    FLOATS,
    LAYOUTS,
    D,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)


def forward(op: str, x: Any, dim: int) -> Any:
    x = x.astype(np.float64)
    if x.size == 0:
        return x
    axis = dim if x.ndim else None
    with np.errstate(all="ignore"):
        x = x - x.max(axis, keepdims=True)
        total = np.exp(x).sum(axis, keepdims=True)
        return x - np.log(total) if op.startswith("log") else np.exp(x) / total


@samples_for("softmax", "log_softmax")
def softmaxes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, **_: Any) -> Any:
        return forward(op, x, dim)

    for dtype in FLOATS:
        for shape, dim in (
            ((), 0),
            ((5,), 0),
            ((3, 4), 0),
            ((3, 4), -1),
            ((2, 3, 4), 1),
            ((0, 3), 1),
            ((0, 3), 0),
            ((3, 1), 1),
        ):
            yield Sample((T(make(rng, shape, dtype)), dim), reference)
        for layout in LAYOUTS:
            for dim in (0, 1):
                yield Sample((T(make(rng, (5, 6), dtype), layout), dim), reference)
        yield Sample((T(make(rng, (37, 1031), dtype, -30, 30)), 1), reference, rtol=1e-5, atol=1e-6)
        yield Sample((T(make(rng, (1031, 37), dtype, -30, 30)), 0), reference, rtol=1e-5, atol=1e-6)
        yield Sample((T(np.array([[1000.0, 1000.0], [-1000.0, 0.0], [-np.inf, 3.0]], dtype)), 1), reference)
        yield Sample((T(np.array([[np.nan, 1.0], [np.inf, 0.0], [-np.inf, -np.inf]], dtype)), 1), reference)
    for dtype in DTYPES:
        for target in FLOATS:
            yield Sample((T(make(rng, (3, 4), dtype)), 1), reference, {"dtype": D(target)}, dtype=target)


@samples_for("softmax_grad", "log_softmax_grad")
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(grad: Any, output: Any, dim: int) -> Any:
        grad, output = wide(grad), wide(output)
        if op == "softmax_grad":
            return output * (grad - (grad * output).sum(dim, keepdims=True))
        return grad - np.exp(output) * grad.sum(dim, keepdims=True)

    for dtype in FLOATS:
        for shape, dim in (((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((0, 3), 1), ((37, 259), 1)):
            for layout in ("contiguous", *LAYOUTS) if shape == (3, 4) else ("contiguous",):
                output = forward(op, make(rng, shape, dtype), dim).astype(dtype)
                args = (T(make(rng, shape, dtype), layout), T(output, layout), dim)
                yield Sample(args, reference, rtol=1e-5, atol=2e-6 if dtype == "float32" else 1e-12)


@errors_for("softmax", "log_softmax")
def refuses_softmax(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((2, 3), np.float32)), 2), IndexError, f"^{op}: dim 2 is out of range")
    yield ErrorSample(
        (T(np.ones((2, 3), np.int64)), 1), TypeError, f"^{op}: expected a floating-point dtype, got int64; pass dtype="
    )


@errors_for("softmax_grad", "log_softmax_grad")
def refuses_grad(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 3), np.float32))
    yield ErrorSample((x, T(np.ones((3, 2), np.float32)), 1), ValueError, rf"^{op}: .*\(2, 3\) and \(3, 2\)")
    yield ErrorSample((x, T(np.ones((2, 3))), 1), TypeError, f"^{op}: grad and output must have the same dtype")
