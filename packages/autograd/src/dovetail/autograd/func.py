"""Transforms: functions that make functions. `grad(f)` is the function that computes f's gradient, `vmap(f)` the one
that applies f to every slice of its arguments at once.

They nest in any order (`vmap(grad(f))`, `grad(grad(f))`), and take dicts, lists and tuples of tensors for an argument.
What the function captures is a constant to the transform, and keeps its own history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad, is_grad_enabled, set_grad_enabled

from . import _engine
from .levels import entered, left
from .module_state import functional_call, replace_all_batch_norm_modules_, stack_module_state
from .nests import flattened, leaves_beside, mapped, tensors_in
from .vmapping import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

Function = Callable[..., Any]
ArgNums = int | Sequence[int]


# ---- arguments ------------------------------------------------------------------------------------------------


def _check_differentiable(who: str, t: Tensor) -> None:
    if not (t.dtype.is_floating_point or t.dtype.is_complex):
        raise RuntimeError(f"{who}: only tensors of floating point and complex dtype have derivatives, got {t.dtype}")


class _Chosen:
    """A function's arguments, of which some are differentiated by."""

    def __init__(self, who: str, args: tuple[Any, ...], argnums: ArgNums) -> None:
        if not isinstance(argnums, (int, tuple, list, range)):
            raise TypeError(f"{who}: argnums must be an int or a tuple of ints, got {checks.shown(argnums)}")
        checks.ints(who, argnums=argnums if isinstance(argnums, int) else list(argnums))
        self.who, self.args = who, args
        self.single = isinstance(argnums, int)
        self.numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for number in self.numbers:
            if not -len(args) <= number < len(args):
                raise RuntimeError(f"{who}: argnums {argnums} is out of range for {len(args)} positional arguments")
        if len({number % len(args) for number in self.numbers}) < len(self.numbers):
            raise RuntimeError(f"{who}: argnums must name every argument once, got {argnums}")
        if not self.numbers and isinstance(argnums, (tuple, list)):
            raise RuntimeError(f"{who}: argnums must name an argument, got {argnums}")
        self.tensors = tensors_in([args[number] for number in self.numbers])
        for t in self.tensors:
            _check_differentiable(who, t)

    def replaced(self, tensors: Sequence[Tensor]) -> tuple[Any, ...]:
        """The arguments with these in place of the tensors chosen."""
        given = iter(tensors)
        places = {number % len(self.args): mapped(self.args[number], lambda _: next(given)) for number in self.numbers}
        return tuple(places.get(i, arg) for i, arg in enumerate(self.args))

    def arranged(self, results: Sequence[Any]) -> Any:
        """One result for every tensor chosen, in the form of the arguments."""
        given = iter(results)
        nests = tuple(mapped(self.args[number], lambda _: next(given)) for number in self.numbers)
        return nests[0] if self.single else nests


