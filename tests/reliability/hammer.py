"""Forks after threads were used, and eight Python threads that compute, differentiate, save and load at once."""

from __future__ import annotations

import io
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dovetail as dt
from tests.reliability.results import Report

THREADS = 8
PATIENCE = 120  # seconds for a forked child, which needs a few milliseconds

# ---- what is computed, everywhere the same ----


def work() -> list[float]:
    """Something of every kind that the pool runs, from a seed; large enough to be split."""
    generator = dt.Generator().manual_seed(5)
    x = dt.randn(300, 400, generator=generator, requires_grad=True)
    w = dt.randn(400, 64, generator=generator, requires_grad=True)
    y = (x @ w).relu().softmax(1)
    loss = (y * y).sum() + dt.exp(x * 0.1).mean()
    loss.backward()
    ordered = x.detach().reshape(-1).sort()[0]
    image = dt.conv2d(x.detach().reshape(1, 30, 50, 80), w.detach()[:60, :45].reshape(10, 30, 3, 3))
    return [loss.item(), x.grad.sum().item(), w.grad.sum().item(), ordered[1234].item(), image.sum().item()]


# ---- forks ----


def child(expected: list[float], generations: int) -> None:
    """In a fork: compute, ask for threads and compute again, fork the next generation. Ends the process."""
    status = 1
    try:
        signal.alarm(PATIENCE)  # a child that hangs ends
        same = work() == expected
        dt.set_num_threads(4)
        same = same and work() == expected
        status = 0 if same and (generations == 0 or fork(expected, generations - 1) == 0) else 1
    finally:
        os._exit(status)


def fork(expected: list[float], generations: int) -> int:
    """Fork, and the child's status once it is gone."""
    pid = os.fork()
    if pid == 0:
        child(expected, generations)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forks(count: int, report: Report) -> None:
    """Half of them from a quiet process, half while other threads keep the pool busy."""
    dt.set_num_threads(8)
    expected = work()
    wrong = Counter[int]()
    for _ in range(count // 2):
        wrong[fork(expected, 1)] += 1
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            work()

    busy = [threading.Thread(target=keep_busy) for _ in range(3)]
    for thread in busy:
        thread.start()
    for _ in range(count - count // 2):
        wrong[fork(expected, 1)] += 1
    stop.set()
    for thread in busy:
        thread.join()
    if work() != expected:
        report.problem("the parent computes something else after its forks")
    report.count("forks after use, each forking again", count)
    for status, times in wrong.items():
        if status:
            how = f"was ended by signal {-status}" if status < 0 else "computed something else, or raised"
            report.problem(f"{times} forked children: {how}")


# ---- eight threads ----


class Hammer:
    """What the threads share, and what each does in turn. Every task checks its own result."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected = work()
        self.shared = dt.arange(60_000.0).reshape(300, 200)
        self.weights = dt.ones(200, requires_grad=True)
        self.leaf = dt.zeros(100_000, dtype=dt.float64, requires_grad=True)  # added to without Python's lock
        self.added: list[int] = []
        self.checkpoint = folder / "shared"
        dt.save({"x": self.shared}, self.checkpoint)
        self.tasks: list[Callable[[random.Random], None]] = [
            self.whole,
            self.views,
            self.in_place,
            self.shared_graph,
            self.shared_leaf,
            self.files,
            self.replaced_file,
            self.refusals,
            self.settings,
            self.long_graph,
        ]

    def whole(self, rng: random.Random) -> None:
        assert work() == self.expected

    def views(self, rng: random.Random) -> None:
        i = rng.randrange(300)
        row = self.shared.t()[:, i]
        assert row[5].item() == 200 * i + 5
        assert self.shared[::-3].sum().item() == dt.flip(self.shared, [0])[::3].sum().item()
        assert self.shared.reshape(-1)[::2].contiguous()[7].item() == 14

    def in_place(self, rng: random.Random) -> None:
        x = dt.zeros(rng.choice([10, 1000, 100_000]))
        for _ in range(20):
            x[::2].add_(1)
            x[1::2].sub_(1)
        assert x[0].item() == 20 and x[1].item() == -20 and x.sum().item() == 0

    def shared_graph(self, rng: random.Random) -> None:
        """A leaf that all threads differentiate with respect to; nothing is accumulated in it."""
        k = rng.randrange(1, 9)
        (gradient,) = dt.autograd.grad((self.weights * self.shared[k]).sum(), [self.weights])
        assert dt.equal(gradient, self.shared[k])

    def shared_leaf(self, rng: random.Random) -> None:
        """A leaf into which all threads accumulate integers: `check` compares their sum."""
        k = rng.randrange(1, 9)
        (self.leaf * float(k)).sum().backward()
        self.added.append(k)

    def check(self, report: Report) -> None:
        grad = self.leaf.grad
        if self.added and not (grad is not None and (grad == float(sum(self.added))).all()):
            report.problem("gradients that threads accumulated in one leaf are lost")

    def files(self, rng: random.Random) -> None:
        n, file = rng.randrange(1, 5000), io.BytesIO()
        dt.save({"a": dt.arange(n), "b": [dt.ones(3), n]}, file)
        loaded = dt.load(io.BytesIO(file.getvalue()))
        assert loaded["a"].sum().item() == n * (n - 1) // 2 and loaded["b"][1] == n

    def replaced_file(self, rng: random.Random) -> None:
        """One path that all threads save to and load from: it always holds one whole state."""
        n = rng.randrange(1000)
        dt.save({"x": dt.full((n + 1,), float(n))}, self.folder / "replaced")
        x = dt.load(self.folder / "replaced")["x"]
        assert x.numel() == x[0].item() + 1 == x[-1].item() + 1

    def refusals(self, rng: random.Random) -> None:
        n = rng.randrange(3, 9)
        try:
            dt.ones(2, 3) @ dt.ones(n + 1, 2)
        except (RuntimeError, ValueError) as error:
            assert str(n + 1) in str(error), error
        else:
            raise AssertionError("a product of shapes that don't fit")

    def settings(self, rng: random.Random) -> None:
        """Modes are each thread's own."""
        x = dt.ones(3, requires_grad=True)
        with dt.no_grad():
            assert not (x * 2).requires_grad
            time.sleep(0.001)
            assert not dt.is_grad_enabled()
        assert (x * 2).requires_grad

    def long_graph(self, rng: random.Random) -> None:
        x = dt.ones(4, requires_grad=True)
        y = x
        for _ in range(2000):
            y = y + 1
        y.sum().backward()
        assert x.grad.tolist() == [1, 1, 1, 1]


def hammer(seconds: float, seed: int, report: Report) -> None:
    done: Counter[str] = Counter()
    dt.set_num_threads(4)
    with tempfile.TemporaryDirectory() as folder:
        made = Hammer(Path(folder))
        stop = time.monotonic() + seconds

        def run(k: int) -> None:
            rng = random.Random(f"{seed} {k}")
            while time.monotonic() < stop:
                task = rng.choice(made.tasks)
                try:
                    task(rng)
                    done[task.__name__] += 1
                except BaseException as error:
                    report.problem(f"thread {k}, {task.__name__}: {error!r}")
                    return

        threads: list[Any] = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 5 * PATIENCE)
            if thread.is_alive():
                report.problem("a thread hangs")
        made.check(report)
        left = [name for name in os.listdir(folder) if name.endswith(".tmp")]
        if left:
            report.problem(f"temporary files are left: {left}")
    report.count("tasks checked in eight Python threads", sum(done.values()))
