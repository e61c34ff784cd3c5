"""Sliding blocks of images: taking them out, and adding them up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import as_given, batched, shape_text, spread


def _options(
    who: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[list[int], list[int], list[int], list[int]]:
    kernel = spread(who, "kernel_size", kernel_size, 2)
    gap = spread(who, "dilation", dilation, 2)
    around = spread(who, "padding", padding, 2)
    step = spread(who, "stride", stride, 2)
    if min(kernel) < 1 or min(gap) < 1 or min(step) < 1 or min(around) < 0:
        raise ValueError(
            f"{who}: kernel_size, dilation and stride must be positive and padding not negative, got {tuple(kernel)}, "
            f"{tuple(gap)}, {tuple(step)} and {tuple(around)}"
        )
    return kernel, gap, around, step


def _blocks(who: str, sizes: Sequence[int], kernel: Any, gap: Any, around: Any, step: Any) -> list[int]:
    """How many blocks there are along each dim."""
    counts = [
        (size + 2 * pad - each * (length - 1) - 1) // move + 1
        for size, length, each, pad, move in zip(sizes, kernel, gap, around, step, strict=True)
    ]
    if min(counts) < 1:
        raise ValueError(
            f"{who}: blocks of {tuple(kernel)} with dilation {tuple(gap)} do not fit into sizes {tuple(sizes)} with "
            f"padding {tuple(around)}"
        )
    return counts


def _places(count: int, length: int, gap: int, step: int, device: Any) -> dt.Tensor:
    """Where the elements of the blocks are along a dim, flat: first by their place in the block, then by block."""
    within = dt.arange(length, device=device).unsqueeze(1) * gap
    return (within + dt.arange(count, device=device) * step).reshape(-1)


@op(
    "im2col(Tensor input, int[2] kernel_size, int[2] dilation=[1, 1], int[2] padding=[0, 0], int[2] stride=[1, 1]) "
    "-> Tensor"
)
def im2col(
    input: dt.Tensor,
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> dt.Tensor:
    """The sliding blocks of images, as columns; see nn.functional.unfold.

    Example:
        >>> dt.im2col(dt.arange(4.0).reshape(1, 1, 2, 2), [1, 2]).tolist()
        [[[0.0, 2.0], [1.0, 3.0]]]
    """
    x = batched("im2col", 2, input)
    kernel, gap, around, step = _options("im2col", kernel_size, dilation, padding, stride)
    blocks = _blocks("im2col", x.shape[2:], kernel, gap, around, step)
    x = dt.constant_pad_nd(x, [around[1], around[1], around[0], around[0]])
    for dim in (0, 1):
        x = x.index_select(2 + dim, _places(blocks[dim], kernel[dim], gap[dim], step[dim], x.device))
    x = x.reshape(x.shape[0], x.shape[1], kernel[0], blocks[0], kernel[1], blocks[1])
    columns = x.permute(0, 1, 2, 4, 3, 5).reshape(x.shape[0], x.shape[1] * kernel[0] * kernel[1], blocks[0] * blocks[1])
    return as_given(columns, input, 2)


@op(
    "col2im(Tensor input, int[2] output_size, int[2] kernel_size, int[2] dilation=[1, 1], int[2] padding=[0, 0], "
    "int[2] stride=[1, 1]) -> Tensor"
)
def col2im(
    input: dt.Tensor,
    output_size: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> dt.Tensor:
    """Images from columns of sliding blocks, added where they overlap; see nn.functional.fold.

    Example:
        >>> dt.col2im(dt.ones(1, 2, 2), [1, 3], [1, 2]).tolist()
        [[[[1.0, 2.0, 1.0]]]]
    """
    x = batched("col2im", 1, input)
    sizes = spread("col2im", "output_size", output_size, 2)
    kernel, gap, around, step = _options("col2im", kernel_size, dilation, padding, stride)
    blocks = _blocks("col2im", sizes, kernel, gap, around, step)
    area = kernel[0] * kernel[1]
    if x.shape[1] % area or x.shape[2] != blocks[0] * blocks[1]:
        raise ValueError(
            f"col2im: an input of shape {shape_text(input)} does not fit output_size {tuple(sizes)}: expected a "
            f"multiple of {area} rows and {blocks[0] * blocks[1]} columns"
        )
    channels = x.shape[1] // area
    x = x.reshape(x.shape[0], channels, kernel[0], kernel[1], blocks[0], blocks[1]).permute(0, 1, 2, 4, 3, 5)
    x = x.reshape(x.shape[0], channels, kernel[0] * blocks[0], kernel[1] * blocks[1])
    for dim in (1, 0):
        shape = list(x.shape)
        shape[2 + dim] = sizes[dim] + 2 * around[dim]
        places = _places(blocks[dim], kernel[dim], gap[dim], step[dim], x.device)
        x = dt.zeros(shape, dtype=x.dtype, device=x.device).index_add(2 + dim, places, x)
    x = x.narrow(2, around[0], sizes[0]).narrow(3, around[1], sizes[1])
    return as_given(x, input, 1)


@checks.in_own_name
def unfold(input: dt.Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> dt.Tensor:
    """The sliding blocks of images, each a column.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: of the blocks, an int or two.
        dilation: between the elements of a block.
        padding: with zeros, at both sides.
        stride: between blocks.

    Returns:
        ``(N, C · kH · kW, blocks)``

    Example:
        >>> unfold(dt.arange(4.0).reshape(1, 1, 2, 2), (1, 2)).tolist()
        [[[0.0, 2.0], [1.0, 3.0]]]
    """
    checks.tensors("unfold", input=input)
    checks.ints("unfold", kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    return im2col(input, kernel_size, dilation, padding, stride)


@checks.in_own_name
def fold(
    input: dt.Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> dt.Tensor:
    """Images from columns of sliding blocks; where blocks overlap, they are added.

    Args:
        input: ``(N, C · kH · kW, blocks)`` or without ``N``, as unfold gives.
        output_size: of the images, an int or two.
        kernel_size, dilation, padding, stride: as unfold's.

    Example:
        >>> fold(dt.ones(1, 2, 2), (1, 3), (1, 2)).tolist()
        [[[[1.0, 2.0, 1.0]]]]
    """
    checks.tensors("fold", input=input)
    checks.ints(
        "fold", output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride
    )
    return col2im(input, output_size, kernel_size, dilation, padding, stride)