def _split(who: str, returned: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise RuntimeError(
            f"{who}: with has_aux=True the function must return (output, aux), got {checks.shown(returned)}"
        )
    return returned


def _outputs(who: str, output: Any) -> list[Tensor]:
    found = tensors_in(output)
    if not found:
        raise RuntimeError(f"{who}: the function must return tensors, got {type(output).__name__}")
    return found


class _Recorded:
    """A call of a function with what was recorded of it: its output, and the way back to the tensors chosen."""

    def __init__(self, chosen: _Chosen, func: Function, kwargs: dict[str, Any], has_aux: bool) -> None:
        self.chosen = chosen
        with entered(_engine.Level("grad")) as level, enable_grad():
            inputs = [_engine.tracked(t, level) for t in chosen.tensors]
            output, aux = _split(chosen.who, func(*chosen.replaced(inputs), **kwargs), has_aux)
            self.outputs = _outputs(chosen.who, output)
            self.back = _engine.Pullback(self.outputs, inputs, level)
        self.output, self.aux = left(output, level), left(aux, level)

    def pull(self, weights: Sequence[Tensor], keep_graph: bool) -> list[Tensor]:
        found = self.back.run(list(weights), keep_graph)
        return [dt.zeros_like(t) if g is None else g for t, g in zip(self.chosen.tensors, found, strict=True)]


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
        chosen = _Chosen("grad", args, argnums)
        call = _Recorded(chosen, func, kwargs, has_aux)
        output = call.output
        if not isinstance(output, Tensor) or output.numel() != 1:
            raise RuntimeError(
                f"grad: the function must return one tensor of one element, got {checks.shown(output)}; vjp and jacrev "
                "are for others"
            )
        if output.dtype.is_complex:
            raise RuntimeError(f"grad: the function must return a real number, got a tensor of {output.dtype}")
        gradient = chosen.arranged(call.pull([dt.ones_like(output)], False))
        return gradient, (output, call.aux) if has_aux else output

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


def _check_shapes(who: str, what: str, given: Sequence[Tensor], wanted: Sequence[Tensor]) -> None:
    if [t.shape for t in given] != [t.shape for t in wanted]:
        raise RuntimeError(f"{who}: {what}, {[tuple(t.shape) for t in wanted]}, got {[tuple(t.shape) for t in given]}")


@checks.in_own_name
def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """func's value, and the function that multiplies a vector by its Jacobian there.

    Returns (output, vjp_fn), or (output, vjp_fn, aux). vjp_fn takes weights in the form of the output and returns a
    tuple with the gradients of every primal, in its form. It can be called any number of times, also mapped by vmap;
    `vjp_fn(weights, retain_graph=False)` lets go of what func computed, and create_graph says whether the products are
    recorded by autograd, which otherwise grad mode does.

    Example:
        >>> output, pull = dt.func.vjp(lambda x: x**2, dt.tensor([1.0, 2.0]))
        >>> pull(dt.tensor([1.0, 10.0]))[0].tolist()
        [2.0, 40.0]
    """
    checks.callables("vjp", func=func)
    chosen = _Chosen("vjp", primals, range(len(primals)))
    call = _Recorded(chosen, func, {}, has_aux)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        if _in_form_of(call.output, cotangents) is None:
            raise RuntimeError(f"the weights must have the form of the output, got {checks.shown(cotangents)}")
        given = tensors_in(cotangents)
        _check_shapes("vjp", "the weights must have the shapes of the output", given, call.outputs)
        with set_grad_enabled(is_grad_enabled() if create_graph is None else create_graph):
            return chosen.arranged(call.pull(given, retain_graph))

    pull = checks.in_own_name(pull, "vjp")

    return (call.output, pull, call.aux) if has_aux else (call.output, pull)


@checks.in_own_name
def jvp(
    func: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], has_aux: bool = False, *, strict: bool = False
) -> Any:
    """func's value, and its derivative along a direction, computed alongside.

    Args:
        func: takes the primals.
        primals: a tuple of arguments.
        tangents: the direction, in the form of the primals.
        strict: refuse an output that does not depend on the primals, whose derivative is otherwise zero.
        has_aux: func returns (output, aux).

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
    chosen = _Chosen("jvp", primals, range(len(primals)))
    if not chosen.tensors:
        raise RuntimeError(f"jvp: the primals must have a Tensor among them, got {checks.shown(primals)}")
    if _in_form_of(primals, tangents) is None:
        raise RuntimeError(
            f"jvp: the tangents must have the form of the primals, {checks.shown(primals)}, got "
            f"{checks.shown(tangents)}"
        )
    directions = tensors_in(tangents)
    _check_shapes("jvp", "the tangents must have the shapes of the primals", directions, chosen.tensors)
    with entered(_engine.Level("jvp")) as level:
        inputs = [_engine.dual(t, d.to(t.dtype), level) for t, d in zip(chosen.tensors, directions, strict=True)]
        output, aux = _split("jvp", func(*chosen.replaced(inputs)), has_aux)
        outputs = _outputs("jvp", output)
        found = [_engine.tangent(t, level) for t in outputs]
    if strict and any(t is None for t in found):
        which = next(i for i, t in enumerate(found) if t is None)
        raise RuntimeError(f"jvp: output {which} does not depend on the primals (strict=True)")
    rates = iter([dt.zeros_like(o) if t is None else t for o, t in zip(outputs, found, strict=True)])
    derivative = mapped(output, lambda _: next(rates))
    output, aux = left(output, level), left(aux, level)
    return (output, derivative, aux) if has_aux else (output, derivative)


class _Linear:
    """A recorded call's derivative as a linear map of the directions: the way back, recorded in turn, run backwards."""

    def __init__(self, call: _Recorded) -> None:
        self.outputs = call.outputs
        self.smooth = [o.dtype.is_floating_point or o.dtype.is_complex for o in call.outputs]
        with entered(_engine.Level("grad")) as level, enable_grad():
            # any weights do, as the way back is linear in them
            weights = [
                _engine.tracked(dt.zeros_like(o), level) if smooth else dt.zeros_like(o)
                for o, smooth in zip(call.outputs, self.smooth, strict=True)
            ]
            gradients = call.back.run(weights, False)
            self.reached = [g is not None for g in gradients]
            tracked = [w for w, smooth in zip(weights, self.smooth, strict=True) if smooth]
            self.back = _engine.Pullback([g for g in gradients if g is not None], tracked, level)

    def push(self, directions: Sequence[Tensor]) -> list[Tensor]:
        """The derivative of every output."""
        given = [d for d, reached in zip(directions, self.reached, strict=True) if reached]
        found = iter(self.back.run(given, True))
        rates = [next(found) if smooth else None for smooth in self.smooth]
        return [dt.zeros_like(o) if r is None else r for o, r in zip(self.outputs, rates, strict=True)]


