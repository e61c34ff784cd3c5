"""L-BFGS: Newton's method with a Hessian that is guessed from the last steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import dovetail as dt
from dovetail import checks

from .line_search import Trial, strong_wolfe
from .optimizer import Optimizer
from .options import ParamGroup

Vector = list[Any]  # a tensor for each parameter


@dataclass
class Memory:
    """What is remembered from iteration to iteration."""

    direction: Vector
    gradient: Vector
    step_size: float = 0.0
    scale: float = 1.0  # of the first guess of the inverse Hessian
    changes: list[Vector] = field(default_factory=list)  # of the gradient
    steps: list[Vector] = field(default_factory=list)
    iterations: int = 0
    evaluations: int = 0


class LBFGS(Optimizer):
    """L-BFGS: Newton's method with the inverse Hessian guessed from the last steps and changes of the gradient.

        param += t * d,   d = -H g,   H from the pairs (step, change of gradient) by the two-loop recursion

    ``step`` needs a closure, which drops the gradients, computes the loss, calls ``backward`` and returns the loss; one
    step takes up to ``max_iter`` iterations.

    Args:
        params: what to optimize, in one group (see Optimizer).
        lr: the step length, and where a line search begins.
        max_iter: how many iterations a step takes.
        max_eval: how often a step computes the loss at most; ``max_iter * 5 / 4`` where None.
        tolerance_grad: a gradient whose entries are all below it ends the step.
        tolerance_change: a change of parameters and loss below it ends the step.
        history_size: how many steps are remembered.
        line_search_fn: "strong_wolfe", or None for steps of length ``lr``.

    Raises:
        ValueError: for an option out of range, or several groups.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5.

    Example:
        >>> w = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> opt = LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     opt.zero_grad()
        ...     loss = (w * w).sum()
        ...     loss.backward()
        ...     return loss
        >>> opt.step(closure).item()
        5.0
        >>> w.abs().max().item() < 1e-6
        True
    """

    takes_groups = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        checks.integers("LBFGS", max_iter=max_iter)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        for option in ("max_iter", "max_eval", "history_size"):
            checks.integers("LBFGS", **{option: group[option]})
            if group[option] < 1:
                raise ValueError(f"LBFGS: {option} must be at least 1, got {group[option]}")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn must be None or 'strong_wolfe', got {group['line_search_fn']!r}")

    # ---- the step ----

    def _take_step(self, closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            raise TypeError("LBFGS: step() needs a closure that computes the loss and its gradients, got None")
        evaluate = dt.enable_grad()(closure)
        group, params = self.param_groups[0], self._real_params()
        with dt.no_grad():
            first_loss = evaluate()
            gradient = self._gradient()
            memory = self._memory(params)
            memory.evaluations += 1
            if _largest(gradient) > group["tolerance_grad"]:
                self._iterate(evaluate, float(first_loss), gradient, memory)
                self._remember(memory)
        return first_loss

    def _iterate(self, evaluate: Callable[[], Any], loss: float, gradient: Vector, memory: Memory) -> None:
        group, params = self.param_groups[0], self._real_params()
        rate, small = float(group["lr"]), float(group["tolerance_change"])
        evaluations = 1
        for iteration in range(1, group["max_iter"] + 1):
            memory.iterations += 1
            self._turn(memory, gradient)
            direction, loss_before = memory.direction, loss
            if memory.iterations == 1:
                memory.step_size = min(1.0, 1.0 / _absolute_sum(gradient)) * rate
            else:
                memory.step_size = rate
            slope = _dot(gradient, direction)
            if slope > -small:
                break
            last = iteration == group["max_iter"]
            tried = 0
            if group["line_search_fn"]:
                start = Trial(0.0, loss, gradient, slope)
                found, tried = self._search(evaluate, start, memory, group["max_eval"] - evaluations)
                loss, gradient, memory.step_size = found.loss, found.gradient, found.t
            _add(params, memory.step_size, direction)
            if not group["line_search_fn"] and not last:
                loss, gradient, tried = float(evaluate()), self._gradient(), 1
            evaluations += tried
            memory.evaluations += tried
            if last or evaluations >= group["max_eval"] or _largest(gradient) <= group["tolerance_grad"]:
                break
            if _largest(direction) * abs(memory.step_size) <= small or abs(loss - loss_before) < small:
                break

    def _turn(self, memory: Memory, gradient: Vector) -> None:
        """The next direction: ``-H gradient``, with the last step in H."""
        if memory.iterations > 1:
            change = [new - old for new, old in zip(gradient, memory.gradient, strict=True)]
            step = [d * memory.step_size for d in memory.direction]
            agreement = _dot(change, step)
            if agreement > 1e-10:  # else the Hessian would not stay positive
                memory.changes.append(change)
                memory.steps.append(step)
                size = self.param_groups[0]["history_size"]
                del memory.changes[:-size], memory.steps[:-size]
                memory.scale = agreement / _dot(change, change)
        memory.direction = _two_loops(gradient, memory)
        memory.gradient = [g.clone() for g in gradient]

    def _search(self, evaluate: Callable[[], Any], start: Trial, memory: Memory, most: int) -> tuple[Trial, int]:
        params, direction = self._real_params(), memory.direction
        before = [p.clone() for p in params]

        def at(t: float) -> Trial:
            _add(params, t, direction)
            loss = float(evaluate())
            gradient = self._gradient()
            for p, old in zip(params, before, strict=True):
                p.copy_(old)
            return Trial(t, loss, gradient, _dot(gradient, direction))

        tolerance = float(self.param_groups[0]["tolerance_change"])
        return strong_wolfe(at, start, memory.step_size, _largest(direction), tolerance, most)

    def _real_params(self) -> Vector:
        return [_real(p) for p in self.param_groups[0]["params"]]

    def _gradient(self) -> Vector:
        """The gradients as they are now; zeros where there is none."""
        params = self.param_groups[0]["params"]
        return [_real(dt.zeros_like(p) if p.grad is None else p.grad.detach().clone()) for p in params]

    # ---- its state: each parameter's part of every vector, and the numbers ----

    def _memory(self, params: Vector) -> Memory:
        states = [self.state[p] for p in self.param_groups[0]["params"]]
        if not states[0]:
            zeros = [dt.zeros_like(p) for p in params]
            return Memory(direction=zeros, gradient=zeros)
        known = sum(key.startswith("old_stps.") for key in states[0])
        return Memory(
            direction=[s["d"] for s in states],
            gradient=[s["prev_flat_grad"] for s in states],
            step_size=states[0]["t"],
            scale=states[0]["H_diag"],
            changes=[[s[f"old_dirs.{i}"] for s in states] for i in range(known)],
            steps=[[s[f"old_stps.{i}"] for s in states] for i in range(known)],
            iterations=states[0]["n_iter"],
            evaluations=states[0]["func_evals"],
        )

    def _remember(self, memory: Memory) -> None:
        numbers = {
            "t": memory.step_size,
            "H_diag": memory.scale,
            "n_iter": memory.iterations,
            "func_evals": memory.evaluations,
        }
        for i, p in enumerate(self.param_groups[0]["params"]):
            history = {f"old_dirs.{k}": change[i] for k, change in enumerate(memory.changes)}
            history |= {f"old_stps.{k}": step[i] for k, step in enumerate(memory.steps)}
            self.state[p] = {"d": memory.direction[i], "prev_flat_grad": memory.gradient[i], **numbers, **history}


# ---- vectors that are lists of tensors ----


def _real(tensor: Any) -> Any:
    return dt.view_as_real(tensor) if tensor.is_complex() else tensor


def _dot(a: Vector, b: Vector) -> float:
    return math.fsum((x * y).sum().item() for x, y in zip(a, b, strict=True))


def _largest(vector: Vector) -> float:
    return max((x.abs().max().item() for x in vector if x.numel()), default=0.0)


def _absolute_sum(vector: Vector) -> float:
    return math.fsum(x.abs().sum().item() for x in vector)


def _add(vector: Vector, t: float, other: Vector) -> None:
    for x, y in zip(vector, other, strict=True):
        x.add_(y, alpha=t)


def _two_loops(gradient: Vector, memory: Memory) -> Vector:
    """``-H gradient``."""
    r = [-g for g in gradient]
    weights = []
    for change, step in zip(reversed(memory.changes), reversed(memory.steps), strict=True):
        agreement = _dot(change, step)
        weights.append((agreement, _dot(step, r) / agreement))
        _add(r, -weights[-1][1], change)
    for x in r:
        x.mul_(memory.scale)
    for change, step, (agreement, weight) in zip(memory.changes, memory.steps, reversed(weights), strict=True):
        _add(r, weight - _dot(change, r) / agreement, step)
    return r
