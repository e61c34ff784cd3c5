"""ASGD: gradient descent that also keeps the average of where it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, direction, exact


@op(
    "fused_asgd(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] axs, Tensor step, Tensor lr, "
    "float lambd, float alpha, float t0, float weight_decay, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_asgd(
    params: Tensors,
    grads: Tensors,
    axs: Tensors,
    step: Any,
    lr: Any,
    lambd: float,
    alpha: float,
    t0: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of ASGD on every parameter, in place.

        eta = lr / (1 + lambd * lr * (step - 1))^alpha,  mu = 1 / max(1, step - 1 - t0)
        g = ±grad + weight_decay * param
        param = (1 - lambd * eta) * param - eta * g
        ax = ax + mu * (param - ax)

    ``step`` counts this step, starting from 1.
    """
    count, rate = exact(step) - 1, exact(lr)
    eta = rate / (1 + lambd * rate * count) ** alpha
    mu = 1 / (count - t0).clamp(min=1)
    for param, grad, average in zip(params, grads, axs, strict=True):
        g = direction(param, grad, weight_decay, maximize)
        param.mul_(1 - lambd * eta).sub_(eta * g)
        average.copy_(dt.where(mu == 1, param, average + (param - average) * mu))


class ASGD(Optimizer):
    """Averaged stochastic gradient descent: ``state[param]["ax"]`` is the average of the parameter's path.

        g = ±grad + weight_decay * param
        param = (1 - lambd * eta) * param - eta * g,   eta = lr / (1 + lambd * lr * (t - 1))^alpha
        ax = ax + (param - ax) / max(1, t - 1 - t0)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        lambd: how fast parameters and rate decay.
        alpha: the power by which the rate decays.
        t0: the step at which averaging begins.
        weight_decay: L2 penalty.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control 30, 1992.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = ASGD([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 3) for x in w.tolist()]
        [0.8, 1.6]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        checks.numbers("ASGD", t0=group["t0"])

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {"step": self.counter(param), "ax": dt.zeros_like(param)}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        states, options = ("ax",), ("lambd", "alpha", "t0", "weight_decay", "maximize")
        self.run_fused(fused_asgd, group, params, states, ("step", "lr"), options)
