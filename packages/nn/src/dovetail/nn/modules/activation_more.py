"""Activation layers: of channels, and with random slopes."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .activation import _Activation, _InPlace


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


class RReLU(_InPlace):
    """``x`` where it is positive, else ``slope · x`` with a slope of its own for every element.

    In training mode the slopes are drawn from [lower, upper); in evaluation mode all are the middle.

    Args:
        lower, upper: the bounds of the slopes.
        inplace: overwrite the input.

    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolution Network", arXiv:1505.00853.

    Example:
        >>> RReLU(0.25, 0.75).eval()(dt.tensor([-2.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    options = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        checks.numbers("RReLU", lower=lower, upper=upper)
        if lower > upper:
            raise ValueError(f"RReLU: lower must be at most upper, got {lower} and {upper}")
        self.lower, self.upper = lower, upper

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)
