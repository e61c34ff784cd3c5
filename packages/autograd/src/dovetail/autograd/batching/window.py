"""Convolution and pooling: samples are more images of the batch, or, with mapped weights, groups of channels."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor
from dovetail._core import get_op

from ..nests import mapped
from .registry import rule

_convolution = get_op("convolution")
_input_grad, _weight_grad = get_op("convolution_input_grad"), get_op("convolution_weight_grad")


def _as_images(b: Any, x: Tensor) -> Tensor:
    """(samples, images, ...) -> (samples * images, ...)"""
    return b(x).reshape((b.size * x.shape[0], *x.shape[1:]))


def _from_images(b: Any, t: Tensor) -> Tensor:
    return t.reshape((b.size, t.shape[0] // max(b.size, 1), *t.shape[1:]))


def _as_channels(b: Any, x: Tensor) -> Tensor:
    """(samples, images, channels, ...) -> (images, samples * channels, ...)"""
    return b(x).movedim(0, 1).reshape((x.shape[0], b.size * x.shape[1], *x.shape[2:]))


def _from_channels(b: Any, t: Tensor) -> Tensor:
    return t.reshape((t.shape[0], b.size, t.shape[1] // max(b.size, 1), *t.shape[2:])).movedim(1, 0)


@rule("convolution")
def _forward(
    b: Any, x: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    if not b.maps(weight) and not b.maps(bias):
        return _from_images(b, _convolution(_as_images(b, x), weight, bias, stride, padding, dilation, groups))
    if not b.maps(weight):
        found = _from_images(b, _convolution(_as_images(b, x), weight, None, stride, padding, dilation, groups))
        return found + b(bias).reshape((b.size, 1, -1, *[1] * (x.ndim - 2)))
    flat = None if bias is None else b(bias).reshape((-1,))
    found = _convolution(_as_channels(b, x), _as_images(b, weight), flat, stride, padding, dilation, b.size * groups)
    return _from_channels(b, found)


@rule("convolution_input_grad")
def _to_input(
    b: Any, grad: Tensor, weight: Tensor, size: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    rest = (stride, padding, dilation)
    if not b.maps(weight):
        found = _input_grad(_as_images(b, grad), weight, (b.size * size[0], *size[1:]), *rest, groups)
        return _from_images(b, found)
    found = _input_grad(
        _as_channels(b, grad), _as_images(b, weight), (size[0], b.size * size[1], *size[2:]), *rest, b.size * groups
    )
    return _from_channels(b, found)


@rule("convolution_weight_grad")
def _to_weight(
    b: Any, grad: Tensor, x: Tensor, size: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    found = _weight_grad(
        _as_channels(b, grad),
        _as_channels(b, x),
        (b.size * size[0], *size[1:]),
        stride,
        padding,
        dilation,
        b.size * groups,
    )
    return _from_images(b, found)


@rule("max_pool", "avg_pool")
def _pool(op: Any, b: Any, x: Tensor, *rest: Any) -> Any:
    return mapped(op.call((_as_images(b, x), *rest), None), lambda t: _from_images(b, t))


@rule("max_pool_grad")
def _max_pool_grad(b: Any, grad: Tensor, indices: Tensor, size: Any) -> Tensor:
    op = get_op("max_pool_grad")
    return _from_images(b, op(_as_images(b, grad), _as_images(b, indices), (b.size * size[0], *size[1:])))


@rule("avg_pool_grad")
def _avg_pool_grad(b: Any, grad: Tensor, size: Any, *rest: Any) -> Tensor:
    op = get_op("avg_pool_grad")
    return _from_images(b, op.call((_as_images(b, grad), (b.size * size[0], *size[1:]), *rest), None))
