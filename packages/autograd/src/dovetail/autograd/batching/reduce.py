"""Reductions, scans, and what else works along dims: softmax, sort."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor

from ..nests import mapped
from .registry import rule


def _dims(b: Any, x: Tensor, dim: Any) -> tuple[int, ...]:
    """Dims of a tensor among its values; all for None."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(1, max(x.ndim, 1) + 1))
    return tuple(b.dim(x, d) for d in ([dim] if isinstance(dim, int) else dim))


def _with_a_dim(b: Any, x: Tensor) -> Tensor:
    """The values, of which a zero-dim tensor's get a dim to work along."""
    return b(x) if x.ndim else b(x).unsqueeze(1)


def _checked(x: Tensor, dim: Any) -> None:
    """Dims are wrong for func's tensor when they are wrong, not for its values."""
    for d in () if dim is None else [dim] if isinstance(dim, int) else dim:
        if not -max(x.ndim, 1) <= d < max(x.ndim, 1):
            raise IndexError(f"vmap: dim {d} is out of range for a tensor of {x.ndim} dims")


@rule("any", "all")
def _truth(op: Any, b: Any, x: Tensor, dim: Any, *rest: Any) -> Tensor:
    """With no dims at all every element stays by itself, unlike in other reductions."""
    if dim is not None and len(dim) == 0:
        return op.call((b(x), dim, *rest), None)
    return _reduction(op, b, x, dim, *rest)


@rule("sum", "prod", "mean", "var", "amax", "amin")
def _reduction(op: Any, b: Any, x: Tensor, dim: Any, *rest: Any) -> Tensor:
    _checked(x, dim)
    found = op.call((_with_a_dim(b, x), _dims(b, x, dim), *rest), None)
    return found if x.ndim else found.reshape((b.size,))


@rule("argmax", "argmin")
def _arg(op: Any, b: Any, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    _checked(x, dim)
    if dim is None or x.ndim == 0:
        flat = op.call((b(x).reshape((b.size, -1)), 1, False), None)
        return flat.reshape((b.size, *[1] * x.ndim)) if keepdim else flat
    return op.call((b(x), b.dim(x, dim), keepdim), None)


@rule("cumsum", "cumprod", "softmax", "log_softmax", "sort", "sort_first", "select_rank")
def _along(op: Any, b: Any, x: Tensor, dim: int, *rest: Any) -> Any:
    _checked(x, dim)
    found = op.call((_with_a_dim(b, x), b.dim(x, dim), *rest), None)
    return found if x.ndim else mapped(found, lambda t: t.squeeze(1))


@rule("softmax_grad", "log_softmax_grad")
def _softmax_grad(op: Any, b: Any, grad: Tensor, output: Tensor, dim: int) -> Tensor:
    found = op.call((_with_a_dim(b, grad), _with_a_dim(b, output), b.dim(output, dim)), None)
    return found if output.ndim else found.squeeze(1)


@rule("layer_norm")
def _layer_norm(b: Any, x: Tensor, shape: Any, weight: Any, bias: Any, eps: float) -> Tensor:
    from dovetail._core import get_op

    norm = get_op("layer_norm")
    if not b.maps(weight) and not b.maps(bias):
        return norm(b(x), shape, weight, bias, eps)
    rank = len(shape)
    found = norm(b(x), shape, None, None, eps)
    if weight is not None:
        found = found * b.with_rank(weight, max(x.ndim, rank))
    return found if bias is None else found + b.with_rank(bias, max(x.ndim, rank))
