"""Rprop: every number has a step of its own, which grows while the gradient keeps its sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail.ops import op

from .optimizer import Optimizer
from .options import Hints, ParamGroup, pair
from .rules import Tensors


@op(
    "fused_rprop(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] prevs, Tensor(c!)[] step_sizes, float etaminus, "
    "float etaplus, float step_size_min, float step_size_max, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_rprop(
    params: Tensors,
    grads: Tensors,
    prevs: Tensors,
    step_sizes: Tensors,
    etaminus: float,
    etaplus: float,
    step_size_min: float,
    step_size_max: float,
    maximize: bool,
) -> None:
    """One step of Rprop on every parameter, in place.

    g = ±grad
    size = size * (etaplus where g * prev > 0, etaminus where g * prev < 0, else 1), kept within the two bounds
    g = 0 where g * prev < 0
    param -= sign(g) * size;  prev = g
    """
    for i, (param, grad) in enumerate(zip(params, grads, strict=True)):
        g = -grad if maximize else grad
        agreement = g * prevs[i]
        back = agreement < 0
        factor = dt.ones_like(g).masked_fill_(agreement > 0, etaplus).masked_fill_(back, etaminus)
        step_sizes[i].mul_(factor).clamp_(step_size_min, step_size_max)
        g = g.masked_fill(back, 0.0)
        param.sub_(g.sign() * step_sizes[i])
        prevs[i].copy_(g)


class Rprop(Optimizer):
    """Resilient backpropagation: by the gradient's sign alone, with a step size for every number. For full batches.

        size = size * (eta+ where the gradient kept its sign, eta- where it changed), within step_sizes
        param -= sign(g) * size        (not where it changed)

    Args:
        params: what to optimize (see Optimizer).
        lr: the first step size.
        etas: the factors ``(eta-, eta+)``, below and above 1.
        step_sizes: the smallest and the largest step.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    ICNN 1993.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = Rprop([w], lr=0.1)
        >>> (w * w).sum().backward(); opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 1.9]
    """

    lr_scales_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        less, more = pair("Rprop", "etas", group["etas"])
        if not 0 < less < 1 < more:
            raise ValueError(f"Rprop: etas must be one below and one above 1, got {group['etas']}")
        smallest, largest = pair("Rprop", "step_sizes", group["step_sizes"])
        if not 0 <= smallest <= largest:
            raise ValueError(f"Rprop: step_sizes must be the smallest and the largest, got {group['step_sizes']}")

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        first = float(group["lr"])
        size = dt.full_like(param, complex(first, first) if param.is_complex() else first)
        return {"step": self.counter(param), "prev": dt.zeros_like(param), "step_size": size}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        self.run_fused(fused_rprop, group, params, ("prev", "step_size"), (), ("etas", "step_sizes", "maximize"))
