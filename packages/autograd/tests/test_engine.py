"""The engine at scale: depth, order, memory, threads, and tensors that only the graph keeps alive."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

import dovetail as dt

LONG = 1_000_000


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), requires_grad=True)


# ---- depth ----------------------------------------------------------------------------------------------------


def test_a_million_nodes_run_and_are_freed() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(LONG):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y  # without recursion
    y = leaf(1.0)
    for _ in range(LONG):
        y = y * 1.0
    del y  # a chain that never ran


def test_a_long_chain_through_saved_tensors() -> None:
    x = leaf(0.5)
    y = x
    for _ in range(100_000):
        y = y.sin()
    y.backward()
    del y


def test_a_long_chain_of_writes_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    for _ in range(20_000):
        y[0].mul_(1.0)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_wide_graph() -> None:
    x = leaf(1.0)
    total = dt.stack([x * i for i in range(2000)]).sum()
    total.backward()
    assert x.grad.item() == sum(range(2000))


def test_second_order_through_a_long_chain() -> None:
    x = dt.tensor(1.0, dtype=dt.float64, requires_grad=True)
    y = x
    for _ in range(2000):
        y = y * 1.0001
    (g,) = dt.autograd.grad(y * y, x, create_graph=True)
    (h,) = dt.autograd.grad(g, x)
    assert h.item() == pytest.approx(2 * 1.0001**4000)


# ---- order and sharing ----------------------------------------------------------------------------------------


def test_each_node_runs_once() -> None:
    x = leaf(1.0)
    y = x
    count = []
    for _ in range(30):  # 2**30 paths
        y = y + y
        y.register_hook(lambda g: count.append(1))
    y.backward()
    assert len(count) == 30
    assert x.grad.item() == 2.0**30


def test_leaves_are_settled_as_soon_as_they_can_be() -> None:
    first, second = leaf(1.0), leaf(1.0)
    seen = []
    first.register_post_accumulate_grad_hook(lambda t: seen.append("first"))
    second.register_post_accumulate_grad_hook(lambda t: seen.append("second"))
    hidden = first * 2
    hidden.register_hook(lambda g: seen.append("hidden"))
    (hidden * second).sum().backward()
    assert seen == ["second", "hidden", "first"]


def test_saved_tensors_are_let_go_on_the_way() -> None:
    x = leaf(1.0)
    hidden = x.exp()
    kept = weakref.ref(hidden)
    y = hidden * hidden
    del hidden
    alive = []
    x.register_hook(lambda g: alive.append(kept() is not None))
    assert kept() is not None
    y.sum().backward()
    assert alive == [False]


def test_nodes_share_a_number_until_it_is_written() -> None:
    x = leaf(1.0, 2.0)
    first, second = x * 0.625, x * 0.625
    number = first.grad_fn._saved_other
    assert second.grad_fn._saved_other is number
    number.fill_(7.0)
    assert (x * 0.625).tolist() == [0.625, 1.25]  # what is written is that tensor, not the number
    for each in (first, second):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            each.sum().backward()
    fresh = x * 0.625
    fresh.sum().backward()
    assert x.grad.tolist() == [0.625, 0.625]
    assert (dt.tensor([1]) * 3).dtype == dt.int64 and (dt.tensor([1]) * 3.0).dtype == dt.float32
    with dt.inference_mode():
        inside = dt.ones(2) * 0.625
    assert inside.is_inference() and (x * 0.625).requires_grad  # no number of inference mode is saved


def test_a_graph_that_is_kept_keeps_its_tensors() -> None:
    x = leaf(1.0)
    hidden = x.exp()
    kept = weakref.ref(hidden)
    y = (hidden * hidden).sum()
    del hidden
    y.backward(retain_graph=True)
    assert kept() is not None
    del y
    assert kept() is None


# ---- Python objects that the graph keeps ----------------------------------------------------------------------


class Parameter(dt.Tensor):
    """A subclass, with an attribute of its own."""


def parameter(*values: float) -> Any:
    return dt.Tensor._make_subclass(Parameter, dt.tensor(list(values))).requires_grad_()


def test_a_parameter_alive_only_in_the_graph_stays_itself() -> None:
    p = parameter(1.0, 2.0)
    p.note = "mine"
    identity = id(p)
    y = (p * p).sum()
    del p
    gc.collect()
    (found,) = [node.variable for node, _ in y.grad_fn.next_functions[0][0].next_functions[:1]]
    assert type(found) is Parameter
    assert found.note == "mine"
    assert id(found) == identity
    y.backward()
    assert found.grad.tolist() == [2.0, 4.0]


def test_grad_fn_outlives_the_tensor() -> None:
    node = (leaf(1.0) * 2).grad_fn
    gc.collect()
    assert node.name() == "MulBackward0"
    assert node.next_functions[0][0].variable.tolist() == [1.0]


def test_no_tensor_is_kept_by_its_own_node() -> None:
    x = leaf(1.0)
    for make in (dt.exp, dt.tanh, lambda t: (t * 1).exp_(), lambda t: t.softmax(0)):
        y = make(x)
        watch = weakref.ref(y)
        gc.disable()
        try:
            del y
            assert watch() is None
        finally:
            gc.enable()


# ---- threads --------------------------------------------------------------------------------------------------


def test_graphs_on_several_threads() -> None:
    w = leaf(2.0)
    problems = []

    def work(k: int) -> None:
        try:
            for _ in range(200):
                x = leaf(float(k))
                (gx, gw) = dt.autograd.grad((x * w * w).sum(), (x, w))
                assert (gx.item(), gw.item()) == (4.0, 4.0 * k)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_one_graph_on_two_threads() -> None:
    x = leaf(3.0)
    hidden = x * x
    y = hidden.sum()
    results = []
    barrier = threading.Barrier(2, timeout=30)

    def pause(g: dt.Tensor) -> None:
        barrier.wait()  # both runs are inside the graph now

    hidden.register_hook(pause)
    threads = [
        threading.Thread(target=lambda: results.append(dt.autograd.grad(y, x, retain_graph=True)[0].item()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [6.0, 6.0]


def test_grad_mode_is_put_back() -> None:
    x = leaf(1.0)
    modes = []
    x.register_hook(lambda g: modes.append(dt.is_grad_enabled()))
    (x * 1).sum().backward()
    (x * 1).sum().backward(create_graph=True)
    assert modes == [False, True]
    assert dt.is_grad_enabled()
