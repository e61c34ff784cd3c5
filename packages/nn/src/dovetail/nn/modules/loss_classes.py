"""Losses of classes, and of sequences of them, as layers."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .loss import _Loss


class _OfClasses(_Loss):
    """A loss whose targets are classes, with a weight for each: a buffer, so that it moves with the module."""

    weight: dt.Tensor | None

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


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


class CTCLoss(_Loss):
    """Connectionist temporal classification: the likelihood of label sequences whose places are not known.

        l = -log Σ Π_t p(path_t),  over the paths that give the target when repeats, then blanks are dropped

    Args:
        blank: the class that stands for none.
        reduction: "mean" divides each loss by its target's length first; "sum", "none".
        zero_infinity: 0 for targets that are too long for their input, in place of infinity.

    Shape:
        log_probs ``(T, N, C)`` or ``(T, C)``; int64 targets ``(N, S)``, or those of all samples behind one another;
        input_lengths and target_lengths ``(N,)`` or tuples.

    Source: Graves et al., "Connectionist Temporal Classification", 2006.

    Example:
        >>> log_probs = dt.full((2, 1, 2), 0.5).log()
        >>> round(CTCLoss()(log_probs, dt.tensor([[1]]), (2,), (1,)).exp().item(), 4)
        1.3333
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        checks.integers("CTCLoss", blank=blank)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: dt.Tensor, targets: dt.Tensor, input_lengths: Any, target_lengths: Any) -> dt.Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


__all__ = ["CTCLoss", "CrossEntropyLoss", "MultiLabelMarginLoss", "MultiMarginLoss", "NLLLoss"]
