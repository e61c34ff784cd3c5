"""Dropout: of elements and of whole channels."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Generator, checks
from dovetail.ops import op

from ._common import SIXTEEN, require_floating, shape_text, with_inplace


@checks.in_own_name
def dropout(input: dt.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> dt.Tensor:
    """Every element zero with probability ``p``, the others scaled by ``1 / (1 - p)``; nothing unless training."""
    if not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be in [0, 1], got {checks.shown(p)}")
    result = dt.dropout(input, p, training)
    return input.copy_(result) if inplace and training else result


def _channels(who: str, input: dt.Tensor, p: float, training: bool, inplace: bool, dims: int) -> dt.Tensor:
    if not isinstance(input, dt.Tensor):
        raise TypeError(f"{who}: input must be a Tensor, got {checks.shown(input)}")
    if input.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{who}: expected an input of {dims + 1} or {dims + 2} dims, got shape {tuple(input.shape)}")
    if not training:
        return dropout(input, p, False)
    shape = [*input.shape[: input.ndim - dims], *[1] * dims]
    keep = dropout(dt.ones(shape, dtype=input.dtype, device=input.device), p)
    return input.mul_(keep) if inplace else input * keep


@checks.in_own_name
def dropout1d(input: dt.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> dt.Tensor:
    """Whole channels of ``(N, C, L)`` or ``(C, L)`` zero with probability ``p``."""
    return _channels("dropout1d", input, p, training, inplace, 1)


@checks.in_own_name
def dropout2d(input: dt.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> dt.Tensor:
    """Whole channels of ``(N, C, H, W)`` or ``(C, H, W)`` zero with probability ``p``."""
    return _channels("dropout2d", input, p, training, inplace, 2)


@checks.in_own_name
def dropout3d(input: dt.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> dt.Tensor:
    """Whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` zero with probability ``p``."""
    return _channels("dropout3d", input, p, training, inplace, 3)


# ---- dropout that keeps mean 0 and variance 1, for SELU ----

_DROPPED = -1.7580993408473766  # SELU's value at minus infinity


def _alpha(who: str, input: dt.Tensor, dims: int, p: float, training: bool, generator: Generator | None) -> dt.Tensor:
    """`input`, in training with what a random mask over its first dims drops put to SELU's negative limit, scaled and
    shifted."""
    if not 0 <= p <= 1:
        raise ValueError(f"{who}: p must be in [0, 1], got {p}")
    if not training or p == 0:
        return input.clone()
    require_floating(who, input)
    if p == 1:
        return input * 0
    scale = 1 / math.sqrt((1 - p) * (1 + p * _DROPPED**2))
    shape = [*input.shape[:dims], *[1] * (input.ndim - dims)]
    wide = input.float() if input.dtype in SIXTEEN else input
    keep = (dt.rand(shape, generator=generator, device=input.device) >= p).to(wide.dtype)
    return (scale * (wide * keep + _DROPPED * (1 - keep)) - scale * _DROPPED * p).to(input.dtype)


@with_inplace
@op(
    "alpha_dropout(Tensor input, float p=0.5, bool training=False, *, Generator? generator=None) -> Tensor",
    inplace=True,
    random=True,
)
def alpha_dropout(input: dt.Tensor, p: float, training: bool, *, generator: Generator | None = None) -> dt.Tensor:
    """Dropout that keeps the mean and the variance of what SELU gives.

        y = a · (x · mask + α · (1 - mask)) + b,   α = -1.758, a = ((1 - p) · (1 + p · α²))^(-1/2), b = -a · α · p

    Args:
        p: the probability of being dropped.
        training: False gives `input` back.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    Example:
        >>> dt.alpha_dropout(dt.ones(2)).tolist()
        [1.0, 1.0]
    """
    return _alpha("alpha_dropout", input, input.ndim, p, training, generator)


@with_inplace
@op(
    "feature_alpha_dropout(Tensor input, float p=0.5, bool training=False, *, Generator? generator=None) -> Tensor",
    inplace=True,
    random=True,
)
def feature_alpha_dropout(
    input: dt.Tensor, p: float, training: bool, *, generator: Generator | None = None
) -> dt.Tensor:
    """As alpha_dropout, of whole channels: input ``(N, C, *)``.

    Example:
        >>> dt.feature_alpha_dropout(dt.ones(1, 2, 3)).tolist()
        [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """
    if input.ndim < 2:
        raise ValueError(f"feature_alpha_dropout: expected an input (N, C, *), got shape {shape_text(input)}")
    return _alpha("feature_alpha_dropout", input, 2, p, training, generator)
