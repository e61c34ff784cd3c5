"""Running the graph: `backward` accumulates gradients in the leaves, `grad` returns them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import dovetail as dt
from dovetail import Tensor, checks

from . import _engine

__all__ = ["backward", "grad"]

Tensors = Tensor | Sequence[Tensor]
Gradients = Tensor | Sequence[Tensor | None] | None


def _as_tuple(who: str, name: str, tensors: Tensors) -> tuple[Tensor, ...]:
    if isinstance(tensors, Tensor):
        return (tensors,)
    many = tuple(tensors) if isinstance(tensors, Iterable) else (None,)
    if not all(isinstance(each, Tensor) for each in many):
        raise TypeError(f"{who}: {name} must be a Tensor or several, got {checks.shown(tensors)}")
    return many


def _gradients(gradients: Gradients, count: int) -> tuple[Tensor | None, ...]:
    if gradients is None:
        return (None,) * count
    if isinstance(gradients, Tensor):
        return (gradients,)
    if not isinstance(gradients, Iterable):
        raise TypeError(f"expected a Tensor, several or None as gradients, got {checks.shown(gradients)}")
    return tuple(gradients)


def _check_outside(who: str) -> None:
    if _engine.any_level():
        raise RuntimeError(
            f"{who}: called inside a transform (grad, jvp, vmap), where graphs are those of the transforms; use "
            "dovetail.func.grad or vjp there"
        )


@checks.in_own_name
def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of the sum of `tensors` to the `.grad` of the leaves that they were computed from.

    Args:
        tensors: what to differentiate.
        grad_tensors: for each tensor, of its shape, the weights of its elements (the vector of a vector-Jacobian
            product). None is 1 for a tensor of one element, and an error for others.
        retain_graph: keep what the graph saved, so that it can be run again. By default what `create_graph` is.
        create_graph: record the gradients' own computation, so that they can be differentiated.
        inputs: add gradients to these tensors only.

    Raises RuntimeError if a tensor does not require a gradient, if the graph was freed by an earlier run, or if a
    tensor that it saved was written in place since.

    Example:
        >>> x = dt.tensor(3.0, requires_grad=True)
        >>> dt.autograd.backward(x**2)
        >>> x.grad.item()
        6.0
    """
    _check_outside("backward")
    outputs = _as_tuple("backward", "tensors", tensors)
    wanted = () if inputs is None else _as_tuple("backward", "inputs", inputs)
    if inputs is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    keep, create_graph = bool(create_graph if retain_graph is None else retain_graph), bool(create_graph)
    _engine.run_backward(outputs, _gradients(grad_tensors, len(outputs)), keep, create_graph, wanted, True)


@checks.in_own_name
def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`; no `.grad` is touched.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what: leaves or results of recorded operations.
        grad_outputs: as `grad_tensors` of `backward`.
        retain_graph, create_graph: as for `backward`.
        allow_unused: return None for an input that the outputs don't depend on, where otherwise that is an error.
        materialize_grads: return zeros for such an input.

    Returns a tuple with one gradient for every input, of its shape.

    Example:
        >>> x = dt.tensor(2.0, requires_grad=True)
        >>> (slope,) = dt.autograd.grad(x**3, x, create_graph=True)
        >>> (curvature,) = dt.autograd.grad(slope, x)
        >>> slope.item(), curvature.item()
        (12.0, 12.0)
    """
    _check_outside("grad")
    if allow_unused is False and materialize_grads:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False")
    wanted = _as_tuple("grad", "inputs", inputs)
    if not wanted:
        raise ValueError("grad requires non-empty inputs.")
    results = _as_tuple("grad", "outputs", outputs)
    keep, create_graph = bool(create_graph if retain_graph is None else retain_graph), bool(create_graph)
    found = _engine.run_backward(results, _gradients(grad_outputs, len(results)), keep, create_graph, wanted, False)
    if materialize_grads:
        return tuple(dt.zeros_like(i) if g is None else g for i, g in zip(wanted, found, strict=True))
    unused = [i for i, g in enumerate(found) if g is None]
    if unused and not allow_unused:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return cast(tuple[Tensor, ...], found)  # None only where the caller allows it
