"""RAdam: Adam that trusts its second moment only once it has seen enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact, moments


@op(
    "fused_radam(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor(c!)[] exp_avg_sqs, Tensor step, "
    "Tensor lr, float beta1, float beta2, float eps, float weight_decay, bool decoupled, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_radam(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    step: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """One step of RAdam on every parameter, in place.

        g = ±grad;  decoupled: param *= 1 - lr * weight_decay,  else: g += weight_decay * param
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g²
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * step * beta2^step / (1 - beta2^step)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        scale = r * sqrt(1 - beta2^step) / (sqrt(v) + eps)  where rho > 5,  else 1
        param -= lr * m / (1 - beta1^step) * scale

    ``step`` counts this step, starting from 1.
    """
    count, rate = exact(step), exact(lr)
    correction2 = 1 - beta2**count
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * count * beta2**count / correction2
    trusted = rho > 5
    safe = dt.where(trusted, rho, 6.0)  # the root is of a negative number below 4
    rectified = ((safe - 4) * (safe - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * safe) * correction2).sqrt()
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, 0.0 if decoupled else weight_decay, maximize)
        if decoupled:
            param.mul_(1 - rate * weight_decay)
        m, v = exp_avgs[i], exp_avg_sqs[i]
        moments(g, m, v, beta1, beta2)
        scale = dt.where(trusted, rectified / (v.sqrt() + eps), 1.0)
        param.sub_(rate / (1 - beta1**count) * (m * scale))


class RAdam(Optimizer):
    """RAdam: Adam whose second moment counts by how well it is known; until then, momentum alone.

        rho = rho_inf - 2 t beta2^t / (1 - beta2^t),  rho_inf = 2 / (1 - beta2) - 1
        param -= lr * m / (1 - beta1^t) * (r(rho) * sqrt(1 - beta2^t) / (sqrt(v) + eps) if rho > 5 else 1)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        betas: how fast the means of the gradient and of its square forget.
        eps: keeps the denominator from zero.
        weight_decay: L2 penalty.
        decoupled_weight_decay: weight decay shrinks the parameter itself, as in AdamW.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", arXiv:1908.03265.

    Example:
        >>> w = dt.tensor([1.0], requires_grad=True)
        >>> opt = RAdam([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> round(w.item(), 4)
        0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {"step": self.counter(param), "exp_avg": dt.zeros_like(param), "exp_avg_sq": dt.zeros_like(param)}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = (
            ("exp_avg", "exp_avg_sq"),
            ("betas", "eps", "weight_decay", "decoupled_weight_decay", "maximize"),
        )
        self.run_fused(fused_radam, group, params, states, ("step", "lr"), options)
