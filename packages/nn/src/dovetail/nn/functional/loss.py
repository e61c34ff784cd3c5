"""Losses. Input and target must have one shape; none is broadcast silently."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import F, dtype_name, in_core, of_floats, shape_text
from ._older_reduction import with_older_reduction

_of_classes = get_op("softmax_cross_entropy")
_huber = get_op("huber_of")

REDUCTIONS = ("mean", "sum", "none")


def reduce(who: str, values: dt.Tensor, reduction: str) -> dt.Tensor:
    """``mean``, ``sum`` or ``none`` of the elements' losses."""
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    if reduction == "none":
        return values
    raise ValueError(f"{who}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def weighted(who: str, values: dt.Tensor, weight: dt.Tensor | None, reduction: str) -> dt.Tensor:
    """The reduction of losses times weights; the mean divides by the weights' sum."""
    if weight is None:
        return reduce(who, values, reduction)
    if weight.shape != values.shape:
        raise ValueError(f"{who}: expected weights of shape {tuple(values.shape)}, got {tuple(weight.shape)}")
    if reduction == "mean":
        return (values * weight).sum() / weight.sum()
    return reduce(who, values * weight, reduction)


def value_of(tensor: dt.Tensor) -> Any:
    """A tensor's number, to be looked at before computing; None where it has none: inside of vmap, under an export."""
    try:
        return tensor.item()
    except RuntimeError:
        return None


def check_shapes(who: str, input: dt.Tensor, target: dt.Tensor, broadcast: bool = False) -> tuple[dt.Tensor, dt.Tensor]:
    """Input and target in one shape: they have it, or broadcasting them is what the caller asked for."""
    if input.shape == target.shape:
        return input, target
    if not broadcast:
        raise ValueError(
            f"{who}: input {tuple(input.shape)} and target {tuple(target.shape)} must have one shape; "
            "reshape one, or say broadcast=True where broadcasting is meant"
        )
    first, second = dt.broadcast_tensors(input, target)
    return first, second


def of_one_shape(who: str, **tensors: dt.Tensor) -> None:
    """Refuse tensors of several shapes."""
    if len({tuple(each.shape) for each in tensors.values()}) > 1:
        shown = ", ".join(f"{name} {tuple(each.shape)}" for name, each in tensors.items())
        raise ValueError(f"{who}: expected tensors of one shape, got {shown}")


def broadcastable(who: str, what: str, tensor: dt.Tensor | None, shape: tuple[int, ...]) -> None:
    """Refuse weights that would make the losses' shape another one."""
    if tensor is None:
        return
    fits = tensor.ndim <= len(shape) and all(
        own in (1, size) for own, size in zip(reversed(tensor.shape), reversed(shape), strict=False)
    )
    if not fits:
        raise ValueError(f"{who}: {what} of shape {tuple(tensor.shape)} does not broadcast to {tuple(shape)}")


def class_targets(who: str, target: dt.Tensor) -> None:
    """Refuse targets that are no integers, or that int64 might not hold."""
    if target.is_floating_point() or target.is_complex() or target.dtype in (dt.bool, dt.uint64):
        raise TypeError(f"{who}: expected int64 class targets, got dtype {dtype_name(target)}")


def takes_classes(tensors: int = 1) -> Callable[[F], F]:
    """For a loss whose tensors behind the first are classes, or counts: others are refused in the dtype that they have,
    before `of_floats` widens them."""

    def decorated(function: F) -> F:
        name = function.__name__.removesuffix("_op")

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for target in args[1 : 1 + tensors]:
                class_targets(name, target)
            return function(*args, **kwargs)

        return cast("F", checked)

    return decorated


# ---- numbers ----


@with_older_reduction
@in_core
def mse_loss(  # type: ignore[empty-body]
    input: dt.Tensor,
    target: dt.Tensor,
    reduction: str = "mean",
    weight: dt.Tensor | None = None,
    *,
    broadcast: bool = False,
) -> dt.Tensor: ...


@with_older_reduction
@in_core
def l1_loss(  # type: ignore[empty-body]
    input: dt.Tensor,
    target: dt.Tensor,
    reduction: str = "mean",
    weight: dt.Tensor | None = None,
    *,
    broadcast: bool = False,
) -> dt.Tensor: ...


@with_older_reduction
@op(
    "smooth_l1_loss(Tensor input, Tensor target, str reduction='mean', float beta=1.0, *, bool broadcast=False) "
    "-> Tensor"
)
@of_floats
def smooth_l1_loss(
    input: dt.Tensor, target: dt.Tensor, reduction: str, beta: float, *, broadcast: bool = False
) -> dt.Tensor:
    """``d² / (2 beta)`` where ``d = |input - target|`` is below beta, else ``d - beta / 2``; arguments as mse_loss's.

    Source: Girshick, "Fast R-CNN", arXiv:1504.08083.

    Example:
        >>> dt.smooth_l1_loss(dt.tensor([0.5, 2.0]), dt.zeros(2), "none").tolist()
        [0.125, 1.5]
    """
    input, target = check_shapes("smooth_l1_loss", input, target, broadcast)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must be >= 0, got {beta}")
    if beta > 1e-30:
        return reduce("smooth_l1_loss", _huber(input, target, beta, 1 / beta), reduction)
    d = (input - target).abs()
    if beta > 0:  # 1 / beta might be infinite, and so might far be over beta
        near = d < beta
        d = dt.where(near, d * (0.5 * (dt.where(near, d, 0.0) / beta)), d - 0.5 * beta)
    return reduce("smooth_l1_loss", d, reduction)


@op(
    "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0, Tensor? weight=None, *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def huber_loss(
    input: dt.Tensor, target: dt.Tensor, reduction: str, delta: float, weight: Any = None, *, broadcast: bool = False
) -> dt.Tensor:
    """``d² / 2`` where ``d = |input - target|`` is at most delta, else ``delta · (d - delta / 2)``.

    Arguments as mse_loss's; the mean is over the elements, whatever their weights.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.

    Example:
        >>> dt.huber_loss(dt.tensor([0.5, 2.0]), dt.zeros(2), "none").tolist()
        [0.125, 1.5]
    """
    input, target = check_shapes("huber_loss", input, target, broadcast)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be > 0, got {delta}")
    loss = _huber(input, target, delta, 1.0)
    if weight is not None:
        loss = weighted("huber_loss", loss, weight, "none")  # PyTorch's mean of these is over the elements
    return reduce("huber_loss", loss, reduction)


@with_older_reduction
@op(
    "kl_div(Tensor input, Tensor target, str reduction='mean', bool log_target=False, *, bool broadcast=False) "
    "-> Tensor"
)
@of_floats
def kl_div(
    input: dt.Tensor, target: dt.Tensor, reduction: str, log_target: bool, *, broadcast: bool = False
) -> dt.Tensor:
    """The Kullback-Leibler divergence, element by element.

        l = target · (log(target) - input)

    Args:
        input: log-probabilities.
        target: probabilities, or their logarithms with `log_target`.
        reduction: "mean", "sum", "none", or "batchmean", which divides the sum by the batch: the divergence itself.
        broadcast: let input and target be broadcast.

    Example:
        >>> dt.kl_div(dt.zeros(2), dt.tensor([1.0, 1.0]), "batchmean").item()
        0.0
    """
    input, target = check_shapes("kl_div", input, target, broadcast)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        safe = dt.where(target > 0, target, 1)
        loss = dt.where(target > 0, target * safe.log(), 0) - target * input
    if reduction == "batchmean":
        return loss.sum() / (input.shape[0] if input.ndim else 1)
    return reduce("kl_div", loss, reduction)


# ---- yes and no ----


@with_older_reduction
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
    input, target = check_shapes("binary_cross_entropy", input, target, broadcast)
    broadcastable("binary_cross_entropy", "weight", weight, tuple(input.shape))
    if value_of(((input < 0) | (input > 1)).any()):
        raise ValueError(
            f"binary_cross_entropy: inputs must be probabilities in [0, 1], got {input.min().item():g} to "
            f"{input.max().item():g}; use binary_cross_entropy_with_logits for scores"
        )
    # Where a logarithm is cut off it is flat, and its own derivative, infinite at 0, must not come into it.
    steep, full = input < dt.finfo(input.dtype).tiny, input == 1
    log_x = dt.where(steep, input.detach().log().clamp(min=-100), dt.where(steep, 1.0, input).log())
    log_rest = dt.where(full, -100.0, dt.log1p(-dt.where(full, 0.0, input)))
    loss = -(target * log_x + (1 - target) * log_rest)
    return reduce("binary_cross_entropy", loss if weight is None else loss * weight, reduction)


@with_older_reduction
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
    input, target = check_shapes(who, input, target, broadcast)
    broadcastable(who, "weight", weight, tuple(input.shape))
    broadcastable(who, "pos_weight", pos_weight, tuple(input.shape))
    softplus_minus = dt.log1p(dt.exp(-input.abs())) + (-input).clamp(min=0)
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * input + factor * softplus_minus
    return reduce(who, loss if weight is None else loss * weight, reduction)


# ---- classes ----


@with_older_reduction
@op("nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, str reduction='mean') -> Tensor")
@takes_classes()
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
    dim = class_dim("nll_loss", input, target, weight)
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


def class_dim(who: str, input: dt.Tensor, target: dt.Tensor, weight: Any) -> int:
    """Where the classes are; checks that everything fits."""
    if input.ndim == 0:
        raise ValueError(f"{who}: expected scores of at least 1 dim, got a zero-dim input")
    dim = 0 if input.ndim == 1 else 1
    expected = [*input.shape[:dim], *input.shape[dim + 1 :]]
    if list(target.shape) != expected:
        raise ValueError(
            f"{who}: input {tuple(input.shape)} wants targets of shape {tuple(expected)}, got {tuple(target.shape)}"
        )
    if weight is not None and tuple(weight.shape) != (input.shape[dim],):
        raise ValueError(f"{who}: expected {input.shape[dim]} class weights, got shape {tuple(weight.shape)}")
    return dim


@with_older_reduction
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
    if target.is_floating_point():
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    class_targets("cross_entropy", target)
    if weight is not None and weight.dtype != input.dtype:
        dtype = dt.promote_types(input.dtype, weight.dtype)
        input, weight = input.to(dtype), weight.to(dtype)
    return _of_classes(input, target.to(dt.int64), weight, ignore_index, reduction, label_smoothing)


def _soft_cross_entropy(
    input: dt.Tensor, target: dt.Tensor, weight: Any, reduction: str, label_smoothing: float
) -> dt.Tensor:
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    if input.ndim == 0:
        raise ValueError("cross_entropy: expected scores of at least 1 dim, got a zero-dim input")
    if input.shape != target.shape:
        raise ValueError(
            f"cross_entropy: input {tuple(input.shape)} and probabilities {tuple(target.shape)} must have one shape"
        )
    dim = 0 if input.ndim == 1 else 1
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / max(input.shape[dim], 1)
    loss = -(dt.log_softmax(input, dim) * target)
    if weight is not None:
        loss = loss * _along(weight, dim, input.ndim)
    return reduce("cross_entropy", loss.sum(dim), reduction)


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
