"""Derivatives against finite differences, over the samples of every op: first and second order."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import COMPLEXES, FLOATS, HELD, SAMPLES, Sample, T, as_list, each_tensor, samples, tensors

if importlib.util.find_spec("dovetail.autograd._engine") is None:
    pytest.skip("derivatives come with dovetail-autograd", allow_module_level=True)

from dovetail.autograd import grad, gradcheck, gradgradcheck

dt.ops.load_all()

# Up to this many elements to differentiate, and of the result, every single derivative is checked; beyond, one along a
# random direction. Samples beyond the second limit only cost time.
SMALL, LARGE = (40, 120), (4000, 8000)
# Samples of an op, and how many of them are checked to second order.
FIRST_ORDER, OF_COMPLEX, SECOND_ORDER, DIRECTIONS = 24, 6, 8, 6

# Functions that jump, so that finite differences mean nothing where a sample is close to an edge.
JUMPING = {"remainder", "fmod", "floor_divide", "div", "round", "mode"}


def differentiable_ops() -> list[str]:
    """Those of which an argument can have a gradient."""
    ops = {op.name: op for op in dt._core.ops()}
    takes_tensors = {name for name, op in ops.items() if any(arg.type.startswith("Tensor") for arg in op.args)}
    return sorted(name for name in SAMPLES if ops[name].differentiable and name in takes_tensors)


# ---- samples as functions of float64 tensors -------------------------------------------------------------------


@dataclass
class Pairs:
    """A complex argument as its parts: a float64 leaf with a last dim of size 2."""

    leaf: dt.Tensor


def with_gradients(value: Any) -> Any:
    """Arguments in which every floating-point tensor is a float64 leaf, and every complex one a pair of such."""
    if isinstance(value, T) and str(value.array.dtype) in FLOATS:
        return T(value.array.astype(np.float64), value.layout).tensor().detach().requires_grad_()
    if isinstance(value, T) and str(value.array.dtype) in COMPLEXES:
        array = value.array.astype(np.complex128)
        return Pairs(T(np.stack([array.real, array.imag], axis=-1)).tensor().requires_grad_())
    if isinstance(value, (list, tuple)):
        return type(value)(with_gradients(item) for item in value)
    if isinstance(value, dict):
        return {key: with_gradients(item) for key, item in value.items()}
    return tensors(value)


def leaves(value: Any) -> Iterator[dt.Tensor]:
    if isinstance(value, Pairs):
        yield value.leaf
    elif isinstance(value, dt.Tensor) and value.requires_grad:
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        yield from leaves(list(value.values()))


def filled(value: Any, given: Iterator[dt.Tensor]) -> Any:
    """The arguments with their leaves replaced, in order."""
    if isinstance(value, Pairs):
        return dt.view_as_complex(next(given))
    if isinstance(value, dt.Tensor):
        return next(given) if value.requires_grad else value
    if isinstance(value, (list, tuple)):
        return type(value)(filled(item, given) for item in value)
    if isinstance(value, dict):
        return {key: filled(item, given) for key, item in value.items()}
    return value


def as_function(op: Any, sample: Sample) -> tuple[Callable[..., Any], list[dt.Tensor]]:
    """The call as a function of its leaves, and the leaves."""
    held = HELD.get(op.name, ())
    args = tuple(tensors(arg) if i in held else with_gradients(arg) for i, arg in enumerate(sample.args))
    kwargs = with_gradients(sample.kwargs)

    def function(*given: dt.Tensor) -> Any:
        replaced = iter(given)
        first = () if sample.through is None else (op,)
        result = (sample.through or op)(*first, *filled(args, replaced), **filled(kwargs, replaced))
        return tuple(parts(result)) if isinstance(result, (tuple, list)) else parts(result)[0]

    return function, list(leaves((args, kwargs)))


def parts(result: Any) -> list[Any]:
    """Results with complex ones as their parts: finite differences are of real numbers."""
    return [dt.view_as_real(t) if isinstance(t, dt.Tensor) and t.is_complex() else t for t in as_list(result)]


def results(function: Callable[..., Any], inputs: list[dt.Tensor]) -> list[dt.Tensor]:
    return [t for t in as_list(function(*inputs)) if isinstance(t, dt.Tensor) and t.dtype == dt.float64]


def is_complex(sample: Sample) -> bool:
    return any(str(t.array.dtype) in COMPLEXES for t in each_tensor((sample.args, tuple(sample.kwargs.values()))))


def is_smooth(function: Callable[..., Any], inputs: list[dt.Tensor], outputs: list[dt.Tensor]) -> bool:
    """Whether all is finite, here and a little further on either side."""
    for factor in (1.0, 1 + 1e-5, 1 - 1e-5):
        moved = [(t.detach() * factor).requires_grad_() for t in inputs]
        for before, after in zip(outputs, results(function, moved), strict=True):
            a, b = np.asarray(before.detach()), np.asarray(after.detach())
            if not np.isfinite(b).all() or np.abs(a - b).max(initial=0) > 1e-2 * (1 + np.abs(a).max(initial=0)):
                return False
    return True


Case = tuple[Callable[..., Any], list[dt.Tensor]]


def cases(
    name: str, above: tuple[int, int], most: tuple[int, int], count: int, of_complex: bool = False
) -> Iterator[Case]:
    """Samples, of complex numbers or of real ones, with more elements than one limit and at most those of the other."""
    op = dt._core.get_op(name)
    found = 0
    for sample in samples(name):
        if found == count:
            return
        if is_complex(sample) != of_complex:
            continue
        function, inputs = as_function(op, sample)
        size = sum(t.numel() for t in inputs)
        if not inputs or size > most[0]:
            continue
        outputs = results(function, inputs)
        result_size = sum(t.numel() for t in outputs)
        if result_size > most[1] or (size <= above[0] and result_size <= above[1]):
            continue
        if not any(t.requires_grad for t in outputs) or not is_smooth(function, inputs, outputs):
            continue
        found += 1
        yield function, inputs


def small_cases(name: str) -> Iterator[Case]:
    yield from cases(name, (-1, -1), SMALL, FIRST_ORDER)
    yield from cases(name, (-1, -1), SMALL, OF_COMPLEX, of_complex=True)


def large_cases(name: str) -> Iterator[Case]:
    return cases(name, SMALL, LARGE, DIRECTIONS)


def has_second_order(function: Callable[..., Any], inputs: list[dt.Tensor]) -> bool:
    outputs = [t for t in results(function, inputs) if t.requires_grad]
    starts = [dt.ones_like(t).requires_grad_() for t in outputs]
    found = grad(outputs, inputs, starts, create_graph=True, allow_unused=True)
    return any(g is not None and g.requires_grad for g in found)


def along_a_direction(function: Callable[..., Any], inputs: list[dt.Tensor], eps: float = 1e-6) -> tuple[float, float]:
    """The derivative of a weighted sum of the results along a random direction: by the graph, and by differences."""
    rng = np.random.default_rng(0)

    def random_like(t: dt.Tensor) -> dt.Tensor:
        return dt.tensor(rng.uniform(0.5, 1.5, tuple(t.shape)), dtype=dt.float64).reshape(t.shape)

    outputs = [t for t in results(function, inputs) if t.requires_grad]
    weights, directions = [random_like(t) for t in outputs], [random_like(t) for t in inputs]
    gradients = grad(outputs, inputs, weights, materialize_grads=True)
    exact = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True))

    def moved(by: float) -> float:
        at = [(t.detach() + by * d).requires_grad_() for t, d in zip(inputs, directions, strict=True)]
        found = [t for t in results(function, at) if t.requires_grad]
        return sum((w * t).sum().item() for w, t in zip(weights, found, strict=True))

    return exact, (moved(eps) - moved(-eps)) / (2 * eps)


@pytest.mark.parametrize("name", differentiable_ops())
def test_gradients(name: str) -> None:
    second_order = 0
    for function, inputs in small_cases(name):
        if not gradcheck(function, inputs, raise_exception=name not in JUMPING):
            continue
        if second_order < SECOND_ORDER and has_second_order(function, inputs):
            second_order += 1
            gradgradcheck(function, inputs)
    for function, inputs in large_cases(name):
        exact, difference = along_a_direction(function, inputs)
        assert exact == pytest.approx(difference, rel=1e-4, abs=1e-4) or name in JUMPING


# Results of which no element is defined, or that are drawn anew by every call.
NOT_REACHED = {"empty_like", "gumbel_softmax"}


@pytest.mark.parametrize("name", differentiable_ops())
def test_every_differentiable_op_is_reached(name: str) -> None:
    reached = next(small_cases(name), None) or next(large_cases(name), None)
    assert reached or name in NOT_REACHED, "add a smooth sample of floats, or mark the op non_differentiable"


@pytest.mark.parametrize("name", HELD)
def test_what_has_no_derivative_is_refused(name: str) -> None:
    op = dt._core.get_op(name)
    for i in HELD[name]:
        args = [dt.full((2,), 1.5, requires_grad=i == k) for k in range(len(op.args))]
        with pytest.raises(NotImplementedError, match=f"^{name}: no derivative for {name} with respect to self"):
            op(*args)
        assert op(*(arg.detach() for arg in args)).isfinite().all()
