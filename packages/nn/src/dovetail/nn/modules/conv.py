"""Convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module

Sizes = int | Sequence[int]


def ntuple(who: str, name: str, value: Sizes, n: int) -> tuple[int, ...]:
    """An int for each of ``n`` spatial dims; one int stands for all."""
    if isinstance(value, int):
        return (value,) * n
    if not isinstance(value, (list, tuple)) or not all(hasattr(v, "__index__") for v in value):
        raise TypeError(f"{who}: {name} must be an int or {n} ints, got {checks.shown(value)}")
    if len(value) != n:
        raise ValueError(f"{who}: {name} must be an int or have {n} entries, got {tuple(value)}")
    return tuple(int(v) for v in value)


class _Conv(Module):
    """What all convolutions share: the options, the parameters and their initial values."""

    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if not all(hasattr(value, "__index__") for value in (in_channels, out_channels, groups)):
            raise TypeError(
                f"{who}: in_channels, out_channels and groups must be ints, "
                f"got {checks.shown(in_channels)}, {checks.shown(out_channels)} and {checks.shown(groups)}"
            )
        if in_channels < 0 or out_channels < 0:
            raise ValueError(f"{who}: channels must not be negative, got {in_channels} and {out_channels}")
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{who}: groups must divide in_channels and out_channels; "
                f"got {groups}, {in_channels} and {out_channels}"
            )
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                f"{who}: padding_mode must be 'zeros', 'reflect', 'replicate' or 'circular', "
                f"got {checks.shown(padding_mode)}"
            )
        if isinstance(padding, str) and (self.transposed or padding not in ("same", "valid")):
            words = "" if self.transposed else ", 'same' or 'valid'"
            raise ValueError(f"{who}: padding must be numbers{words}, got {checks.shown(padding)}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = ntuple(who, "kernel_size", kernel_size, self.dims)
        self.stride = ntuple(who, "stride", stride, self.dims)
        self.padding = padding if isinstance(padding, str) else ntuple(who, "padding", padding, self.dims)
        self.dilation = ntuple(who, "dilation", dilation, self.dims)
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (channels[0], channels[1] // groups, *self.kernel_size)
        self.weight = Parameter(dt.empty(shape, device=device, dtype=dtype))
        self.bias = Parameter(dt.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = init.fans(self.weight)[0]
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * self.dims:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * self.dims:
            parts.append(f"dilation={self.dilation}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def _padded(self, input: dt.Tensor) -> tuple[dt.Tensor, Any]:
        """The input and the padding that is left to the convolution: other modes than zeros are padded here."""
        if self.padding_mode == "zeros":
            return input, self.padding
        amounts: list[int] = []
        for i in reversed(range(self.dims)):
            if self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                amounts += [total // 2, total - total // 2]
            elif self.padding == "valid":
                amounts += [0, 0]
            else:
                amounts += [int(self.padding[i]), int(self.padding[i])]
        return F.pad(input, amounts, mode=self.padding_mode), 0


class Conv1d(_Conv):
    """Cross-correlation over one spatial dim.

        out[n, o, x] = bias[o] + Σ_c Σ_k weight[o, c, k] · input[n, c, x · stride + k · dilation - padding]

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, padding, dilation: ints, or a tuple with one entry; padding also "same" or "valid".
        groups: channels are split into this many groups that do not see one another.
        bias: whether there is one.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        device, dtype: of the parameters.

    Shape:
        input ``(N, in_channels, L)`` or ``(in_channels, L)``; output alike with
        ``L_out = floor((L + 2·padding - dilation·(kernel_size - 1) - 1) / stride) + 1``.

    Example:
        >>> Conv1d(3, 8, 3, padding=1)(dt.zeros(2, 3, 10)).shape
        dovetail.Size([2, 8, 10])
    """

    dims = 1

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        input, padding = self._padded(input)
        return F.conv1d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Cross-correlation over two spatial dims; arguments as Conv1d's, with one or two entries.

    Shape:
        input ``(N, in_channels, H, W)`` or ``(in_channels, H, W)``; weight
        ``(out_channels, in_channels / groups, kH, kW)``.

    Example:
        >>> Conv2d(1, 4, 3)(dt.zeros(2, 1, 8, 8)).shape
        dovetail.Size([2, 4, 6, 6])
    """

    dims = 2

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        input, padding = self._padded(input)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(_Conv):
    """Cross-correlation over three spatial dims; arguments as Conv1d's, with one or three entries.

    Shape:
        input ``(N, in_channels, D, H, W)`` or without ``N``.

    Example:
        >>> Conv3d(1, 4, 3)(dt.zeros(2, 1, 5, 5, 5)).shape
        dovetail.Size([2, 4, 3, 3, 3])
    """

    dims = 3

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        input, padding = self._padded(input)
        return F.conv3d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _ConvTranspose(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: only padding_mode='zeros' exists, got {checks.shown(padding_mode)}"
            )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = ntuple(type(self).__name__, "output_padding", output_padding, self.dims)

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if not any(self.output_padding) else f"{text}, output_padding={self.output_padding}"

    def forward(self, input: dt.Tensor, output_size: Sequence[int] | None = None) -> dt.Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        run: Any = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}[self.dims]
        return run(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    @checks.in_class_name
    def _extra(self, input: dt.Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding that gives ``output_size``."""
        wanted = list(output_size)[-self.dims :]
        extra = []
        for i in range(self.dims):
            least = (
                (input.shape[i - self.dims] - 1) * self.stride[i]
                - 2 * int(self.padding[i])
                + self.dilation[i] * (self.kernel_size[i] - 1)
                + 1
            )
            if not least <= wanted[i] < least + self.stride[i]:
                raise ValueError(
                    f"{type(self).__name__}: output_size {tuple(wanted)} cannot be had: dim {i} can be "
                    f"{least} to {least + self.stride[i] - 1}"
                )
            extra.append(wanted[i] - least)
        return tuple(extra)


class ConvTranspose1d(_ConvTranspose):
    """The gradient of Conv1d with respect to its input, as a layer.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, padding, dilation: of the convolution whose gradient it is; ints, or tuples of one entry.
        output_padding: how much longer the output is, on one side.
        groups: channels are split into this many groups that do not see one another.
        bias: whether there is one.
        padding_mode: only "zeros".
        device, dtype: of the parameters.

    Shape:
        input ``(N, in_channels, L)``; ``L_out = (L - 1)·stride - 2·padding + dilation·(kernel_size - 1) +
        output_padding + 1``; weight ``(in_channels, out_channels / groups, k)``.

    Args of the call:
        output_size: of the result, where the stride leaves several possible.

    Source: Zeiler et al., "Deconvolutional Networks", 2010.

    Example:
        >>> ConvTranspose1d(3, 2, 2, stride=2)(dt.zeros(1, 3, 4)).shape
        dovetail.Size([1, 2, 8])
    """

    dims = 1


class ConvTranspose2d(_ConvTranspose):
    """The gradient of Conv2d with respect to its input, as a layer; shapes as ConvTranspose1d's.

    Example:
        >>> ConvTranspose2d(3, 2, 2, stride=2)(dt.zeros(1, 3, 4, 4)).shape
        dovetail.Size([1, 2, 8, 8])
    """

    dims = 2


class ConvTranspose3d(_ConvTranspose):
    """The gradient of Conv3d with respect to its input, as a layer; shapes as ConvTranspose1d's.

    Example:
        >>> ConvTranspose3d(3, 2, 2, stride=2)(dt.zeros(1, 3, 4, 4, 4)).shape
        dovetail.Size([1, 2, 8, 8, 8])
    """

    dims = 3
