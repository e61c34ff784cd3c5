"""Memory over many training steps, and over loops that make and drop what could hold on to it.

    python -m tests.reliability.leaks --steps 10000 --loops 3000

Training: the process's memory and the bytes of live tensors after step 1,000 (a tenth of the steps) and at the end are
within 1 % of each other. Loops: after a first round, in which caches fill, more rounds add nothing to the bytes of live
tensors, and less than 1 % to the process's memory.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import dovetail as dt
import dovetail.nn as nn
import dovetail.optim as optim
from dovetail.data import DataLoader, TensorDataset
from tests.reliability.results import Report, parser

WITHIN = 0.01


def main() -> int:
    options = arguments()
    report = Report("leaks", options)
    # A heap that is in use grows for a while: the loops come first, training has a tenth of its steps for that.
    for name, loop in LOOPS.items():
        check_loop(name, loop, options.loops, report)
    report.count("loops", len(LOOPS))
    report.count("rounds of each", options.loops)
    check_training(options.steps, report)
    return report.finish()


def resident() -> int:
    """The process's own memory, without what it shares with files, in bytes."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Anonymous: in /proc/self/smaps_rollup")


def live() -> int:
    gc.collect()
    return int(dt.memory_stats()["allocated"])


# ---- training ----


class Scaled(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, by: float) -> Any:
        ctx.save_for_backward(x)
        ctx.by = by
        return x * by

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        assert x.shape == g.shape
        return g * ctx.by, None


class Interrupted(Exception):
    """Raised by a hook, in the middle of a backward."""


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1)
        )
        self.classes = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x: Any) -> Any:
        return self.classes(Scaled.apply(self.features(x).flatten(1), 0.5))


def interrupted(loss: Any, hidden: Any) -> None:
    """A backward that ends in the middle."""

    def stop(g: Any) -> None:
        raise Interrupted

    hidden.register_hook(stop)
    with contextlib.suppress(Interrupted):
        loss.backward()


def train(steps: int) -> Iterator[int]:
    """Yields after each step. Some steps go through the gradient of a gradient, some are broken off and done again."""
    dt.manual_seed(0)
    loader = DataLoader(TensorDataset(dt.randn(512, 1, 8, 8), dt.randint(0, 10, (512,))), batch_size=32, shuffle=True)
    net, loss = Net(), nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    done = 0
    while True:
        for x, y in loader:
            optimizer.zero_grad()
            if done % 7 == 3:
                out = net(x)
                interrupted(loss(out, y), out)
                optimizer.zero_grad()
            total = loss(net(x), y)
            if done % 5 == 2:
                (slope,) = dt.autograd.grad(total, net.classes.weight, create_graph=True)
                total = total + 0.01 * slope.square().sum()
            total.register_hook(lambda g: g * 1)
            total.backward()
            optimizer.step()
            done += 1
            yield done
            if done == steps:
                return


PERIOD = 16 * 5 * 7  # after so many steps, loader and kinds of steps are where they were


