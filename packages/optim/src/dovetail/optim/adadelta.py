"""Adadelta: steps in the units of the parameter, without a rate to choose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction


@op(
    "fused_adadelta(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] square_avgs, Tensor(c!)[] acc_deltas, Tensor lr, "
    "float rho, float eps, float weight_decay, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_adadelta(
    params: Tensors,
    grads: Tensors,
    square_avgs: Tensors,
    acc_deltas: Tensors,
    lr: Any,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adadelta on every parameter, in place.

    g = ±grad + weight_decay * param
    v = rho * v + (1 - rho) * g²
    delta = sqrt(u + eps) / sqrt(v + eps) * g
    u = rho * u + (1 - rho) * delta²
    param -= lr * delta
    """
    for param, grad, square, moved in zip(params, grads, square_avgs, acc_deltas, strict=True):
        g = direction(param, grad, weight_decay, maximize)
        square.mul_(rho).addcmul_(g, g, value=1 - rho)
        delta = (moved + eps).sqrt_().div_((square + eps).sqrt_()).mul_(g)
        moved.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.sub_(lr * delta)


class Adadelta(Optimizer):
    """Adadelta: steps whose size is the ratio of two running roots, of past steps and of gradients.

        g = ±grad + weight_decay * param
        v = rho * v + (1 - rho) * g²
        delta = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * delta²
        param -= lr * delta

    Args:
        params: what to optimize (see Optimizer).
        lr: scales every step; a number or a zero-dim tensor.
        rho: how much of the means is kept.
        eps: keeps the roots from zero.
        weight_decay: L2 penalty.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701.

    Example:
        >>> w = dt.tensor([1.0], requires_grad=True)
        >>> opt = Adadelta([w], eps=1e-2)
        >>> (w * w).sum().backward(); opt.step()
        >>> round(w.item(), 4)
        0.6877
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {
            "step": self.counter(param),
            "square_avg": dt.zeros_like(param),
            "acc_delta": dt.zeros_like(param),
        }

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = ("square_avg", "acc_delta"), ("rho", "eps", "weight_decay", "maximize")
        self.run_fused(fused_adadelta, group, params, states, ("lr",), options)
