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

REDUCTIONS = ("mean", "sum", "none")


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


def targets_in(rng: np.random.Generator, shape: tuple[int, ...], ignored: int) -> Any:
    """A class for every row of scores, and some rows that do not count."""
    of_rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    target = rng.integers(0, max(shape[min(1, len(shape) - 1)], 1), of_rows)
    return np.where(rng.uniform(size=of_rows) < 0.3, ignored, target)


def entropy_cases(op: str) -> Iterator[tuple[Any, ...]]:
    """(scores, targets, weight, ignore_index, reduction, label_smoothing)"""
    rng = rng_for(op)
    for dtype in FLOATS:
        for shape in ((5, 4), (4,), (3, 4, 5), (2, 3, 2, 17), (6, 131), (2, 40, 33), (0, 3), (4, 1)):
            for layout in ("contiguous", *LAYOUTS) if shape == (3, 4, 5) else ("contiguous",):
                for k, how in enumerate(REDUCTIONS):
                    weight = T(make(rng, shape[min(1, len(shape) - 1) :][:1], dtype, 0.5, 2)) if k != 1 else None
                    ignored = (-100, 1)[k % 2] if shape[-1] > 1 else -7
                    target = T(targets_in(rng, shape, ignored))
                    for smoothing in (0.0, 0.3):
                        yield T(make(rng, shape, dtype), layout), target, weight, ignored, how, smoothing


def entropy(x: Any, t: Any, weight: Any, ignored: int, how: str, smoothing: float) -> tuple[Any, Any]:
    """The loss, and its gradient for a gradient of 1 in each place."""
    x, dim = wide(x), min(1, x.ndim - 1)
    count, kept = x.shape[dim], t != ignored
    w = np.ones(count) if weight is None else wide(weight)
    shown = np.moveaxis(np.eye(count)[np.where(kept, t, 0)], -1, dim) if count else np.zeros(x.shape)
    hard = np.expand_dims(w[np.where(kept, t, 0)] * kept, dim)
    along = w.reshape([-1 if i == dim else 1 for i in range(x.ndim)])
    aim = (1 - smoothing) * hard * shown + smoothing / count * along * np.expand_dims(kept, dim)
    log_p = forward("log_softmax", x, dim)
    loss, grad = -(log_p * aim).sum(dim), np.exp(log_p) * aim.sum(dim, keepdims=True) - aim
    with np.errstate(all="ignore"):
        total = hard.sum() if how == "mean" else 1
        return (loss if how == "none" else loss.sum() / total), grad / total if kept.any() else grad


@samples_for("softmax_cross_entropy")
def cross_entropies(op: str) -> Iterator[Sample]:
    for case in entropy_cases(op):
        yield Sample(case, lambda *args: entropy(*args)[0], rtol=2e-5, atol=2e-6)
    for dtype in FLOATS:
        scores = T(np.array([[1000.0, 0.0], [-1000.0, 1000.0], [-30000.0, -30001.0]], dtype))
        yield Sample((scores, T(np.array([0, 0, 1])), None, -100, "none", 0.0), lambda *args: entropy(*args)[0])


@samples_for("softmax_cross_entropy_grad")
def cross_entropy_gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(grad: Any, x: Any, *rest: Any) -> Any:
        grad = wide(grad)
        return entropy(x, *rest)[1] * (np.expand_dims(grad, min(1, x.ndim - 1)) if grad.ndim else grad)

    for case in entropy_cases(op):
        if case[0].array.size == 0 and case[4] == "mean":
            continue  # 0 / 0
        dtype = str(case[0].array.dtype)
        grad = T(make(rng, case[1].array.shape if case[4] == "none" else (), dtype))
        yield Sample((grad, *case), reference, rtol=2e-5, atol=2e-6)


@errors_for("softmax_cross_entropy", "softmax_cross_entropy_grad")
def refuses_scores(op: str) -> Iterator[ErrorSample]:
    x, t, rest = T(np.ones((2, 3), np.float32)), T(np.array([0, 2])), (None, -100, "none", 0.0)
    grad = (T(np.ones(2, np.float32)),) if op.endswith("grad") else ()
    yield ErrorSample(
        (*grad, x, T(np.array([0, 3])), *rest), IndexError, f"^{op}: index 3 is out of range .* of size 3"
    )
    yield ErrorSample((*grad, x, T(np.array([0])), *rest), ValueError, rf"^{op}: .*shape \(2,\), got \(1,\)")
    yield ErrorSample((*grad, T(np.ones((2, 3), np.int64)), t, *rest), TypeError, f"^{op}: input must have a floating")
    weight = T(np.ones(2, np.float32))
    yield ErrorSample((*grad, x, t, weight, -100, "none", 0.0), ValueError, f"^{op}: expected 3 class weights")
    yield ErrorSample((*grad, x, t, None, -100, "avg", 0.0), ValueError, f"^{op}: reduction must be 'mean'")
    yield ErrorSample(
        (*grad, x, t, None, -100, "none", 1.5), ValueError, rf"^{op}: label_smoothing must be in \[0, 1\]"
    )


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
