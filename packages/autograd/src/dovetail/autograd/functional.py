"""Derivatives of functions: products with their Jacobians and Hessians, and the matrices themselves.

Every function here takes a function of tensors and its inputs, one tensor or a tuple of them, and gives results in the
same form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad

from .engine import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]
Tensors = Tensor | Sequence[Tensor]


# ---- one tensor or several ------------------------------------------------------------------------------------


def _as_tuple(who: str, what: str, tensors: Any) -> tuple[Tensor, ...]:
    many = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors) if isinstance(tensors, (tuple, list)) else None
    if many is None or not all(isinstance(t, Tensor) for t in many):
        raise TypeError(f"{who}: {what} must be a Tensor or a tuple of them, got {checks.shown(tensors)}")
    return many


def _like(original: Any, results: tuple[Any, ...]) -> Any:
    return results[0] if isinstance(original, Tensor) else results


class _Call:
    """A function called with inputs of which gradients can be taken, whatever history theirs is."""

    def __init__(self, who: str, func: Function, inputs: Any, create_graph: bool) -> None:
        checks.callables(who, func=func)
        self.who, self.given = who, inputs
        # Where the result is to have a history, it has to lead to the inputs as they are.
        self.inputs = tuple(
            t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_()
            for t in _as_tuple(who, "inputs", inputs)
        )
        self.returned = func(*self.inputs)
        self.outputs = _as_tuple(who, "what the function returns", self.returned)

    def weights(self, v: Any, of: str) -> tuple[Tensor, ...]:
        """The vector of a product, checked against the inputs or the outputs."""
        tensors = self.inputs if of == "inputs" else self.outputs
        if v is None:
            if len(tensors) != 1 or tensors[0].numel() != 1:
                shapes = ", ".join(str(tuple(t.shape)) for t in tensors)
                raise RuntimeError(
                    f"{self.who}: v can only be left out where the {of} are one tensor of one element, got {shapes}"
                )
            return (dt.ones_like(tensors[0]),)
        many = _as_tuple(self.who, "v", v)
        if [t.shape for t in many] != [t.shape for t in tensors]:
            raise RuntimeError(
                f"{self.who}: v must have the shapes of the {of}, {[tuple(t.shape) for t in tensors]}, got "
                f"{[tuple(t.shape) for t in many]}"
            )
        return many

    def pull(
        self, outputs: Sequence[Tensor], weights: Sequence[Tensor], create_graph: bool, strict: bool
    ) -> list[Tensor]:
        """Gradients of the inputs; zeros where an output does not depend on one, which `strict` makes an error."""
        return _pull(self.who, outputs, self.inputs, weights, create_graph, strict)


def _pull(
    who: str,
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor],
    create_graph: bool,
    strict: bool,
) -> list[Tensor]:
    recorded = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
    found: Sequence[Tensor | None] = (None,) * len(inputs)
    if recorded:
        o, w = zip(*recorded, strict=True)
        found = grad(o, inputs, w, retain_graph=True, create_graph=create_graph, allow_unused=True)
    if strict and len(recorded) < len(outputs):
        raise RuntimeError(f"{who}: an output does not depend on any input, which strict=True forbids")
    if strict and any(g is None for g in found):
        unused = [i for i, g in enumerate(found) if g is None]
        raise RuntimeError(f"{who}: no output depends on input {unused[0]}, which strict=True forbids")
    return [dt.zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True)]


def _finished(results: Sequence[Tensor], create_graph: bool, strict: bool = False) -> tuple[Tensor, ...]:
    if strict and create_graph:
        for i, t in enumerate(results):
            if not t.requires_grad:
                raise RuntimeError(
                    f"the derivative at position {i} does not depend on the inputs, which strict=True forbids together "
                    "with create_graph=True"
                )
    return tuple(results) if create_graph else tuple(t.detach() for t in results)


# ---- products -------------------------------------------------------------------------------------------------


@checks.in_own_name
def vjp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """A vector times the Jacobian of a function.

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: its arguments.
        v: the vector, of the shapes of the outputs; may be left out for an output of one element.
        create_graph: record the results, so that they can be differentiated.
        strict: an output that does not depend on an input is an error, and not zeros.

    Returns (outputs, products), the products like the inputs.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> _, product = dt.autograd.functional.vjp(lambda t: t**2, x, dt.tensor([1.0, 10.0]))
        >>> product.tolist()
        [2.0, 40.0]
    """
    with enable_grad():
        call = _Call("vjp", func, inputs, create_graph)
        products = call.pull(call.outputs, call.weights(v, "outputs"), create_graph, strict)
    outputs = _like(call.returned, _finished(call.outputs, create_graph))
    return outputs, _like(inputs, _finished(products, create_graph, strict))


@checks.in_own_name
def jvp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The Jacobian of a function times a vector: the derivative along a direction.

    The vector-Jacobian product is linear in its vector, and its own derivative is this product.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        v: the direction, of the shapes of the inputs; may be left out for an input of one element.

    Returns (outputs, products), the products like the outputs.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> _, product = dt.autograd.functional.jvp(lambda t: t.sum() * t, x, dt.tensor([1.0, 0.0]))
        >>> product.tolist()
        [4.0, 2.0]
    """
    with enable_grad():
        call = _Call("jvp", func, inputs, create_graph)
        weights = call.weights(v, "inputs")
        dummies = tuple(dt.zeros_like(t).requires_grad_() for t in call.outputs)
        pulled = call.pull(call.outputs, dummies, True, strict)
        products = _pull("jvp", pulled, dummies, weights, create_graph, False)
    outputs = _like(call.returned, _finished(call.outputs, create_graph))
    return outputs, _like(call.returned, _finished(products, create_graph, strict))


def _scalar(call: _Call) -> tuple[Tensor, ...]:
    if len(call.outputs) != 1 or call.outputs[0].numel() != 1:
        raise RuntimeError(
            f"{call.who}: the function must return one tensor of one element, got {checks.shown(call.returned)}"
        )
    if call.outputs[0].dtype.is_complex:
        raise RuntimeError(f"{call.who}: the function must return a real number, got one of {call.outputs[0].dtype}")
    return call.outputs


@checks.in_own_name
def vhp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """A vector times the Hessian of a function with one result.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        v: the vector, of the shapes of the inputs.

    Returns (output, products), the products like the inputs.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> _, product = dt.autograd.functional.vhp(lambda t: (t**3).sum(), x, dt.tensor([1.0, 1.0]))
        >>> product.tolist()
        [6.0, 12.0]
    """
    return _vhp("vhp", func, inputs, v, create_graph, strict)


def _vhp(who: str, func: Function, inputs: Tensors, v: Any, create_graph: bool, strict: bool) -> Any:
    with enable_grad():
        call = _Call(who, func, inputs, create_graph)
        weights = call.weights(v, "inputs")
        slopes = call.pull(_scalar(call), [dt.ones_like(call.outputs[0])], True, strict)
        products = call.pull(slopes, weights, create_graph, strict)
    outputs = _like(call.returned, _finished(call.outputs, create_graph))
    return outputs, _like(inputs, _finished(products, create_graph, strict))


