"""Sliding blocks of images, as layers."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .conv import Sizes
from .module import Module


class Unfold(Module):
    """The sliding blocks of images, each a column.

    Args:
        kernel_size: of the blocks, an int or two.
        dilation: between the elements of a block.
        padding: with zeros, at both sides.
        stride: between blocks.

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``, output ``(N, C · kH · kW, blocks)``; of blocks there are along each dim
        ``floor((size + 2·padding - dilation·(kernel_size - 1) - 1) / stride) + 1``.

    Example:
        >>> Unfold((1, 2))(dt.arange(4.0).reshape(1, 1, 2, 2)).tolist()
        [[[0.0, 2.0], [1.0, 3.0]]]
    """

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> None:
        super().__init__()
        checks.ints("Unfold", kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Images from columns of sliding blocks; where blocks overlap, they are added.

    Args:
        output_size: of the images, an int or two.
        kernel_size, dilation, padding, stride: as Unfold's.

    Shape:
        input ``(N, C · kH · kW, blocks)`` or without ``N``, output ``(N, C, *output_size)``.

    Example:
        >>> Fold((1, 3), (1, 2))(dt.ones(1, 2, 2)).tolist()
        [[[[1.0, 2.0, 1.0]]]]
    """

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__()
        checks.ints(
            "Fold",
            output_size=output_size,
            kernel_size=kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
