"""Normalizations."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

layer_norm_op = get_op("layer_norm")


def layer_norm(
    input: dt.Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> dt.Tensor:
    """The last dims to mean 0 and variance 1, then ``· weight + bias``."""
    return layer_norm_op(input, normalized_shape, weight, bias, eps)


@op(
    "channel_norm(Tensor input, Tensor mean, Tensor var, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) "
    "-> Tensor"
)
def channel_norm(input: dt.Tensor, mean: dt.Tensor, var: dt.Tensor, weight: Any, bias: Any, eps: float) -> dt.Tensor:
    """Normalize each channel (dim 1) with these statistics.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    Shape:
        input ``(N, C, *)``; mean, var, weight and bias ``(C,)``.
    """
    shape = [1, -1] + [1] * (input.ndim - 2)
    scale = (var + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    result = (input - mean.reshape(shape)) * scale.reshape(shape)
    return result if bias is None else result + bias.reshape(shape)


@checks.in_own_name
def batch_norm(
    input: dt.Tensor,
    running_mean: dt.Tensor | None,
    running_var: dt.Tensor | None,
    weight: dt.Tensor | None = None,
    bias: dt.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> dt.Tensor:
    """Normalize each channel over the batch; see BatchNorm1d.

    Args:
        input: ``(N, C, *)``.
        running_mean, running_var: ``(C,)``; updated in place when training, used otherwise.
        training: whether the batch's own statistics are used.
        momentum: how far the running statistics move towards the batch's.

    Raises:
        ValueError: for fewer than 2 dims, a single value per channel in training, or no statistics in evaluation.
    """
    checks.tensors("batch_norm", input=input)
    if input.ndim < 2:
        raise ValueError(f"batch_norm: expected an input of at least 2 dims, got shape {tuple(input.shape)}")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: evaluation needs running_mean and running_var")
        return channel_norm(input, running_mean, running_var, weight, bias, eps)
    for what, statistic in (("running_mean", running_mean), ("running_var", running_var)):
        if statistic is not None and statistic.shape != input.shape[1:2]:
            raise ValueError(
                f"batch_norm: {what} of shape {tuple(statistic.shape)} does not fit the {input.shape[1]} channels "
                f"of an input of shape {tuple(input.shape)}"
            )
    dims = [0, *range(2, input.ndim)]
    count = input.numel() // max(input.shape[1], 1)
    if count == 1:
        raise ValueError(f"batch_norm: training needs more than one value per channel, got shape {tuple(input.shape)}")
    mean, var = input.mean(dims), input.var(dims, correction=0)
    if running_mean is not None and running_var is not None:
        with dt.no_grad():
            running_mean.mul_(1 - momentum).add_(mean.detach(), alpha=momentum)
            running_var.mul_(1 - momentum).add_(var.detach(), alpha=momentum * count / (count - 1))
    return channel_norm(input, mean, var, weight, bias, eps)
