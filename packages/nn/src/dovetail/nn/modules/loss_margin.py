"""Losses with margins, as layers: how far ahead the right one is, which are close and which are to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .distance import PairwiseDistance
from .loss import _Loss, _OfClasses, _WeightedLoss


class SoftMarginLoss(_Loss):
    """The logistic loss of scores against 1 and -1: ``log(1 + exp(-target · input))``.

    Arguments and shapes as MSELoss's.

    Example:
        >>> round(SoftMarginLoss()(dt.zeros(1), dt.ones(1)).item(), 4)
        0.6931
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.soft_margin_loss(input, target, self.reduction, broadcast=self.broadcast)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Binary cross-entropy of scores, averaged over the classes of each sample.

        l = -mean over c of weight_c · (target_c · log σ(input_c) + (1 - target_c) · log σ(-input_c))

    Args:
        weight: of the classes, ``(C,)``.
        reduction, broadcast: as MSELoss's.

    Shape:
        input and target ``(*, C)``; the losses ``(*)``.

    Example:
        >>> round(MultiLabelSoftMarginLoss()(dt.zeros(1, 2), dt.tensor([[1.0, 0.0]])).item(), 4)
        0.6931
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, self.reduction, broadcast=self.broadcast)


class MultiMarginLoss(_OfClasses):
    """The hinge loss of several classes: by how little the right one is ahead of the others.

        l = sum over i ≠ target of weight[target] · max(0, margin - input[target] + input[i])^p / C

    Args:
        p: 1 or 2.
        margin: by how much the right class should be ahead.
        weight: of the classes, ``(C,)``.
        reduction: "mean", "sum" or "none".

    Shape:
        input ``(N, C)`` or ``(C,)``; int64 targets ``(N,)`` or ``()``.

    Example:
        >>> MultiMarginLoss()(dt.tensor([[0.5, 1.0]]), dt.tensor([1])).item()
        0.25
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {checks.shown(p)}")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: weight must have one dim, got shape {tuple(weight.shape)}")
        self.p, self.margin = p, margin

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)


class MultiLabelMarginLoss(_Loss):
    """The hinge loss where several classes are right: every right one against every wrong one.

        l = sum over right j, wrong i of max(0, 1 - input[j] + input[i]) / C

    Shape:
        input ``(N, C)`` or ``(C,)``; int64 targets alike: the right classes, then -1 (what follows does not count).

    Example:
        >>> round(MultiLabelMarginLoss()(dt.tensor([0.5, 1.0, 0.0]), dt.tensor([1, -1, 0])).item(), 4)
        0.1667
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.multilabel_margin_loss(input, target, self.reduction)


class HingeEmbeddingLoss(_Loss):
    """For distances of pairs that are alike (1) or not (-1).

        l = input                     where target = 1
        l = max(0, margin - input)    where target = -1

    Args:
        margin: how far apart those that are not alike should be.
        reduction: "mean", "sum" or "none".
        broadcast: let input and target be broadcast; else they must have one shape.

    Example:
        >>> HingeEmbeddingLoss(reduction="none")(dt.tensor([0.5, 0.25]), dt.tensor([1.0, -1.0])).tolist()
        [0.5, 0.75]
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean", *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.margin = margin

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, self.reduction, broadcast=self.broadcast)


class CosineEmbeddingLoss(_Loss):
    """For pairs of vectors that are alike (1) or not (-1), by the cosine of their angle.

        l = 1 - cos(input1, input2)                where target = 1
        l = max(0, cos(input1, input2) - margin)   where target = -1

    Args:
        margin: in [-1, 1].
        reduction: "mean", "sum" or "none".

    Shape:
        inputs ``(N, D)`` and target ``(N,)``, or ``(D,)`` and ``()``.

    Example:
        >>> CosineEmbeddingLoss()(dt.tensor([[1.0, 0.0]]), dt.tensor([[0.0, 1.0]]), dt.tensor([1])).item()
        1.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: dt.Tensor, input2: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class MarginRankingLoss(_Loss):
    """For pairs of scores of which the first is to be larger (target 1) or the second (-1).

        l = max(0, -target · (input1 - input2) + margin)

    Arguments as HingeEmbeddingLoss's.

    Example:
        >>> MarginRankingLoss()(dt.tensor([1.0]), dt.tensor([3.0]), dt.tensor([1.0])).item()
        2.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean", *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.margin = margin

    def forward(self, input1: dt.Tensor, input2: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, self.reduction, broadcast=self.broadcast)


class TripletMarginLoss(_Loss):
    """The anchor is to be closer to the positive than to the negative, by a margin.

        l = max(0, ‖anchor - positive‖_p - ‖anchor - negative‖_p + margin)

    Args:
        margin: positive.
        p: the order of the norm.
        eps: added to the differences.
        swap: let the positive stand for the anchor where it is closer to the negative.
        reduction: "mean", "sum" or "none".

    Shape:
        anchor, positive and negative ``(N, D)`` or ``(D,)``; the losses ``(N,)`` or ``()``.

    Source: Schroff et al., "FaceNet", arXiv:1503.03832; of the swap, Balntas et al., "Learning local feature
    descriptors with triplets and shallow convolutional neural networks", 2016.

    Example:
        >>> round(TripletMarginLoss()(dt.zeros(1, 2), dt.zeros(1, 2), dt.zeros(1, 2)).item(), 4)
        1.0
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        _check_margin(self, margin)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: dt.Tensor, positive: dt.Tensor, negative: dt.Tensor) -> dt.Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """As TripletMarginLoss, with a distance of one's own.

    Args:
        distance_function: of two tensors, giving one; the Euclidean distance if None.
        margin, swap, reduction: as TripletMarginLoss's.

    Example:
        >>> loss = TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(-1))
        >>> loss(dt.zeros(1, 2), dt.ones(1, 2), dt.full((1, 2), 0.25)).item()
        2.5
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        _check_margin(self, margin)
        if distance_function is not None:
            checks.callables("TripletMarginWithDistanceLoss", distance_function=distance_function)
        self.distance_function: Callable[[Any, Any], Any] = distance_function or PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: dt.Tensor, positive: dt.Tensor, negative: dt.Tensor) -> dt.Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def _check_margin(loss: _Loss, margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"{type(loss).__name__}: margin must be positive, got {checks.shown(margin)}")
