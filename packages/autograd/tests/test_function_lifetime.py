"""Contexts and results of Functions die with their graph, and cycles of them are collected."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import Function


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), dtype=dt.float64, requires_grad=True)


def test_the_context_dies_with_the_graph() -> None:
    class Marker:
        pass

    marker = Marker()
    watch = weakref.ref(marker)

    class Holds(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.marker = marker
            return x * 2

    y = Holds.apply(leaf(1.0))
    marker = None  # type: ignore[assignment]
    gc.collect()
    assert watch() is not None
    del y
    gc.collect()
    assert watch() is None


def test_a_result_kept_on_its_own_context_is_collected() -> None:
    class Marker:
        pass

    class Cycle(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.result = x * 2
            ctx.marker = Marker()
            return ctx.result

    y = Cycle.apply(leaf(1.0))
    watch = weakref.ref(y.grad_fn.marker)
    del y
    gc.collect()
    assert watch() is None


class Marker:
    """Something that a weak reference can watch."""


def saves_its_output(ctx: Any, x: dt.Tensor) -> dt.Tensor:
    y = x.exp()
    ctx.save_for_backward(y)
    return y


def keeps_its_context(ctx: Any, x: dt.Tensor) -> dt.Tensor:
    y = x * 2
    y.context = ctx
    return y


@pytest.mark.parametrize("forward", [saves_its_output, keeps_its_context])
@pytest.mark.parametrize("ran", [False, True])
def test_cycles_of_a_function_and_its_result_are_collected(forward: Any, ran: bool) -> None:
    class Cycle(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.marker = Marker()
            return forward(ctx, x)

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            return g * len(ctx.saved_tensors)

    x = leaf(1.0)
    y = Cycle.apply(x)
    y.retain_grad()
    y.register_hook(lambda g, y=y: None)  # the node holds the hook, which holds y
    if ran:
        y.sum().backward(retain_graph=True)
        y.grad.of = y
    watch = weakref.ref(y.grad_fn.marker)
    del y
    gc.collect()
    gc.collect()
    assert watch() is None
