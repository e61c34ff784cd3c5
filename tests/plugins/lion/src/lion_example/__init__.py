"""Lion, an optimizer for Dovetail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dovetail as dt
from dovetail.optim import Optimizer

__all__ = ["Lion"]


class Lion(Optimizer):
    """Lion: steps of one size, in the direction of the sign of a running mean of the gradients.

        param -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * param)
        m = beta2 * m + (1 - beta2) * g

    Args:
        params: what to optimize (see `dovetail.optim.Optimizer`).
        lr: the learning rate; three to ten times smaller than one would give AdamW.
        betas: how much of the mean is in a step, and how fast the mean forgets.
        weight_decay: how much every step shrinks the parameters.
        maximize: climb instead of descend.

    Raises:
        ValueError: for an option out of range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675, algorithm 2.

    Example:
        >>> w = dt.tensor([1.0, -1.0])
        >>> optimizer = Lion([w], lr=0.1)
        >>> w.grad = dt.tensor([0.5, -3.0])
        >>> optimizer.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, -0.9]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": tuple(betas), "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def init_state(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {"exp_avg": dt.zeros_like(param)}

    def update(self, group: dict[str, Any], params: list[Any]) -> None:
        beta1, beta2 = group["betas"]
        for param in params:
            grad = -param.grad if group["maximize"] else param.grad
            mean = self.state[param]["exp_avg"]
            direction = (beta1 * mean + (1 - beta1) * grad).sign()
            param.sub_(group["lr"] * (direction + group["weight_decay"] * param))
            mean.mul_(beta2).add_(grad, alpha=1 - beta2)
