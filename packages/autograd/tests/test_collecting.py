"""Cycles through tensors, nodes, hooks and what users hang on them are found by the garbage collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dovetail as dt


class Marker:
    """Something that a weak reference can watch."""


@pytest.fixture(autouse=True)
def only_when_asked() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf() -> dt.Tensor:
    return dt.ones(2, requires_grad=True)


class Double(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
        return g * 2


def holding(*things: Any) -> Callable[..., None]:
    """A hook that holds them."""
    return lambda *_: things and None


def hook_with_node(y: Any, marker: Marker) -> None:
    y.attr = y.grad_fn
    node = y.grad_fn
    node.register_hook(holding(node, marker))


def hook_with_tensor(y: Any, marker: Marker) -> None:
    y.attr = y.grad_fn
    y.register_hook(holding(y, marker))


def hook_with_both(y: Any, marker: Marker) -> None:
    y.attr = node = y.grad_fn
    node.register_prehook(holding(y, node, marker))


def hook_alone(y: Any, marker: Marker) -> None:
    node = y.grad_fn
    node.register_hook(holding(node, marker))


def notes(y: Any, marker: Marker) -> None:
    y.grad_fn.metadata["all"] = (y.grad_fn, y, marker)


def attribute_of_the_node(y: Any, marker: Marker) -> None:
    node = y.grad_fn
    node.of = (y, marker)
    y.attr = node


def retained(y: Any, marker: Marker) -> None:
    y.retain_grad()
    y.attr = y.grad_fn
    y.backward(dt.ones(2), retain_graph=True)
    y.grad_fn.register_hook(holding(y, y.grad, marker))


CYCLES = [hook_with_node, hook_with_tensor, hook_with_both, hook_alone, notes, attribute_of_the_node, retained]
MAKERS: dict[str, Callable[[dt.Tensor], dt.Tensor]] = {
    "op": lambda x: x * 2,
    "saving": lambda x: x.exp(),
    "view": lambda x: x[:],
    "function": Double.apply,
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("tie", CYCLES, ids=lambda tie: tie.__name__)
def test_a_cycle_is_collected(tie: Callable[[Any, Marker], None], maker: str) -> None:
    x, marker = leaf(), Marker()
    watch = weakref.ref(marker)
    y = MAKERS[maker](x)
    tie(y, marker)
    del marker
    gc.collect()
    assert watch() is not None, "y is there still"
    of_tensor = weakref.ref(y)
    del y
    gc.collect()
    gc.collect()
    assert watch() is None
    assert of_tensor() is None


# By the tensor, by the node, or by what was made of it. (Attributes of a node live as long as its Python object.)
HOLDERS: dict[str, Callable[[dt.Tensor], Any]] = {
    "tensor": lambda y: y,
    "node": lambda y: y.grad_fn,
    "result": lambda y: y * 3,
    "node of a result": lambda y: (y * 3).grad_fn,
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("tie", [t for t in CYCLES if t is not attribute_of_the_node], ids=lambda tie: tie.__name__)
def test_what_somebody_holds_is_not_collected(tie: Callable[[Any, Marker], None], holder: str) -> None:
    x, marker = leaf(), Marker()
    watch = weakref.ref(marker)
    y = x * 2
    tie(y, marker)
    held = HOLDERS[holder](y)
    del y, marker
    for _ in range(3):
        gc.collect()
    assert watch() is not None
    if isinstance(held, dt.Tensor):
        held.sum().backward()
        assert x.grad is not None
    del held
    for _ in range(3):
        gc.collect()
    assert watch() is None


def test_hooks_run_after_the_collector_looked() -> None:
    x, calls = leaf(), []
    y = x * 2
    y.attr = node = y.grad_fn
    node.register_hook(lambda inputs, outputs: calls.append(node))
    gc.collect()
    y.sum().backward()
    assert calls == [node]
    del y
    gc.collect()
    assert [each.name() for each in calls] == ["MulBackward0"]


def test_the_hook_of_a_leafs_node() -> None:
    marker = Marker()
    watch = weakref.ref(marker)
    x = leaf()
    node = (x * 2).grad_fn.next_functions[0][0]
    node.register_hook(holding(node, marker))
    del x, marker
    gc.collect()
    assert watch() is not None
    del node
    gc.collect()
    assert watch() is None


def hook_of_leaf(marker: Marker) -> None:
    x = leaf()
    x.register_hook(holding(x, marker))


def hook_after_accumulation(marker: Marker) -> None:
    x = leaf()
    x.register_post_accumulate_grad_hook(holding(x, marker))


def hook_of_the_leafs_node(marker: Marker) -> None:
    x = leaf()
    (x * 2).grad_fn.next_functions[0][0].register_hook(holding(x, marker))


class Both(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: dt.Tensor, marker: Marker) -> tuple[dt.Tensor, dt.Tensor]:
        ctx.marker = marker
        return x * 1, x * 2

    @staticmethod
    def backward(ctx: Any, first: dt.Tensor, second: dt.Tensor) -> tuple[dt.Tensor, None]:
        return first + second, None


def outputs_of_one_function(marker: Marker) -> None:
    first, second = Both.apply(leaf(), marker)
    first.other, second.other = second, first


def output_in_the_hook_of_another(marker: Marker) -> None:
    first, second = Both.apply(leaf(), marker)
    first.register_hook(holding(second))


def output_of_an_op_in_the_hook_of_another(marker: Marker) -> None:
    first, second = leaf().split(1)
    first.register_hook(holding(second, marker))


@pytest.mark.parametrize(
    "tie",
    [
        hook_of_leaf,
        hook_after_accumulation,
        hook_of_the_leafs_node,
        outputs_of_one_function,
        output_in_the_hook_of_another,
        output_of_an_op_in_the_hook_of_another,
    ],
    ids=lambda tie: tie.__name__,
)
def test_leaves_and_nodes_of_several_outputs(tie: Callable[[Marker], None]) -> None:
    marker = Marker()
    watch = weakref.ref(marker)
    tie(marker)
    del marker
    for _ in range(3):
        gc.collect()
    assert watch() is None


def test_nothing_stays_behind() -> None:
    """Objects and tensors are as many after a thousand cycles as after a hundred."""

    def cycles(count: int) -> tuple[int, int]:
        for _ in range(count):
            for tie in CYCLES:
                tie(leaf() * 2, Marker())
        for _ in range(3):
            gc.collect()
        return len(gc.get_objects()), sum(isinstance(o, Marker) for o in gc.get_objects())

    objects, markers = cycles(100)
    later, _ = cycles(1000)
    assert markers == 0
    assert later <= objects + 10
