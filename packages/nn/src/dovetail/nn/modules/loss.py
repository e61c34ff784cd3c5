"""Losses as layers."""

from __future__ import annotations

from typing import Any, ClassVar

import dovetail as dt
from dovetail import checks

from .. import functional as F
from ..functional._older_reduction import init_with_older_reduction
from .module import Module


class _Loss(Module):
    """A loss with a reduction. All refuse an input and a target of different shapes unless ``broadcast`` is set."""

    reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")

    def __init_subclass__(cls, **options: Any) -> None:
        if cls.__module__.startswith("dovetail.") and "__init__" in vars(cls):
            cls.__init__ = init_with_older_reduction(cls.__init__)  # type: ignore[method-assign]
        super().__init_subclass__(**options)

    @init_with_older_reduction
    def __init__(self, reduction: str = "mean", *, broadcast: bool = False) -> None:
        super().__init__()
        if reduction not in self.reductions:
            words = ", ".join(map(repr, self.reductions[:-1])) + f" or {self.reductions[-1]!r}"
            raise ValueError(f"{type(self).__name__}: reduction must be {words}, got {checks.shown(reduction)}")
        self.reduction, self.broadcast = reduction, broadcast


class _WeightedLoss(_Loss):
    """A loss with weights; they are a buffer, so that they move with the module."""

    weight: dt.Tensor | None

    def __init__(self, weight: Any = None, reduction: str = "mean", *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.register_buffer("weight", weight)


class _OfClasses(_Loss):
    """A loss whose targets are classes, with a weight for each: a buffer, so that it moves with the module."""

    weight: dt.Tensor | None

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """The squared difference, averaged, summed or as it is.

        l = (input - target)²

    Args:
        reduction: "mean", "sum" or "none".
        broadcast: let input and target be broadcast; else they must have one shape.

    Shape:
        input and target ``(*)``; output ``()``, or ``(*)`` with reduction "none".

    Example:
        >>> MSELoss()(dt.zeros(3), dt.ones(3)).item()
        1.0
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.mse_loss(input, target, self.reduction, broadcast=self.broadcast)


class L1Loss(_Loss):
    """The absolute difference: ``|input - target|``; arguments and shapes as MSELoss's.

    Example:
        >>> L1Loss(reduction="sum")(dt.zeros(3), dt.ones(3)).item()
        3.0
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.l1_loss(input, target, self.reduction, broadcast=self.broadcast)


class SmoothL1Loss(_Loss):
    """Quadratic within ``beta`` of the target, linear outside.

        l = d² / (2 beta)   where d = |input - target| < beta
        l = d - beta / 2    elsewhere

    Arguments and shapes as MSELoss's; ``beta`` must not be negative (0 gives L1Loss).

    Source: Girshick, "Fast R-CNN", arXiv:1504.08083.

    Example:
        >>> SmoothL1Loss(reduction="none")(dt.tensor([0.5, 2.0]), dt.zeros(2)).tolist()
        [0.125, 1.5]
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0, *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.beta = beta

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.smooth_l1_loss(input, target, self.reduction, self.beta, broadcast=self.broadcast)


class HuberLoss(_Loss):
    """Quadratic within ``delta`` of the target, linear outside with slope ``delta``.

        l = d² / 2                     where d = |input - target| <= delta
        l = delta · (d - delta / 2)    elsewhere

    Arguments and shapes as MSELoss's; ``delta`` must be positive.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.

    Example:
        >>> HuberLoss(reduction="none")(dt.tensor([0.5, 2.0]), dt.zeros(2)).tolist()
        [0.125, 1.5]
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0, *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.delta = delta

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta, broadcast=self.broadcast)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence of log-probabilities ``input`` from probabilities ``target``.

        l = target · (log(target) - input)

    Args:
        reduction: "mean", "sum", "none", or "batchmean", which divides the sum by the batch: the divergence itself.
        log_target: the targets are log-probabilities too.
        broadcast: as MSELoss's.

    Example:
        >>> KLDivLoss(reduction="batchmean")(dt.tensor([[0.5, 0.5]]).log(), dt.tensor([[0.5, 0.5]])).item()
        0.0
    """

    reductions = ("mean", "sum", "none", "batchmean")

    def __init__(self, reduction: str = "mean", log_target: bool = False, *, broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.log_target = log_target

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.kl_div(input, target, self.reduction, log_target=self.log_target, broadcast=self.broadcast)


class BCELoss(_WeightedLoss):
    """Binary cross-entropy of probabilities; the logarithms are kept above -100.

        l = -weight · (target · log(input) + (1 - target) · log(1 - input))

    Args:
        weight: of the elements; broadcasts to the input's shape.
        reduction, broadcast: as MSELoss's.

    Example:
        >>> round(BCELoss()(dt.tensor([0.5]), dt.tensor([1.0])).item(), 4)
        0.6931
    """

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.binary_cross_entropy(input, target, self.weight, self.reduction, broadcast=self.broadcast)


class BCEWithLogitsLoss(_WeightedLoss):
    """Binary cross-entropy of ``sigmoid(input)``, computed stably.

        l = -weight · (pos_weight · target · log σ(input) + (1 - target) · log(1 - σ(input)))

    Args:
        weight: of the elements.
        reduction: as MSELoss's.
        pos_weight: of the positive targets.
        broadcast: as MSELoss's.

    Example:
        >>> round(BCEWithLogitsLoss()(dt.zeros(1), dt.ones(1)).item(), 4)
        0.6931
    """

    pos_weight: dt.Tensor | None

    def __init__(
        self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None, *, broadcast: bool = False
    ) -> None:
        super().__init__(weight, reduction, broadcast=broadcast)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight, broadcast=self.broadcast
        )


class NLLLoss(_OfClasses):
    """The negative log-likelihood, for log-probabilities.

        l = -weight[target] · input[target]

    Args:
        weight: of the classes, ``(C,)``.
        ignore_index: a target that does not count.
        reduction: "mean" divides by the targets' weights; "sum", "none".

    Shape:
        input ``(N, C, *)`` or ``(C,)``; int64 targets ``(N, *)`` or ``()``.

    Example:
        >>> NLLLoss()(dt.tensor([[-1.0, -2.0]]), dt.tensor([1])).item()
        2.0
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(_OfClasses):
    """The cross-entropy of ``softmax(input)``: the usual loss of a classifier.

        l = -weight[target] · log softmax(input)[target]

    Args:
        weight: of the classes, ``(C,)``.
        ignore_index: a class target that does not count.
        reduction: "mean" divides by the targets' weights; "sum", "none".
        label_smoothing: in [0, 1]: how much of the target is spread over all classes.

    Shape:
        input ``(N, C, *)`` or ``(C,)``; int64 targets ``(N, *)`` or ``()``, or probabilities of the input's shape.

    Source: of label smoothing, Szegedy et al., "Rethinking the Inception Architecture", arXiv:1512.00567.

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
