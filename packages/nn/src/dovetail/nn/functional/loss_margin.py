"""Losses with margins: how far ahead the right one is, which are close and which are to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import of_floats, shape_text
from ._older_reduction import with_older_reduction
from .loss import REDUCTIONS, broadcastable, check_shapes, class_dim, of_one_shape, reduce, takes_classes, value_of

pairwise_distance = get_op("pairwise_distance")


@with_older_reduction
@op("soft_margin_loss(Tensor input, Tensor target, str reduction='mean', *, bool broadcast=False) -> Tensor")
@of_floats
def soft_margin_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, *, broadcast: bool = False) -> dt.Tensor:
    """The logistic loss of scores against 1 and -1: ``log(1 + exp(-target · input))``.

    Example:
        >>> round(dt.soft_margin_loss(dt.zeros(1), dt.ones(1)).item(), 4)
        0.6931
    """
    input, target = check_shapes("soft_margin_loss", input, target, broadcast)
    z = -target * input
    return reduce("soft_margin_loss", z.clamp(min=0) + dt.log1p(dt.exp(-z.abs())), reduction)


@with_older_reduction
@op(
    "multilabel_soft_margin_loss(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean', *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def multilabel_soft_margin_loss(
    input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, *, broadcast: bool = False
) -> dt.Tensor:
    """The binary cross-entropy of scores, averaged over the classes of each sample.

        l = -mean over c of weight_c · (target_c · log σ(input_c) + (1 - target_c) · log σ(-input_c))

    Shape:
        input and target ``(*, C)``, weight ``(C,)``; the losses ``(*)``.

    Example:
        >>> round(dt.multilabel_soft_margin_loss(dt.zeros(1, 2), dt.tensor([[1.0, 0.0]])).item(), 4)
        0.6931
    """
    input, target = check_shapes("multilabel_soft_margin_loss", input, target, broadcast)
    if input.ndim == 0:
        raise ValueError(f"multilabel_soft_margin_loss: expected scores (*, C), got shape {shape_text(input)}")
    broadcastable("multilabel_soft_margin_loss", "weight", weight, tuple(input.shape))
    log_rest = -(input.clamp(min=0) + dt.log1p(dt.exp(-input.abs())))  # log σ(-x) = log σ(x) - x
    loss = -(target * (log_rest + input) + (1 - target) * log_rest)
    loss = (loss if weight is None else loss * weight).mean(-1)
    return reduce("multilabel_soft_margin_loss", loss, reduction)


@with_older_reduction
@op(
    "hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, str reduction='mean', *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def hinge_embedding_loss(
    input: dt.Tensor, target: dt.Tensor, margin: float, reduction: str, *, broadcast: bool = False
) -> dt.Tensor:
    """For distances of pairs that are alike (1) or not (-1).

        l = input                     where target = 1
        l = max(0, margin - input)    where target = -1

    Example:
        >>> dt.hinge_embedding_loss(dt.tensor([0.5, 0.25]), dt.tensor([1.0, -1.0]), reduction="none").tolist()
        [0.5, 0.75]
    """
    input, target = check_shapes("hinge_embedding_loss", input, target, broadcast)
    apart = dt.where(target != 1, (margin - input).clamp(min=0), 0)
    alike = dt.where(target != -1, input, 0)
    return reduce("hinge_embedding_loss", apart + alike, reduction)


@with_older_reduction
@op(
    "multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, "
    "str reduction='mean') -> Tensor"
)
@takes_classes()
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
    dim = class_dim("multi_margin_loss", input, target, weight)
    index = target.unsqueeze(dim)
    short = (margin - input.gather(dim, index) + input).clamp(min=0)
    loss = short if p == 1 else short * short
    if weight is not None:
        loss = loss * weight.index_select(0, target.reshape(-1)).reshape(target.shape).unsqueeze(dim)
    places = dt.arange(input.shape[dim], device=input.device)
    loss = dt.where(places == index, 0, loss).sum(dim) / input.shape[dim]
    return reduce("multi_margin_loss", loss, reduction)


@with_older_reduction
@op("multilabel_margin_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor")
@takes_classes()
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
    scores, targets = (each.reshape(1) if each.ndim == 0 else each for each in (input, target))  # one class
    if scores.ndim > 2 or scores.shape != targets.shape or scores.shape[-1] == 0:
        raise ValueError(
            f"multilabel_margin_loss: expected scores and targets (N, C) or (C,) with a class at least, got "
            f"{shape_text(input)} and {shape_text(target)}"
        )
    input, target = scores, targets
    counts = (target < 0).to(dt.int64).cumsum(-1) == 0
    index = dt.where(counts, target, 0)
    right = dt.zeros_like(input).scatter_add(-1, index, counts.to(input.dtype)) > 0
    most = value_of(counts.sum(-1).max()) if counts.numel() else None
    if most is not None:  # of most samples few classes are right
        index, counts = index[..., : int(most)], counts[..., : int(most)]
    short = (1 - input.gather(-1, index).unsqueeze(-1) + input.unsqueeze(-2)).clamp(min=0)
    pairs = counts.unsqueeze(-1) & ~right.unsqueeze(-2)
    loss = dt.where(pairs, short, 0).sum((-2, -1)) / input.shape[-1]
    return reduce("multilabel_margin_loss", loss, reduction)


@with_older_reduction
@op(
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, str reduction='mean') "
    "-> Tensor"
)
@of_floats
def cosine_embedding_loss(
    input1: dt.Tensor, input2: dt.Tensor, target: dt.Tensor, margin: float, reduction: str
) -> dt.Tensor:
    """For pairs of vectors that are alike (1) or not (-1), by the cosine of their angle.

        l = 1 - cos(input1, input2)                where target = 1
        l = max(0, cos(input1, input2) - margin)   where target = -1

    Shape:
        inputs ``(N, D)`` and target ``(N,)``, or ``(D,)`` and ``()``.

    Example:
        >>> dt.cosine_embedding_loss(dt.tensor([[1.0, 0.0]]), dt.tensor([[0.0, 1.0]]), dt.tensor([1])).item()
        1.0
    """
    of_one_shape("cosine_embedding_loss", input1=input1, input2=input2)
    if input1.ndim not in (1, 2) or target.shape != input1.shape[:-1]:
        raise ValueError(
            f"cosine_embedding_loss: expected inputs (N, D) and targets (N,), or (D,) and (), got "
            f"{shape_text(input1)} and {shape_text(target)}"
        )
    eps = 1e-12
    lengths = ((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)
    cosine = (input1 * input2).sum(-1) / lengths.sqrt()
    alike = dt.where(target == 1, 1 - cosine, 0)
    apart = dt.where(target == -1, (cosine - margin).clamp(min=0), 0)
    return reduce("cosine_embedding_loss", alike + apart, reduction)


@with_older_reduction
@op(
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, str reduction='mean', *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def margin_ranking_loss(
    input1: dt.Tensor,
    input2: dt.Tensor,
    target: dt.Tensor,
    margin: float,
    reduction: str,
    *,
    broadcast: bool = False,
) -> dt.Tensor:
    """For pairs of scores of which the first is to be larger (target 1) or the second (-1).

        l = max(0, -target · (input1 - input2) + margin)

    Example:
        >>> dt.margin_ranking_loss(dt.tensor([1.0]), dt.tensor([3.0]), dt.tensor([1.0])).item()
        2.0
    """
    if not broadcast:
        of_one_shape("margin_ranking_loss", input1=input1, input2=input2)
    difference, target = check_shapes("margin_ranking_loss", input1 - input2, target, broadcast)
    return reduce("margin_ranking_loss", (-target * difference + margin).clamp(min=0), reduction)


@with_older_reduction
@op(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2.0, "
    "float eps=1e-06, bool swap=False, str reduction='mean') -> Tensor"
)
@of_floats
def triplet_margin_loss(
    anchor: dt.Tensor,
    positive: dt.Tensor,
    negative: dt.Tensor,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
    reduction: str,
) -> dt.Tensor:
    """The anchor is to be closer to the positive than to the negative, by a margin.

        l = max(0, ‖anchor - positive‖_p - ‖anchor - negative‖_p + margin)

    Args:
        anchor, positive, negative: vectors ``(N, D)`` or ``(D,)``.
        margin: positive.
        p, eps: as pairwise_distance's.
        swap: let the positive stand for the anchor where it is closer to the negative.

    Source: Schroff et al., "FaceNet", arXiv:1503.03832; Balntas et al., "Learning local feature descriptors with
    triplets and shallow convolutional neural networks", 2016.

    Example:
        >>> round(dt.triplet_margin_loss(dt.zeros(1, 2), dt.zeros(1, 2), dt.zeros(1, 2)).item(), 4)
        1.0
    """
    of_one_shape("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    if not margin > 0:
        raise ValueError(f"triplet_margin_loss: margin must be positive, got {margin}")
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = dt.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce("triplet_margin_loss", (margin + near - far).clamp(min=0), reduction)


@checks.in_own_name
def triplet_margin_with_distance_loss(
    anchor: dt.Tensor,
    positive: dt.Tensor,
    negative: dt.Tensor,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> dt.Tensor:
    """As triplet_margin_loss, with a distance of one's own.

    Args:
        distance_function: of two tensors, giving one; the Euclidean distance if None.

    Example:
        >>> def city(a, b):
        ...     return (a - b).abs().sum(-1)
        >>> a, p, n = dt.zeros(1, 2), dt.ones(1, 2), dt.full((1, 2), 0.25)
        >>> triplet_margin_with_distance_loss(a, p, n, distance_function=city).item()
        2.5
    """
    who = "triplet_margin_with_distance_loss"
    checks.tensors(who, anchor=anchor, positive=positive, negative=negative)
    of_one_shape(who, anchor=anchor, positive=positive, negative=negative)
    if reduction not in REDUCTIONS:
        raise ValueError(f"{who}: reduction must be 'mean', 'sum' or 'none', got {checks.shown(reduction)}")
    if not margin > 0:
        raise ValueError(f"{who}: margin must be positive, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = dt.minimum(far, distance(positive, negative))
    return reduce(who, (margin + near - far).clamp(min=0), reduction)
