"""Normalisation over the last dims, and its gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

CASES = (
    ((3, 4), (4,)),
    ((2, 3, 4), (3, 4)),
    ((2, 3, 4), (4,)),
    ((5,), (5,)),
    ((0, 4), (4,)),
    ((7, 300), (300,)),
    ((3, 1), (1,)),
)


def normalized(x: Any, shape: Any, eps: float) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    x = wide(x)
    scale = 1 / np.sqrt(x.var(axes, keepdims=True) + eps)
    return (x - x.mean(axes, keepdims=True)) * scale, scale, axes


def tolerances(dtype: str) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 5e-5} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-11}


@samples_for("layer_norm")
def layer_norms(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
        value = normalized(x, shape, eps)[0]
        value = value if weight is None else value * wide(weight)
        return value if bias is None else value + wide(bias)

    for dtype in FLOATS:
        for x, shape in CASES:
            weight, bias = T(make(rng, shape, dtype)), T(make(rng, shape, dtype))
            for affine in ((), (weight,), (weight, bias), (None, bias), (weight, bias, 0.1)):
                yield Sample((T(make(rng, x, dtype)), shape, *affine), reference, **tolerances(dtype))
        for layout in LAYOUTS:
            args = (T(make(rng, (3, 4), dtype), layout), (4,), T(make(rng, (4,), dtype)))
            yield Sample(args, reference, **tolerances(dtype))


@samples_for("layer_norm_grad")
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(grad: Any, x: Any, shape: Any, weight: Any, eps: float) -> Any:
        value, scale, axes = normalized(x, shape, eps)
        grad = wide(grad)
        g = grad if weight is None else grad * wide(weight)
        inner = g - g.mean(axes, keepdims=True) - value * (g * value).mean(axes, keepdims=True)
        batch = tuple(range(x.ndim - len(shape)))
        return scale * inner, (grad * value).sum(batch), grad.sum(batch)

    for dtype in FLOATS:
        for x, shape in CASES:
            for weight in (None, T(make(rng, shape, dtype))):
                for layout in ("contiguous", *LAYOUTS) if x == (3, 4) else ("contiguous",):
                    args = (T(make(rng, x, dtype), layout), T(make(rng, x, dtype), layout), shape, weight, 1e-3)
                    yield Sample(args, reference, **tolerances(dtype))


def scaled(x: Any, shape: Any, eps: float | None) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    least = np.finfo(x.dtype).eps if eps is None else eps
    scale = 1 / np.sqrt((wide(x) ** 2).mean(axes, keepdims=True) + least)
    return wide(x) * scale, scale, axes


@samples_for("rms_norm")
def rms_norms(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, shape: Any, weight: Any = None, eps: float | None = None) -> Any:
        value = scaled(x, shape, eps)[0]
        return value if weight is None else value * wide(weight)

    for dtype in FLOATS:
        for x, shape in CASES:
            weight = T(make(rng, shape, dtype))
            for rest in ((), (weight,), (weight, 0.1), (None, 0.1)):
                yield Sample((T(make(rng, x, dtype)), shape, *rest), reference, **tolerances(dtype))
        for layout in LAYOUTS:
            args = (T(make(rng, (3, 4), dtype), layout), (4,), T(make(rng, (4,), dtype)))
            yield Sample(args, reference, **tolerances(dtype))


@samples_for("rms_norm_grad")
def rms_gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(grad: Any, x: Any, shape: Any, weight: Any, eps: float | None) -> Any:
        value, scale, axes = scaled(x, shape, eps)
        grad = wide(grad)
        g = grad if weight is None else grad * wide(weight)
        inner = g - value * (g * value).mean(axes, keepdims=True)
        return scale * inner, (grad * value).sum(tuple(range(x.ndim - len(shape))))

    for dtype in FLOATS:
        for x, shape in CASES:
            for weight, eps in ((None, 1e-3), (T(make(rng, shape, dtype)), 1e-3), (None, None)):
                for layout in ("contiguous", *LAYOUTS) if x == (3, 4) else ("contiguous",):
                    args = (T(make(rng, x, dtype), layout), T(make(rng, x, dtype), layout), shape, weight, eps)
                    yield Sample(args, reference, **tolerances(dtype))


X = T(np.ones((2, 3), np.float32))


@errors_for("layer_norm")
def refuses_layer_norm(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (X, (2,)),
        ValueError,
        r"^layer_norm: input must have a shape that ends with normalized_shape \(2,\), got \(2, 3\)",
    )
    yield ErrorSample((X, ()), ValueError, "^layer_norm: normalized_shape must have at least one entry")
    yield ErrorSample(
        (X, (3,), T(np.ones(2, np.float32))),
        ValueError,
        r"^layer_norm: weight must have normalized_shape \(3,\), got \(2,\)",
    )
    yield ErrorSample((X, (3,), T(np.ones(3))), TypeError, "^layer_norm: input and weight must have the same dtype")
    yield ErrorSample(
        (T(np.ones((2, 3), np.int64)), (3,)), TypeError, "^layer_norm: input must have a floating-point dtype"
    )


@errors_for("rms_norm")
def refuses_rms_norm(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (X, (4,)),
        ValueError,
        r"^rms_norm: input must have a shape that ends with normalized_shape \(4,\), got \(2, 3\)",
    )
    yield ErrorSample(
        (X, (3,), T(np.ones(2, np.float32))),
        ValueError,
        r"^rms_norm: weight must have normalized_shape \(3,\), got \(2,\)",
    )
    yield ErrorSample(
        (T(np.ones((2, 3), np.int64)), (3,)), TypeError, "^rms_norm: input must have a floating-point dtype"
    )


@errors_for("layer_norm_grad", "rms_norm_grad")
def refuses_grad(op: str) -> Iterator[ErrorSample]:
    other = T(np.ones((3, 3), np.float32))
    yield ErrorSample((other, X, (3,), None, 1e-5), ValueError, rf"^{op}: .*\(3, 3\) and \(2, 3\)")
    yield ErrorSample((T(np.ones((2, 3))), X, (3,), None, 1e-5), TypeError, f"^{op}: grad and input")