def check_training(wanted: int, report: Report) -> None:
    steps, start = (-(-n // PERIOD) * PERIOD for n in (wanted, wanted // 10))
    first: tuple[int, int] | None = None
    for done in train(steps):
        if done == start:
            first = resident(), live()
        if done == steps:
            assert first is not None
            last = resident(), live()
    report.count("training steps", steps)
    for what, before, after in zip(("resident bytes", "bytes of live tensors"), first or (0, 0), last):
        report.count(f"{what} after step {start:,}", before)
        report.count(f"{what} after step {steps:,}", after)
        if after > before * (1 + WITHIN):
            report.problem(f"training: {what} grew from {before:,} to {after:,}")


# ---- loops ----


def views() -> None:
    x = dt.zeros(100, 100)
    y = x.t()[::2].reshape(-1)[5:].unsqueeze(0).expand(3, -1)
    x[3].add_(1)
    y.clone()


def graph() -> None:
    x = dt.ones(50, 50, requires_grad=True)
    ((x @ x).relu().sum() + x.mean()).backward()


def higher_order() -> None:
    x = dt.ones(20, requires_grad=True)
    (first,) = dt.autograd.grad((x**3).sum(), [x], create_graph=True)
    first.sum().backward()  # x.grad refers to a graph that refers to x


def hook_cycle() -> None:
    x = dt.ones(100, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * y.detach())  # the hook holds y, whose node holds the hook
    y.sum().backward()


def hook_cycle_unused() -> None:
    x = dt.ones(100, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * y)


def attribute_cycle() -> None:
    x = dt.ones(100, requires_grad=True)
    y, z = x.exp(), x.detach()
    y.source, z.source, x.other = x, x, z


class Squared(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        result = x * x
        ctx.result = result  # a cycle: the result's node holds ctx
        return result

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 2 * x


def context_on_tensor() -> None:
    x = dt.ones(100, requires_grad=True)
    y = Squared.apply(x)
    y.context = y.grad_fn._context  # which is reached from y anyway, and has y as its result
    y.sum().backward()


def retained() -> None:
    x = dt.ones(100, requires_grad=True)
    y = x.exp()
    y.retain_grad()
    y.sum().backward()
    y.grad.of = y
    z = x.exp()
    z.retain_grad()
    z.register_hook(lambda g: g * z.detach())


def nested() -> None:
    x = dt.ones(100, requires_grad=True)

    def inner(g: Any) -> None:
        with dt.enable_grad():
            other = (x * 2).sum()
        other.backward()

    y = x * 3
    y.register_hook(inner)
    y.sum().backward()


def function_cycle() -> None:
    x = dt.ones(100, requires_grad=True)
    Squared.apply(x).sum().backward()
    Squared.apply(x)


def refusals() -> None:
    for call in (lambda: dt.ones(2, 3) @ dt.ones(4, 5), lambda: dt.ones(3)[7], lambda: dt.zeros(-1)):
        with contextlib.suppress(RuntimeError, ValueError, IndexError):
            call()
    x = dt.ones(3, requires_grad=True)
    with contextlib.suppress(RuntimeError):
        x.add_(1)
    y = x.exp()
    z = y.sum()
    with dt.no_grad():
        y.mul_(2)
    with contextlib.suppress(RuntimeError):
        z.backward()


class Raises(dt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        raise ValueError("backward")


def failing_backward() -> None:
    x = dt.ones(100, requires_grad=True)
    with contextlib.suppress(ValueError):
        (Raises.apply(x.exp()) + x).sum().backward()


def buffers() -> None:
    x = dt.arange(1000.0)
    array, view, capsule = x.numpy(), memoryview(x), np.from_dlpack(x)
    back = dt.from_dlpack(array[::2])
    other = dt.from_numpy(np.arange(1000))
    x.__dlpack__()  # that nobody takes
    assert array[1] + capsule[1] + back[1] + other[1].item() + view[1] == 1 + 1 + 2 + 1 + 1


def files() -> None:
    file = io.BytesIO()
    dt.save({"a": dt.ones(100), "b": [1, 2.5]}, file)
    dt.load(io.BytesIO(file.getvalue()))
    with contextlib.suppress(ValueError):
        dt.load(io.BytesIO(file.getvalue()[:-3]))


def modules() -> None:
    net = nn.Sequential(nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 2))
    net.register_forward_hook(lambda module, args, out: (net, out)[1])
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(dt.ones(4, 10)).sum().backward()
    optimizer.step()
    net.load_state_dict(net.state_dict())


class Named(dt.Tensor):
    """A subclass, whose objects have a __dict__ that may refer to themselves."""


def subclasses() -> None:
    x = dt.ones(10).as_subclass(Named) if hasattr(dt.Tensor, "as_subclass") else nn.Parameter(dt.ones(10))
    x.me = x


def layers() -> None:
    seen: list[Any] = []
    with dt.layers.intercept(lambda op, args, out: (seen.append(args), op.call(args, out))[1], at="profiler"):
        dt.ones(10).exp().sum()


LOOPS: dict[str, Callable[[], None]] = {
    loop.__name__: loop
    for loop in (
        views,
        graph,
        higher_order,
        hook_cycle,
        hook_cycle_unused,
        attribute_cycle,
        context_on_tensor,
        retained,
        nested,
        function_cycle,
        refusals,
        failing_backward,
        buffers,
        files,
        modules,
        subclasses,
        layers,
    )
}


def check_loop(name: str, loop: Callable[[], None], rounds: int, report: Report) -> None:
    def several(count: int) -> None:
        for _ in range(count):
            loop()

    several(max(100, rounds // 5))
    before = live(), resident(), len(gc.get_objects())
    several(rounds)
    after = live(), resident(), len(gc.get_objects())
    if after[0] > before[0]:
        report.problem(f"{name}: {after[0] - before[0]:,} bytes of tensors are left after {rounds} rounds")
    grown = after[1] - before[1]
    if grown > before[1] * WITHIN and grown > 64 * rounds:  # a leak grows again, a heap that took a page does not
        several(rounds)
        again = resident() - after[1]
        if again > 64 * rounds:
            report.problem(f"{name}: resident memory grew by {grown:,} and {again:,} bytes in {rounds} rounds each")
    if after[2] > before[2] + rounds // 10:
        report.problem(f"{name}: {after[2] - before[2]} objects are left after {rounds} rounds")


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--steps", type=int, default=10_000, help="of training")
    made.add_argument("--loops", type=int, default=3000, help="rounds of each loop")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
