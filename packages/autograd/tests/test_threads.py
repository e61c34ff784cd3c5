"""Backward on several threads: others run meanwhile, and what they share adds up to the last bit."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dovetail as dt

THREADS = 8
LARGE = 100_000  # elements: kernels let other threads run above 65,536
SIZES = pytest.mark.parametrize("size", [3, LARGE])


@pytest.fixture(autouse=True)
def _frequent_turns() -> Iterator[None]:
    """Threads change places at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(*work: Callable[[], Any], patience: float = 120) -> None:
    """Run the functions on a thread each; the first error of any is raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(work), timeout=patience)

    def run(each: Callable[[], Any]) -> None:
        try:
            start.wait()
            each()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(each,), daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]


def leaf(size: int, value: float = 1.0) -> dt.Tensor:
    return dt.full((size,), value, dtype=dt.float64, requires_grad=True)


# ---- other threads run meanwhile ------------------------------------------------------------------------------


def counted_during(run: Callable[[], Any]) -> int:
    """How far another thread counts while `run` runs."""
    counts, stop, ready = 0, threading.Event(), threading.Event()

    def count() -> None:
        nonlocal counts
        ready.set()
        while not stop.is_set():
            counts += 1

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    ready.wait()
    counts = 0
    run()
    counted = counts
    stop.set()
    thread.join()
    return counted


def test_a_thread_counts_while_a_long_graph_runs() -> None:
    x = leaf(2)
    y = x
    for _ in range(1_000_000):
        y = y * 1.0
    loss = y.sum()
    assert counted_during(loss.backward) > 1000
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_thread_counts_while_a_large_kernel_runs() -> None:
    a = dt.rand(700, 700, requires_grad=True)
    loss = (a @ a).sum()
    assert counted_during(lambda: [loss.backward(retain_graph=True) for _ in range(20)]) > 1000


# ---- leaves that several graphs share -------------------------------------------------------------------------


@SIZES
def test_no_gradient_is_lost(size: int) -> None:
    """Integers in float64, so that the sum is exact in whatever order the threads come."""
    w, b = leaf(size), leaf(size)
    rounds = 40 if size == LARGE else 200

    def work(k: int) -> Callable[[], None]:
        def run() -> None:
            for i in range(rounds):
                ((w * float(k + 1)).sum() + (b * float(i)).sum() + (w * 1).sum()).backward()

        return run

    at_once(*(work(k) for k in range(THREADS)))
    assert w.grad.eq(rounds * (sum(range(1, THREADS + 1)) + THREADS)).all().item()
    assert b.grad.eq(THREADS * sum(range(rounds))).all().item()


class Doubled(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        assert x.shape == g.shape
        return g * 2


@SIZES
def test_functions_hooks_and_graphs_of_gradients(size: int) -> None:
    w = leaf(size)
    calls: list[int] = []
    handle = w.register_hook(lambda g: calls.append(1))
    settled: list[int] = []
    w.register_post_accumulate_grad_hook(lambda t: settled.append(1))
    rounds = 10 if size == LARGE else 60

    def functions() -> None:
        for _ in range(rounds):
            Doubled.apply(w * 3.0).sum().backward()  # 6

    def hooks() -> None:
        for _ in range(rounds):
            y = w * 2
            y.register_hook(lambda g: g * 5)
            y.sum().backward()  # 10

    def second_order() -> None:
        for _ in range(rounds):
            (g,) = dt.autograd.grad((w * w * w).sum(), w, create_graph=True)
            g.sum().backward()  # 6 w

    def recorded() -> None:
        for _ in range(rounds):
            other = leaf(size)
            (other * w).sum().backward(inputs=[other], create_graph=True)
            other.grad.sum().backward(inputs=[w])  # 1
            other.grad = None

    def failing() -> None:
        for _ in range(rounds):
            y = w * 7
            y.register_hook(fail)
            with pytest.raises(LookupError):
                y.sum().backward()  # nothing

    def fail(g: Any) -> None:
        raise LookupError("mine")

    def collected() -> None:
        for _ in range(rounds):
            gc.collect(0)
            (w * 1).sum().backward()  # 1

    at_once(functions, hooks, second_order, recorded, failing, collected, functions, hooks)
    assert w.grad.eq(rounds * (6 + 10 + 6 + 1 + 1 + 6 + 10)).all().item()
    assert len(settled) == 7 * rounds
    assert len(calls) >= 7 * rounds
    handle.remove()


@SIZES
def test_gradients_that_are_recorded_add_up(size: int) -> None:
    w = leaf(size)

    def work() -> None:
        for _ in range(5):
            (w * 3).sum().backward(create_graph=True)

    at_once(*[work] * THREADS)
    assert w.grad.eq(3 * 5 * THREADS).all().item()
    w.grad = None


@SIZES
def test_a_part_that_graphs_share(size: int) -> None:
    """Runs that keep the graph give all of it; of those that use it up each is whole, or refused."""
    w = leaf(size)
    shared = (w * w).exp().log()  # saved tensors that all use

    def keep() -> None:
        for _ in range(10):
            (shared * 2).sum().backward(retain_graph=True)

    at_once(*[keep] * THREADS)
    expected = dt.autograd.grad(shared.sum(), w, retain_graph=True)[0] * (2 * 10 * THREADS)
    assert dt.allclose(w.grad, expected)
    refused: list[int] = []

    def use_up() -> None:
        try:
            dt.autograd.grad(shared.sum(), w)
        except RuntimeError as error:
            assert "second time" in str(error)
            refused.append(1)

    at_once(*[use_up] * THREADS)
    with pytest.raises(RuntimeError, match="second time"):
        dt.autograd.grad(shared.sum(), w)


@SIZES
def test_the_first_use_of_a_leaf_and_of_a_view(size: int) -> None:
    """What is made when a tensor is first recorded is made once, whoever comes first."""
    for _ in range(10 if size == LARGE else 50):
        w = leaf(size)
        at_once(*[lambda w=w: (w * 1).sum().backward() for _ in range(4)])
        assert w.grad.eq(4).all().item()
        y = w * 2
        view = y[:]
        y.mul_(3)  # the view looks at y anew when it is next used
        gradients: list[dt.Tensor] = []
        at_once(
            *[
                lambda v=view, w=w, found=gradients: found.append(
                    dt.autograd.grad((v * 1).sum(), w, retain_graph=True)[0]
                )
                for _ in range(4)
            ]
        )
        assert all(g.eq(6).all().item() for g in gradients)


def test_gradients_are_collected_while_others_run() -> None:
    """The collector looks at tensors whose history another thread replaces."""
    stop = threading.Event()

    def write() -> None:
        w = leaf(LARGE)
        for _ in range(60):
            y = w * 1
            y.cycle = y
            for _ in range(4):
                y.mul_(1.0)
            y.sum().backward()
        stop.set()

    def collect() -> None:
        while not stop.is_set():
            gc.collect(1)

    at_once(write, collect)


# ---- backward inside of backward ------------------------------------------------------------------------------


class Nested(dt.autograd.Function):
    """x, whose backward runs another graph `depth` deep."""

    @staticmethod
    def forward(ctx: Any, x: Any, depth: int, fail_at: int) -> Any:
        ctx.depth, ctx.fail_at = depth, fail_at
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.depth == ctx.fail_at:
            raise LookupError("mine")
        if ctx.depth:
            x = g.detach().requires_grad_()
            with dt.enable_grad():
                inner = Nested.apply(x, ctx.depth - 1, ctx.fail_at).sum()
            inner.backward()
            assert x.grad.eq(1).all().item()
        return g, None, None


def test_a_hundred_deep_on_several_threads() -> None:
    w = leaf(2)

    def run() -> None:
        for _ in range(3):
            (Nested.apply(w, 100, -1) * 2).sum().backward()

    def fail() -> None:
        for _ in range(3):
            with pytest.raises(LookupError, match="mine"):
                (Nested.apply(w, 100, 3) * 2).sum().backward()

    at_once(run, fail, run, fail)
    assert w.grad.tolist() == [12.0, 12.0]
    assert dt.is_grad_enabled()


def test_inside_hooks() -> None:
    x, w = leaf(2, 3.0), leaf(2)
    depth = 0

    def hook(g: Any) -> None:
        nonlocal depth
        if depth < 100:
            depth += 1
            with dt.enable_grad():
                y = w * 2
                y.register_hook(hook)
                loss = y.sum()
            loss.backward()

    y = x * x
    y.register_hook(hook)
    y.sum().backward()
    assert depth == 100
    assert x.grad.tolist() == [6.0, 6.0]
    assert w.grad.tolist() == [200.0, 200.0]


def test_through_the_graph_that_runs() -> None:
    """A hook runs the same nodes again."""
    x, found = leaf(2, 3.0), []
    y = x * x
    loss = y.exp().log().sum()

    def hook(g: Any) -> None:
        if len(depth) < 5:
            depth.append(1)
            found.append(dt.autograd.grad(loss, x, retain_graph=True)[0])

    depth: list[int] = []
    y.register_hook(hook)
    loss.backward(retain_graph=True)
    assert len(found) == 5
    for g in [*found, x.grad]:
        assert dt.allclose(g, dt.full((2,), 6.0, dtype=dt.float64))


def test_an_inner_run_uses_up_the_graph_that_runs() -> None:
    """What the running node saved stays until it is over."""
    x = leaf(2, 3.0)
    found: list[dt.Tensor] = []

    class Inner(dt.autograd.Function):
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            ctx.save_for_backward(t)
            return t * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            if not found:
                found.append(g)
                found[0] = dt.autograd.grad(loss, x)[0]
            (t,) = ctx.saved_tensors
            return g * 2 * (t / t)

    loss = Inner.apply(x).sum()
    loss.backward()
    assert found[0].tolist() == x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()
