"""Checking derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks

from .engine import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Matrix = list[list[float]]


class GradcheckError(RuntimeError):
    """A derivative that does not agree with finite differences."""


# ---- calling the function -------------------------------------------------------------------------------


def _outputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The floating-point tensors among the results."""
    returned = function(*inputs)
    many = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
    return tuple(t for t in many if isinstance(t, Tensor) and t.dtype.is_floating_point)


def _differentiable(inputs: tuple[Any, ...]) -> list[int]:
    return [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]


def _place(t: Tensor, position: int) -> tuple[int, ...]:
    """The index of an element that is counted in row-major order."""
    place: list[int] = []
    for size in reversed(t.shape):
        position, rest = divmod(position, size)
        place.insert(0, rest)
    return tuple(place)


@contextmanager
def _moved(inputs: tuple[Any, ...], which: int, position: int, by: float) -> Iterator[tuple[Any, ...]]:
    """The inputs with one element moved: in place, so that the layout stays; elements that share memory are copied."""
    t = inputs[which]
    place = _place(t, position)
    if any(size > 1 and stride == 0 for size, stride in zip(t.shape, t.stride(), strict=True)):
        t = t.detach().clone().reshape(t.shape).contiguous().requires_grad_()
        t.data[place] += by
        yield (*inputs[:which], t, *inputs[which + 1 :])
        return
    before = t.data[place].clone()
    t.data[place] = before + by
    try:
        yield inputs
    finally:
        t.data[place] = before


# ---- Jacobians: a row for every element of the input, a column for every element of the output ----------


def _numerical(function: Callable[..., Any], inputs: tuple[Any, ...], which: int, eps: float) -> list[Matrix]:
    """Central differences, one matrix for every output."""
    rows: list[Matrix] = []
    for position in range(inputs[which].numel()):
        sides = []
        for by in (eps, -eps):
            with _moved(inputs, which, position, by) as moved:
                sides.append([t.detach().clone().reshape(-1) for t in _outputs(function, moved)])
        rows.append([((high - low) / (2 * eps)).tolist() for high, low in zip(*sides, strict=True)])
    count = len(_outputs(function, inputs)) if not rows else len(rows[0])
    return [[row[k] for row in rows] for k in range(count)]


def _analytical(output: Tensor, inputs: Sequence[Tensor], scale: float = 1.0) -> list[Matrix]:
    """What the engine computes, one matrix for every input. `scale` weighs the gradient that it starts from."""
    columns: list[list[list[float]]] = [[] for _ in inputs]
    for position in range(output.numel()):
        start = dt.zeros(output.numel(), dtype=output.dtype)
        start[position] = scale
        found = grad(output, inputs, start.reshape(output.shape), retain_graph=True, allow_unused=True)
        for column, t, gradient in zip(columns, inputs, found, strict=True):
            _check_like(gradient, t)
            column.append([0.0] * t.numel() if gradient is None else gradient.detach().reshape(-1).tolist())
    return [
        [[column[o][i] for o in range(len(column))] for i in range(t.numel())]
        for column, t in zip(columns, inputs, strict=True)
    ]


def _check_like(gradient: Tensor | None, t: Tensor) -> None:
    if gradient is not None and (gradient.shape != t.shape or gradient.dtype != t.dtype):
        raise GradcheckError(
            f"gradcheck: the gradient of an input of shape {tuple(t.shape)} and dtype {t.dtype} has shape "
            f"{tuple(gradient.shape)} and dtype {gradient.dtype}"
        )


# ---- comparing ------------------------------------------------------------------------------------------


def _apart(a: float, b: float, atol: float, rtol: float) -> bool:
    if a != a or b != b:  # NaN
        return (a == a) != (b == b)
    return a != b and not abs(a - b) <= atol + rtol * abs(b)


def _compare(analytical: Matrix, numerical: Matrix, where: str, atol: float, rtol: float) -> None:
    wrong = [
        (abs(a - n), i, o)
        for i, (mine, theirs) in enumerate(zip(analytical, numerical, strict=True))
        for o, (a, n) in enumerate(zip(mine, theirs, strict=True))
        if _apart(a, n, atol, rtol)
    ]
    if not wrong:
        return
    _, i, o = max(wrong)
    raise GradcheckError(
        f"gradcheck: Jacobian mismatch for {where}: {len(wrong)} of {sum(map(len, numerical))} entries differ, most "
        f"the derivative of output element {o} by input element {i}:\n"
        f"  numerical: {numerical[i][o]!r}\n  analytical: {analytical[i][o]!r}\n"
        f"numerical Jacobian (a row for every input element):\n{_text(numerical)}\n"
        f"analytical Jacobian:\n{_text(analytical)}"
    )


