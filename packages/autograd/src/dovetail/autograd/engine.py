"""Running the graph: `backward` accumulates gradients in the leaves, `grad` returns them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence

import dovetail as dt
from dovetail import Tensor, checks

from . import _engine

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, TypeGuard

    from .gradient_edge import GradientEdge

    End = Tensor | GradientEdge
    Ends = End | Sequence[End]
    Gradients = Tensor | Sequence[Tensor | None] | None

__all__ = ["backward", "grad"]


def _is_end(value: Any) -> TypeGuard[End]:
    if isinstance(value, Tensor):
        return True
    from .gradient_edge import GradientEdge

    return isinstance(value, GradientEdge)


def _as_tuple(name: str, ends: Any) -> tuple[End, ...]:
    if _is_end(ends):
        return (ends,)
    many = tuple(ends) if isinstance(ends, Iterable) else (None,)
    if not all(_is_end(each) for each in many):
        raise TypeError(f"{name} must be a Tensor, a GradientEdge or several of these, got {checks.shown(ends)}")
    return many


def _gradients(gradients: Gradients, count: int) -> tuple[Tensor | None, ...]:
    if gradients is None:
        return (None,) * count
    if isinstance(gradients, Tensor):
        return (gradients,)
    if not isinstance(gradients, Iterable):
        raise TypeError(f"expected a Tensor, several or None as gradients, got {checks.shown(gradients)}")
    return tuple(gradients)


def _check_outside() -> None:  # to be called where there is a level
    from .levels import inside_transform

    if inside_transform():
        raise RuntimeError(
            "called inside a transform (grad, jvp, vmap), where graphs are those of the transforms; use "
            "dovetail.func.grad or vjp there"
        )


@checks.in_own_name
def backward(
    tensors: Ends,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Ends | None = None,
    *,
    grad_variables: Gradients = None,
) -> None:
    """Add the gradients of the sum of `tensors` to the `.grad` of the leaves that they were computed from.

    Args:
        tensors: what to differentiate: tensors, or the GradientEdge that stands for one.
        grad_tensors: for each tensor, of its shape, the weights of its elements (the vector of a vector-Jacobian
            product). None is 1 for a tensor of one element, and an error for others.
        retain_graph: keep what the graph saved, so that it can be run again. By default what `create_graph` is.
        create_graph: record the gradients' own computation, so that they can be differentiated.
        inputs: add gradients to these tensors only.
        grad_variables: the former name of grad_tensors.

    Raises RuntimeError if a tensor does not require a gradient, if the graph was freed by an earlier run, or if a
    tensor that it saved was written in place since.

    Example:
        >>> x = dt.tensor(3.0, requires_grad=True)
        >>> dt.autograd.backward(x**2)
        >>> x.grad.item()
        6.0
    """
    if grad_variables is not None:
        warnings.warn("backward: grad_variables is deprecated; use grad_tensors", FutureWarning, stacklevel=3)
        if grad_tensors is not None:
            raise RuntimeError("got both grad_tensors and grad_variables, its former name; give grad_tensors only")
        grad_tensors = grad_variables
    accumulate(_as_tuple("tensors", tensors), grad_tensors, retain_graph, create_graph, inputs)


def accumulate(
    outputs: tuple[End, ...],
    gradients: Gradients,
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Ends | None,
) -> None:
    """What `backward` does, of a tensor or of several."""
    if _engine.level_count():
        _check_outside()
    wanted = () if inputs is None else _as_tuple("inputs", inputs)
    if inputs is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    keep = bool(create_graph if retain_graph is None else retain_graph)
    _engine.run_backward(outputs, _gradients(gradients, len(outputs)), keep, bool(create_graph), wanted, True)


@checks.in_own_name
def grad(
    outputs: Ends,
    inputs: Ends | Mapping[Any, Tensor],
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
    *,
    only_inputs: bool = True,
    is_grads_batched: bool = False,
) -> Any:
    """The gradients of the sum of `outputs` with respect to `inputs`; no `.grad` is touched.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what: leaves or results of recorded operations, by themselves or by their GradientEdge;
            or a dict of them.
        grad_outputs: as `grad_tensors` of `backward`.
        retain_graph, create_graph: as for `backward`.
        allow_unused: return None for an input that the outputs don't depend on, where otherwise that is an error.
        materialize_grads: return zeros for such an input.
        only_inputs: True; other leaves never get gradients here.
        is_grads_batched: the first dim of grad_outputs counts several sets of weights, and the gradients have the same
            first dim. The graph is run once, under `vmap`.

    Returns a tuple with one gradient for every input, of its shape; for a dict of inputs a dict.

    Example:
        >>> x = dt.tensor(2.0, requires_grad=True)
        >>> (slope,) = dt.autograd.grad(x**3, x, create_graph=True)
        >>> (curvature,) = dt.autograd.grad(slope, x)
        >>> slope.item(), curvature.item()
        (12.0, 12.0)
        >>> x = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> dt.autograd.grad(x * x.sum(), x, dt.eye(2), is_grads_batched=True)[0].tolist()
        [[4.0, 1.0], [2.0, 5.0]]
    """
    if _engine.level_count():
        _check_outside()
    if isinstance(inputs, Mapping):
        names = list(inputs)
        found = grad(
            outputs,
            [inputs[name] for name in names],
            grad_outputs,
            retain_graph,
            create_graph,
            allow_unused,
            materialize_grads,
            only_inputs=only_inputs,
            is_grads_batched=is_grads_batched,
        )
        return dict(zip(names, found, strict=True))
    if not only_inputs:
        warnings.warn(
            "grad: only_inputs=False is deprecated and does nothing; use backward to accumulate gradients",
            FutureWarning,
            stacklevel=3,
        )
    if allow_unused is False and materialize_grads:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False")
    wanted = _as_tuple("inputs", inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad` cannot be empty.")
    results = _as_tuple("outputs", outputs)
    keep, create_graph = bool(create_graph if retain_graph is None else retain_graph), bool(create_graph)
    weights = _gradients(grad_outputs, len(results))
    run = _run_batched if is_grads_batched else _engine.run_backward
    found = run(results, weights, keep, create_graph, wanted, False)
    unused = [i for i, g in enumerate(found) if g is None]
    if unused and not allow_unused and not materialize_grads:
        raise RuntimeError(
            f"The differentiated Tensor at index {unused[0]} appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    if materialize_grads:
        return tuple(_zeros(i) if g is None else g for i, g in zip(wanted, found, strict=True))
    return found  # None only where the caller allows it


def _zeros(end: End) -> Tensor:
    if isinstance(end, Tensor):
        return dt.zeros_like(end)
    raise RuntimeError("materialize_grads: an input that is a GradientEdge has no tensor to be zeros like")


def _run_batched(
    outputs: tuple[End, ...],
    weights: tuple[Tensor | None, ...],
    keep: bool,
    create_graph: bool,
    wanted: tuple[End, ...],
    accumulate: bool,
) -> tuple[Tensor | None, ...]:
    """The same with weights that are mapped over their first dim."""
    from typing import cast

    from .vmapping import vmap

    reached: list[bool] = []

    def one(*each: Tensor | None) -> tuple[Tensor, ...]:
        found = _engine.run_backward(outputs, each, keep, create_graph, wanted, accumulate)
        reached[:] = [g is not None for g in found]
        return tuple(g for g in found if g is not None)

    in_dims = tuple(None if w is None else 0 for w in weights)
    arrived = iter(cast(tuple[Tensor, ...], vmap(one, in_dims=in_dims)(*weights)))
    return tuple(next(arrived) if some else None for some in reached)
