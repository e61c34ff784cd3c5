"""Pooling by norms, with random windows, and its partial inverse, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .conv import ntuple
from .module import Module
from .pooling import Sizes


class _LPPool(Module):
    run: ClassVar[Any]

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        checks.numbers(type(self).__name__, norm_type=norm_type)
        checks.ints(type(self).__name__, kernel_size=kernel_size)
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return type(self).run(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of every window.

        out = (Σ x^p)^(1/p)

    Args:
        norm_type: p; infinity takes the largest absolute value.
        kernel_size: of the window.
        stride: of the windows; by default the kernel size.
        ceil_mode: also windows that reach beyond the end.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``; ``L_out = floor((L - kernel_size) / stride) + 1``.

    Example:
        >>> LPPool1d(2, 2)(dt.tensor([[[3.0, 4.0]]])).item()
        5.0
    """

    run = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """As LPPool1d, over two dims.

    Example:
        >>> LPPool2d(1, 2)(dt.ones(1, 1, 2, 2)).item()
        4.0
    """

    run = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """As LPPool1d, over three dims.

    Example:
        >>> LPPool3d(1, 2)(dt.ones(1, 1, 2, 2, 2)).item()
        8.0
    """

    run = staticmethod(F.lp_pool3d)


class _FractionalMaxPool(Module):
    dims: ClassVar[int]
    run: ClassVar[Any]
    _random_samples: dt.Tensor | None

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: dt.Tensor | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{who}: give output_size or output_ratio, one of them; got {checks.shown(output_size)} and "
                f"{checks.shown(output_ratio)} with kernel_size={checks.shown(kernel_size)}"
            )
        self.kernel_size = ntuple(who, "kernel_size", kernel_size, self.dims)
        self.output_size = None if output_size is None else ntuple(who, "output_size", output_size, self.dims)
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            given: Any = output_ratio if isinstance(output_ratio, (list, tuple)) else (output_ratio,) * self.dims
            ratios: tuple[float, ...] = tuple(given)
            checks.numbers(who, **{f"output_ratio[{i}]": each for i, each in enumerate(ratios)})
            if len(ratios) != self.dims or not all(0 < each < 1 for each in ratios):
                raise ValueError(
                    f"{who}: output_ratio must be between 0 and 1, or {self.dims} such numbers, "
                    f"got {checks.shown(output_ratio)}"
                )
            self.output_ratio = ratios
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: dt.Tensor) -> Any:
        return type(self).run(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest value of windows whose places are drawn at random, evenly over the image.

    Args:
        kernel_size: of the windows, an int or two.
        output_size: how many windows; or
        output_ratio: how many for each of the input's rows and columns, between 0 and 1.
        return_indices: give the places of the values too.

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Source: Graham, "Fractional Max-Pooling", arXiv:1412.6071.

    Example:
        >>> FractionalMaxPool2d(2, output_ratio=0.5)(dt.zeros(1, 3, 8, 6)).shape
        dovetail.Size([1, 3, 4, 3])
    """

    dims = 2
    run = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """As FractionalMaxPool2d, over three dims.

    Example:
        >>> FractionalMaxPool3d(2, output_size=3)(dt.zeros(1, 3, 8, 6, 7)).shape
        dovetail.Size([1, 3, 3, 3, 3])
    """

    dims = 3
    run = staticmethod(F.fractional_max_pool3d)


class _MaxUnpool(Module):
    dims: ClassVar[int]
    run: ClassVar[Any]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        who = type(self).__name__
        self.kernel_size = ntuple(who, "kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else ntuple(who, "stride", stride, self.dims)
        self.padding = ntuple(who, "padding", padding, self.dims)

    def forward(self, input: dt.Tensor, indices: dt.Tensor, output_size: Sequence[int] | None = None) -> dt.Tensor:
        return type(self).run(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The partial inverse of MaxPool1d: values go back to their places, and zero elsewhere.

    Args:
        kernel_size, stride, padding: as those of the pooling.

    Args of the call:
        input: the values.
        indices: where they were, as the pooling gives them with ``return_indices``.
        output_size: of the result, where the stride leaves several possible.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``; ``L_out = (L - 1)·stride - 2·padding + kernel_size``.

    Example:
        >>> values, places = dt.nn.MaxPool1d(2, return_indices=True)(dt.tensor([[1.0, 3.0, 2.0, 0.0]]))
        >>> MaxUnpool1d(2)(values, places).tolist()
        [[0.0, 3.0, 2.0, 0.0]]
    """

    dims = 1
    run = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """The partial inverse of MaxPool2d; see MaxUnpool1d.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", arXiv:1311.2901.

    Example:
        >>> values, places = dt.ones(1, 1, 1, 1), dt.tensor([[[[3]]]])
        >>> MaxUnpool2d(2)(values, places).tolist()
        [[[[0.0, 0.0], [0.0, 1.0]]]]
    """

    dims = 2
    run = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """The partial inverse of MaxPool3d; see MaxUnpool1d.

    Example:
        >>> values, places = dt.ones(1, 1, 1, 1, 1), dt.tensor([[[[[3]]]]])
        >>> MaxUnpool3d(2)(values, places).sum().item()
        1.0
    """

    dims = 3
    run = staticmethod(F.max_unpool3d)
