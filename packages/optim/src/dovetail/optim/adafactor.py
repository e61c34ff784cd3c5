"""Adafactor: a second moment of matrices by their rows and columns alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from .optimizer import Optimizer, cohorts, scalar
from .options import Hints, ParamGroup, not_negative
from .rules import Tensors, exact


@op(
    "fused_adafactor(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] row_vars, Tensor(c!)[] col_vars, "
    "Tensor(d!)[] variances, Tensor step, Tensor lr, float beta2_decay, float eps1, float eps2, float d, "
    "float weight_decay, bool maximize) -> ()",
    non_differentiable=True,
)
def fused_adafactor(
    params: Tensors,
    grads: Tensors,
    row_vars: Tensors,
    col_vars: Tensors,
    variances: Tensors,
    step: Any,
    lr: Any,
    beta2_decay: float,
    eps1: float,
    eps2: float,
    d: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """One step of Adafactor on every parameter, in place.

        forget = step^beta2_decay,  rms(x) = |x| / sqrt(numel)
        alpha = max(eps2, rms(param)) * min(lr, 1 / sqrt(step))
        param *= 1 - lr * weight_decay
        matrices: r += forget * (mean of g² over columns - r),  c likewise over rows,  v = r c / max(mean(r), eps1)
        vectors:  v += forget * (g² - v)
        u = g / sqrt(max(v, eps1²))
        param -= alpha * u / max(1, rms(u) / d)

    ``row_vars`` and ``col_vars`` belong to the parameters of two and more dims, ``variances`` to the others.
    """
    count, rate = exact(step), exact(lr)
    forget, bound = count**beta2_decay, dt.minimum(rate, count**-0.5)
    rows, columns, plain = iter(row_vars), iter(col_vars), iter(variances)
    for param, grad in zip(params, grads, strict=True):
        g = -grad if maximize else grad
        weight = forget.to(param.dtype)
        alpha = _root_mean_square(param).clamp(min=eps2) * bound
        if weight_decay:
            param.mul_(1 - rate * weight_decay)
        if g.ndim > 1:
            row, column = next(rows), next(columns)
            row.lerp_((g * g).mean(-1, keepdim=True), weight)
            column.lerp_((g * g).mean(-2, keepdim=True), weight)
            variance = row @ column / row.mean(-2, keepdim=True).clamp(min=eps1)
        else:
            variance = next(plain).lerp_(g * g, weight)
        update = variance.clamp(min=eps1 * eps1).rsqrt() * g
        param.sub_(alpha / (_root_mean_square(update) / d).clamp(min=1.0) * update)


def _root_mean_square(x: Any) -> Any:
    return exact(x.norm()) / max(x.numel(), 1) ** 0.5


class Adafactor(Optimizer):
    """Adafactor: Adam without a mean, whose second moment of a matrix is kept as a row and a column.

        v = r c / mean(r)            (r, c: running means of g² over columns and rows)
        u = g / sqrt(v)
        param -= max(eps2, rms(param)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d)

    Args:
        params: what to optimize (see Optimizer); real.
        lr: the largest relative step, a number or a zero-dim tensor.
        beta2_decay: the power of the step by which the second moment forgets.
        eps: ``(eps1, eps2)``: what keeps v from zero (the dtype's epsilon where None), and the least size of a
            parameter that steps are relative to.
        d: updates whose root mean square is above it are scaled down to it.
        weight_decay: how much every step shrinks the parameters.
        maximize: climb instead of descend.
        hints: PyTorch's (see Optimizer).

    Raises:
        ValueError: for an option out of range.

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", arXiv:1804.04235.

    Example:
        >>> w = dt.ones(2, 3, requires_grad=True)
        >>> opt = Adafactor([w])
        >>> (w * w).sum().backward(); opt.step()
        >>> {key: tuple(value.shape) for key, value in opt.state[w].items()}
        {'step': (), 'row_var': (2, 1), 'col_var': (1, 3)}
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        **hints: Unpack[Hints],
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, **hints)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        checks.numbers("Adafactor", beta2_decay=group["beta2_decay"], d=group["d"])
        if not group["beta2_decay"] <= 0:
            raise ValueError(f"Adafactor: beta2_decay must be <= 0, got {group['beta2_decay']}")
        if not group["d"] >= 1:
            raise ValueError(f"Adafactor: d must be >= 1, got {group['d']}")
        if not isinstance(group["eps"], tuple) or len(group["eps"]) != 2:
            raise TypeError(
                f"Adafactor: eps must be two numbers, or None and a number, got {checks.shown(group['eps'])}"
            )
        for i, eps in enumerate(group["eps"]):
            if i or eps is not None:
                not_negative("Adafactor", f"eps[{i}]", eps)
        for name, p in zip(group["names"], group["params"], strict=True):
            if p.is_complex():
                raise TypeError(f"Adafactor: parameters must be real, got {name} of dtype {p.dtype}")

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        if param.ndim < 2:
            return {"step": self.counter(param), "variance": dt.zeros_like(param)}
        *outer, rows, columns = param.shape
        return {
            "step": self.counter(param),
            "row_var": param.new_zeros((*outer, rows, 1)),
            "col_var": param.new_zeros((*outer, 1, columns)),
        }

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        eps1, eps2 = group["eps"]
        for step, together in cohorts(self.state, group, params):
            fused_adafactor(
                *self.columns(together, "row_var", "col_var", "variance"),
                step,
                scalar(group["lr"], together[0]),
                float(group["beta2_decay"]),
                float(dt.finfo(together[0].dtype).eps if eps1 is None else eps1),
                float(eps2),
                float(group["d"]),
                float(group["weight_decay"]),
                group["maximize"],
            )
