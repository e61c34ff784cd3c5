"""Convolution and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.ops.framework import LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

# input, weight, stride, padding, dilation, groups
CASES: tuple[tuple[Any, ...], ...] = (
    ((1, 1, 5), (1, 1, 3), (1,), (0,), (1,), 1),
    ((2, 3, 9), (4, 3, 3), (2,), (1,), (1,), 1),
    ((2, 4, 9), (4, 2, 3), (1,), (2,), (2,), 2),
    ((2, 3, 7, 8), (4, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 3, 7, 8), (4, 3, 3, 2), (2, 1), (0, 1), (1, 1), 1),
    ((1, 3, 7, 8), (4, 3, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((2, 3, 7, 8), (4, 3, 1, 1), (2, 2), (0, 0), (1, 1), 1),
    ((2, 4, 7, 8), (4, 1, 3, 3), (1, 1), (1, 1), (1, 1), 4),
    ((2, 4, 7, 8), (8, 1, 3, 3), (2, 2), (1, 1), (1, 1), 4),
    ((2, 8, 7, 9), (8, 1, 3, 3), (1, 1), (1, 2), (1, 1), 8),
    ((2, 9, 6, 3), (9, 1, 3, 3), (1, 1), (0, 1), (1, 1), 9),
    ((1, 8, 5, 18), (8, 1, 5, 5), (1, 1), (4, 0), (1, 1), 8),
    ((1, 512, 4, 4), (16, 512, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 4, 9, 9), (6, 2, 3, 3), (1, 2), (2, 2), (2, 1), 2),
    ((2, 2, 5, 5), (3, 2, 5, 5), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 5, 6), (3, 2, 2, 2), (3, 3), (0, 0), (1, 1), 1),
    ((0, 2, 5, 6), (3, 2, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 4, 5, 6), (3, 2, 2, 3, 2), (1, 2, 1), (1, 0, 1), (1, 1, 2), 1),
    ((2, 2, 4, 4, 4), (2, 1, 3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), 2),
    ((2, 16, 14, 14), (16, 16, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((1, 3, 20, 20), (8, 3, 5, 5), (2, 2), (2, 2), (1, 1), 1),
)


def taps(
    x: np.ndarray, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[np.ndarray, list[tuple[slice, ...]]]:
    """The padded input, and for every tap of the kernel the part of it that the tap sees."""
    spatial = len(kernel)
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    counts = [
        (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    parts = []
    for tap in product(*(range(k) for k in kernel)):
        starts = [tap[i] * dilation[i] for i in range(spatial)]
        parts.append(tuple(slice(at, at + (c - 1) * s + 1, s) for at, c, s in zip(starts, counts, stride, strict=True)))
    return padded, parts


def convolve(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    x, weight = wide(x), wide(weight)
    kernel = weight.shape[2:]
    padded, parts = taps(x, kernel, stride, padding, dilation)
    out = 0
    for part, tap in zip(parts, product(*(range(k) for k in kernel)), strict=True):
        seen = padded[(slice(None), slice(None), *part)]
        seen = seen.reshape(x.shape[0], groups, weight.shape[1], *seen.shape[2:])
        w = weight[(slice(None), slice(None), *tap)].reshape(groups, -1, weight.shape[1])
        out = out + np.einsum("ngc...,goc->ngo...", seen, w)
    out = np.asarray(out)
    out = out.reshape(x.shape[0], weight.shape[0], *out.shape[3:])
    return out if bias is None else out + wide(bias).reshape(-1, *[1] * len(kernel))


def input_grad(grad: Any, weight: Any, input_size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    grad, weight = wide(grad), wide(weight)
    kernel = weight.shape[2:]
    padded, parts = taps(np.zeros(input_size), kernel, stride, padding, dilation)
    g = grad.reshape(grad.shape[0], groups, grad.shape[1] // groups, *grad.shape[2:])
    for part, tap in zip(parts, product(*(range(k) for k in kernel)), strict=True):
        w = weight[(slice(None), slice(None), *tap)].reshape(groups, -1, weight.shape[1])
        sent = np.einsum("ngo...,goc->ngc...", g, w)
        padded[(slice(None), slice(None), *part)] += sent.reshape(*input_size[:2], *grad.shape[2:])
    return padded[(slice(None), slice(None), *(slice(p, p + n) for p, n in zip(padding, input_size[2:], strict=True)))]


def weight_grad(grad: Any, x: Any, weight_size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    grad, x = wide(grad), wide(x)
    kernel = tuple(weight_size[2:])
    padded, parts = taps(x, kernel, stride, padding, dilation)
    result = np.zeros(weight_size)
    g = grad.reshape(grad.shape[0], groups, grad.shape[1] // groups, int(np.prod(grad.shape[2:])))
    for part, tap in zip(parts, product(*(range(k) for k in kernel)), strict=True):
        seen = padded[(slice(None), slice(None), *part)].reshape(x.shape[0], groups, weight_size[1], g.shape[-1])
        result[(slice(None), slice(None), *tap)] = np.einsum("ngop,ngcp->goc", g, seen).reshape(weight_size[:2])
    return result


def result_shape(case: Any) -> tuple[int, ...]:
    x, weight, *rest = case
    return tuple(convolve(np.zeros((1, *x[1:])), np.zeros(weight), None, *rest).shape[1:])


def tolerances(dtype: str) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 3e-4} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-10}


@samples_for("convolution")
def convolutions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ("float32", "float64"):
        for x, weight, *rest in CASES:
            args = (T(make(rng, x, dtype)), T(make(rng, weight, dtype)))
            yield Sample((*args, None, *rest), convolve, **tolerances(dtype))
            yield Sample((*args, T(make(rng, weight[:1], dtype)), *rest), convolve, **tolerances(dtype))
        for layout in LAYOUTS:
            for x, weight, *rest in (CASES[1], CASES[4], CASES[7]):
                args = (T(make(rng, x, dtype), layout), T(make(rng, weight, dtype), layout))
                yield Sample((*args, T(make(rng, weight[:1], dtype)), *rest), convolve, **tolerances(dtype))
        # One entry stands for every spatial dim.
        args = (T(make(rng, (1, 2, 6, 6), dtype)), T(make(rng, (2, 2, 3, 3), dtype)), None)
        yield Sample(
            (*args, (2,), (1,), (1,), 1),
            lambda x, w, b, s, p, d, g: convolve(x, w, b, s * 2, p * 2, d * 2, g),
            **tolerances(dtype),
        )


@samples_for("convolution_input_grad")
def input_grads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ("float32", "float64"):
        for layout in ("contiguous", "transposed", "strided"):
            for case in CASES:
                x, weight, *rest = case
                grad = T(make(rng, (x[0], *result_shape(case)), dtype), layout)
                yield Sample((grad, T(make(rng, weight, dtype), layout), x, *rest), input_grad, **tolerances(dtype))


@samples_for("convolution_weight_grad")
def weight_grads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ("float32", "float64"):
        for layout in ("contiguous", "transposed", "strided"):
            for case in CASES:
                x, weight, *rest = case
                grad = T(make(rng, (x[0], *result_shape(case)), dtype), layout)
                yield Sample((grad, T(make(rng, x, dtype), layout), weight, *rest), weight_grad, **tolerances(dtype))


def ones(*shape: int, dtype: str = "float32") -> T:
    return T(np.ones(shape, dtype))


PLAIN = ((1, 1), (0, 0), (1, 1), 1)


@errors_for("convolution")
def refuses_convolution(op: str) -> Iterator[ErrorSample]:
    x, w = ones(1, 2, 5, 5), ones(3, 2, 3, 3)
    yield ErrorSample(
        (ones(2, 5), ones(2, 5), None, *PLAIN),
        ValueError,
        r"^convolution: input must have shape \(N, C, \*spatial\).*\(2, 5\)",
    )
    yield ErrorSample(
        (x, ones(3, 1, 3, 3), None, *PLAIN), ValueError, r"^convolution: the input's channels .*\(1, 2, 5, 5\)"
    )
    yield ErrorSample(
        (x, ones(3, 2, 6, 3), None, *PLAIN), ValueError, "^convolution: the kernel, dilated, is larger .*dim 0"
    )
    yield ErrorSample((x, ones(3, 2, 3), None, *PLAIN), ValueError, "^convolution: weight must have 4 dims")
    yield ErrorSample((x, w, ones(2), *PLAIN), ValueError, r"^convolution: bias must have shape \(3,\)")
    yield ErrorSample((x, ones(3, 2, 3, 3, dtype="float64"), None, *PLAIN), TypeError, "^convolution: input and weight")
    yield ErrorSample(
        (x, w, None, (0, 1), (0, 0), (1, 1), 1), ValueError, r"^convolution: stride must be at least 1 .*\(0, 1\)"
    )
    yield ErrorSample((x, w, None, (1, 1), (-1, 0), (1, 1), 1), ValueError, "^convolution: padding must be at least 0")
    yield ErrorSample((x, w, None, (1, 1), (0, 0), (1, 0), 1), ValueError, "^convolution: dilation must be at least 1")
    yield ErrorSample(
        (x, w, None, (1, 1, 1), (0, 0), (1, 1), 1), ValueError, "^convolution: stride must have 2 entries"
    )
    yield ErrorSample((x, w, None, (1, 1), (0, 0), (1, 1), 0), ValueError, "^convolution: groups must be at least 1")
    yield ErrorSample(
        (x, ones(3, 1, 3, 3), None, (1, 1), (0, 0), (1, 1), 2), ValueError, "^convolution: weight's 3 output channels"
    )
    yield ErrorSample((x, w, None, (1, 1), (2**61, 0), (1, 1), 1), ValueError, "^convolution: .*too large")


@errors_for("convolution_input_grad", "convolution_weight_grad")
def refuses_gradients(op: str) -> Iterator[ErrorSample]:
    weight, size = (ones(3, 2, 3, 3), (1, 2, 5, 5)) if op.endswith("input_grad") else (ones(1, 2, 5, 5), (3, 2, 3, 3))
    yield ErrorSample(
        (ones(1, 3, 2, 3), weight, size, *PLAIN),
        ValueError,
        rf"^{op}: grad must have the shape .*\(1, 3, 3, 3\), got \(1, 3, 2, 3\)",
    )
    yield ErrorSample((ones(1, 3, 3, 3), weight, size[:3], *PLAIN), ValueError, f"^{op}: .* must have 4 entries")
    yield ErrorSample((ones(1, 3, 3, 3, dtype="float64"), weight, size, *PLAIN), TypeError, f"^{op}: grad and")
