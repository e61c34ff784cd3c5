"""Losses of numbers: how far from their targets they are. Input and target must have one shape; none is broadcast
silently."""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail.ops import op

from ._common import of_floats
from ._loss import broadcastable, paired, reduce, weighted

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


@op(
    "mse_loss(Tensor input, Tensor target, str reduction='mean', Tensor? weight=None, *, bool broadcast=False) "
    "-> Tensor"
)
@of_floats
def mse_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, weight: Any, *, broadcast: bool = False) -> dt.Tensor:
    """The squared difference.

        l = weight · (input - target)²

    Args:
        input, target: of one shape.
        reduction: "mean" (over the weights' sum), "sum" or "none".
        weight: of the elements, of the input's shape.
        broadcast: let input and target be broadcast.

    Example:
        >>> dt.mse_loss(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 4.0])).item()
        2.0
    """
    input, target = paired("mse_loss", input, target, broadcast)
    return weighted("mse_loss", (input - target).square(), weight, reduction)


@op(
    "l1_loss(Tensor input, Tensor target, str reduction='mean', Tensor? weight=None, *, bool broadcast=False) -> Tensor"
)
@of_floats
def l1_loss(input: dt.Tensor, target: dt.Tensor, reduction: str, weight: Any, *, broadcast: bool = False) -> dt.Tensor:
    """The absolute difference: ``weight · |input - target|``; arguments as mse_loss's.

    Example:
        >>> dt.l1_loss(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 4.0])).item()
        1.0
    """
    input, target = paired("l1_loss", input, target, broadcast)
    return weighted("l1_loss", (input - target).abs(), weight, reduction)


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
    input, target = paired("smooth_l1_loss", input, target, broadcast)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must be >= 0, got {beta}")
    d = (input - target).abs()
    if beta == 0:
        return reduce("smooth_l1_loss", d, reduction)
    return reduce("smooth_l1_loss", dt.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


@op(
    "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0, Tensor? weight=None, *, "
    "bool broadcast=False) -> Tensor"
)
@of_floats
def huber_loss(
    input: dt.Tensor, target: dt.Tensor, reduction: str, delta: float, weight: Any, *, broadcast: bool = False
) -> dt.Tensor:
    """``d² / 2`` where ``d = |input - target|`` is at most delta, else ``delta · (d - delta / 2)``.

    Arguments as mse_loss's.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.

    Example:
        >>> dt.huber_loss(dt.tensor([0.5, 2.0]), dt.zeros(2), "none").tolist()
        [0.125, 1.5]
    """
    input, target = paired("huber_loss", input, target, broadcast)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be > 0, got {delta}")
    d = (input - target).abs()
    loss = dt.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))
    return weighted("huber_loss", loss, weight, reduction)


@op(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input=True, bool full=False, float eps=1e-08, "
    "str reduction='mean', *, bool broadcast=False) -> Tensor"
)
@of_floats
def poisson_nll_loss(
    input: dt.Tensor,
    target: dt.Tensor,
    log_input: bool,
    full: bool,
    eps: float,
    reduction: str,
    *,
    broadcast: bool = False,
) -> dt.Tensor:
    """The negative log-likelihood of counts under a Poisson distribution.

        l = exp(input) - target · input            with log_input
        l = input - target · log(input + eps)      without

    Args:
        input: the rates or, with `log_input`, their logarithms.
        target: the counts.
        full: add Stirling's approximation of log(target!) where the target is above 1.
        eps: keeps the logarithm from zero.
        reduction, broadcast: as mse_loss's.

    Example:
        >>> dt.poisson_nll_loss(dt.zeros(2), dt.tensor([1.0, 2.0])).item()
        1.0
    """
    input, target = paired("poisson_nll_loss", input, target, broadcast)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        more = dt.where(target > 1, target, 1)
        stirling = more * more.log() - more + 0.5 * (2 * math.pi * more).log()
        loss = loss + dt.where(target > 1, stirling, 0)
    return reduce("poisson_nll_loss", loss, reduction)


@op(
    "gaussian_nll_loss(Tensor input, Tensor target, Tensor var, bool full=False, float eps=1e-06, "
    "str reduction='mean', *, bool broadcast=False) -> Tensor"
)
@of_floats
def gaussian_nll_loss(
    input: dt.Tensor,
    target: dt.Tensor,
    var: dt.Tensor,
    full: bool,
    eps: float,
    reduction: str,
    *,
    broadcast: bool = False,
) -> dt.Tensor:
    """The negative log-likelihood of values under normal distributions.

        l = (log(max(var, eps)) + (input - target)² / max(var, eps)) / 2

    Args:
        input: the means.
        target: the values.
        var: the variances: a number, of the input's shape, without its last dim, or with size 1 in one dim.
        full: add the constant log(2π) / 2.
        eps: the least variance; what is raised to it gets its gradient nonetheless.
        reduction, broadcast: as mse_loss's.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    Example:
        >>> dt.gaussian_nll_loss(dt.zeros(2), dt.ones(2), dt.ones(2)).item()
        0.5
    """
    input, target = paired("gaussian_nll_loss", input, target, broadcast)
    var = _variances(input, var)
    if (var < 0).any().item():
        raise ValueError(f"gaussian_nll_loss: variances must not be negative, got {var.min().item():g}")
    var = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (var.log() + (input - target).square() / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce("gaussian_nll_loss", loss, reduction)


def _variances(input: dt.Tensor, var: dt.Tensor) -> dt.Tensor:
    """In a shape that broadcasts to the input's, and to no other."""
    if var.ndim and var.shape == input.shape[:-1]:
        var = var.unsqueeze(-1)
    if var.ndim not in (0, input.ndim):
        raise ValueError(
            f"gaussian_nll_loss: var of shape {tuple(var.shape)} does not fit an input of shape {tuple(input.shape)}"
        )
    broadcastable("gaussian_nll_loss", "var", var, tuple(input.shape))
    return var.to(input.dtype)


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
    input, target = paired("kl_div", input, target, broadcast)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        safe = dt.where(target > 0, target, 1)
        loss = dt.where(target > 0, target * safe.log(), 0) - target * input
    if reduction == "batchmean":
        return loss.sum() / (input.shape[0] if input.ndim else 1)
    return reduce("kl_div", loss, reduction)
