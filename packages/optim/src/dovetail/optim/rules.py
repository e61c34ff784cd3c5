"""What the update rules share."""

from __future__ import annotations

from typing import Any

import dovetail as dt

Tensors = list[Any]


def exact(number: Any) -> Any:
    """A zero-dim tensor in float64: it keeps the digits of corrections, and does not decide the others' dtype."""
    return number.to(dt.float64)


def direction(param: Any, grad: Any, weight_decay: float, maximize: bool) -> Any:
    """The gradient to go down by: ``±grad + weight_decay * param``."""
    grad = -grad if maximize else grad
    return grad + weight_decay * param if weight_decay else grad


def moments(g: Any, mean: Any, square: Any, beta1: float, beta2: float) -> None:
    """Move the running means of the gradient and of its square, in place."""
    mean.lerp_(g, 1 - beta1)
    square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
