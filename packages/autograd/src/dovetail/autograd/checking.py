"""Checking derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks

from .engine import grad
from .func import vjp
from .jacobians import (
    Matrix,
    Spread,
    Units,
    Vectors,
    by_backward,
    by_differences,
    by_forward,
    by_mapped_backward,
    by_mapped_forward,
    from_coordinates,
    outputs_of,
    spread,
)

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative that does not agree with finite differences."""


@dataclass(frozen=True)
class _Settings:
    """What is checked, and how closely."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    backward: bool = True
    forward: bool = False
    undefined: bool = True
    batched_backward: bool = False
    batched_forward: bool = False
    fast: bool = False

    def vectors(self, t: Tensor, phase: int) -> Vectors:
        return Spread(t, phase) if self.fast else Units(t)


# ---- comparing ------------------------------------------------------------------------------------------


def _apart(a: float, b: float, atol: float, rtol: float) -> bool:
    if a != a or b != b:  # NaN
        return (a == a) != (b == b)
    return a != b and not abs(a - b) <= atol + rtol * abs(b)


def _check_like(gradient: Tensor | None, t: Tensor, what: str = "gradient of an input") -> None:
    if gradient is not None and (gradient.shape != t.shape or gradient.dtype != t.dtype):
        raise GradcheckError(
            f"gradcheck: the {what} of shape {tuple(t.shape)} and dtype {t.dtype} has shape "
            f"{tuple(gradient.shape)} and dtype {gradient.dtype}"
        )


def _text(matrix: Matrix, most: int = 8) -> str:
    lines = [f"  [{', '.join(f'{v:.6g}' for v in row[:most])}{', ...' if len(row) > most else ''}]" for row in matrix]
    return "\n".join([*lines[:most], *(["  ..."] if len(lines) > most else [])])


class _Check:
    """One function at one place."""

    def __init__(self, function: Callable[..., Any], inputs: tuple[Any, ...], settings: _Settings) -> None:
        self.function, self.inputs, self.settings = function, inputs, settings
        self.which = _differentiable(inputs)
        _check_inputs("gradcheck", inputs, self.which)
        self.tensors = [inputs[i] for i in self.which]
        self.outputs = outputs_of(function, inputs)
        self.recorded = [t.requires_grad for t in self.outputs]
        if not any(self.recorded):
            raise ValueError("gradcheck: no output of the function requires a gradient")
        self.directions = [settings.vectors(t, 1 + k) for k, t in enumerate(self.tensors)]
        self.weights = [settings.vectors(t, -1 - k) for k, t in enumerate(self.outputs)]

    def run(self, forward_function: Callable[..., Any] | None = None) -> None:
        s = self.settings
        self.differences = [
            by_differences(self.function, self.inputs, i, along, self.weights, s.eps)
            for i, along in zip(self.which, self.directions, strict=True)
        ]
        if s.backward:
            self.backward()
        if s.forward or s.batched_forward:
            self.forward(forward_function or self.function)

    # By output and input, and the other way about.
    def compare(self, found: Matrix, o: int, k: int, by: str) -> None:
        s = self.settings
        # A sum over directions and weights may be as far off as all entries together.
        atol = s.atol * self.directions[k].size * self.weights[o].size
        expected = self.differences[k][o]
        wrong = [
            (abs(a - n), i, j)
            for i, (mine, theirs) in enumerate(zip(found, expected, strict=True))
            for j, (a, n) in enumerate(zip(mine, theirs, strict=True))
            if _apart(a, n, atol, s.rtol)
        ]
        if not wrong:
            return
        _, i, j = max(wrong)
        where = f"output {o} with respect to input {self.which[k]}{by}"
        if s.fast:
            raise GradcheckError(
                f"gradcheck: Jacobian mismatch for {where}, along one direction:\n"
                f"  numerical: {expected[i][j]!r}\n  analytical: {found[i][j]!r}\n"
                "fast_mode=False shows the entries that differ"
            )
        raise GradcheckError(
            f"gradcheck: Jacobian mismatch for {where}: {len(wrong)} of {sum(map(len, expected))} entries differ, most "
            f"the derivative of output element {j} by input element {i}:\n"
            f"  numerical: {expected[i][j]!r}\n  analytical: {found[i][j]!r}\n"
            f"numerical Jacobian (a row for every input element):\n{_text(expected)}\n"
            f"analytical Jacobian:\n{_text(found)}"
        )

    def backward(self) -> None:
        found: list[list[Matrix] | None] = []
        for o, output in enumerate(self.outputs):
            weights = self.weights[o]
            if not self.recorded[o]:
                found.append(None)
                for k, along in enumerate(self.directions):
                    self.compare([[0.0] * weights.count for _ in range(along.count)], o, k, "")
                continue
            matrices = by_backward(output, self.tensors, self.directions, weights, look=_check_like)
            found.append(matrices)
            for k, matrix in enumerate(matrices):
                self.compare(matrix, o, k, "")
            self.repeat(o, matrices)
        if self.settings.undefined and sum(self.recorded) > 1:
            self.jointly()
        if self.settings.batched_backward:
            batched = by_mapped_backward(self.function, self.inputs, self.which, self.directions, self.weights)
            for o, row in enumerate(batched):
                for k, matrix in enumerate(row):
                    self.compare(matrix, o, k, " under vmap")

    def repeat(self, o: int, before: list[Matrix]) -> None:
        """The same backward twice, the second with a gradient that is doubled: deterministic, and linear."""
        again = by_backward(self.outputs[o], self.tensors, self.directions, self.weights[o], scale=2.0)
        tolerance = self.settings.nondet_tol + 1e-12
        for k, (first, second) in enumerate(zip(before, again, strict=True)):
            for row, doubled in zip(first, second, strict=True):
                for a, b in zip(row, doubled, strict=True):
                    if _apart(2 * a, b, tolerance, 1e-12):
                        raise GradcheckError(
                            f"gradcheck: backward of output {o} with respect to input {self.which[k]} is not linear in "
                            f"the incoming gradient, or not deterministic: {a!r} for 1, {b!r} for 2"
                        )

    def jointly(self) -> None:
        """A gradient that comes for some outputs only, the others' undefined: all together are the sum."""
        outputs = [t for t, recorded in zip(self.outputs, self.recorded, strict=True) if recorded]
        starts = [Spread(t, o).vector for o, t in enumerate(outputs)]
        whole = grad(outputs, self.tensors, starts, retain_graph=True, allow_unused=True)
        alone = [
            grad(t, self.tensors, start, retain_graph=True, allow_unused=True)
            for t, start in zip(outputs, starts, strict=True)
        ]
        for k, together in enumerate(whole):
            parts = [found[k] for found in alone if found[k] is not None]
            for a, b in zip(
                Spread(self.tensors[k]).products(together),
                map(sum, zip(*(Spread(self.tensors[k]).products(part) for part in parts), strict=True)),
                strict=False,
            ):
                if _apart(a, b, self.settings.atol, self.settings.rtol):
                    raise GradcheckError(
                        f"gradcheck: the gradient of input {self.which[k]} from all outputs is not the sum of those "
                        f"from each, where the others' are undefined: {a!r} and {b!r}"
                    )

    def forward(self, function: Callable[..., Any]) -> None:
        s = self.settings

        def look(tangent: Tensor, output: Tensor) -> None:
            _check_like(tangent, output, "tangent of an output")

        for k, (i, along) in enumerate(zip(self.which, self.directions, strict=True)):
            if s.forward:
                for o, matrix in enumerate(by_forward(function, self.inputs, i, along, self.weights, look)):
                    self.compare(matrix, o, k, " in forward mode")
            if s.batched_forward:
                for o, matrix in enumerate(by_mapped_forward(function, self.inputs, i, along, self.weights)):
                    self.compare(matrix, o, k, " in forward mode under vmap")


