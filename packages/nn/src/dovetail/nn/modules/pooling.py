"""Pooling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt

from .. import functional as F
from .conv import ntuple
from .module import Module

Sizes = int | Sequence[int]


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest value of every window.

    Args:
        kernel_size: of the window.
        stride: of the windows; by default the kernel size.
        padding: at both sides, with minus infinity; at most half the kernel size.
        dilation: between the elements of a window.
        return_indices: give the places of the values too.
        ceil_mode: also windows that reach beyond the end.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``;
        ``L_out = floor((L + 2·padding - dilation·(kernel_size - 1) - 1) / stride) + 1``.

    Example:
        >>> MaxPool1d(2)(dt.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.max_pool1d(input, *self._options())


class MaxPool2d(_MaxPool):
    """The largest value of every window, over two spatial dims; arguments as MaxPool1d's.

    Example:
        >>> MaxPool2d(2)(dt.arange(4.0).reshape(1, 1, 2, 2)).item()
        3.0
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.max_pool2d(input, *self._options())


class MaxPool3d(_MaxPool):
    """The largest value of every window, over three spatial dims; arguments as MaxPool1d's.

    Example:
        >>> MaxPool3d(2)(dt.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
        7.0
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.max_pool3d(input, *self._options())


class _AvgPool(Module):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of every window.

    Args:
        kernel_size, stride, padding, ceil_mode: as MaxPool1d's; padding is with zeros.
        count_include_pad: whether the padding counts in the mean.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``; ``L_out = floor((L + 2·padding - kernel_size) / stride) + 1``.

    Example:
        >>> AvgPool1d(2)(dt.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        who = type(self).__name__
        own = ntuple(who, "kernel_size", kernel_size, 1)
        step = own if stride is None else ntuple(who, "stride", stride, 1)
        super().__init__(own, step, ntuple(who, "padding", padding, 1), ceil_mode, count_include_pad)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of every window, over two spatial dims; arguments as AvgPool1d's, and ``divisor_override``, which
    divides the sum instead of the window's size.

    Example:
        >>> AvgPool2d(2)(dt.arange(4.0).reshape(1, 1, 2, 2)).item()
        1.5
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_AvgPool):
    """The mean of every window, over three spatial dims; arguments as AvgPool2d's.

    Example:
        >>> AvgPool3d(2)(dt.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
        3.5
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """The mean of windows that divide the input into ``output_size`` parts.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``, output ``(N, C, output_size)``.

    Example:
        >>> AdaptiveAvgPool1d(2)(dt.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[2.0, 1.0]]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """As AdaptiveAvgPool1d, over two spatial dims; None in ``output_size`` keeps a dim.

    Example:
        >>> AdaptiveAvgPool2d(1)(dt.ones(1, 2, 5, 7)).shape
        dovetail.Size([1, 2, 1, 1])
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptivePool):
    """As AdaptiveAvgPool1d, over three spatial dims; None in ``output_size`` keeps a dim.

    Example:
        >>> AdaptiveAvgPool3d((1, 2, None))(dt.ones(1, 2, 5, 7, 3)).shape
        dovetail.Size([1, 2, 1, 2, 3])
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest value of windows that divide the input into ``output_size`` parts.

    Args:
        output_size: how many windows.
        return_indices: give the places of the values too.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``, output ``(N, C, output_size)``.

    Example:
        >>> AdaptiveMaxPool1d(2)(dt.tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
        [[3.0, 2.0]]
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """As AdaptiveMaxPool1d, over two spatial dims; None in ``output_size`` keeps a dim.

    Example:
        >>> AdaptiveMaxPool2d(1)(dt.arange(4.0).reshape(1, 1, 2, 2)).item()
        3.0
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """As AdaptiveMaxPool1d, over three spatial dims; None in ``output_size`` keeps a dim.

    Example:
        >>> AdaptiveMaxPool3d(1)(dt.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
        7.0
    """

    def forward(self, input: dt.Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