def _in_form_of(nest: Any, other: Any) -> list[Any] | None:
    """The leaves of the other nest; None where it has not the same form."""
    try:
        leaves = leaves_beside(other, nest, "tangents")
    except ValueError:
        return None
    return leaves if len(leaves) == len(flattened(other)) else None


def _check_direction(i: int, t: Any, primal: Tensor) -> None:
    if not isinstance(t, Tensor):
        raise TypeError(f"tangent {i} must be a Tensor, got {checks.shown(t)}")
    for what in ("shape", "dtype", "device"):
        given, wanted = getattr(t, what), getattr(primal, what)
        if given != wanted:
            raise RuntimeError(f"tangent {i} has {what} {given}, and its primal has {wanted}")


@checks.in_own_name
def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """func's value, and its derivative there as a linear function of the direction.

    Returns (output, jvp_fn): jvp_fn(*tangents) is what `jvp(func, primals, tangents)[1]` is, without calling func
    again, and so at the cost of its linear part alone. What func computed is kept as long as jvp_fn is. It can be
    called any number of times, also mapped by vmap and differentiated.

    Args:
        func: takes the primals. A custom Function in it needs a backward that can itself be differentiated.
        primals: tensors, or dicts, lists and tuples of tensors.

    jvp_fn raises RuntimeError where tangents are not of the form, shapes, dtypes and devices of the primals.

    Example:
        >>> output, push = dt.func.linearize(lambda x: x.sum() * x, dt.tensor([1.0, 2.0]))
        >>> output.tolist(), push(dt.tensor([1.0, 0.0])).tolist(), push(dt.tensor([0.0, 1.0])).tolist()
        ([3.0, 6.0], [4.0, 2.0], [1.0, 5.0])
    """
    checks.callables("linearize", func=func)
    for leaf in flattened(primals):
        if not isinstance(leaf, Tensor):
            raise TypeError(f"linearize: the primals must be tensors, got {checks.shown(leaf)}")
    chosen = _Chosen("linearize", primals, range(len(primals)))
    call = _Recorded(chosen, func, {}, False)
    linear = _Linear(call)

    def linearized(*tangents: Any) -> Any:
        directions = _in_form_of(primals, tangents)
        if directions is None:
            raise RuntimeError(
                f"the tangents must have the form of the {len(primals)} primals, got {checks.shown(tangents)}"
            )
        for i, (direction, primal) in enumerate(zip(directions, chosen.tensors, strict=True)):
            _check_direction(i, direction, primal)
        rates = iter(linear.push(directions))
        return mapped(call.output, lambda _: next(rates))

    return call.output, checks.in_own_name(linearized, "linearize")


# ---- matrices -------------------------------------------------------------------------------------------------


def _basis(tensors: Sequence[Tensor]) -> list[Tensor]:
    """For every tensor its part of all directions: together they are the rows of an identity matrix."""
    total, start, parts = sum(t.numel() for t in tensors), 0, []
    for t in tensors:
        count = t.numel()
        rows = dt.arange(total, device=t.device).unsqueeze(1) == dt.arange(start, start + count, device=t.device)
        parts.append(rows.to(t.dtype).reshape((total, *t.shape)))
        start += count
    return parts


def _check_real(who: str, what: str, tensors: Sequence[Tensor]) -> None:
    for t in tensors:
        if t.dtype.is_complex:
            raise RuntimeError(
                f"{who}: the {what} must be real, got {t.dtype}: a complex function has two kinds of derivative; use "
                "view_as_real and view_as_complex, or vjp and jvp"
            )


