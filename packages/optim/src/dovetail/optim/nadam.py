"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact, moments


@op(
    "fused_nadam(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor(c!)[] exp_avg_sqs, "
    "Tensor mu_product, Tensor step, Tensor lr, float beta1, float beta2, float eps, float weight_decay, "
    "float momentum_decay, bool decoupled, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_nadam(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    mu_product: Any,
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
        ahead = (1 - mu(step)) / (1 - mu_product) * g + mu(step + 1) / (1 - mu_product * mu(step + 1)) * m
        param -= lr * ahead / (sqrt(v / (1 - beta2^step)) + eps)

    ``step`` counts this step, starting from 1; ``mu_product`` is the product of mu(1) to mu(step).
    """
    count, rate, past = exact(step), exact(lr), exact(mu_product)
    mu, mu_next = _mu(count, beta1, momentum_decay), _mu(count + 1, beta1, momentum_decay)
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, 0.0 if decoupled else weight_decay, maximize)
        if decoupled:
            param.mul_(1 - rate * weight_decay)
        m, v = exp_avgs[i], exp_avg_sqs[i]
        moments(g, m, v, beta1, beta2)
        denominator = (v / (1 - beta2**count)).sqrt() + eps
        ahead = (1 - mu) / (1 - past) * g + mu_next / (1 - past * mu_next) * m
        param.sub_(rate * (ahead / denominator))


def _mu(step: Any, beta1: float, momentum_decay: float) -> Any:
    return beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))


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

    counters = ("step", "mu_product")

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
            "mu_product": self.counter(param, "mu_product", 1.0),
            "exp_avg": dt.zeros_like(param),
            "exp_avg_sq": dt.zeros_like(param),
        }

    def advance(self, group: ParamGroup, state: dict[str, Any]) -> None:
        super().advance(group, state)
        state["mu_product"].mul_(_mu(exact(state["step"]), float(group["betas"][0]), float(group["momentum_decay"])))

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = (
            ("exp_avg", "exp_avg_sq"),
            ("betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize"),
        )
        self.run_fused(fused_nadam, group, params, states, ("mu_product", "step", "lr"), options)
