"""Softmax and its kind, as layers."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .activation import _Activation


class _AlongDim(_Activation):
    """A function along a dim; where none is given, PyTorch's choice with its warning."""

    options = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_AlongDim):
    """``exp(x) / Σ exp(x)`` along ``dim``.

    Example:
        >>> Softmax(dim=0)(dt.zeros(2)).tolist()
        [0.5, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softmax(input, self.dim)


class Softmin(_AlongDim):
    """``softmax(-x)`` along ``dim``.

    Example:
        >>> Softmin(dim=0)(dt.zeros(2)).tolist()
        [0.5, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softmin(input, self.dim)


class LogSoftmax(_AlongDim):
    """``log(softmax(x))`` along ``dim``.

    Example:
        >>> round(LogSoftmax(dim=0)(dt.zeros(2))[0].item(), 4)
        -0.6931
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.log_softmax(input, self.dim)


class Softmax2d(_Activation):
    """Softmax over the channels of every pixel.

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> Softmax2d()(dt.zeros(2, 1, 1)).flatten().tolist()
        [0.5, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        if not isinstance(input, dt.Tensor) or input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected an input (N, C, H, W) or (C, H, W), got {checks.shown(input)}")
        return F.softmax(input, -3)


__all__ = ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"]
