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

    Args:
        p: how probable a zero is.
        inplace: overwrite the input instead of making a new tensor.

    Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors",
    arXiv:1207.0580.

    Example:
        >>> Dropout(0.5).eval()(dt.ones(2)).tolist()
        [1.0, 1.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, L)`` or ``(C, L)``.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.

    Example:
        >>> Dropout1d(1.0)(dt.ones(1, 2, 3)).sum().item()
        0.0
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, H, W)`` or ``(C, H, W)``.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.

    Example:
        >>> Dropout2d(1.0)(dt.ones(1, 2, 3, 3)).sum().item()
        0.0
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """As Dropout, but whole channels: input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", arXiv:1411.4280.

    Example:
        >>> Dropout3d(1.0)(dt.ones(1, 2, 3, 3, 3)).sum().item()
        0.0
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps the mean and the variance of what SELU gives.

        y = a · (x · mask + α · (1 - mask)) + b,   α = -1.758, a = ((1 - p) · (1 + p · α²))^(-1/2), b = -a · α · p

    Args:
        p: the probability of being dropped, in training.
        inplace: overwrite the input.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    Example:
        >>> AlphaDropout(0.5).eval()(dt.ones(2)).tolist()
        [1.0, 1.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """As AlphaDropout, but whole channels: input ``(N, C, *)``.

    Example:
        >>> FeatureAlphaDropout(0.5).eval()(dt.ones(1, 2, 1)).flatten().tolist()
        [1.0, 1.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
