"""Normalizations."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import of_floats, require_floating, shape_text

channel_norm_op = get_op("channel_norm")
group_norm = get_op("group_norm")
layer_norm_op = get_op("layer_norm")
rms_norm = get_op("rms_norm")
_batch_norm_train = get_op("batch_norm_train")


def layer_norm(
    input: dt.Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> dt.Tensor:
    """The last dims to mean 0 and variance 1, then ``· weight + bias``; see LayerNorm.

    Example:
        >>> layer_norm(dt.tensor([1.0, 3.0]), (2,), eps=0.0).tolist()
        [-1.0, 1.0]
    """
    return layer_norm_op(input, normalized_shape, weight, bias, eps)


def channel_norm(
    input: dt.Tensor, mean: dt.Tensor, var: dt.Tensor, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> dt.Tensor:
    """Each channel (dim 1) normalized with these statistics, then ``· weight + bias``.

    Example:
        >>> channel_norm(dt.tensor([[1.0], [3.0]]), dt.tensor([2.0]), dt.tensor([1.0]), eps=0.0).tolist()
        [[-1.0], [1.0]]
    """
    return channel_norm_op(input, mean, var, weight, bias, eps)


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
            raise ValueError(
                "batch_norm: evaluation needs running_mean and running_var, "
                f"got {checks.shown(running_mean)} and {checks.shown(running_var)}"
            )
        return channel_norm_op(input, running_mean, running_var, weight, bias, eps)
    for what, statistic in (("running_mean", running_mean), ("running_var", running_var)):
        if statistic is not None and statistic.shape != input.shape[1:2]:
            raise ValueError(
                f"batch_norm: {what} of shape {tuple(statistic.shape)} does not fit the {input.shape[1]} channels "
                f"of an input of shape {tuple(input.shape)}"
            )
    count = input.numel() // max(input.shape[1], 1)
    if count == 1:
        raise ValueError(f"batch_norm: training needs more than one value per channel, got shape {tuple(input.shape)}")
    result, mean, var = _batch_norm_train(input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        with dt.no_grad():
            running_mean.mul_(1 - momentum).add_(mean.detach(), alpha=momentum)
            running_var.mul_(1 - momentum).add_(var.detach(), alpha=momentum * count / (count - 1))
    return result


def _check_channels(who: str, channels: int, **vectors: dt.Tensor | None) -> None:
    for what, vector in vectors.items():
        if vector is not None and tuple(vector.shape) != (channels,):
            raise ValueError(f"{who}: {what} of shape {shape_text(vector)} does not fit {channels} channels")


@checks.in_own_name
def instance_norm(
    input: dt.Tensor,
    running_mean: dt.Tensor | None = None,
    running_var: dt.Tensor | None = None,
    weight: dt.Tensor | None = None,
    bias: dt.Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> dt.Tensor:
    """Every channel of every sample to mean 0 and variance 1; see InstanceNorm1d.

    Args:
        input: ``(N, C, *)``.
        running_mean, running_var: ``(C,)``; updated in place when the input's statistics are used, else used.
        weight, bias: ``(C,)``.
        use_input_stats: whether each sample's own statistics are used.
        momentum: how far the running statistics move towards the batch's mean of them.

    Example:
        >>> instance_norm(dt.tensor([[[1.0, 3.0]]]), eps=0.0).tolist()
        [[[-1.0, 1.0]]]
    """
    checks.tensors("instance_norm", input=input)
    require_floating("instance_norm", input)
    if (input.ndim < 3 and use_input_stats) or input.ndim < 2:
        raise ValueError(f"instance_norm: expected an input (N, C, *), got shape {shape_text(input)}")
    channels = input.shape[1]
    _check_channels(
        "instance_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError("instance_norm: without the input's statistics it needs running_mean and running_var")
        return channel_norm_op(input, running_mean, running_var, weight, bias, eps)
    size = input[0, 0].numel() if input.numel() else 0
    if size == 1:
        raise ValueError(
            f"instance_norm: the input's statistics need more than one value a channel, got shape {shape_text(input)}"
        )
    if running_mean is not None and running_var is not None and input.numel():
        with dt.no_grad():
            flat = input.detach().reshape(input.shape[0], channels, size)
            mean, var = flat.mean(-1).mean(0), flat.var(-1, correction=1).mean(0)
            running_mean.mul_(1 - momentum).add_(mean, alpha=momentum)
            running_var.mul_(1 - momentum).add_(var, alpha=momentum)
    return group_norm(input, channels, weight, bias, eps) if channels else input.clone()


@op("local_response_norm(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1.0) -> Tensor")
@of_floats
def local_response_norm(input: dt.Tensor, size: int, alpha: float, beta: float, k: float) -> dt.Tensor:
    """Divide by a power of the mean square over the neighbouring channels.

        y_c = x_c / (k + alpha / size · Σ x_i²)^beta   over the `size` channels i around c

    Shape:
        input ``(N, C, *)`` of at least three dims.

    Source: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Example:
        >>> dt.local_response_norm(dt.ones(1, 1, 1), 1, alpha=3.0, beta=0.5).item()
        0.5
    """
    if input.ndim < 3:
        raise ValueError(f"local_response_norm: expected an input (N, C, *), got shape {shape_text(input)}")
    if size < 1:
        raise ValueError(f"local_response_norm: size must be positive, got {size}")
    return input / (_over_channels(input.square(), size // 2, (size - 1) // 2) * (alpha / size) + k).pow(beta)


def _over_channels(input: dt.Tensor, before: int, after: int) -> dt.Tensor:
    """The sums over windows of channels, which reach so far to either side."""
    padded = dt.constant_pad_nd(input, [0, 0] * (input.ndim - 2) + [before, after])
    return sum((padded.narrow(1, i, input.shape[1]) for i in range(before + after + 1)), start=dt.zeros_like(input))


@op("cross_map_lrn(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1.0) -> Tensor")
@of_floats
def cross_map_lrn(input: dt.Tensor, size: int, alpha: float, beta: float, k: float) -> dt.Tensor:
    """As local_response_norm, over ``r = (size - 1) // 2`` channels on both sides, and channel 0 from channel r + 1 on.

        y_c = x_c / (k + alpha / size · (Σ x_i² + [c > r] · x_0²))^beta   over the channels i from c - r to c + r

    The first channel's square, which the windows leave behind, stays in PyTorch's sums, and so in these.

    Example:
        >>> dt.cross_map_lrn(dt.ones(1, 1, 1, 1), 1, alpha=3.0, beta=0.5).item()
        0.5
    """
    if input.ndim != 4:
        raise ValueError(f"cross_map_lrn: expected an input (N, C, H, W), got shape {shape_text(input)}")
    if size < 1:
        raise ValueError(f"cross_map_lrn: size must be positive, got {size}")
    reach, squares = (size - 1) // 2, input.square()
    later = dt.arange(input.shape[1], device=input.device).reshape(-1, 1, 1) > reach
    total = _over_channels(squares, reach, reach) + dt.where(later, squares[:, :1], 0)
    return input / (total * (alpha / size) + k).pow(beta)
