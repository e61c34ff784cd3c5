"""Clipping gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import dovetail as dt
from dovetail import checks


def _gradients(parameters: Any) -> list[dt.Tensor]:
    items = [parameters] if isinstance(parameters, dt.Tensor) else list(parameters)
    return [p.grad for p in items if p.grad is not None]


@checks.in_own_name
def get_total_norm(tensors: Iterable[dt.Tensor], norm_type: float = 2.0) -> dt.Tensor:
    """The norm of all tensors as one vector: ``(Σ |x|^p)^(1/p)``, the largest ``|x|`` for p = inf."""
    norms = [dt.norm(t, norm_type) for t in tensors if t.numel()]
    if not norms:
        return dt.zeros(())
    return dt.norm(dt.stack(norms), norm_type)


@checks.in_own_name
def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> dt.Tensor:
    """Scale all gradients together so that their common norm is at most ``max_norm``.

    Args:
        parameters: whose ``grad`` is scaled in place.
        max_norm: the largest norm allowed.
        norm_type: which norm.
        error_if_nonfinite: raise where the norm is NaN or infinite.

    Returns:
        the norm before.

    Example:
        >>> p = dt.zeros(2, requires_grad=True); p.grad = dt.tensor([3.0, 4.0])
        >>> clip_grad_norm_([p], 1.0).item()
        5.0
    """
    grads = _gradients(parameters)
    with dt.no_grad():
        total = get_total_norm(grads, norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"clip_grad_norm_: the gradients' norm is {total.item()}; look for the first bad gradient"
            )
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.dtype))
    return total


@checks.in_own_name
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Keep every element of every gradient within ±``clip_value``."""
    with dt.no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(-clip_value, clip_value)
