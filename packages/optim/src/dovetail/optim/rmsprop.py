"""RMSprop: steps divided by the root of a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction


@op(
    "fused_rmsprop(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] square_avgs, Tensor(c!)[] grad_avgs, "
    "Tensor(d!)[] momentum_buffers, Tensor lr, float alpha, float eps, float weight_decay, float momentum, "
    "bool centered, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_rmsprop(
    params: Tensors,
    grads: Tensors,
    square_avgs: Tensors,
    grad_avgs: Tensors,
    momentum_buffers: Tensors,
    lr: Any,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> None:
    """One step of RMSprop on every parameter, in place.

    g = ±grad + weight_decay * param
    v = alpha * v + (1 - alpha) * g²
    centered: m = alpha * m + (1 - alpha) * g,  else: m = 0
    buf = momentum * buf + g / (sqrt(v - m²) + eps)
    param -= lr * buf
    """
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, weight_decay, maximize)
        variance = square_avgs[i].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if centered:
            mean = grad_avgs[i].lerp_(g, 1 - alpha)
            variance = variance - mean * mean
        move = g / (variance.sqrt() + eps)
        if momentum:
            move = momentum_buffers[i].mul_(momentum).add_(move)
        param.sub_(lr * move)


class RMSprop(Optimizer):
    """RMSprop: steps divided by the root of a running mean of squared gradients.

        g = ±grad + weight_decay * param
        v = alpha * v + (1 - alpha) * g²
        param -= lr * g / (sqrt(v) + eps)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        alpha: how much of the mean is kept.
        eps: keeps the denominator from zero.
        weight_decay: L2 penalty.
        momentum: how much of the last step is kept.
        centered: divide by an estimate of the standard deviation, ``sqrt(v - m²)`` with the gradient's mean m.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Tieleman and Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine Learning, 2012;
    centered: Graves, "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = RMSprop([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.0, 1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        state = {"step": self.counter(param), "square_avg": dt.zeros_like(param)}
        if group["momentum"]:
            state["momentum_buffer"] = dt.zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = dt.zeros_like(param)
        return state

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = (
            ("square_avg", "grad_avg", "momentum_buffer"),
            ("alpha", "eps", "weight_decay", "momentum", "centered", "maximize"),
        )
        self.run_fused(fused_rmsprop, group, params, states, ("lr",), options)
