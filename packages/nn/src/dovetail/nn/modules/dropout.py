"""Dropout layers."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be in [0, 1], got {checks.shown(p)}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, every element is zero with probability ``p``, and the others are scaled by 1 / (1 - p).

    Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors",
    arXiv:1207.0580.

    Example:
        >>> Dropout(0.5).eval()(dt.ones(2)).tolist()
        [1.0, 1.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, L)`` or ``(C, L)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, H, W)`` or ``(C, H, W)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)
