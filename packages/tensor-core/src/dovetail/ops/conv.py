"""Convolutions in one to three dims, over the one primitive for all of them.

`dt.conv2d` and its kind are functions that turn padding given as text into numbers; what they call are these ops.
"""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import _integer_convolution as integers
from dovetail.ops import op
from dovetail.ops._common import batched, in_float, shape_text, spread

convolution = get_op("convolution")
convolution_input_grad = get_op("convolution_input_grad")


def _conv(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    spatial = int(name[-2])
    x = batched(name, spatial, input)
    _check_weight(name, spatial, weight)
    convolved = integers.convolution if integers.of_integers(x) else convolution
    out = convolved(
        x,
        weight,
        bias,
        spread(name, "stride", stride, spatial),
        spread(name, "padding", padding, spatial),
        spread(name, "dilation", dilation, spatial),
        groups,
    )
    return out if x is input else dt.squeeze(out, [0])


@in_float
def _conv_transpose(
    name: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Tensor:
    spatial = int(name[-2])
    x = batched(name, spatial, input)
    _check_weight(name, spatial, weight)
    if x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"{name}: input has {x.shape[1]} channels, weight of shape {tuple(weight.shape)} takes {weight.shape[0]}"
        )
    stride = spread(name, "stride", stride, spatial)
    padding = spread(name, "padding", padding, spatial)
    extra = spread(name, "output_padding", output_padding, spatial)
    dilation = spread(name, "dilation", dilation, spatial)
    for more, step, gap in zip(extra, stride, dilation, strict=True):
        if not 0 <= more < max(step, gap):
            raise ValueError(f"{name}: output_padding must be smaller than stride or dilation, got {extra}")
    # What lies between the first and the last place that an element reaches.
    reach = [
        (size - 1) * step + gap * (kernel - 1) + 1
        for size, step, gap, kernel in zip(x.shape[2:], stride, dilation, weight.shape[2:], strict=True)
    ]
    channels = weight.shape[1] * groups
    transposed = integers.convolution_input_grad if integers.of_integers(x) else convolution_input_grad
    sizes = [full - 2 * pad + more for full, pad, more in zip(reach, padding, extra, strict=True)]
    if min(sizes) <= 0:
        raise ValueError(f"{name}: the result would have sizes {sizes}; give a larger input or less padding")
    if all(more < step for more, step in zip(extra, stride, strict=True)):
        shape = [x.shape[0], channels, *sizes]
        out = transposed(x, weight, shape, stride, padding, dilation, groups)
    else:
        # The convolution of such a size would have more places than the input: cut the whole result to size instead.
        whole = [x.shape[0], channels, *reach]
        out = transposed(x, weight, whole, stride, [0] * spatial, dilation, groups)
        cuts = [n for pad, more in zip(padding[::-1], extra[::-1], strict=True) for n in (-pad, more - pad)]
        out = dt.constant_pad_nd(out, cuts)
    if bias is not None:
        out = out + dt.reshape(bias, [-1] + [1] * spatial)
    return out if x is input else dt.squeeze(out, [0])


def _check_weight(name: str, spatial: int, weight: Tensor) -> None:
    if weight.ndim != spatial + 2:
        raise ValueError(f"{name}: weight must have {spatial + 2} dims, got shape {shape_text(weight.shape)}")


@op(
    "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=[1], int[1] padding=[0], "
    "int[1] dilation=[1], int groups=1) -> Tensor"
)
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Cross-correlate signals with filters.

        out[n, o] = bias[o] + sum over c of weight[o, c] * input[n, c]

    Shapes: input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O,).

    Example:
        >>> dt.conv1d(dt.ones(1, 2, 5), dt.ones(4, 2, 3)).shape
        dovetail.Size([1, 4, 3])
    """
    return _conv("conv1d", input, weight, bias, stride, padding, dilation, groups)


@op(
    "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=[1, 1], int[2] padding=[0, 0], "
    "int[2] dilation=[1, 1], int groups=1) -> Tensor"
)
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Cross-correlate images with filters.

        out[n, o] = bias[o] + sum over c of weight[o, c] * input[n, c]

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C / groups, K, K), bias (O,).

    Example:
        >>> dt.conv2d(dt.ones(1, 2, 5, 5), dt.ones(4, 2, 3, 3)).shape
        dovetail.Size([1, 4, 3, 3])
    """
    return _conv("conv2d", input, weight, bias, stride, padding, dilation, groups)


@op(
    "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=[1, 1, 1], int[3] padding=[0, 0, 0], "
    "int[3] dilation=[1, 1, 1], int groups=1) -> Tensor"
)
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Cross-correlate volumes with filters.

        out[n, o] = bias[o] + sum over c of weight[o, c] * input[n, c]

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C / groups, K, K, K), bias (O,).

    Example:
        >>> dt.conv3d(dt.ones(1, 2, 5, 5, 5), dt.ones(4, 2, 3, 3, 3)).shape
        dovetail.Size([1, 4, 3, 3, 3])
    """
    return _conv("conv3d", input, weight, bias, stride, padding, dilation, groups)


@op(
    "conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=[1], int[1] padding=[0], "
    "int[1] output_padding=[0], int groups=1, int[1] dilation=[1]) -> Tensor"
)
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Tensor:
    """The transpose of a convolution over signals: every element spreads a filter.

        size of the result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1

    Args:
        output_padding: added to one side of the result's sizes, smaller than stride or dilation.

    Shapes: input (N, C, L) or (C, L), weight (C, O / groups, K), bias (O,).

    Example:
        >>> dt.conv_transpose1d(dt.ones(1, 4, 3), dt.ones(4, 2, 3)).shape
        dovetail.Size([1, 2, 5])
    """
    return _conv_transpose("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation)


@op(
    "conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=[1, 1], int[2] padding=[0, 0], "
    "int[2] output_padding=[0, 0], int groups=1, int[2] dilation=[1, 1]) -> Tensor"
)
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Tensor:
    """The transpose of a convolution over images: every element spreads a filter.

        size of the result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1

    Args:
        output_padding: added to one side of the result's sizes, smaller than stride or dilation.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O / groups, K, K), bias (O,).

    Example:
        >>> dt.conv_transpose2d(dt.ones(1, 4, 3, 3), dt.ones(4, 2, 3, 3)).shape
        dovetail.Size([1, 2, 5, 5])
    """
    return _conv_transpose("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation)


@op(
    "conv_transpose3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=[1, 1, 1], int[3] padding="
    "[0, 0, 0], int[3] output_padding=[0, 0, 0], int groups=1, int[3] dilation=[1, 1, 1]) -> Tensor"
)
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Tensor:
    """The transpose of a convolution over volumes: every element spreads a filter.

        size of the result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1

    Args:
        output_padding: added to one side of the result's sizes, smaller than stride or dilation.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, O / groups, K, K, K), bias (O,).

    Example:
        >>> dt.conv_transpose3d(dt.ones(1, 4, 3, 3, 3), dt.ones(4, 2, 3, 3, 3)).shape
        dovetail.Size([1, 2, 5, 5, 5])
    """
    return _conv_transpose("conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation)
