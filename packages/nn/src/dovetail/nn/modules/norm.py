"""Normalization over the batch, and over the last dims."""

from __future__ import annotations

from collections.abc import Sequence
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


class _OverLastDims(Module):
    """What normalizes the last dims, of given sizes."""

    normalized_shape: tuple[int, ...]
    weight: Parameter | None

    def _set_shape(self, normalized_shape: int | Sequence[int]) -> None:
        shape = tuple(normalized_shape) if isinstance(normalized_shape, (list, tuple)) else (normalized_shape,)
        if not all(hasattr(size, "__index__") and size >= 0 for size in shape):
            raise ValueError(
                f"{type(self).__name__}: normalized_shape must be ints of at least 0, "
                f"got {checks.shown(normalized_shape)}"
            )
        self.normalized_shape = shape

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)


class LayerNorm(_OverLastDims):
    """The last dims to mean 0 and variance 1, then an affine map.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    Args:
        normalized_shape: sizes of the last dims, or one int.
        eps: keeps the denominator from zero.
        elementwise_affine: whether there are weight and bias.
        bias: whether the affine map has a bias.
        device, dtype: of the parameters.

    Shape:
        input and output ``(*, normalized_shape)``.

    Source: Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450.

    Example:
        >>> LayerNorm(4)(dt.arange(4.0)).mean().item()
        0.0
    """

    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.weight = Parameter(dt.ones(shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.bias = Parameter(dt.zeros(shape, device=device, dtype=dtype)) if elementwise_affine and bias else None

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )
