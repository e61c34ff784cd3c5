"""Functions that make functions: `grad(f)` is the function that computes f's gradient.

They nest (`grad(grad(f))`), and take dicts, lists and tuples of tensors for an argument. What the function captures and
requires a gradient keeps its history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad, is_grad_enabled

from . import _engine
from .engine import grad as _grad

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp"]

Function = Callable[..., Any]
ArgNums = int | Sequence[int]


# ---- nests of tensors -----------------------------------------------------------------------------------------


def _map(nest: Any, function: Callable[[Tensor], Any]) -> Any:
    if isinstance(nest, Tensor):
        return function(nest)
    if isinstance(nest, dict):
        return {key: _map(value, function) for key, value in nest.items()}
    if isinstance(nest, (list, tuple)):
        return type(nest)(_map(value, function) for value in nest)
    return nest


def _tensors(nest: Any) -> Iterator[Tensor]:
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, dict):
        yield from _tensors(list(nest.values()))
    elif isinstance(nest, (list, tuple)):
        for value in nest:
            yield from _tensors(value)


# ---- following arguments --------------------------------------------------------------------------------------


def _followed(t: Tensor) -> Tensor:
    """A tensor to differentiate by: it leads to the original's history, where that has one."""
    return t.view_as(t) if t.requires_grad else t.detach().requires_grad_()


def _settled(nest: Any, followed: Sequence[Tensor], recording: bool) -> Any:
    """Results as the caller sees them: without history, unless there is one beside that of the tensors followed."""
    results = tuple(t for t in _tensors(nest) if t.requires_grad)
    own = {id(t) for t in followed}
    if recording and any(id(leaf) not in own for leaf in _engine.leaves_of(results)):
        return nest
    return _map(nest, lambda t: t.detach())


class _Followed:
    """A function's arguments, of which some are followed."""

    def __init__(self, who: str, args: tuple[Any, ...], argnums: ArgNums) -> None:
        checks.ints(who, argnums=argnums if isinstance(argnums, int) else list(argnums))
        self.numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.single = isinstance(argnums, int)
        for number in self.numbers:
            if not -len(args) <= number < len(args):
                raise RuntimeError(f"{who}: argnums {argnums} is out of range for {len(args)} positional arguments")
        chosen = {number % len(args) for number in self.numbers}
        self.args = tuple(_map(a, _followed) if i in chosen else a for i, a in enumerate(args))
        self.tensors = list(_tensors([self.args[number] for number in self.numbers]))

    def arranged(self, results: Sequence[Any]) -> Any:
        """One result for every tensor followed, in the form of the arguments."""
        given = iter(results)
        nests = tuple(_map(self.args[number], lambda _: next(given)) for number in self.numbers)
        return nests[0] if self.single else nests


def _gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    recorded = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
    if not recorded or not inputs:
        return [dt.zeros_like(t) for t in inputs]
    o, w = zip(*recorded, strict=True)
    return list(_grad(o, inputs, w, create_graph=True, materialize_grads=True))


