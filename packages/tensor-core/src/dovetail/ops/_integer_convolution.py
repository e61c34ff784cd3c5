"""Convolutions of integers, exact but for what wraps around: the windows as a matrix, times the filters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op

from ._common import refuse, short

_convolution, _convolution_input_grad = get_op("convolution"), get_op("convolution_input_grad")


def of_integers(x: Tensor) -> bool:
    """Whether a convolution of this input is one of integers; of bools there is none."""
    return not x.dtype.is_floating_point and not x.dtype.is_complex and x.dtype is not dt.bool


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """As the op of this name."""
    _same_dtype(x, weight, bias)
    # What is wrong with one of floats is wrong with this one; without a batch it says so and costs nothing.
    bias_of_floats = None if bias is None else bias.to(dt.float32)
    empty = _convolution(x[:0].to(dt.float32), weight.to(dt.float32), bias_of_floats, stride, padding, dilation, groups)
    sizes, spatial = list(empty.shape[2:]), x.ndim - 2
    x = dt.constant_pad_nd(x, [pad for pad in reversed(padding) for _ in range(2)])
    for dim, (kernel, step, gap) in enumerate(zip(weight.shape[2:], stride, dilation, strict=True), 2):
        x = x.unfold(dim, gap * (kernel - 1) + 1, step)
    x = x[(..., *(slice(None, None, gap) for gap in dilation))]
    taps = prod(weight.shape[1:])
    windows = dt.permute(x, [0, 1, *range(2 + spatial, 2 + 2 * spatial), *range(2, 2 + spatial)])
    columns = dt.reshape(windows, [x.shape[0], groups, taps, prod(sizes)])
    filters = dt.reshape(weight, [groups, weight.shape[0] // groups, taps])
    out = dt.reshape(dt.matmul(filters, columns), [x.shape[0], weight.shape[0], *sizes])
    return out if bias is None else out + dt.reshape(bias, [-1] + [1] * spatial)


def convolution_input_grad(
    x: Tensor,
    weight: Tensor,
    shape: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """As the op of this name: the convolution of `x`, with zeros between its elements, by the filters turned around."""
    _same_dtype(x, weight, None)
    of_none = [0, *shape[1:]]
    _convolution_input_grad(x[:0].to(dt.float32), weight.to(dt.float32), of_none, stride, padding, dilation, groups)
    spatial = x.ndim - 2
    # Every element gets the zeros of its step behind it, those of the last one too.
    each = dt.reshape(x, [*x.shape[:2], *(size for n in x.shape[2:] for size in (n, 1))])
    each = dt.constant_pad_nd(each, [pad for step in reversed(stride) for pad in (0, step - 1, 0, 0)])
    apart = [n * step for n, step in zip(x.shape[2:], stride, strict=True)]
    between = dt.reshape(each, [*x.shape[:2], *apart])
    pads = []
    for dim in reversed(range(spatial)):
        reach = dilation[dim] * (weight.shape[2 + dim] - 1)
        front = reach - padding[dim]
        pads += [front, shape[2 + dim] + reach - front - apart[dim]]
    inputs, outputs, kernel = weight.shape[1], weight.shape[0] // groups, weight.shape[2:]
    turned = dt.transpose(dt.reshape(weight, [groups, outputs, inputs, *kernel]), 1, 2)
    turned = dt.reshape(dt.flip(turned, list(range(3, 3 + spatial))), [groups * inputs, outputs, *kernel])
    padded = dt.constant_pad_nd(between, pads)
    return convolution(padded, turned, None, [1] * spatial, [0] * spatial, dilation, groups)


def _same_dtype(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    for name, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype is not x.dtype:
            refuse(
                TypeError,
                "convolution",
                f"input and {name} must have the same dtype, got {short(x.dtype)} and {short(other.dtype)}; convert "
                "one with .to(dtype)",
            )
