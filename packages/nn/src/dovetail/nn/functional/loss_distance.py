"""Losses of pairs and triplets: which are close, and which are to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import of_floats, shape_text
from ._loss import REDUCTIONS, of_one_shape, paired, reduce

__all__ = [
    "cosine_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

pairwise_distance = get_op("pairwise_distance")


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
    difference, target = paired("margin_ranking_loss", input1 - input2, target, broadcast)
    return reduce("margin_ranking_loss", (-target * difference + margin).clamp(min=0), reduction)


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
