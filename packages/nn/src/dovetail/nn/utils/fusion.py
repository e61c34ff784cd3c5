"""Batch norm folded into the layer before it, for inference."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import dovetail as dt
from dovetail import checks

from ..parameter import Parameter

if TYPE_CHECKING:
    from ..modules.conv import _Conv
    from ..modules.linear import Linear
    from ..modules.norm import _BatchNorm

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _statistics(who: str, bn: _BatchNorm) -> tuple[dt.Tensor, dt.Tensor]:
    if bn.training:
        raise ValueError(f"{who}: both layers must be in evaluation mode (call .eval()), got a training {bn}")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError(f"{who}: the batch norm needs running statistics, got {bn}")
    return bn.running_mean, bn.running_var


@checks.in_own_name
def fuse_conv_bn_eval(conv: _Conv, bn: _BatchNorm, transpose: bool = False) -> _Conv:
    """One convolution that does what a convolution and the batch norm behind it do in evaluation mode.

    Args:
        conv, bn: both in evaluation mode.
        transpose: the convolution is a transposed one.

    Example:
        >>> conv, bn = dt.nn.Conv2d(3, 4, 3).eval(), dt.nn.BatchNorm2d(4).eval()
        >>> x = dt.randn(1, 3, 5, 5)
        >>> dt.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-5)
        True
    """
    mean, var = _statistics("fuse_conv_bn_eval", bn)
    if conv.training:
        raise ValueError(f"fuse_conv_bn_eval: both layers must be in evaluation mode, got a training {conv}")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def _scaled(
    bias: dt.Tensor | None,
    mean: dt.Tensor,
    var: dt.Tensor,
    eps: float,
    bn_weight: dt.Tensor | None,
    bn_bias: dt.Tensor | None,
) -> tuple[dt.Tensor, dt.Tensor]:
    """What the weight is to be multiplied by for each output, and the bias thereafter."""
    factor = (var + eps).rsqrt()
    if bn_weight is not None:
        factor = factor * bn_weight
    start = -mean if bias is None else bias - mean
    shifted = start * factor
    return factor, shifted if bn_bias is None else shifted + bn_bias


@checks.in_own_name
def fuse_conv_bn_weights(
    conv_w: dt.Tensor,
    conv_b: dt.Tensor | None,
    bn_rm: dt.Tensor,
    bn_rv: dt.Tensor,
    bn_eps: float,
    bn_w: dt.Tensor | None,
    bn_b: dt.Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one convolution; a missing bias is 0, a missing batch norm weight 1.

    Args:
        conv_w, conv_b: weight and bias of the convolution.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: running mean and variance, eps, weight and bias of the batch norm.
        transpose: the convolution is a transposed one.
    """
    with dt.no_grad():
        factor, bias = _scaled(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
        shape = [1, -1] if transpose else [-1, 1]
        weight = conv_w * factor.reshape(shape + [1] * (conv_w.ndim - 2))
    grad = conv_w.requires_grad
    return Parameter(weight.to(conv_w.dtype), grad), Parameter(bias.to(conv_w.dtype), grad)


@checks.in_own_name
def fuse_linear_bn_eval(linear: Linear, bn: _BatchNorm) -> Linear:
    """One linear layer that does what a linear layer and the batch norm behind it do in evaluation mode.

    Args:
        linear, bn: both in evaluation mode; as many features there as outputs here, or one.

    Example:
        >>> linear, bn = dt.nn.Linear(3, 4).eval(), dt.nn.BatchNorm1d(4).eval()
        >>> x = dt.randn(5, 3)
        >>> dt.allclose(fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-5)
        True
    """
    mean, var = _statistics("fuse_linear_bn_eval", bn)
    if linear.training:
        raise ValueError(f"fuse_linear_bn_eval: both layers must be in evaluation mode, got a training {linear}")
    if bn.num_features not in (linear.out_features, 1):
        raise ValueError(
            f"fuse_linear_bn_eval: {linear.out_features} outputs need as many features in the batch norm (or 1), "
            f"got {bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, mean, var, bn.eps, bn.weight, bn.bias)
    return fused


@checks.in_own_name
def fuse_linear_bn_weights(
    linear_w: dt.Tensor,
    linear_b: dt.Tensor | None,
    bn_rm: dt.Tensor,
    bn_rv: dt.Tensor,
    bn_eps: float,
    bn_w: dt.Tensor | None,
    bn_b: dt.Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one linear layer; arguments as ``fuse_conv_bn_weights`` has them."""
    with dt.no_grad():
        factor, bias = _scaled(linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
        weight = linear_w * factor.unsqueeze(-1)
    grad = linear_w.requires_grad
    return Parameter(weight.to(linear_w.dtype), grad), Parameter(bias.to(linear_w.dtype), grad)
