"""Losses of classes: scores or log-probabilities against the index of the class that is right, or probabilities."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import of_floats, shape_text
from ._loss import class_targets, reduce

__all__ = [
    "cross_entropy",
    "linear_cross_entropy",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "nll_loss",
]


@op("nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, str reduction='mean') -> Tensor")
@of_floats
def nll_loss(input: dt.Tensor, target: dt.Tensor, weight: Any, ignore_index: int, reduction: str) -> dt.Tensor:
    """``-weight[t] · input[t]``: the negative log-likelihood, for log-probabilities.

    Args:
        input: ``(N, C, *)`` or ``(C,)``.
        target: int64 classes ``(N, *)`` or ``()``.
        weight: of the classes, ``(C,)``.
        ignore_index: a target that counts neither in the sum nor in the mean's denominator.
        reduction: "mean" divides by the targets' weights.

    Raises:
        ValueError: where the shapes do not fit.
        IndexError: for a target outside [0, C).

    Example:
        >>> dt.nll_loss(dt.tensor([[-1.0, -2.0]]), dt.tensor([1])).item()
        2.0
    """
    dim = _class_dim("nll_loss", input, target, weight)
    kept = target != ignore_index
    index = dt.where(kept, target, 0).unsqueeze(dim)
    loss = -input.gather(dim, index).squeeze(dim)
    if weight is None:
        loss = dt.where(kept, loss, 0)
        return loss.sum() / kept.sum() if reduction == "mean" else reduce("nll_loss", loss, reduction)
    scale = weight.index_select(0, index.reshape(-1)).reshape(loss.shape)
    scale = dt.where(kept, scale, 0)
    loss = loss * scale
    return loss.sum() / scale.sum() if reduction == "mean" else reduce("nll_loss", loss, reduction)


def _class_dim(who: str, input: dt.Tensor, target: dt.Tensor, weight: Any) -> int:
    """Where the classes are; checks that everything fits."""
    if input.ndim == 0:
        raise ValueError(f"{who}: expected scores of at least 1 dim, got a zero-dim input")
    dim = 0 if input.ndim == 1 else 1
    expected = [*input.shape[:dim], *input.shape[dim + 1 :]]
    class_targets(who, target)
    if list(target.shape) != expected:
        raise ValueError(
            f"{who}: input {tuple(input.shape)} wants targets of shape {tuple(expected)}, got {tuple(target.shape)}"
        )
    if weight is not None and tuple(weight.shape) != (input.shape[dim],):
        raise ValueError(f"{who}: expected {input.shape[dim]} class weights, got shape {tuple(weight.shape)}")
    return dim


@op(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, str reduction='mean', "
    "float label_smoothing=0.0) -> Tensor"
)
@of_floats
def cross_entropy(
    input: dt.Tensor, target: dt.Tensor, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> dt.Tensor:
    """``-log softmax(input)[target]``, for unnormalized scores.

    Args:
        input: ``(N, C, *)`` or ``(C,)``.
        target: int64 classes ``(N, *)`` or ``()``; or probabilities of the input's shape.
        weight: of the classes, ``(C,)``.
        ignore_index: a class target that does not count.
        label_smoothing: in [0, 1]: how much of the target is spread over all classes.

    Example:
        >>> round(dt.cross_entropy(dt.zeros(2, 4), dt.tensor([0, 3])).item(), 4)
        1.3863
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    if input.ndim == 0:
        raise ValueError("cross_entropy: expected scores of at least 1 dim, got a zero-dim input")
    dim = 0 if input.ndim == 1 else 1
    log_p = dt.log_softmax(input, dim)
    if target.is_floating_point():
        if input.shape != target.shape:
            raise ValueError(
                f"cross_entropy: input {tuple(input.shape)} and probabilities {tuple(target.shape)} must have one shape"
            )
        return _soft_cross_entropy(log_p, target, weight, reduction, label_smoothing, dim)
    hard = nll_loss(log_p, target, weight, ignore_index, reduction)
    if label_smoothing == 0:
        return hard
    smooth = _smoothing(log_p, target, weight, ignore_index, reduction, dim)
    return (1 - label_smoothing) * hard + label_smoothing / input.shape[dim] * smooth


