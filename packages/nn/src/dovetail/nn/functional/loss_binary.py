"""Losses of yes and no: probabilities and scores against 1 and 0, or 1 and -1."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail.ops import op

from ._common import of_floats, shape_text
from ._loss import broadcastable, paired, reduce

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_embedding_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


@op(
    "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean', *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def binary_cross_entropy(
    input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, *, broadcast: bool = False
) -> dt.Tensor:
    """The cross-entropy of probabilities; the logarithms are kept above -100.

        l = -weight · (target · log(input) + (1 - target) · log(1 - input))

    Args:
        input: probabilities in [0, 1].
        target: in [0, 1].
        weight: broadcasts to the input's shape.
        reduction: "mean", "sum" or "none".
        broadcast: let input and target be broadcast.

    Raises:
        ValueError: where an input is outside [0, 1].

    Example:
        >>> round(dt.binary_cross_entropy(dt.tensor([0.5]), dt.tensor([1.0])).item(), 4)
        0.6931
    """
    input, target = paired("binary_cross_entropy", input, target, broadcast)
    broadcastable("binary_cross_entropy", "weight", weight, tuple(input.shape))
    if ((input < 0) | (input > 1)).any().item():
        raise ValueError(
            f"binary_cross_entropy: inputs must be probabilities in [0, 1], got {input.min().item():g} to "
            f"{input.max().item():g}; use binary_cross_entropy_with_logits for scores"
        )
    log_x = input.log().clamp(min=-100)
    log_rest = dt.log1p(-input).clamp(min=-100)
    loss = -(target * log_x + (1 - target) * log_rest)
    return reduce("binary_cross_entropy", loss if weight is None else loss * weight, reduction)


@op(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean', "
    "Tensor? pos_weight=None, *, bool broadcast=False) -> Tensor"
)
@of_floats
def binary_cross_entropy_with_logits(
    input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, pos_weight: Any, *, broadcast: bool = False
) -> dt.Tensor:
    """Binary cross-entropy of ``sigmoid(input)``, computed so that it neither overflows nor loses digits.

        l = weight · ((1 - target) · input + (1 + (pos_weight - 1) · target) · log(1 + exp(-input)))

    Args:
        input: scores of any size.
        target: in [0, 1].
        weight, pos_weight: broadcast to the input's shape.
        reduction, broadcast: as binary_cross_entropy's.

    Example:
        >>> round(dt.binary_cross_entropy_with_logits(dt.zeros(1), dt.ones(1)).item(), 4)
        0.6931
    """
    who = "binary_cross_entropy_with_logits"
    input, target = paired(who, input, target, broadcast)
    broadcastable(who, "weight", weight, tuple(input.shape))
    broadcastable(who, "pos_weight", pos_weight, tuple(input.shape))
    softplus_minus = dt.log1p(dt.exp(-input.abs())) + (-input).clamp(min=0)
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * input + factor * softplus_minus
    return reduce(who, loss if weight is None else loss * weight, reduction)


@op("soft_margin_loss(Tensor input, Tensor target, str reduction='mean', *, bool broadcast=False) -> Tensor")
@of_floats
def soft_margin_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, *, broadcast: bool = False) -> dt.Tensor:
    """The logistic loss of scores against 1 and -1: ``log(1 + exp(-target · input))``.

    Example:
        >>> round(dt.soft_margin_loss(dt.zeros(1), dt.ones(1)).item(), 4)
        0.6931
    """
    input, target = paired("soft_margin_loss", input, target, broadcast)
    z = -target * input
    return reduce("soft_margin_loss", z.clamp(min=0) + dt.log1p(dt.exp(-z.abs())), reduction)


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
    input, target = paired("hinge_embedding_loss", input, target, broadcast)
    apart = dt.where(target != 1, (margin - input).clamp(min=0), 0)
    alike = dt.where(target != -1, input, 0)
    return reduce("hinge_embedding_loss", apart + alike, reduction)


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
    input, target = paired("multilabel_soft_margin_loss", input, target, broadcast)
    if input.ndim == 0:
        raise ValueError(f"multilabel_soft_margin_loss: expected scores (*, C), got shape {shape_text(input)}")
    broadcastable("multilabel_soft_margin_loss", "weight", weight, tuple(input.shape))
    log_rest = -(input.clamp(min=0) + dt.log1p(dt.exp(-input.abs())))  # log σ(-x) = log σ(x) - x
    loss = -(target * (log_rest + input) + (1 - target) * log_rest)
    loss = (loss if weight is None else loss * weight).mean(-1)
    return reduce("multilabel_soft_margin_loss", loss, reduction)
