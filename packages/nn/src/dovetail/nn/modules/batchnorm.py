"""Normalization of channels by statistics that are kept: over the batch, and of each sample."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module


class _NormBase(Module):
    """Running statistics and the affine map; subclasses say how many dims the input has."""

    allowed_dims: tuple[int, ...]
    running_mean: dt.Tensor | None
    running_var: dt.Tensor | None
    num_batches_tracked: dt.Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if not hasattr(num_features, "__index__") or num_features < 0:
            raise ValueError(
                f"{type(self).__name__}: num_features must be an int of at least 0, got {checks.shown(num_features)}"
            )
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(dt.ones(num_features, device=device, dtype=dtype)) if affine else None
        self.bias = Parameter(dt.zeros(num_features, device=device, dtype=dtype)) if affine and bias else None
        track = track_running_stats
        self.register_buffer("running_mean", dt.zeros(num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer("running_var", dt.ones(num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", dt.zeros((), dtype=dt.int64, device=device) if track else None)

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics, and what was learned."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_dims(self, input: dt.Tensor) -> None:
        if not isinstance(input, dt.Tensor):
            raise TypeError(f"{type(self).__name__}: input must be a Tensor, got {checks.shown(input)}")
        if input.ndim not in self.allowed_dims:
            dims = " or ".join(str(n) for n in self.allowed_dims)
            raise ValueError(f"{type(self).__name__}: expected an input of {dims} dims, got shape {tuple(input.shape)}")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    def forward(self, input: dt.Tensor) -> dt.Tensor:
        self._check_dims(input)
        use_batch = self.training or self.running_mean is None
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain average over all batches
                factor = 1.0 / float(self.num_batches_tracked.item())
        track = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if track else None,
            self.running_var if track else None,
            self.weight,
            self.bias,
            use_batch,
            factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Each channel to mean 0 and variance 1 over the batch, then an affine map.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    In training mode mean and variance are those of the batch (the variance biased), and the running statistics follow
    with ``running = (1 - momentum)·running + momentum·batch`` (the variance unbiased); in evaluation mode the running
    ones are used.

    Args:
        num_features: channels.
        eps: keeps the denominator from zero.
        momentum: of the running statistics; None averages over all batches.
        affine: whether there are weight and bias.
        track_running_stats: without, the batch's statistics are used always.
        device, dtype: of parameters and statistics.
        bias: whether the affine map has one.

    Shape:
        input ``(N, C)`` or ``(N, C, L)``.

    Source: Ioffe and Szegedy, "Batch Normalization", arXiv:1502.03167.

    Example:
        >>> BatchNorm1d(1, eps=0.0)(dt.tensor([[1.0], [3.0]])).tolist()
        [[-1.0], [1.0]]
    """

    allowed_dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As BatchNorm1d, for ``(N, C, H, W)``.

    Example:
        >>> BatchNorm2d(3)(dt.zeros(2, 3, 4, 4)).shape
        dovetail.Size([2, 3, 4, 4])
    """

    allowed_dims = (4,)


class BatchNorm3d(_BatchNorm):
    """As BatchNorm1d, for ``(N, C, D, H, W)``.

    Example:
        >>> BatchNorm3d(3)(dt.zeros(2, 3, 4, 4, 4)).shape
        dovetail.Size([2, 3, 4, 4, 4])
    """

    allowed_dims = (5,)


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


__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]