def _soft_cross_entropy(
    log_p: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, label_smoothing: float, dim: int
) -> dt.Tensor:
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / log_p.shape[dim]
    loss = -(log_p * target)
    if weight is not None:
        loss = loss * _along(weight, dim, log_p.ndim)
    loss = loss.sum(dim)
    if reduction == "mean":
        return loss.sum() / (log_p.numel() // log_p.shape[dim])
    return reduce("cross_entropy", loss, reduction)


def _smoothing(
    log_p: dt.Tensor, target: dt.Tensor, weight: Any, ignore_index: int, reduction: str, dim: int
) -> dt.Tensor:
    """The loss against all classes alike, with the same weights, ignored targets and reduction."""
    loss = -(log_p if weight is None else log_p * _along(weight, dim, log_p.ndim)).sum(dim)
    kept = target != ignore_index
    loss = dt.where(kept, loss, 0)
    if reduction != "mean":
        return reduce("cross_entropy", loss, reduction)
    if weight is None:
        return loss.sum() / kept.sum()
    picked = weight.index_select(0, dt.where(kept, target, 0).reshape(-1)).reshape(target.shape)
    return loss.sum() / dt.where(kept, picked, 0).sum()


def _along(weight: dt.Tensor, dim: int, ndim: int) -> dt.Tensor:
    return weight.reshape([-1 if i == dim else 1 for i in range(ndim)])


@checks.in_own_name
def linear_cross_entropy(
    input: dt.Tensor,
    linear_weight: dt.Tensor,
    target: dt.Tensor,
    *,
    linear_bias: dt.Tensor | None = None,
    weight: dt.Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> dt.Tensor:
    """The cross-entropy of a linear map's scores: ``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: ``(N, in)`` or ``(in,)``.
        linear_weight: ``(C, in)``, or ``(C, d1, ..., dK, in)`` for targets ``(N, d1, ..., dK)``.
        target: classes or probabilities, as cross_entropy's.
        linear_bias: of the scores, ``(C,)`` or ``(C, d1, ..., dK)``.
        weight, reduction, ignore_index, label_smoothing: as cross_entropy's; None ignores the index -100.

    Example:
        >>> round(linear_cross_entropy(dt.ones(2, 3), dt.zeros(4, 3), dt.tensor([0, 3])).item(), 4)
        1.3863
    """
    checks.tensors("linear_cross_entropy", input=input, linear_weight=linear_weight, target=target)
    if linear_weight.ndim < 2 or input.ndim not in (1, 2) or input.shape[-1] != linear_weight.shape[-1]:
        raise ValueError(
            f"linear_cross_entropy: an input of shape {shape_text(input)} does not fit weights of shape "
            f"{shape_text(linear_weight)}: expected (N, in) and (C, ..., in)"
        )
    if linear_weight.ndim > 2 and input.ndim != 2:
        raise ValueError(
            f"linear_cross_entropy: weights of shape {shape_text(linear_weight)} need an input with a batch dim, "
            f"got shape {shape_text(input)}"
        )
    scores = dt.tensordot(input, linear_weight, ([-1], [-1])) if linear_weight.ndim > 2 else input @ linear_weight.T
    if linear_bias is not None:
        if linear_bias.shape not in (linear_weight.shape[:-1], linear_weight.shape[:1]):
            raise ValueError(
                f"linear_cross_entropy: linear_bias of shape {shape_text(linear_bias)} does not fit weights of shape "
                f"{shape_text(linear_weight)}"
            )
        missing = linear_weight.ndim - 1 - linear_bias.ndim
        scores = scores + linear_bias.reshape([*linear_bias.shape, *[1] * missing])
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(scores, target, weight, ignored, reduction, label_smoothing)


@op(
    "multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, "
    "str reduction='mean') -> Tensor"
)
@of_floats
def multi_margin_loss(
    input: dt.Tensor, target: dt.Tensor, p: int, margin: float, weight: Any, reduction: str
) -> dt.Tensor:
    """The hinge loss of several classes: by how little the right one is ahead of the others.

        l = sum over i ≠ target of weight[target] · max(0, margin - input[target] + input[i])^p / C

    Args:
        input: scores ``(N, C)`` or ``(C,)``.
        target: classes ``(N,)`` or ``()``.
        p: 1 or 2.
        weight: of the classes, ``(C,)``.

    Example:
        >>> dt.multi_margin_loss(dt.tensor([[0.5, 1.0]]), dt.tensor([1])).item()
        0.25
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p must be 1 or 2, got {p}")
    if input.ndim not in (1, 2):
        raise ValueError(f"multi_margin_loss: expected scores (N, C) or (C,), got shape {shape_text(input)}")
    dim = _class_dim("multi_margin_loss", input, target, weight)
    index = target.unsqueeze(dim)
    short = (margin - input.gather(dim, index) + input).clamp(min=0)
    loss = short if p == 1 else short * short
    if weight is not None:
        loss = loss * weight.index_select(0, target.reshape(-1)).reshape(target.shape).unsqueeze(dim)
    places = dt.arange(input.shape[dim], device=input.device)
    loss = dt.where(places == index, 0, loss).sum(dim) / input.shape[dim]
    return reduce("multi_margin_loss", loss, reduction)


@op("multilabel_margin_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor")
@of_floats
def multilabel_margin_loss(input: dt.Tensor, target: dt.Tensor, reduction: str) -> dt.Tensor:
    """The hinge loss where several classes are right: every right one against every wrong one.

        l = sum over right j, wrong i of max(0, 1 - input[j] + input[i]) / C

    Args:
        input: scores ``(N, C)`` or ``(C,)``.
        target: int64 of that shape: the right classes, then -1 (what follows does not count).

    Example:
        >>> dt.multilabel_margin_loss(dt.tensor([0.5, 1.0, 0.0]), dt.tensor([1, -1, 0])).item()
        0.1666666716337204
    """
    class_targets("multilabel_margin_loss", target)
    if input.ndim not in (1, 2) or input.shape != target.shape:
        raise ValueError(
            f"multilabel_margin_loss: expected scores and targets (N, C) or (C,), got {shape_text(input)} and "
            f"{shape_text(target)}"
        )
    counts = (target < 0).to(dt.int64).cumsum(-1) == 0
    index = dt.where(counts, target, 0)
    right = dt.zeros_like(input).scatter_add(-1, index, counts.to(input.dtype)) > 0
    short = (1 - input.gather(-1, index).unsqueeze(-1) + input.unsqueeze(-2)).clamp(min=0)
    pairs = counts.unsqueeze(-1) & ~right.unsqueeze(-2)
    loss = dt.where(pairs, short, 0).sum((-2, -1)) / input.shape[-1]
    return reduce("multilabel_margin_loss", loss, reduction)
