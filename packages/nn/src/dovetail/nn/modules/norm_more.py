"""Normalization of each sample: of channels, groups of them, and what lies beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module
from .norm import _NormBase, _OverLastDims


class _InstanceNorm(_NormBase):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        self._check_dims(input)
        single = input.ndim == self.allowed_dims[0]
        x = input.unsqueeze(0) if single else input
        if x.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: expected {self.num_features} channels, got an input of shape "
                f"{tuple(input.shape)}"
            )
        result = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return result.squeeze(0) if single else result


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample to mean 0 and variance 1, then, with ``affine``, an affine map.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    Args:
        num_features: channels.
        eps: keeps the denominator from zero.
        momentum: of the running statistics.
        affine: whether there are weight and bias.
        track_running_stats: keep running statistics while training, and use them in evaluation mode.
        device, dtype: of parameters and statistics.
        bias: whether the affine map has one.

    Shape:
        input ``(N, C, L)`` or ``(C, L)``.

    Source: Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization", arXiv:1607.08022.

    Example:
        >>> InstanceNorm1d(1, eps=0.0)(dt.tensor([[[1.0, 3.0]]])).tolist()
        [[[-1.0, 1.0]]]
    """

    allowed_dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As InstanceNorm1d, for ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> InstanceNorm2d(3)(dt.zeros(2, 3, 4, 4)).shape
        dovetail.Size([2, 3, 4, 4])
    """

    allowed_dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As InstanceNorm1d, for ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> InstanceNorm3d(3)(dt.zeros(2, 3, 4, 4, 4)).shape
        dovetail.Size([2, 3, 4, 4, 4])
    """

    allowed_dims = (4, 5)


class RMSNorm(_OverLastDims):
    """Divide by the root of the mean square over the last dims.

        y = x / sqrt(mean(x²) + eps) · weight

    Args:
        normalized_shape: sizes of the last dims, or one int.
        eps: by default the dtype's distance from 1 to the next number.
        elementwise_affine: whether there is a weight.
        device, dtype: of the weight.

    Shape:
        input and output ``(*, normalized_shape)``.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", arXiv:1910.07467.

    Example:
        >>> RMSNorm(2)(dt.tensor([[3.0, 3.0]])).tolist()
        [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.weight = Parameter(dt.ones(shape, device=device, dtype=dtype)) if elementwise_affine else None

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Groups of channels of every sample to mean 0 and variance 1, then an affine map of the channels.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    Args:
        num_groups: into how many groups the channels are split.
        num_channels: a multiple of `num_groups`.
        eps: keeps the denominator from zero.
        affine: whether there are weight and bias.
        device, dtype: of the parameters.
        bias: whether the affine map has one.

    Shape:
        input and output ``(N, num_channels, *)``.

    Source: Wu and He, "Group Normalization", arXiv:1803.08494.

    Example:
        >>> GroupNorm(2, 4, eps=0.0)(dt.tensor([[1.0, 3.0, 2.0, 6.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        checks.sizes("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_groups == 0 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups must divide num_channels, got {num_groups} and {num_channels}")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(dt.ones(num_channels, device=device, dtype=dtype)) if affine else None
        self.bias = Parameter(dt.zeros(num_channels, device=device, dtype=dtype)) if affine and bias else None

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        if isinstance(input, dt.Tensor) and input.ndim > 1 and input.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: expected {self.num_channels} channels, got an input of shape {tuple(input.shape)}"
            )
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divide by a power of the mean square over the neighbouring channels.

        y_c = x_c / (k + alpha / size · Σ x_i²)^beta   over the `size` channels i around c

    Shape:
        input and output ``(N, C, *)`` of at least three dims.

    Source: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Example:
        >>> LocalResponseNorm(1, alpha=3.0, beta=0.5)(dt.ones(1, 1, 1)).item()
        0.5
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        checks.integers(type(self).__name__, size=size)
        if size < 1:
            raise ValueError(f"{type(self).__name__}: size must be positive, got {size}")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """As LocalResponseNorm for ``(N, C, H, W)``, over as many channels on both sides.

    Kept for models that were trained with it: as in PyTorch, the first channel's square stays in the sums of all
    windows behind its own (see nn.functional.cross_map_lrn).

    Example:
        >>> CrossMapLRN2d(1, alpha=3.0, beta=0.5)(dt.ones(1, 1, 1, 1)).item()
        0.5
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.cross_map_lrn(input, self.size, self.alpha, self.beta, self.k)
