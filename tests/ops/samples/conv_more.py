"""Convolutions by their number of dims, written in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_INTS,
    FLOATS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)
from tests.ops.samples.conv import CASES, convolve, input_grad, result_shape, tolerances

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def spatial_of(op: str) -> int:
    return int(op[-2])


@samples_for(*CONVOLUTIONS)
def convolutions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    spatial = spatial_of(op)

    def reference(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        batched = x if x.ndim == spatial + 2 else x[None]
        lists = [(value,) * spatial if isinstance(value, int) else value for value in (stride, padding, dilation)]
        out = convolve(batched, weight, bias, *lists, groups)
        return out if batched is x else out[0]

    for dtype in FLOATS:
        for x, weight, *rest in (case for case in CASES if len(case[0]) == spatial + 2):
            bias = T(make(rng, weight[:1], dtype))
            yield Sample(
                (T(make(rng, x, dtype)), T(make(rng, weight, dtype)), bias, *rest), reference, **tolerances(dtype)
            )
        x, weight = T(make(rng, (2, 3, *[6] * spatial), dtype)), T(make(rng, (4, 3, *[3] * spatial), dtype))
        yield Sample((x, weight), reference, **tolerances(dtype))
        yield Sample((x, weight, None, 2, 1), reference, **tolerances(dtype))
        yield Sample((T(x.array[0]), weight), reference, **tolerances(dtype))


def full_size(x: Any, weight: Any, stride: Any, padding: Any, extra: Any, dilation: Any) -> list[int]:
    sizes = zip(x.shape[2:], weight.shape[2:], stride, padding, extra, dilation, strict=True)
    return [(n - 1) * s - 2 * p + d * (k - 1) + 1 + e for n, k, s, p, e, d in sizes]


@samples_for(*TRANSPOSED)
def transposed(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    spatial = spatial_of(op)

    def reference(
        x: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        extra: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Any:
        batched = x if x.ndim == spatial + 2 else x[None]
        lists = [
            (value,) * spatial if isinstance(value, int) else value for value in (stride, padding, extra, dilation)
        ]
        stride, padding, extra, dilation = lists
        size = (len(batched), weight.shape[1] * groups, *full_size(batched, weight, stride, padding, extra, dilation))
        out = input_grad(batched, weight, size, stride, padding, dilation, groups)
        out = out if bias is None else out + wide(bias).reshape(-1, *[1] * spatial)
        return out if batched is x else out[0]

    for dtype in FLOATS:
        for case in (case for case in CASES if len(case[0]) == spatial + 2):
            shape, weight, stride, padding, dilation, groups = case
            x = T(make(rng, (shape[0], *result_shape(case)), dtype))
            args = (
                T(make(rng, weight, dtype)),
                T(make(rng, (weight[1] * groups,), dtype)),
                stride,
                padding,
                0,
                groups,
                dilation,
            )
            yield Sample((x, *args), reference, **tolerances(dtype))
        x, w = T(make(rng, (2, 3, *[4] * spatial), dtype)), T(make(rng, (3, 2, *[3] * spatial), dtype))
        yield Sample((x, w), reference, **tolerances(dtype))
        yield Sample((x, w, None, 2, 1, 1), reference, **tolerances(dtype))
        yield Sample((T(x.array[0]), w), reference, **tolerances(dtype))


@samples_for(*CONVOLUTIONS, *TRANSPOSED)
def of_integers(op: str) -> Iterator[Sample]:
    """Whole numbers, which wrap around in their dtype; small enough for the reference's float64."""
    rng = rng_for(op + "-integers")
    spatial = spatial_of(op)

    def reference(x: Any, weight: Any, bias: Any, *rest: Any) -> Any:
        if op in CONVOLUTIONS:
            exact = convolve(x, weight, bias, *rest)
        else:
            stride, padding, extra, groups, dilation = rest
            size = (len(x), weight.shape[1] * groups, *full_size(x, weight, stride, padding, extra, dilation))
            exact = input_grad(x, weight, size, stride, padding, dilation, groups)
            exact = exact + wide(bias).reshape(-1, *[1] * spatial)
        return exact.astype(np.int64).astype(x.dtype)

    for dtype in ALL_INTS:
        for case in (case for case in CASES if len(case[0]) == spatial + 2):
            shape, weight, stride, padding, dilation, groups = case
            if op in CONVOLUTIONS:
                x, channels, rest = shape, weight[0], (stride, padding, dilation, groups)
            else:
                x, channels = (shape[0], *result_shape(case)), weight[1] * groups
                rest = (stride, padding, (0,) * spatial, groups, dilation)
            filters, bias = T(make(rng, weight, dtype, 0, 9)), T(make(rng, (channels,), dtype, 0, 9))
            yield Sample((T(make(rng, x, dtype, 0, 9)), filters, bias, *rest), reference, dtype=dtype)


@errors_for(*CONVOLUTIONS, *TRANSPOSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    spatial = spatial_of(op)
    x, w = T(np.ones((1, 3, *[5] * spatial), np.float32)), T(np.ones((3, 3, *[3] * spatial), np.float32))
    yield ErrorSample((T(np.ones(2, np.float32)), w), ValueError, f"^{op}: ")
    yield ErrorSample((x, T(np.ones((3, 3), np.float32))), ValueError, f"^{op}: weight must have {spatial + 2} dims")
    yield ErrorSample(
        (x, T(np.ones((4, 4, *[3] * spatial), np.float32))), ValueError, f"^({op}|convolution): .*channels"
    )
    yield ErrorSample((x, w, None, 0), ValueError, "stride")
