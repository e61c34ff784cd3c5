"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer, cohorts, scalar
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact, moments


@op(
    "fused_nadam(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor(c!)[] exp_avg_sqs, "
    "Tensor(d!)[] mu_products, Tensor step, Tensor lr, float beta1, float beta2, float eps, float weight_decay, "
    "float momentum_decay, bool decoupled, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_nadam(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    mu_products: Tensors,
    step: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """One step of NAdam on every parameter, in place.

        g = ±grad;  decoupled: param *= 1 - lr * weight_decay,  else: g += weight_decay * param
        mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g²
        product = product * mu(step)
        ahead = (1 - mu(step)) / (1 - product) * g + mu(step + 1) / (1 - product * mu(step + 1)) * m
        param -= lr * ahead / (sqrt(v / (1 - beta2^step)) + eps)

    ``step`` counts this step, starting from 1.
    """
    count, rate = exact(step), exact(lr)
    mu = beta1 * (1 - 0.5 * 0.96 ** (count * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((count + 1) * momentum_decay))
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, 0.0 if decoupled else weight_decay, maximize)
        if decoupled:
            param.mul_(1 - rate * weight_decay)
        m, v, product = exp_avgs[i], exp_avg_sqs[i], mu_products[i]
        moments(g, m, v, beta1, beta2)
        product.mul_(mu)
        past = exact(product)
        denominator = (v / (1 - beta2**count)).sqrt() + eps
        ahead = (1 - mu) / (1 - past) * g + mu_next / (1 - past * mu_next) * m
        param.sub_(rate * (ahead / denominator))


class NAdam(Optimizer):
    """NAdam: Adam that looks ahead along its momentum, whose strength grows with the steps.

        mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        ahead = (1 - mu(t)) * g / (1 - Π mu) + mu(t + 1) * m / (1 - Π mu * mu(t + 1))
        param -= lr * ahead / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        betas: how fast the means of the gradient and of its square forget.
        eps: keeps the denominator from zero.
        weight_decay: L2 penalty.
        momentum_decay: how fast the momentum reaches its full strength.
        decoupled_weight_decay: weight decay shrinks the parameter itself, as in AdamW.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop.

    Example:
        >>> w = dt.tensor([1.0], requires_grad=True)
        >>> opt = NAdam([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> w.item() < 1
        True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {
            "step": self.counter(param),
            "mu_product": dt.ones((), dtype=dt.float32, device=param.device),
            "exp_avg": dt.zeros_like(param),
            "exp_avg_sq": dt.zeros_like(param),
        }

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        beta1, beta2 = group["betas"]
        for step, together in cohorts(self.state, group, params):
            fused_nadam(
                *self.columns(together, "exp_avg", "exp_avg_sq", "mu_product"),
                step,
                scalar(group["lr"], together[0]),
                float(beta1),
                float(beta2),
                float(group["eps"]),
                float(group["weight_decay"]),
                float(group["momentum_decay"]),
                group["decoupled_weight_decay"],
                group["maximize"],
            )
