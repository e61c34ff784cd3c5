"""Adam and AdamW: one rule, which differs in where the weight decay goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact, moments


@op(
    "fused_adam(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor(c!)[] exp_avg_sqs, "
    "Tensor(d!)[] max_exp_avg_sqs, Tensor step, Tensor lr, float beta1, float beta2, float weight_decay, float eps, "
    "bool amsgrad, bool maximize, bool decoupled) -> ()",
    non_differentiable=True,
)
def fused_adam(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    max_exp_avg_sqs: Tensors,
    step: Any,
    lr: Any,
    beta1: float,
    beta2: float,
    weight_decay: float,
    eps: float,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> None:
    """One step of Adam on every parameter, in place.

        g = ±grad;  decoupled: param *= 1 - lr * weight_decay,  else: g += weight_decay * param
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g²
        param -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)

    With ``amsgrad``, v in the last line is the largest so far. ``step`` counts this step, starting from 1.
    """
    count, rate = exact(step), exact(lr)
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, 0.0 if decoupled else weight_decay, maximize)
        if decoupled:
            param.mul_(1 - rate * weight_decay)
        m, v = exp_avgs[i], exp_avg_sqs[i]
        moments(g, m, v, beta1, beta2)
        largest = v
        if amsgrad:
            largest = max_exp_avg_sqs[i]
            largest.copy_(dt.maximum(largest, v))
        denominator = largest.sqrt() / (1 - beta2**count).sqrt() + eps
        param.sub_(rate / (1 - beta1**count) * m / denominator)


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g²
        param -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        betas: how fast the two means forget.
        eps: keeps the denominator from zero.
        weight_decay: L2 penalty, added to the gradient.
        amsgrad: divide by the largest ``v`` so far.
        maximize: climb instead of descend.
        decoupled_weight_decay: weight decay shrinks the parameter itself, as in AdamW.
        hints: PyTorch's (see Optimizer).

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980;
    amsgrad: Reddi et al., "On the Convergence of Adam and Beyond", ICLR 2018.

    Example:
        >>> w = dt.tensor([1.0], requires_grad=True)
        >>> opt = Adam([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> round(w.item(), 4)
        0.9
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        state = {
            "step": self.counter(param),
            "exp_avg": dt.zeros_like(param),
            "exp_avg_sq": dt.zeros_like(param),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = dt.zeros_like(param)
        return state

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = (
            ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"),
            ("betas", "weight_decay", "eps", "amsgrad", "maximize", "decoupled_weight_decay"),
        )
        self.run_fused(fused_adam, group, params, states, ("step", "lr"), options)


class AdamW(Adam):
    """Adam with decoupled weight decay: ``param *= 1 - lr * weight_decay`` before each step.

    Arguments as Adam's; ``weight_decay`` is 0.01 unless given.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101.

    Example:
        >>> w = dt.tensor([1.0], requires_grad=True)
        >>> opt = AdamW([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> round(w.item(), 4)
        0.899
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        decoupled = {"decoupled_weight_decay": self.decoupled}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, **decoupled, **hints)
