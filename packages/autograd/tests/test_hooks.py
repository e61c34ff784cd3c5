"""Hooks on tensors and on nodes, and gradients kept in the middle of a graph."""

from __future__ import annotations

import gc
import weakref

import pytest

import dovetail as dt


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), requires_grad=True)


class Complaint(Exception):
    """An exception of a user's own."""


# ---- on tensors -----------------------------------------------------------------------------------------------


def test_a_hook_sees_the_whole_gradient_once() -> None:
    x = leaf(2.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    y = x * 3
    y.register_hook(lambda g: seen.append(g.item()))
    (y * y + y).sum().backward()
    assert seen == [13.0, 39.0]


def test_a_hook_may_replace_the_gradient() -> None:
    x = leaf(2.0)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert x.grad.tolist() == [33.0]


def test_handles_remove() -> None:
    x = leaf(2.0)
    handle = x.register_hook(lambda g: g * 100)
    with x.register_hook(lambda g: g * 10):
        (x * 1).sum().backward()
    assert x.grad.tolist() == [1000.0]
    handle.remove()
    handle.remove()
    x.grad = None
    (x * 1).sum().backward()
    assert x.grad.tolist() == [1.0]


def test_a_hook_may_remove_itself() -> None:
    x = leaf(2.0)
    seen = []
    handles = []

    def once(g: dt.Tensor) -> None:
        seen.append("once")
        handles[0].remove()

    handles.append(x.register_hook(once))
    x.register_hook(lambda g: seen.append("always"))
    for _ in range(2):
        (x * 1).sum().backward()
    assert seen == ["once", "always", "always"]


def test_hooks_belong_to_the_tensor_as_it_was() -> None:
    x = leaf(2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    y.mul_(5)
    y.sum().backward()
    assert seen == [5.0]


def test_hooks_survive_the_tensor() -> None:
    x = leaf(2.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    z = y * 1
    del y
    z.sum().backward()
    assert seen == [1.0]


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (lambda g: 3.0, TypeError, "must return a Tensor or None"),
        (lambda g: dt.zeros(2), RuntimeError, "has changed the size of value"),
    ],
)
def test_a_hook_must_return_a_gradient(returned: object, error: type[Exception], match: str) -> None:
    x = leaf(2.0)
    x.register_hook(returned)
    with pytest.raises(error, match=match):
        (x * 1).sum().backward()


def test_exceptions_come_through_unchanged() -> None:
    x = leaf(2.0)
    complaint = Complaint("no")

    def refuse(g: dt.Tensor) -> None:
        raise complaint

    x.register_hook(refuse)
    y = (x * 1).exp().sum()
    with pytest.raises(Complaint) as caught:
        y.backward(retain_graph=True)
    assert caught.value is complaint
    assert x.grad is None


def test_a_failed_run_leaves_nothing_behind() -> None:
    x = leaf(2.0)
    handle = x.register_hook(lambda g: 1 / 0)
    y = (x * x).sum()
    with pytest.raises(ZeroDivisionError):
        y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_tensors_without_gradient_take_no_hook() -> None:
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        dt.zeros(1).register_hook(print)
    with pytest.raises(TypeError, match="callable"):
        leaf(1.0).register_hook(3)


# ---- after accumulation ---------------------------------------------------------------------------------------


def test_after_accumulation() -> None:
    x = leaf(1.0, 2.0)
    seen = []

    def step(t: dt.Tensor) -> None:
        seen.append(t.grad.tolist())
        with dt.no_grad():
            t.sub_(t.grad)
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    assert seen == [[2.0, 4.0]]
    assert x.tolist() == [-1.0, -2.0]
    assert x.grad is None
    (x * x).sum().backward(inputs=[x])
    assert x.tolist() == [1.0, 2.0]


def test_after_accumulation_is_for_leaves() -> None:
    with pytest.raises(RuntimeError, match="non-leaf"):
        (leaf(1.0) * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        dt.zeros(1).register_post_accumulate_grad_hook(print)
    x = leaf(1.0)
    x.register_post_accumulate_grad_hook(lambda t: t)
    with pytest.raises(RuntimeError, match="must return None"):
        (x * 1).sum().backward()


# ---- on nodes -------------------------------------------------------------------------------------------------


def test_hooks_on_a_node() -> None:
    x, w = leaf(2.0), leaf(5.0)
    y = x * w
    seen = []

    def after(grad_inputs: tuple[dt.Tensor, ...], grad_outputs: tuple[dt.Tensor, ...]) -> tuple[dt.Tensor, ...]:
        seen.append(([g.item() for g in grad_inputs], [g.item() for g in grad_outputs]))
        return grad_inputs[0] * 100, grad_inputs[1]

    y.grad_fn.register_prehook(lambda grads: (grads[0] * 3,))
    handle = y.grad_fn.register_hook(after)
    y.sum().backward(retain_graph=True)
    assert seen == [([15.0, 6.0], [3.0])]
    assert x.grad.tolist() == [1500.0]
    handle.remove()
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [15.0]


def test_a_node_hook_must_return_as_many() -> None:
    y = leaf(2.0) * 3
    y.grad_fn.register_hook(lambda inputs, outputs: (None,) * 5)
    with pytest.raises(RuntimeError, match="incorrect number of values"):
        y.backward()


# ---- retain_grad ----------------------------------------------------------------------------------------------


def test_retain_grad() -> None:
    x = leaf(2.0)
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    z = y * y
    z.sum().backward()
    assert y.grad.tolist() == [12.0]
    with pytest.warns(UserWarning, match="no leaf"):
        assert z.grad is None
    assert x.grad.tolist() == [36.0]


def test_retain_grad_follows_writes_in_place() -> None:
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    y.mul_(2)
    (y * y).sum().backward()
    assert y.grad.tolist() == [24.0]


def test_retain_grad_of_a_tensor_that_is_gone() -> None:
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    z = (y + 0).sum()
    del y
    z.backward()
    assert x.grad.tolist() == [3.0]


def test_retain_grad_needs_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        dt.zeros(1).retain_grad()
    x = leaf(1.0)
    x.retain_grad()  # nothing to do for a leaf
    assert not x.retains_grad


# ---- the garbage collector ------------------------------------------------------------------------------------


class Marker:
    """Something that a weak reference can watch."""


def test_cycles_through_hooks_are_collected() -> None:
    marker = Marker()
    watch = weakref.ref(marker)

    def build(marker: Marker) -> None:
        x = leaf(1.0)
        x.register_hook(lambda g, x=x, marker=marker: None)
        y = x * 2
        y.register_hook(lambda g, y=y, marker=marker: None)

    build(marker)
    del marker
    gc.collect()  # y, which holds the graph
    gc.collect()  # x, which the graph held
    assert watch() is None
