"""Normalisation of images and sequences (N, C, *) by channel, over the batch and by group, and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

# Columns, more of them than a strip has and more samples than are added up in one go; planes; nothing.
SHAPES = (
    (5, 3),
    (2, 3, 4),
    (2, 3, 2, 2),
    (70, 2),
    (2, 300),
    (40, 9, 7, 7),
    (2, 3, 9, 8),
    (3, 2, 100),
    (0, 3, 2),
    (2, 0, 3),
)
FEW = ((2, 3, 4), (2, 3, 9, 8))  # for every layout


def tolerances(dtype: str) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-10}


def along(vector: Any, ndim: int) -> Any:
    """One entry a channel (dim 1)."""
    return wide(vector).reshape([1, -1] + [1] * (ndim - 2))


def mapped(x: Any, weight: Any, bias: Any) -> Any:
    x = x if weight is None else x * along(weight, x.ndim)
    return x if bias is None else x + along(bias, x.ndim)


def others(x: Any) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def spread(x: Any, axes: Any, keepdims: bool = False) -> tuple[Any, Any]:
    """Mean and variance; of nothing 0, where NumPy warns."""
    count = max(int(np.prod([x.shape[axis] for axis in axes])), 1)
    mean = x.sum(axes, keepdims=True) / count
    return mean if keepdims else mean.squeeze(axes), ((x - mean) ** 2).sum(axes, keepdims=keepdims) / count


def cases(op: str, shapes: Any = SHAPES) -> Iterator[tuple[str, str, Any, Any]]:
    """dtype, layout, shape, and a maker of vectors with an entry a channel."""
    for dtype in FLOATS:
        for shape in shapes:
            for layout in ("contiguous", *LAYOUTS) if shape in FEW else ("contiguous",):
                yield dtype, layout, shape, lambda low=-1.0, d=dtype, s=shape: T(make(rng_for(op), (s[1],), d, low, 2))


# ---- over the batch ----------------------------------------------------------------------------------------------


@samples_for("channel_norm")
def with_statistics(op: str) -> Iterator[Sample]:
    def reference(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
        return mapped((wide(x) - along(mean, x.ndim)) / np.sqrt(along(var, x.ndim) + eps), weight, bias)

    for dtype, layout, shape, vector in cases(op):
        x = T(make(rng_for(op), shape, dtype), layout)
        for affine in ((None, None), (vector(), None), (None, vector()), (vector(), vector())):
            yield Sample((x, vector(), vector(0.5), *affine, 1e-5), reference, **tolerances(dtype))


@samples_for("batch_norm_train")
def over_the_batch(op: str) -> Iterator[Sample]:
    def reference(x: Any, weight: Any, bias: Any, eps: float) -> Any:
        mean, var = spread(wide(x), others(x))
        return mapped((wide(x) - along(mean, x.ndim)) / np.sqrt(along(var, x.ndim) + eps), weight, bias), mean, var

    for dtype, layout, shape, vector in cases(op):
        if 0 in shape[:1]:
            continue  # the mean of nothing
        x = T(make(rng_for(op), shape, dtype), layout)
        for affine in ((None, None), (vector(), None), (None, vector()), (vector(), vector())):
            yield Sample((x, *affine, 1e-3), reference, **tolerances(dtype))


@samples_for("channel_norm_grad")
def gradients(op: str) -> Iterator[Sample]:
    def reference(grad: Any, x: Any, mean: Any, var: Any, weight: Any, eps: float, training: bool) -> Any:
        grad, count = wide(grad), max(x.size // max(x.shape[1], 1), 1)
        scale = 1 / np.sqrt(wide(var) + eps)
        value = (wide(x) - along(mean, x.ndim)) * along(scale, x.ndim)
        grad_weight, grad_bias = (grad * value).sum(others(x)), grad.sum(others(x))
        inner = grad
        if training:
            inner = grad - along(grad_bias, x.ndim) / count - value * along(grad_weight, x.ndim) / count
        return mapped(inner * along(scale, x.ndim), weight, None), grad_weight, grad_bias

    for dtype, layout, shape, vector in cases(op):
        x, grad = (T(make(rng_for(op + each), shape, dtype), layout) for each in ("x", "grad"))
        for weight, training in ((None, True), (vector(), True), (vector(), False)):
            yield Sample((grad, x, vector(), vector(0.5), weight, 1e-3, training), reference, **tolerances(dtype))


# ---- by group ----------------------------------------------------------------------------------------------------

GROUPED = ((3, 4), (2, 4, 3), (2, 4, 2, 2), (40, 6, 10), (2, 4, 9, 8), (3, 2, 100), (0, 4, 3), (2, 4, 0))


def grouped(x: Any, groups: int, eps: float) -> tuple[Any, Any]:
    flat = wide(x).reshape(x.shape[0], groups, x.size // max(x.shape[0] * groups, 1))
    mean, var = spread(flat, (2,), keepdims=True)
    scale = 1 / np.sqrt(var + eps)
    return (flat - mean) * scale, scale


@samples_for("group_norm")
def of_groups(op: str) -> Iterator[Sample]:
    def reference(x: Any, groups: int, weight: Any, bias: Any, eps: float) -> Any:
        return mapped(grouped(x, groups, eps)[0].reshape(x.shape), weight, bias)

    for dtype, layout, shape, vector in cases(op, GROUPED):
        x = T(make(rng_for(op), shape, dtype), layout)
        for groups, affine in (
            (2, (None, None)),
            (1, (vector(), None)),
            (2, (vector(), vector())),
            (shape[1], (None, vector())),
        ):
            yield Sample((x, groups, *affine, 1e-3), reference, **tolerances(dtype))


@samples_for("group_norm_grad")
def gradients_of_groups(op: str) -> Iterator[Sample]:
    def reference(grad: Any, x: Any, groups: int, weight: Any, eps: float) -> Any:
        grad = wide(grad)
        value, scale = grouped(x, groups, eps)
        h = mapped(grad, weight, None).reshape(value.shape)
        inner = scale * (h - spread(h, (2,), True)[0] - value * spread(h * value, (2,), True)[0])
        sums = (grad * value.reshape(x.shape)).sum(others(x)), grad.sum(others(x))
        return inner.reshape(x.shape), *sums

    for dtype, layout, shape, vector in cases(op, GROUPED):
        x, grad = (T(make(rng_for(op + each), shape, dtype), layout) for each in ("x", "grad"))
        for groups, weight in ((2, None), (1, vector()), (2, vector()), (shape[1], vector())):
            yield Sample((grad, x, groups, weight, 1e-3), reference, **tolerances(dtype))


# ---- what is refused ---------------------------------------------------------------------------------------------

X = T(np.ones((2, 4, 3), np.float32))
V = T(np.ones(4, np.float32))
WHOLE = T(np.ones((2, 4), np.int64))
OTHER = T(np.ones((2, 4, 4), np.float32))


@errors_for("channel_norm", "batch_norm_train", "group_norm")
def refuses(op: str) -> Iterator[ErrorSample]:
    rest: tuple[Any, ...] = {"channel_norm": (V, V), "batch_norm_train": (), "group_norm": (2,)}[op]
    yield ErrorSample((V, *rest), ValueError, rf"^{op}: expected an input \(N, C, \*\), got shape \(4,\)")
    yield ErrorSample((WHOLE, *rest), TypeError, f"^{op}: input must have a floating-point dtype, got int64")
    yield ErrorSample((X, *rest, T(np.ones(3))), ValueError, rf"^{op}: weight of shape \(3,\) does not fit 4 channels")
    yield ErrorSample((X, *rest, None, T(np.ones(4))), TypeError, f"^{op}: input and bias must have the same dtype")
    if op == "group_norm":
        for groups in (3, 0, -2):
            yield ErrorSample((X, groups), ValueError, f"^{op}: num_groups must divide the 4 channels, got {groups}")


@errors_for("channel_norm_grad", "group_norm_grad")
def refuses_grad(op: str) -> Iterator[ErrorSample]:
    rest: tuple[Any, ...] = (V, V, None, 1e-5, True) if op == "channel_norm_grad" else (2, None, 1e-5)
    yield ErrorSample((OTHER, X, *rest), ValueError, rf"^{op}: .*\(2, 4, 4\) and \(2, 4, 3\)")
    yield ErrorSample((T(np.ones((2, 4, 3))), X, *rest), TypeError, f"^{op}: grad and input")
