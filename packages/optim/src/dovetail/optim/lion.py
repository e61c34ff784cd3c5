"""Lion: steps of one size, in the direction of the sign of a running mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup
from .rules import Tensors, exact


@op(
    "fused_lion(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, Tensor lr, float beta1, float beta2, "
    "float weight_decay, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_lion(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    lr: Any,
    beta1: float,
    beta2: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Lion on every parameter, in place.

    g = ±grad
    param *= 1 - lr * weight_decay
    param -= lr * sign(beta1 * m + (1 - beta1) * g)
    m = beta2 * m + (1 - beta2) * g
    """
    rate = exact(lr)
    for param, grad, mean in zip(params, grads, exp_avgs, strict=True):
        g = -grad if maximize else grad
        if weight_decay:
            param.mul_(1 - rate * weight_decay)
        param.sub_(rate * mean.lerp(g, 1 - beta1).sign())
        mean.lerp_(g, 1 - beta2)


class Lion(Optimizer):
    """Lion: steps of one size, in the direction of the sign of a running mean of the gradients.

        param -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * param)
        m = beta2 * m + (1 - beta2) * g

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate; three to ten times smaller than one would give AdamW.
        betas: how much of the mean is in a step, and how fast the mean forgets.
        weight_decay: how much every step shrinks the parameters.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675, algorithm 2.

    Example:
        >>> w = dt.tensor([1.0, -1.0], requires_grad=True)
        >>> opt = Lion([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, -0.9]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {"exp_avg": dt.zeros_like(param)}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        self.run_fused(fused_lion, group, params, ("exp_avg",), ("lr",), ("betas", "weight_decay", "maximize"))