@checks.in_own_name
def hvp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The Hessian of a function with one result times a vector. The Hessian is symmetric, so this is `vhp`.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> _, product = dt.autograd.functional.hvp(lambda t: t.prod() ** 2, x, dt.tensor([1.0, 0.0]))
        >>> product.tolist()
        [8.0, 8.0]
    """
    return _vhp("hvp", func, inputs, v, create_graph, strict)


# ---- matrices -------------------------------------------------------------------------------------------------


REVERSE, FORWARD = "reverse-mode", "forward-mode"


def _check_strategy(name: str, strategy: str, vectorize: bool) -> None:
    if strategy not in (REVERSE, FORWARD):
        raise ValueError(f"{name} must be '{REVERSE}' or '{FORWARD}', got {checks.shown(strategy)}")
    if strategy == FORWARD and not vectorize:
        raise NotImplementedError(f"{name}='{FORWARD}' needs vectorize=True")


@checks.in_own_name
def jacobian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = REVERSE,
) -> Any:
    """The Jacobian of a function: every derivative of its results by its inputs.

    A complex function has two kinds of derivative, of which a matrix of this shape holds one, as in PyTorch. By rows,
    an entry is the gradient that an output's real part has by an input: of an analytic function the conjugate of its
    derivative. By columns, it is the rate at which an output changes with an input's real part: of an analytic function
    its derivative. Complex outputs need vectorize. (`view_as_real` of inputs and outputs gives all there is.)

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        vectorize: run the graph once for all rows, under `vmap`, and not once for every row. Not with strict.
        strategy: with vectorize, "reverse-mode" computes rows, and "forward-mode" columns (as `dt.func.jacfwd` does),
            which is better where there are more outputs than inputs. Not with create_graph.

    Returns for one output and one input a tensor of shape (*output.shape, *input.shape); for several a tuple over the
    inputs, a tuple over the outputs, or tuples over the outputs of tuples over the inputs.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> dt.autograd.functional.jacobian(lambda t: t * t.sum(), x).tolist()
        [[4.0, 1.0], [2.0, 5.0]]
        >>> dt.autograd.functional.jacobian(lambda t: t * t.sum(), x, vectorize=True, strategy="forward-mode").tolist()
        [[4.0, 1.0], [2.0, 5.0]]
    """
    _check_strategy("strategy", strategy, vectorize)
    if strategy == FORWARD and create_graph:
        raise NotImplementedError(f"create_graph=True needs strategy='{REVERSE}'")
    if vectorize and strict:
        raise RuntimeError("strict=True and vectorize=True can't be had together")
    if strategy == FORWARD:
        return _columns(func, inputs)
    return _jacobian("jacobian", func, inputs, create_graph, strict, vectorize)


def _jacobian(who: str, func: Function, inputs: Tensors, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    with enable_grad():
        call = _Call(who, func, inputs, create_graph)
        for output in call.outputs:
            if output.dtype.is_complex and not vectorize:
                what = "the outputs" if who == "jacobian" else "the gradients"
                raise RuntimeError(
                    f"{who}: {what} must be real where vectorize is False, got {output.dtype}; use vectorize=True, "
                    "which weighs them by real numbers, or view_as_real on them"
                )
        of = _mapped_rows if vectorize else _rows
        rows = tuple(_like(inputs, of(call, output, create_graph, strict)) for output in call.outputs)
    return _like(call.returned, rows)


def _columns(func: Function, inputs: Tensors) -> Any:
    """The Jacobian by directions of the inputs."""
    from .func import by_columns

    checks.callables("jacobian", func=func)
    tensors = tuple(t.detach() for t in _as_tuple("jacobian", "inputs", inputs))
    found = by_columns(func, tuple(range(len(tensors))))(*tensors)
    if not isinstance(inputs, Tensor):
        return found
    return tuple(each[0] for each in found) if isinstance(found[0], tuple) else found[0]


def _mapped_rows(call: _Call, output: Tensor, create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    """For each input the derivatives of every element of one output, by one run."""
    n = output.numel()
    shapes = [(*output.shape, *t.shape) for t in call.inputs]
    found: Sequence[Tensor | None] = (None,) * len(shapes)
    if n and output.requires_grad:
        eye = dt.eye(n, dtype=output.dtype, device=output.device).reshape((n, *output.shape))
        found = grad(
            output, call.inputs, eye, retain_graph=True, create_graph=create_graph, allow_unused=True,
            is_grads_batched=True,
        )  # fmt: skip
    matrices = [
        dt.zeros(shape, dtype=t.dtype, device=t.device) if g is None else g.reshape(shape)
        for t, shape, g in zip(call.inputs, shapes, found, strict=True)
    ]
    return _finished(matrices, create_graph)


def _rows(call: _Call, output: Tensor, create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    """For each input the derivatives of every element of one output."""
    found: list[list[Tensor]] = []
    for position in range(output.numel()):
        weight = dt.zeros(output.numel(), dtype=output.dtype, device=output.device)
        weight[position] = 1
        found.append(call.pull([output], [weight.reshape(output.shape)], create_graph, strict))
    matrices = []
    for k, t in enumerate(call.inputs):
        shape = (*output.shape, *t.shape)
        rows = [row[k] for row in found]
        matrices.append(dt.stack(rows).reshape(shape) if rows else dt.zeros(shape, dtype=t.dtype, device=t.device))
    return _finished(matrices, create_graph, strict)


@checks.in_own_name
def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = REVERSE,
) -> Any:
    """The Hessian of a function with one result: every second derivative.

    Args:
        func, inputs, create_graph, strict: as for `vjp`.
        vectorize: run the graph of the gradient once, under `vmap`. Not with strict.
        outer_jacobian_strategy: with vectorize, how the gradient is differentiated: "reverse-mode" or "forward-mode".
            Not with create_graph.

    Returns for one input a tensor of shape (*input.shape, *input.shape), for several tuples of tuples.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> dt.autograd.functional.hessian(lambda t: t.prod() ** 2, x).tolist()
        [[8.0, 8.0], [8.0, 2.0]]
    """
    _check_strategy("outer_jacobian_strategy", outer_jacobian_strategy, vectorize)
    if outer_jacobian_strategy == FORWARD and create_graph:
        raise NotImplementedError(f"create_graph=True needs outer_jacobian_strategy='{REVERSE}'")
    if vectorize and strict:
        raise RuntimeError("strict=True and vectorize=True can't be had together")
    if outer_jacobian_strategy == FORWARD:
        return _columns(_gradient(func, inputs), inputs)

    def slopes(*tensors: Tensor) -> Any:
        call = _Call("hessian", func, tensors, True)
        found = call.pull(_scalar(call), [dt.ones_like(call.outputs[0])], True, strict)
        return _like(inputs, tuple(found))

    return _jacobian("hessian", slopes, inputs, create_graph, strict, vectorize)


def _gradient(func: Function, inputs: Tensors) -> Function:
    """The function's gradient as a transform."""
    from .func import grad as transformed

    count = 1 if isinstance(inputs, Tensor) else len(inputs)
    return transformed(func, argnums=0 if isinstance(inputs, Tensor) else tuple(range(count)))
