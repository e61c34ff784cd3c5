"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from .optimizer import Optimizer, by_dtype, scalar
from .options import Hints, ParamGroup
from .rules import Tensors, direction


@op(
    "fused_sgd(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] momentum_buffers, Tensor lr, float momentum, "
    "float dampening, float weight_decay, bool nesterov, bool maximize, bool first_step) -> ()",
    non_differentiable=True,
)
def fused_sgd(
    params: Tensors,
    grads: Tensors,
    momentum_buffers: Tensors,
    lr: Any,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first_step: bool,
) -> None:
    """One step of SGD on every parameter, in place.

        g = ±grad + weight_decay * param
        buf = momentum * buf + (1 - dampening) * g      (buf = g at the first step)
        param -= lr * (g + momentum * buf if nesterov else buf)

    ``momentum_buffers`` is empty where momentum is 0.
    """
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = direction(param, grad, weight_decay, maximize)
        if momentum:
            buf = momentum_buffers[i]
            if first_step:
                buf.copy_(g)
            else:
                buf.mul_(momentum).add_(g, alpha=1 - dampening)
            g = g + momentum * buf if nesterov else buf
        param.sub_(lr * g)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

        g = ±grad + weight_decay * param
        buf = momentum * buf + (1 - dampening) * g      (buf = g at the first step)
        param -= lr * (g + momentum * buf if nesterov else buf)

    Args:
        params: what to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        momentum: how much of the last step is kept.
        dampening: how much of the gradient is left out of the momentum.
        weight_decay: L2 penalty.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = SGD([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.8, 1.6]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        checks.numbers("SGD", dampening=group["dampening"])
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov needs momentum > 0 and dampening = 0, got {group['momentum']} and {group['dampening']}"
            )

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        if not group["momentum"]:
            return self._fused(group, params, False)
        new = [p for p in params if "momentum_buffer" not in self.state[p]]
        for p in new:
            self.state[p]["momentum_buffer"] = dt.zeros_like(p)
        fresh = {id(p) for p in new}
        self._fused(group, new, True)
        self._fused(group, [p for p in params if id(p) not in fresh], False)

    def _fused(self, group: ParamGroup, params: list[Any], first: bool) -> None:
        momentum = group["momentum"]
        for together in by_dtype(params):
            columns = self.columns(together, "momentum_buffer") if momentum else [*self.columns(together), []]
            fused_sgd(
                *columns,
                scalar(group["lr"], together[0]),
                float(momentum),
                float(group["dampening"]),
                float(group["weight_decay"]),
                group["nesterov"],
                group["maximize"],
                first,
            )