def _text(matrix: Matrix, most: int = 8) -> str:
    lines = [f"  [{', '.join(f'{v:.6g}' for v in row[:most])}{', ...' if len(row) > most else ''}]" for row in matrix]
    return "\n".join([*lines[:most], *(["  ..."] if len(lines) > most else [])])


# ---- the checks -----------------------------------------------------------------------------------------


def _check_inputs(who: str, inputs: tuple[Any, ...], which: list[int]) -> None:
    if not which:
        told = ", ".join(type(value).__name__ for value in inputs) or "no inputs"
        raise ValueError(
            f"{who} expects at least one input tensor to require gradient, but none of them do: got {told}"
        )
    for i in which:
        if inputs[i].dtype != dt.float64:
            raise ValueError(
                f"{who}: input {i} requires a gradient and has dtype {inputs[i].dtype}; finite differences need float64"
            )


def _check(
    function: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float, nondet: float
) -> None:
    which = _differentiable(inputs)
    _check_inputs("gradcheck", inputs, which)
    tensors = [inputs[i] for i in which]
    outputs = _outputs(function, inputs)
    if not any(t.requires_grad for t in outputs):
        raise ValueError("gradcheck: no output of the function requires a gradient")
    analytical = [_analytical(o, tensors) if o.requires_grad else None for o in outputs]
    for k, i in enumerate(which):
        numerical = _numerical(function, inputs, i, eps)
        for o, output in enumerate(outputs):
            mine = analytical[o]
            rows = mine[k] if mine is not None else [[0.0] * output.numel() for _ in range(inputs[i].numel())]
            _compare(rows, numerical[o], f"output {o} with respect to input {i}", atol, rtol)
    for o, output in enumerate(outputs):
        if output.requires_grad:
            _check_repeatable(output, tensors, analytical[o] or [], o, nondet)


def _check_repeatable(
    output: Tensor, tensors: Sequence[Tensor], before: list[Matrix], index: int, nondet: float
) -> None:
    """The same backward twice, the second with a gradient that is doubled: deterministic, and linear."""
    again = _analytical(output, tensors, scale=2.0)
    for k, (first, second) in enumerate(zip(before, again, strict=True)):
        for row, doubled in zip(first, second, strict=True):
            for a, b in zip(row, doubled, strict=True):
                if _apart(2 * a, b, nondet + 1e-12, 1e-12):
                    raise GradcheckError(
                        f"gradcheck: backward of output {index} with respect to input {k} is not linear in the "
                        f"incoming gradient, or not deterministic: {a!r} for 1, {b!r} for 2"
                    )


@checks.in_own_name
def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Compare the gradients of a function with finite differences.

        (f(x + eps) - f(x - eps)) / (2 eps)

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: its arguments. Those to check require a gradient, and are float64.
        eps: how far an element is moved.
        atol, rtol: how far the two may be apart.
        raise_exception: raise GradcheckError where they are not close, or else return False.
        nondet_tol: how far two runs of the same backward may be apart.

    Returns True if all gradients agree.

    Example:
        >>> x = dt.tensor([0.5, 2.0], dtype=dt.float64, requires_grad=True)
        >>> dt.autograd.gradcheck(dt.tanh, x)
        True
    """
    checks.callables("gradcheck", func=func)
    checks.numbers("gradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    try:
        _check(func, arguments, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


@checks.in_own_name
def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Compare the gradients of a function's gradients with finite differences.

    Args:
        grad_outputs: the weights of the outputs' elements; by default numbers around 1 that differ from each other.

    The other arguments are those of `gradcheck`.

    Example:
        >>> x = dt.tensor([0.5, 2.0], dtype=dt.float64, requires_grad=True)
        >>> dt.autograd.gradgradcheck(dt.tanh, x)
        True
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = [t for t in _outputs(func, arguments) if t.requires_grad]
    if grad_outputs is None:
        starts = tuple(_weights(t) for t in outputs)
    else:
        starts = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    which = _differentiable(arguments)

    def first_order(*args: Any) -> tuple[Tensor, ...]:
        tensors = args[: len(arguments)]
        results = [t for t in _outputs(func, tensors) if t.requires_grad]
        found = grad(results, [tensors[i] for i in which], args[len(arguments) :], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad)

    return gradcheck(
        first_order,
        (*arguments, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )


def _weights(t: Tensor) -> Tensor:
    """Weights between 0.5 and 1.5, the same every time."""
    count = t.numel()
    spread = (dt.arange(count, dtype=dt.float64) * 0.6180339887498949) % 1.0 + 0.5
    return spread.reshape(t.shape).requires_grad_()
