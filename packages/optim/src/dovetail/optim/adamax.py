"""Adamax: Adam with the largest recent gradient in place of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact


@op(
    "fused_adamax(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor(c!)[] exp_infs, Tensor step, "
    "Tensor lr, float beta1, float beta2, float eps, float weight_decay, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_adamax(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_infs: Tensors,
    step: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adamax on every parameter, in place.

        g = ±grad + weight_decay * param
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        param -= lr / (1 - beta1^step) * m / u

    ``step`` counts this step, starting from 1.
    """
    rate = exact(lr) / (1 - beta1 ** exact(step))
    for param, grad, mean, most in zip(params, grads, exp_avgs, exp_infs, strict=True):
        g = direction(param, grad, weight_decay, maximize)
        mean.lerp_(g, 1 - beta1)
        most.copy_(dt.maximum(most * beta2, g.abs() + eps))
        param.sub_(rate * (mean / most))


class Adamax(Optimizer):
    """Adamax: Adam by the infinity norm, which needs no correction of its second moment.

        g = ±grad + weight_decay * param
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        param -= lr / (1 - beta1^t) * m / u

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        betas: how fast the mean and the maximum forget.
        eps: keeps the denominator from zero.
        weight_decay: L2 penalty.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980, section 7.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = Adamax([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {"step": self.counter(param), "exp_avg": dt.zeros_like(param), "exp_inf": dt.zeros_like(param)}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = ("exp_avg", "exp_inf"), ("betas", "eps", "weight_decay", "maximize")
        self.run_fused(fused_adamax, group, params, states, ("step", "lr"), options)