def _split(who: str, returned: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise RuntimeError(f"{who}: with has_aux=True the function must return (output, aux)")
    return returned


# ---- gradients ------------------------------------------------------------------------------------------------


def grad_and_value(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """The function that computes func's gradient and its value.

    Args:
        func: returns one tensor of one element.
        argnums: by which arguments to differentiate.
        has_aux: func returns (output, aux), and so the new function returns (gradient, (output, aux)).

    Example:
        >>> gradient, value = dt.func.grad_and_value(lambda x: x**3)(dt.tensor(2.0))
        >>> gradient.item(), value.item()
        (12.0, 8.0)
    """
    checks.callables("grad_and_value", func=func)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recording = is_grad_enabled()
        with enable_grad():
            followed = _Followed("grad", args, argnums)
            output, aux = _split("grad", func(*followed.args, **kwargs), has_aux)
            if not isinstance(output, Tensor) or output.numel() != 1:
                raise RuntimeError("grad: the function must return one tensor of one element")
            found = _gradients([output], followed.tensors, [dt.ones_like(output)])
            gradient, output, aux = _settled((followed.arranged(found), output, aux), followed.tensors, recording)
        return gradient, (output, aux) if has_aux else output

    return checks.in_own_name(wrapper, "grad")


def grad(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """The function that computes func's gradient.

    Args:
        func, argnums: as for `grad_and_value`.
        has_aux: func returns (output, aux), and so the new function returns (gradient, aux).

    Example:
        >>> dt.func.grad(dt.func.grad(lambda x: x**3))(dt.tensor(2.0)).item()
        12.0
        >>> dt.func.grad(lambda p, x: (p["w"] * x).sum())({"w": dt.ones(2)}, dt.tensor([3.0, 4.0]))["w"].tolist()
        [3.0, 4.0]
    """
    checks.callables("grad", func=func)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return checks.in_own_name(wrapper, "grad")


# ---- products -------------------------------------------------------------------------------------------------


@checks.in_own_name
def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """func's value, and the function that multiplies a vector by its Jacobian there.

    Returns (output, vjp_fn), or (output, vjp_fn, aux). vjp_fn takes weights in the form of the output and returns
    gradients in the form of the primals: one for a single one, else a tuple.

    Example:
        >>> output, pull = dt.func.vjp(lambda x: x**2, dt.tensor([1.0, 2.0]))
        >>> pull(dt.tensor([1.0, 10.0]))[0].tolist()
        [2.0, 40.0]
    """
    checks.callables("vjp", func=func)
    recording = is_grad_enabled()
    with enable_grad():
        followed = _Followed("vjp", primals, range(len(primals)))
        output, aux = _split("vjp", func(*followed.args), has_aux)
    outputs = list(_tensors(output))

    def pull(weights: Any) -> Any:
        given = list(_tensors(weights))
        if [t.shape for t in given] != [t.shape for t in outputs]:
            raise RuntimeError(
                f"vjp: the weights must have the shapes of the output, {[tuple(t.shape) for t in outputs]}, got "
                f"{[tuple(t.shape) for t in given]}"
            )
        again = is_grad_enabled()
        with enable_grad():
            return _settled(followed.arranged(_gradients(outputs, followed.tensors, given)), followed.tensors, again)

    output, aux = _settled((output, aux), followed.tensors, recording)
    return (output, pull, aux) if has_aux else (output, pull)


@checks.in_own_name
def jvp(func: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], has_aux: bool = False) -> Any:
    """func's value, and its derivative along a direction.

    Args:
        func: takes the primals.
        primals: a tuple of arguments.
        tangents: the direction, in the form of the primals.

    Returns (output, derivative), or (output, derivative, aux).

    Example:
        >>> dt.func.jvp(lambda x: x.sum() * x, (dt.tensor([1.0, 2.0]),), (dt.tensor([1.0, 0.0]),))[1].tolist()
        [4.0, 2.0]
    """
    checks.callables("jvp", func=func)
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise TypeError(
            f"jvp: primals and tangents must be tuples, got {checks.shown(primals)} and {checks.shown(tangents)}"
        )
    recording = is_grad_enabled()
    with enable_grad():
        followed = _Followed("jvp", primals, range(len(primals)))
        output, aux = _split("jvp", func(*followed.args), has_aux)
        outputs, direction = list(_tensors(output)), list(_tensors(tangents))
        if [t.shape for t in direction] != [t.shape for t in followed.tensors]:
            raise RuntimeError("jvp: the tangents must have the shapes of the primals")
        # The gradient is linear in its weights, and its derivative by them is the product wanted.
        weights = [dt.zeros_like(t).requires_grad_() for t in outputs]
        found = iter(_gradients(_gradients(outputs, followed.tensors, weights), weights, direction))
        derivative = _map(output, lambda _: next(found))
        own = [*followed.tensors, *weights]
        output, derivative, aux = _settled((output, derivative, aux), own, recording)
    return (output, derivative, aux) if has_aux else (output, derivative)


# ---- matrices -------------------------------------------------------------------------------------------------


def jacrev(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """The function that computes func's Jacobian, row by row.

    Args:
        func: returns tensors.
        argnums: by which arguments to differentiate.
        has_aux: func returns (output, aux), and so the new function returns (jacobian, aux).

    For every tensor of the output there is, in the form of the arguments, one of shape (*output.shape, *input.shape).

    Example:
        >>> dt.func.jacrev(lambda x: x * x.sum())(dt.tensor([1.0, 2.0])).tolist()
        [[4.0, 1.0], [2.0, 5.0]]
    """
    checks.callables("jacrev", func=func)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recording = is_grad_enabled()
        with enable_grad():
            followed = _Followed("jacrev", args, argnums)
            output, aux = _split("jacrev", func(*followed.args, **kwargs), has_aux)
            matrices = _map(output, lambda t: followed.arranged(_matrices(t, followed.tensors)))
            matrices, aux = _settled((matrices, aux), followed.tensors, recording)
        return (matrices, aux) if has_aux else matrices

    return checks.in_own_name(wrapper, "jacrev")


def _matrices(output: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    rows = []
    for position in range(output.numel()):
        weight = dt.zeros(output.numel(), dtype=output.dtype, device=output.device)
        weight[position] = 1
        rows.append(_gradients([output], inputs, [weight.reshape(output.shape)]))
    shapes = [(*output.shape, *t.shape) for t in inputs]
    if not rows:
        return [dt.zeros(shape, dtype=t.dtype, device=t.device) for shape, t in zip(shapes, inputs, strict=True)]
    return [dt.stack([row[k] for row in rows]).reshape(shape) for k, shape in enumerate(shapes)]


def jacfwd(func: Function, argnums: ArgNums = 0, has_aux: bool = False) -> Function:
    """The function that computes func's Jacobian. It is `jacrev`, under PyTorch's other name.

    Example:
        >>> dt.func.jacfwd(dt.sin)(dt.tensor(0.0)).item()
        1.0
    """
    return jacrev(func, argnums, has_aux)


def hessian(func: Function, argnums: ArgNums = 0) -> Function:
    """The function that computes func's Hessian, the Jacobian of its Jacobian.

    Example:
        >>> dt.func.hessian(lambda x: x.prod() ** 2)(dt.tensor([1.0, 2.0])).tolist()
        [[8.0, 8.0], [8.0, 2.0]]
    """
    return jacrev(jacrev(func, argnums), argnums)
