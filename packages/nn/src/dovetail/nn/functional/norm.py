"""Normalizations."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import of_floats, require_floating, shape_text

layer_norm_op = get_op("layer_norm")


def layer_norm(
    input: dt.Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> dt.Tensor:
    """The last dims to mean 0 and variance 1, then ``· weight + bias``; see LayerNorm.

    Example:
        >>> layer_norm(dt.tensor([1.0, 3.0]), (2,), eps=0.0).tolist()
        [-1.0, 1.0]
    """
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

    Example:
        >>> dt.channel_norm(dt.tensor([[1.0], [3.0]]), dt.tensor([2.0]), dt.tensor([1.0]), eps=0.0).tolist()
        [[-1.0], [1.0]]
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
            raise ValueError(
                "batch_norm: evaluation needs running_mean and running_var, "
                f"got {checks.shown(running_mean)} and {checks.shown(running_var)}"
            )
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


@op("group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor")
@of_floats
def group_norm(input: dt.Tensor, num_groups: int, weight: Any, bias: Any, eps: float) -> dt.Tensor:
    """Groups of channels of every sample to mean 0 and variance 1, then an affine map of the channels.

        y = (x - mean) / sqrt(var + eps) · weight + bias

    Shape:
        input ``(N, C, *)``, with C a multiple of `num_groups`; weight and bias ``(C,)``.

    Source: Wu and He, "Group Normalization", arXiv:1803.08494.

    Example:
        >>> dt.group_norm(dt.tensor([[1.0, 3.0, 2.0, 6.0]]), 2, eps=0.0).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """
    if input.ndim < 2:
        raise ValueError(f"group_norm: expected an input (N, C, *), got shape {shape_text(input)}")
    channels = input.shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise ValueError(f"group_norm: num_groups must divide the {channels} channels, got {num_groups}")
    _check_channels("group_norm", channels, weight=weight, bias=bias)
    if input.numel() == 0:
        return input.clone()
    size = input.numel() // (input.shape[0] * num_groups)
    normal = layer_norm_op(input.reshape(input.shape[0], num_groups, size), [size], None, None, eps)
    return _affine(normal.reshape(input.shape), weight, bias)


def _check_channels(who: str, channels: int, **vectors: dt.Tensor | None) -> None:
    for what, vector in vectors.items():
        if vector is not None and tuple(vector.shape) != (channels,):
            raise ValueError(f"{who}: {what} of shape {shape_text(vector)} does not fit {channels} channels")


def _affine(input: dt.Tensor, weight: dt.Tensor | None, bias: dt.Tensor | None) -> dt.Tensor:
    """``input · weight + bias``, one of each a channel (dim 1)."""
    shape = [-1] + [1] * (input.ndim - 2)
    if weight is not None:
        input = input * weight.reshape(shape)
    return input if bias is None else input + bias.reshape(shape)


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
        return channel_norm(input, running_mean, running_var, weight, bias, eps)
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


@op("rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor")
@of_floats
def rms_norm(input: dt.Tensor, normalized_shape: Any, weight: Any, eps: float | None) -> dt.Tensor:
    """Divide by the root of the mean square over the last dims.

        y = x / sqrt(mean(x²) + eps) · weight

    Args:
        normalized_shape: sizes of the last dims.
        weight: of these sizes.
        eps: by default the dtype's distance from 1 to the next number.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", arXiv:1910.07467.

    Example:
        >>> dt.rms_norm(dt.tensor([1.0, 7.0]), [2], eps=0.0).tolist()
        [0.20000000298023224, 1.399999976158142]
    """
    count, shape = len(normalized_shape), tuple(normalized_shape)
    if count == 0 or tuple(input.shape[-count:]) != shape:
        raise ValueError(f"rms_norm: normalized_shape {shape} are not the last dims of shape {shape_text(input)}")
    if weight is not None and tuple(weight.shape) != shape:
        raise ValueError(f"rms_norm: weight of shape {shape_text(weight)} does not fit normalized_shape {shape}")
    least = dt.finfo(input.dtype).eps if eps is None else eps
    normal = input * (input.square().mean(list(range(-count, 0)), True) + least).rsqrt()
    return normal if weight is None else normal * weight


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
