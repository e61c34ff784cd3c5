"""Adagrad: steps divided by the root of all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact


@op(
    "fused_adagrad(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] state_sums, Tensor step, Tensor lr, "
    "float lr_decay, float weight_decay, float eps, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_adagrad(
    params: Tensors,
    grads: Tensors,
    state_sums: Tensors,
    step: Any,
    lr: Any,
    lr_decay: float,
    weight_decay: float,
    eps: float,
    maximize: bool,
) -> None:
    """One step of Adagrad on every parameter, in place.

        g = ±grad + weight_decay * param
        s = s + g²
        param -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(s) + eps)

    ``step`` counts this step, starting from 1.
    """
    rate = exact(lr) / (1 + (exact(step) - 1) * lr_decay)
    for param, grad, total in zip(params, grads, state_sums, strict=True):
        g = direction(param, grad, weight_decay, maximize)
        total.addcmul_(g, g)
        param.sub_(rate * (g / (total.sqrt() + eps)))


class Adagrad(Optimizer):
    """Adagrad: steps divided by the root of the sum of all squared gradients, so that rare features move more.

        g = ±grad + weight_decay * param
        s = s + g²
        param -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        lr_decay: how fast the rate falls with the steps.
        weight_decay: L2 penalty.
        initial_accumulator_value: what s begins with.
        eps: keeps the denominator from zero.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    JMLR 12, 2011.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = Adagrad([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        start = float(group["initial_accumulator_value"])
        total = dt.full_like(param, complex(start, start) if param.is_complex() else start)
        return {"step": self.counter(param), "sum": total}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = ("sum",), ("lr_decay", "weight_decay", "eps", "maximize")
        self.run_fused(fused_adagrad, group, params, states, ("step", "lr"), options)
