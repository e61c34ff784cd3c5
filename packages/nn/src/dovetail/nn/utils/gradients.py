"""Clipping gradients."""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail import checks


def _gradients(parameters: Any) -> list[dt.Tensor]:
    items = [parameters] if isinstance(parameters, dt.Tensor) else list(parameters)
    return [p.grad for p in items if p.grad is not None]


@checks.in_own_name
def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> dt.Tensor:
    """The norm of all tensors as one vector: ``(Σ |x|^p)^(1/p)``, the largest ``|x|`` for p = inf.

    Args:
        tensors: one, or several.
        norm_type: p.
        error_if_nonfinite: raise where the norm is NaN or infinite.
        foreach: accepted as PyTorch has it; there is one way only.

    Example:
        >>> get_total_norm([dt.tensor([3.0]), dt.tensor([4.0])]).item()
        5.0
    """
    items = [tensors] if isinstance(tensors, dt.Tensor) else list(tensors)
    norms = [dt.norm(t, norm_type) for t in items if t.numel()]
    total = dt.norm(dt.stack(norms), norm_type) if norms else dt.zeros(())
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(f"get_total_norm: the norm is {total.item()}; look for the first bad gradient")
    return total


@checks.in_own_name
def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: dt.Tensor, foreach: bool | None = None) -> None:
    """Scale all gradients by ``max_norm / (total_norm + 1e-6)`` where that is below 1.

    Args:
        parameters: whose ``grad`` is scaled in place; one, or several.
        max_norm: the largest norm allowed.
        total_norm: their norm, as ``get_total_norm`` gives it.
        foreach: accepted as PyTorch has it; there is one way only.

    Example:
        >>> p = dt.zeros(2, requires_grad=True); p.grad = dt.tensor([3.0, 4.0])
        >>> clip_grads_with_norm_(p, 1.0, dt.tensor(5.0))
        >>> round(p.grad.norm().item(), 4)
        1.0
    """
    with dt.no_grad():
        factor = (max_norm / (dt.as_tensor(total_norm) + 1e-6)).clamp(max=1.0)
        for grad in _gradients(parameters):
            grad.mul_(factor.to(grad.dtype))


@checks.in_own_name
def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> dt.Tensor:
    """Scale all gradients together so that their common norm is at most ``max_norm``.

    Args:
        parameters: whose ``grad`` is scaled in place; one, or several.
        max_norm: the largest norm allowed.
        norm_type: which norm.
        error_if_nonfinite: raise where the norm is NaN or infinite.
        foreach: accepted as PyTorch has it; there is one way only.

    Returns:
        the norm before.

    Example:
        >>> p = dt.zeros(2, requires_grad=True); p.grad = dt.tensor([3.0, 4.0])
        >>> clip_grad_norm_([p], 1.0).item()
        5.0
    """
    items = [parameters] if isinstance(parameters, dt.Tensor) else list(parameters)
    grads = _gradients(items)
    with dt.no_grad():
        total = get_total_norm(grads, norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"clip_grad_norm_: the gradients' norm is {total.item()}; look for the first bad gradient"
            )
        clip_grads_with_norm_(items, max_norm, total)
    return total


@checks.in_own_name
def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Keep every element of every gradient within ±``clip_value``.

    Args:
        parameters: whose ``grad`` is changed in place; one, or several.
        clip_value: the bound.
        foreach: accepted as PyTorch has it; there is one way only.
    """
    with dt.no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(-clip_value, clip_value)