# ---- arguments ------------------------------------------------------------------------------------------


def _differentiable(inputs: tuple[Any, ...]) -> list[int]:
    return [i for i, t in enumerate(inputs) if isinstance(t, Tensor) and t.requires_grad]


def _check_inputs(who: str, inputs: tuple[Any, ...], which: list[int]) -> None:
    if not which:
        told = ", ".join(type(value).__name__ for value in inputs) or "no inputs"
        raise ValueError(
            f"{who} expects at least one input tensor to require gradient, but none of them do: got {told}"
        )
    for i in which:
        if inputs[i].dtype not in (dt.float64, dt.complex128):
            raise ValueError(
                f"{who}: input {i} requires a gradient and has dtype {inputs[i].dtype}; finite differences need "
                "float64 or complex128"
            )


def _tuple(inputs: Tensor | Sequence[Any]) -> tuple[Any, ...]:
    return (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)


def _verdict(check: Callable[[], None], raise_exception: bool) -> bool:
    try:
        check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


# ---- the checks -----------------------------------------------------------------------------------------


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
    check_undefined_grad: bool = True,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Compare the gradients of a function with finite differences.

        (f(x + eps) - f(x - eps)) / (2 eps)

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: its arguments. Those to check require a gradient, and are float64 or complex128.
        eps: how far an element is moved.
        atol, rtol: how far the two may be apart.
        raise_exception: raise GradcheckError where they are not close, or else return False.
        nondet_tol: how far two runs of the same backward may be apart.
        check_undefined_grad: of several outputs, check that gradients of some add up to those of all.
        check_batched_grad: check the gradients under `vmap` too.
        check_batched_forward_grad: check forward mode under `vmap` too.
        check_forward_ad: check forward mode (`dt.func.jvp`).
        check_backward_ad: check backward mode.
        fast_mode: in place of the whole Jacobian, compare one product with it for every input and output, along a
            direction without equal elements: a few calls of the function, however many elements there are.

    Complex inputs and outputs count as pairs of real numbers: the gradient of a real loss L by z = x + iy is
    dL/dx + i dL/dy.

    Returns True if all gradients agree.

    Example:
        >>> x = dt.tensor([0.5, 2.0], dtype=dt.float64, requires_grad=True)
        >>> dt.autograd.gradcheck(dt.tanh, x, check_forward_ad=True)
        True
        >>> z = dt.tensor([1 + 2j, -1j], dtype=dt.complex128, requires_grad=True)
        >>> dt.autograd.gradcheck(dt.exp, z, fast_mode=True)
        True
    """
    checks.callables("gradcheck", func=func)
    checks.numbers("gradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    _check_modes("gradcheck", check_backward_ad, check_forward_ad, check_batched_grad, check_batched_forward_grad)
    settings = _Settings(
        eps,
        atol,
        rtol,
        nondet_tol,
        backward=check_backward_ad,
        forward=check_forward_ad,
        undefined=check_undefined_grad,
        batched_backward=check_batched_grad,
        batched_forward=check_batched_forward_grad,
        fast=fast_mode,
    )
    return _verdict(lambda: _Check(func, _tuple(inputs), settings).run(), raise_exception)


def _check_modes(who: str, backward: bool, forward: bool, batched: bool, batched_forward: bool) -> None:
    if not (backward or forward):
        raise ValueError(f"{who}: expected at least one of check_forward_ad and check_backward_ad to be True")
    if batched and not backward:
        raise ValueError(f"{who}: check_batched_grad=True needs check_backward_ad=True")
    if batched_forward and not forward:
        raise ValueError(f"{who}: check_batched_forward_grad=True needs check_forward_ad=True")


@checks.in_own_name
def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
) -> bool:
    """Compare the gradients of a function's gradients with finite differences.

    Args:
        grad_outputs: the weights of the outputs' elements; by default numbers around 1 that differ from each other.
        gen_non_contig_grad_outputs: where they are made, make them non-contiguous.
        check_fwd_over_rev: check the gradients' forward derivatives.
        check_rev_over_rev: check the gradients' gradients.

    The other arguments are those of `gradcheck`.

    Example:
        >>> x = dt.tensor([0.5, 2.0], dtype=dt.float64, requires_grad=True)
        >>> dt.autograd.gradgradcheck(dt.tanh, x, check_fwd_over_rev=True)
        True
    """
    checks.callables("gradgradcheck", func=func)
    checks.numbers("gradgradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise ValueError("gradgradcheck: expected at least one of check_fwd_over_rev and check_rev_over_rev to be True")
    arguments = _tuple(inputs)
    if grad_outputs is None:
        outputs = [t for t in outputs_of(func, arguments) if t.requires_grad]
        starts = tuple(_start(t, k, gen_non_contig_grad_outputs) for k, t in enumerate(outputs))
    else:
        starts = _tuple(grad_outputs)
    settings = _Settings(
        eps,
        atol,
        rtol,
        nondet_tol,
        backward=check_rev_over_rev,
        forward=check_fwd_over_rev,
        undefined=check_undefined_grad,
        batched_backward=check_batched_grad,
        fast=fast_mode,
    )

    def check() -> None:
        first = _FirstOrder(func, arguments, starts)
        _Check(first.recorded, (*arguments, *starts), settings).run(first.pulled)

    return _verdict(check, raise_exception)


def _start(t: Tensor, phase: int, strided: bool) -> Tensor:
    """Weights between 0.5 and 1.5, the same every time."""
    weights = from_coordinates(spread(t.numel() * (2 if t.is_complex() else 1), phase), t)
    if strided:
        weights = dt.stack([weights, weights], -1)[..., 0]
    return weights.detach().requires_grad_()


class _FirstOrder:
    """A function's gradients, as a function of its inputs and the outputs' weights, in two ways."""

    def __init__(self, function: Callable[..., Any], inputs: tuple[Any, ...], starts: tuple[Tensor, ...]) -> None:
        self.function, self.count, self.which = function, len(inputs), _differentiable(inputs)
        results = outputs_of(function, inputs)
        self.outputs = [i for i, t in enumerate(results) if t.requires_grad]
        found = self._gradients((*inputs, *starts)) if self.which and self.outputs else ()
        self.kept = [k for k, g in enumerate(found) if g is not None and g.requires_grad]

    def _gradients(self, args: tuple[Any, ...]) -> tuple[Tensor | None, ...]:
        results = outputs_of(self.function, args[: self.count])
        chosen = [args[i] for i in self.which]
        starts = args[self.count :]
        outputs = [results[i] for i in self.outputs]
        return tuple(grad(outputs, chosen, starts, create_graph=True, allow_unused=True))

    def recorded(self, *args: Any) -> tuple[Tensor, ...]:
        """By the engine, which records what it does."""
        found = self._gradients(args)
        pairs = ((found[k], args[self.which[k]]) for k in self.kept)
        return tuple(dt.zeros_like(t) if g is None else g for g, t in pairs)

    def pulled(self, *args: Any) -> tuple[Tensor, ...]:
        """By `dt.func.vjp`, which forward mode sees into."""

        def of_chosen(*chosen: Tensor) -> tuple[Tensor, ...]:
            places = dict(zip(self.which, chosen, strict=True))
            results = outputs_of(self.function, tuple(places.get(i, t) for i, t in enumerate(args[: self.count])))
            return tuple(results[i] for i in self.outputs)

        _, pull = vjp(of_chosen, *(args[i] for i in self.which))
        found = pull(tuple(args[self.count :]))
        return tuple(found[k] for k in self.kept)
