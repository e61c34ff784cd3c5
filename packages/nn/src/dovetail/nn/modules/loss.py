"""Losses as layers."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .module import Module


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none", "batchmean"):
            raise ValueError(
                f"{type(self).__name__}: reduction must be 'mean', 'sum' or 'none', got {checks.shown(reduction)}"
            )
        self.reduction = reduction


class MSELoss(_Loss):
    """``(input - target)²``, averaged, summed or as it is.

    Example:
        >>> MSELoss()(dt.zeros(3), dt.ones(3)).item()
        1.0
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """``|input - target|``."""

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Quadratic within ``beta`` of the target, linear outside."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Quadratic within ``delta`` of the target, linear outside with slope ``delta``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """``target · (log target - input)`` for log-probabilities ``input``; "batchmean" is the mathematical definition."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.kl_div(input, target, self.reduction, log_target=self.log_target)


class _Weighted(_Loss):
    """A loss with weights; they are a buffer, so that they move with the module."""

    weight: dt.Tensor | None

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class BCELoss(_Weighted):
    """Binary cross-entropy of probabilities."""

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Weighted):
    """Binary cross-entropy of ``sigmoid(input)``, computed stably.

    Args:
        weight: of the elements.
        pos_weight: of the positive targets.
    """

    pos_weight: dt.Tensor | None

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class NLLLoss(_Weighted):
    """``-weight[t] · input[t]`` for log-probabilities ``(N, C, *)`` and int64 targets ``(N, *)``."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(_Weighted):
    """``-log softmax(input)[target]`` for scores ``(N, C, *)`` and int64 targets ``(N, *)``, or probabilities.

    Args:
        weight: of the classes.
        ignore_index: a target that does not count.
        reduction: "mean", "sum" or "none".
        label_smoothing: how much of the target is spread over all classes.

    Example:
        >>> round(CrossEntropyLoss()(dt.zeros(1, 2), dt.tensor([1])).item(), 4)
        0.6931
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)
