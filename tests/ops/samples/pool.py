"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

# input, kernel, stride, padding, dilation, ceil_mode
CASES: tuple[tuple[Any, ...], ...] = (
    ((2, 3, 7), (2,), (2,), (0,), (1,), False),
    ((2, 3, 8), (3,), (2,), (1,), (1,), True),
    ((2, 3, 7, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((2, 3, 7, 8), (3, 2), (2, 1), (1, 1), (1, 1), False),
    ((2, 3, 7, 8), (3, 3), (2, 2), (1, 1), (1, 1), True),
    ((1, 2, 6, 6), (2, 2), (), (0, 0), (1, 1), False),
    ((1, 2, 5, 5), (5, 5), (1, 1), (2, 2), (1, 1), False),
    ((0, 2, 5, 5), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((1, 2, 4, 5, 6), (2, 3, 2), (2, 1, 2), (1, 1, 0), (1, 1, 1), False),
    ((1, 1, 4, 4, 4), (2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1), True),
    ((4, 8, 28, 28), (2, 2), (2, 2), (0, 0), (1, 1), False),
)
DILATED = ((2, 2, 9, 9), (3, 2), (2, 1), (1, 1), (2, 3), False)


def counts(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> list[int]:
    result = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        span = n + 2 * p - d * (k - 1) - 1
        count = -(-span // s) + 1 if ceil_mode else span // s + 1
        result.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return result


def windows(
    size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Every place of the result, and the places of the input that its window holds."""
    for at in product(*(range(n) for n in counts(size, kernel, stride, padding, dilation, ceil_mode))):
        held = []
        for i, n in enumerate(size):
            places = [at[i] * stride[i] - padding[i] + k * dilation[i] for k in range(kernel[i])]
            held.append([place for place in places if 0 <= place < n])
        yield at, list(product(*held))


def max_pool(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    size, stride = x.shape[2:], stride or kernel
    shape = counts(size, kernel, stride, padding, dilation, ceil_mode)
    values, indices = np.zeros((*x.shape[:2], *shape), x.dtype), np.zeros((*x.shape[:2], *shape), np.int64)
    flat = x.reshape(*x.shape[:2], int(np.prod(size)))
    for at, held in windows(size, kernel, stride, padding, dilation, ceil_mode):
        places = np.array([np.ravel_multi_index(place, size) for place in held])
        best = np.argmax(flat[..., places], axis=-1)  # the first of equal ones; NaN counts as the largest
        indices[(..., *at)] = places[best]
        values[(..., *at)] = np.take_along_axis(flat, places[best][..., None], -1)[..., 0]
    return values, indices


def divisors(
    at: Any, held: Any, size: Any, kernel: Any, stride: Any, padding: Any, include_pad: bool, override: Any
) -> float:
    if override is not None:
        return float(override)
    if not include_pad:
        return len(held)
    # Padding counts, but not what reaches over it at the end.
    ends = [
        min(a * s - p + k, n + p) - (a * s - p) for a, s, p, k, n in zip(at, stride, padding, kernel, size, strict=True)
    ]
    return float(np.prod(ends))


def avg_pool(x: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include_pad: bool, override: Any) -> Any:
    size, stride, dilation = x.shape[2:], stride or kernel, (1,) * len(kernel)
    out = np.zeros((*x.shape[:2], *counts(size, kernel, stride, padding, dilation, ceil_mode)))
    for at, held in windows(size, kernel, stride, padding, dilation, ceil_mode):
        total = sum(wide(x)[(..., *place)] for place in held)
        out[(..., *at)] = total / divisors(at, held, size, kernel, stride, padding, include_pad, override)
    return out


def avg_pool_grad(
    grad: Any, shape: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include_pad: bool, override: Any
) -> Any:
    size, stride, dilation = shape[2:], stride or kernel, (1,) * len(kernel)
    out = np.zeros(shape)
    for at, held in windows(size, kernel, stride, padding, dilation, ceil_mode):
        share = wide(grad)[(..., *at)] / divisors(at, held, size, kernel, stride, padding, include_pad, override)
        for place in held:
            out[(..., *place)] += share
    return out


@samples_for("max_pool")
def max_pools(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in (*FLOATS, "int64", "int32", "uint8"):
        for x, *rest in (*CASES, DILATED):
            yield Sample((T(make(rng, x, dtype, -50, 50)), *rest), max_pool, dtype=(dtype, "int64"))
    for layout in LAYOUTS:
        for x, *rest in CASES[:4]:
            yield Sample((T(make(rng, x, "float32"), layout), *rest), max_pool, dtype=("float32", "int64"))
    x = make(rng, (1, 1, 6, 6), "float32")
    x[0, 0, 2, 3] = np.nan
    x[0, 0, 4:, :2] = -np.inf
    yield Sample((T(x), (2, 2), (2, 2), (0, 0), (1, 1), False), max_pool, dtype=("float32", "int64"))


AVERAGES = ((True, None), (False, None), (True, 3))


@samples_for("avg_pool")
def avg_pools(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in FLOATS:
        for x, kernel, stride, padding, _, ceil_mode in CASES:
            for include_pad, override in AVERAGES:
                yield Sample(
                    (T(make(rng, x, dtype)), kernel, stride, padding, ceil_mode, include_pad, override), avg_pool
                )
    for layout in LAYOUTS:
        for x, kernel, stride, padding, _, ceil_mode in CASES[:4]:
            yield Sample((T(make(rng, x, "float32"), layout), kernel, stride, padding, ceil_mode, True, None), avg_pool)


@samples_for("avg_pool_grad")
def avg_pool_grads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in FLOATS:
        for x, kernel, stride, padding, dilation, ceil_mode in CASES:
            shape = (*x[:2], *counts(x[2:], kernel, stride or kernel, padding, dilation, ceil_mode))
            for layout in ("contiguous", "transposed") if dtype == "float32" else ("contiguous",):
                for include_pad, override in AVERAGES:
                    args = (
                        T(make(rng, shape, dtype), layout),
                        x,
                        kernel,
                        stride,
                        padding,
                        ceil_mode,
                        include_pad,
                        override,
                    )
                    yield Sample(args, avg_pool_grad)


@samples_for("max_pool_grad")
def max_pool_grads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(grad: Any, indices: Any, size: Any) -> Any:
        out = np.zeros((size[0] * size[1], int(np.prod(size[2:]))))
        planes = np.arange(len(out))[:, None]
        np.add.at(out, (planes, indices.reshape(len(out), -1)), wide(grad).reshape(len(out), -1))
        return out.reshape(size)

    for dtype in FLOATS:
        for x, *rest in (*CASES, DILATED):
            if x[0] == 0:
                continue
            indices = max_pool(make(rng, x, dtype), *rest)[1]
            for layout in ("contiguous", "transposed", "strided"):
                yield Sample((T(make(rng, indices.shape, dtype), layout), T(indices, layout), x), reference)


def ones(*shape: int, dtype: str = "float32") -> T:
    return T(np.ones(shape, dtype))


@errors_for("max_pool", "avg_pool")
def refuses_windows(op: str) -> Iterator[ErrorSample]:
    tail: tuple[Any, ...] = ((1, 1), False) if op == "max_pool" else (False, True, None)
    x = ones(1, 2, 5, 5)
    yield ErrorSample(
        (ones(5, 5), (2, 2), (2, 2), (0, 0), *tail), ValueError, rf"^{op}: self must have shape \(N, C, \*spatial\)"
    )
    yield ErrorSample((x, (6, 2), (2, 2), (0, 0), *tail), ValueError, rf"^{op}: the window is larger .*\(1, 2, 5, 5\)")
    yield ErrorSample((x, (2, 2), (0, 2), (0, 0), *tail), ValueError, f"^{op}: stride must be at least 1")
    yield ErrorSample((x, (2, 2), (2, 2), (2, 0), *tail), ValueError, f"^{op}: padding must be at most half")
    yield ErrorSample((x, (0, 2), (2, 2), (0, 0), *tail), ValueError, f"^{op}: kernel_size must be at least 1")
    yield ErrorSample((x, (2, 2, 2), (2, 2), (0, 0), *tail), ValueError, f"^{op}: kernel_size must have 2 entries")
    yield ErrorSample((ones(1, 2, 5, 5, dtype="bool"), (2, 2), (2, 2), (0, 0), *tail), TypeError, f"^{op}: ")


@errors_for("avg_pool_grad")
def refuses_avg_grad(op: str) -> Iterator[ErrorSample]:
    rest = ((2, 2), (2, 2), (0, 0), False, True, None)
    yield ErrorSample(
        (ones(1, 2, 3, 2), (1, 2, 5, 5), *rest),
        ValueError,
        rf"^{op}: grad must have the shape .*\(1, 2, 2, 2\), got \(1, 2, 3, 2\)",
    )
    yield ErrorSample(
        (ones(1, 2, 2, 2), (1, 3, 5, 5), *rest), ValueError, rf"^{op}: input_size must be .*\(1, 3, 5, 5\)"
    )


@errors_for("max_pool_grad")
def refuses_max_grad(op: str) -> Iterator[ErrorSample]:
    grad, places = ones(1, 1, 2), T(np.array([[[0, 1]]]))
    yield ErrorSample(
        (grad, T(np.array([[[0]]])), (1, 1, 3)), ValueError, f"^{op}: grad and indices must have one shape"
    )
    yield ErrorSample((grad, places, (1, 2, 3)), ValueError, f"^{op}: input_size must be")
    yield ErrorSample((grad, T(np.array([[[0, 3]]])), (1, 1, 3)), IndexError, "^(max_pool_grad|scatter_add): ")
