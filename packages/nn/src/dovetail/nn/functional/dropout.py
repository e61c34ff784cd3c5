"""Dropout: of elements and of whole channels."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks


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
