"""Loss functions. Input and target must have one shape: none is broadcast silently."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail.ops import op


def reduce(who: str, values: dt.Tensor, reduction: str) -> dt.Tensor:
    """``mean``, ``sum`` or ``none`` of the elements' losses."""
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    if reduction == "none":
        return values
    raise ValueError(f"{who}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def check_shapes(who: str, input: dt.Tensor, target: dt.Tensor) -> None:
    if input.shape != target.shape:
        raise ValueError(
            f"{who}: input {tuple(input.shape)} and target {tuple(target.shape)} must have one shape; "
            "reshape one, or expand it where broadcasting is meant"
        )


@op("mse_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor")
def mse_loss(input: dt.Tensor, target: dt.Tensor, reduction: str) -> dt.Tensor:
    """``(input - target)²``.

    Example:
        >>> mse_loss(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 4.0])).item()
        2.0
    """
    check_shapes("mse_loss", input, target)
    return reduce("mse_loss", (input - target).square(), reduction)


@op("l1_loss(Tensor input, Tensor target, str reduction='mean') -> Tensor")
def l1_loss(input: dt.Tensor, target: dt.Tensor, reduction: str) -> dt.Tensor:
    """``|input - target|``."""
    check_shapes("l1_loss", input, target)
    return reduce("l1_loss", (input - target).abs(), reduction)


@op("smooth_l1_loss(Tensor input, Tensor target, str reduction='mean', float beta=1.0) -> Tensor")
def smooth_l1_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, beta: float) -> dt.Tensor:
    """``d² / (2 beta)`` where ``d = |input - target|`` is below beta, else ``d - beta / 2``."""
    check_shapes("smooth_l1_loss", input, target)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must be >= 0, got {beta}")
    d = (input - target).abs()
    if beta == 0:
        return reduce("smooth_l1_loss", d, reduction)
    return reduce("smooth_l1_loss", dt.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


@op("huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0) -> Tensor")
def huber_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, delta: float) -> dt.Tensor:
    """``d² / 2`` where ``d = |input - target|`` is at most delta, else ``delta · (d - delta / 2)``."""
    check_shapes("huber_loss", input, target)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be > 0, got {delta}")
    d = (input - target).abs()
    return reduce("huber_loss", dt.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


@op("binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean') -> Tensor")
def binary_cross_entropy(input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str) -> dt.Tensor:
    """``-(t · log x + (1 - t) · log(1 - x))`` for probabilities; the logarithms are kept above -100."""
    check_shapes("binary_cross_entropy", input, target)
    log_x = input.log().clamp(min=-100)
    log_rest = dt.log1p(-input).clamp(min=-100)
    loss = -(target * log_x + (1 - target) * log_rest)
    return reduce("binary_cross_entropy", loss if weight is None else loss * weight, reduction)


@op(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, str reduction='mean', "
    "Tensor? pos_weight=None) -> Tensor"
)
def binary_cross_entropy_with_logits(
    input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, pos_weight: Any
) -> dt.Tensor:
    """Binary cross-entropy of ``sigmoid(input)``, computed so that it neither overflows nor loses digits.

    ``(1 - t) · x + (1 + (pos_weight - 1) · t) · log(1 + exp(-x))``
    """
    check_shapes("binary_cross_entropy_with_logits", input, target)
    softplus_minus = dt.log1p(dt.exp(-input.abs())) + (-input).clamp(min=0)
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * input + factor * softplus_minus
    return reduce("binary_cross_entropy_with_logits", loss if weight is None else loss * weight, reduction)


@op("kl_div(Tensor input, Tensor target, str reduction='mean', *, bool log_target=False) -> Tensor")
def kl_div(input: dt.Tensor, target: dt.Tensor, reduction: str, log_target: bool) -> dt.Tensor:
    """``target · (log target - input)``, ``input`` being in log space. ``batchmean`` divides the sum by the batch."""
    check_shapes("kl_div", input, target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        safe = dt.where(target > 0, target, 1)
        loss = dt.where(target > 0, target * safe.log(), 0) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return reduce("kl_div", loss, reduction)


@op("nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, str reduction='mean') -> Tensor")
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
    if target.is_floating_point() or target.dtype == dt.bool:
        raise TypeError(f"{who}: expected int64 class targets, got dtype {target.dtype}")
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
        >>> round(cross_entropy(dt.zeros(2, 4), dt.tensor([0, 3])).item(), 4)
        1.3863
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    if input.ndim == 0:
        raise ValueError("cross_entropy: expected scores of at least 1 dim, got a zero-dim input")
    dim = 0 if input.ndim == 1 else 1
    log_p = dt.log_softmax(input, dim)
    if target.is_floating_point():
        check_shapes("cross_entropy", input, target)
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
