"""Convolutions whose padding may be given as text."""

from __future__ import annotations

import dovetail as dt

from .. import checks
from .._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

    Ints = int | Sequence[int]


__all__ = ["conv1d", "conv2d", "conv3d"]

_ops = {n: get_op(f"conv{n}d") for n in (1, 2, 3)}


def _conv(
    spatial: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints | str,
    dilation: Ints,
    groups: int,
) -> Tensor:
    if isinstance(padding, str):
        checks.tensors(f"conv{spatial}d", input=input, weight=weight)
        checks.ints(f"conv{spatial}d", stride=stride, dilation=dilation)
        input, padding = _padded(spatial, input, weight, stride, padding, dilation)
    return _ops[spatial](input, weight, bias, stride, padding, dilation, groups)


def _padded(
    spatial: int, input: Tensor, weight: Tensor, stride: Ints, padding: str, dilation: Ints
) -> tuple[Tensor, Ints]:
    """What "valid" and "same" mean. An odd total of "same" goes to the end, in front of the convolution."""
    if padding == "valid":
        return input, 0
    if padding != "same":
        raise ValueError(f'conv{spatial}d: padding must be ints, "valid" or "same", got {padding!r}')
    steps = [stride] if isinstance(stride, int) else list(stride)
    if any(step != 1 for step in steps):
        raise ValueError(f'conv{spatial}d: padding "same" goes with stride 1 only, got {steps}')
    gaps = [dilation] if isinstance(dilation, int) else list(dilation)
    gaps = gaps * spatial if len(gaps) == 1 else gaps
    if weight.ndim != spatial + 2 or len(gaps) != spatial or input.ndim not in (spatial + 1, spatial + 2):
        return input, 0  # the op says what is wrong
    totals = [gap * (size - 1) for gap, size in zip(gaps, weight.shape[2:], strict=True)]
    if any(total % 2 for total in totals):
        input = dt.constant_pad_nd(input, [n for total in reversed(totals) for n in (0, total % 2)])
    return input, [total // 2 for total in totals]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate signals with filters. See `dt.conv2d`.

    Shapes: input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O,).

    Example:
        >>> dt.conv1d(dt.tensor([[1.0, 2.0, 3.0]]), dt.tensor([[[1.0, 1.0]]])).tolist()
        [[3.0, 5.0]]
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with filters.

        out[n, o] = bias[o] + sum over c of weight[o, c] * input[n, c]

        size of the result = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1, rounded down

    Args:
        input: shape (N, C, H, W), or (C, H, W) for a single image.
        weight: shape (O, C / groups, K, K).
        bias: shape (O,).
        stride: how far the filter moves.
        padding: zeros around the image; "valid" is none, "same" keeps its size (with stride 1).
        dilation: the distance between the filter's elements.
        groups: how many groups the channels fall into, each with its own filters.

    Each of stride, padding and dilation is an int, or one for every dim.

    Example:
        >>> dt.conv2d(dt.ones(1, 3, 8, 8), dt.ones(4, 3, 3, 3), padding="same").shape
        dovetail.Size([1, 4, 8, 8])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate volumes with filters. See `dt.conv2d`.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C / groups, K, K, K), bias (O,).

    Example:
        >>> dt.conv3d(dt.ones(1, 2, 4, 4, 4), dt.ones(1, 2, 3, 3, 3)).shape
        dovetail.Size([1, 1, 2, 2, 2])
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)