def jacrev(func: Function, argnums: ArgNums = 0, has_aux: bool = False, *, chunk_size: int | None = None) -> Function:
    """The function that computes func's Jacobian row by row: best where there are fewer outputs than inputs.

    Args:
        func: returns tensors.
        argnums: by which arguments to differentiate.
        has_aux: func returns (output, aux), and so the new function returns (jacobian, aux).
        chunk_size: compute this many rows at a time; all by default.

    For every tensor of the output there is, in the form of the arguments, one of shape (*output.shape, *input.shape).

    Example:
        >>> dt.func.jacrev(lambda x: x * x.sum())(dt.tensor([1.0, 2.0])).tolist()
        [[4.0, 1.0], [2.0, 5.0]]
    """
    checks.callables("jacrev", func=func)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen("jacrev", args, argnums)
        _check_real("jacrev", "inputs", chosen.tensors)
        call = _Recorded(chosen, func, kwargs, has_aux)
        _check_real("jacrev", "outputs", call.outputs)
        basis = _basis(call.outputs)

        def rows(*weights: Tensor) -> tuple[Tensor, ...]:
            return tuple(call.pull(weights, True))

        # (all outputs' elements, *input.shape) for every input
        found = vmap(rows, chunk_size=chunk_size)(*basis) if basis[0].shape[0] else rows(*basis)
        start, matrices = 0, []
        for o in call.outputs:
            end = start + o.numel()
            parts = [
                (f[start:end] if basis[0].shape[0] else dt.zeros_like(t)).reshape((*o.shape, *t.shape))
                if o.numel()
                else dt.zeros((*o.shape, *t.shape), dtype=t.dtype, device=t.device)
                for f, t in zip(found, chosen.tensors, strict=True)
            ]
            matrices.append(chosen.arranged(parts))
            start = end
        each = iter(matrices)
        jacobian = mapped(call.output, lambda _: next(each))
        return (jacobian, call.aux) if has_aux else jacobian

    return checks.in_own_name(wrapper, "jacrev")


def jacfwd(
    func: Function,
    argnums: ArgNums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Function:
    """The function that computes func's Jacobian column by column: best where there are fewer inputs than outputs.

    Args:
        func, argnums, has_aux: as for `jacrev`.
        chunk_size: compute this many columns at a time; all by default.
        randomness: as for `vmap`.

    Example:
        >>> dt.func.jacfwd(dt.sin)(dt.tensor(0.0)).item()
        1.0
    """
    return by_columns(func, argnums, has_aux, chunk_size, randomness, _check_real)


def by_columns(
    func: Function,
    argnums: ArgNums,
    has_aux: bool = False,
    chunk_size: int | None = None,
    randomness: str = "error",
    check: Callable[[str, str, Sequence[Tensor]], None] = lambda who, what, tensors: None,
) -> Function:
    """`jacfwd`; without `check` of complex tensors too, along real directions."""
    checks.callables("jacfwd", func=func)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        chosen = _Chosen("jacfwd", args, argnums)
        check("jacfwd", "inputs", chosen.tensors)
        basis = _basis(chosen.tensors)
        outputs: list[Any] = []  # for their form and shapes

        def column(*directions: Tensor) -> Any:
            returned = jvp(
                lambda *given: func(*chosen.replaced(given), **kwargs),
                tuple(chosen.tensors),
                tuple(directions),
                has_aux=has_aux,
            )
            check("jacfwd", "outputs", tensors_in(returned[0]))
            outputs[:] = [returned[0]]
            return returned[1:] if has_aux else returned[1]

        out_dims = (0, None) if has_aux else 0
        found = vmap(column, out_dims=out_dims, randomness=randomness, chunk_size=chunk_size)(*basis)
        columns, *aux = found if has_aux else (found,)
        (output,) = outputs
        start, parts = 0, []
        for t in chosen.tensors:
            end = start + t.numel()
            parts.append(
                [
                    c[start:end].movedim(0, -1).reshape((*o.shape, *t.shape))
                    for c, o in zip(tensors_in(columns), tensors_in(output), strict=True)
                ]
            )
            start = end
        per_output = iter([chosen.arranged(list(row)) for row in zip(*parts, strict=True)])
        jacobian = mapped(output, lambda _: next(per_output))
        return (jacobian, aux[0]) if has_aux else jacobian

    return checks.in_own_name(wrapper, "jacfwd")


def hessian(func: Function, argnums: ArgNums = 0) -> Function:
    """The function that computes func's Hessian, the forward Jacobian of its reverse Jacobian.

    Example:
        >>> dt.func.hessian(lambda x: x.prod() ** 2)(dt.tensor([1.0, 2.0])).tolist()
        [[8.0, 8.0], [8.0, 2.0]]
    """
    return jacfwd(jacrev(func, argnums), argnums)
