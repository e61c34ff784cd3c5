"""How cost grows: with elements, with nodes of a graph, with threads, with what else the machine does."""

from __future__ import annotations

from functools import partial

import growth
import load

from . import compute_bound, memory_bound
from .case import Case, Probe, Section

ONE = "one thread"
POWERS = "⁰¹²³⁴⁵⁶⁷⁸"
SMALLEST, LARGEST = 3, 8
FLAT = 1.2


def elements(
    name: str, statement: str, setup: str = "", flat: bool = False, moved: int = 0, kernel: str = "copy"
) -> list[Case]:
    """What an element costs among 10³ to 10⁸. Nothing may grow from 10⁷ on, where memory is the same; where `flat`, an
    op that computes more than it moves may cost no more than among 10³. From 10⁷ on, what the machine moves among as
    many stands beside it; `moved` counts bytes an element."""
    cases = []
    for power in range(SMALLEST, LARGEST + 1):
        n = 10**power
        beside = {f"{name}, an element of 10⁷": FLAT} if power == LARGEST else {}
        if flat and power > SMALLEST:
            beside[f"{name}, an element of 10³"] = FLAT
        cases.append(
            Case(
                f"{name}, an element of 10{POWERS[power]}",
                f"a = xp.arange({n}, dtype=xp.float32) * {1 / n}\n{setup}",
                statement,
                per=n,
                result=f"({statement}).flatten()[:: {max(1, n // 1000)}]",
                tolerance=1e-3 if "sum" in name else 1e-5,
                moved=moved * n if power >= LARGEST - 1 else 0,
                kernel=kernel,
                elements=n,
                beside=beside,
                averaged=False,
            )
        )
    return cases


def two_threads(cases: list[Case], names: dict[str, str], faster: float) -> list[Case]:
    """Rows of other sections, beside ours on one thread."""
    by_name = {case.name: case for case in cases}
    return [
        Case(
            f"two threads: {title}",
            by_name[name].setup,
            by_name[name].statement,
            result=by_name[name].result,
            tolerance=by_name[name].tolerance,
            others={ONE: round(1 / faster, 3)},
            averaged=False,
        )
        for name, title in names.items()
    ]


COMPUTING = {
    "1024 × 1024 @ 1024 × 1024, float32": "1024 × 1024 @ 1024 × 1024",
    "conv2d 3 × 3, 64 channels, 56 × 56: forward": "conv2d 3 × 3, forward",
    "conv2d 3 × 3, 64 channels, 56 × 56: forward, backward": "conv2d 3 × 3, forward and backward",
    "attention: forward, backward": "attention, forward and backward",
}
MOVING = {f"{name}, 10⁷": f"{name}, 10⁷" for name in ("a + b", "exp", "sum over all", "softmax", "gelu")}


def nodes(count: int) -> Probe:
    smallest = min(growth.SIZES)
    beside = {f"node of a graph of {growth.SIZES[smallest]}": 1.5} if count > smallest else {}
    return Probe(f"node of a graph of {growth.SIZES[count]}", "s", partial(growth.measure, count), beside=beside)


def loaded(spinning: int, at_most: float) -> list[Probe]:
    beside = f"beside {spinning} spinning process{'es' if spinning > 1 else ''}"
    return [
        Probe(f"step {beside}", "s", partial(load.mean, spinning), 1.0),
        Probe(f"step {beside}, over quiet", "", partial(load.slowdown, spinning), at_most=at_most),
        Probe(f"longest step {beside}", "s", partial(load.longest, spinning)),
    ]


SECTION = Section(
    key="scaling",
    title="Scaling",
    about="Figures of an element and of a graph's node are set against those of the smallest; a bar of 0.556 of one "
    "thread's time is 1.8 times its speed, of 0.769 1.3 times. A step under load is a product of 256 × 256 and a "
    "softmax, and its bar leaves each process its fair share.",
    cases=[
        *elements("a + a", "a + a", moved=8),
        *elements("exp", "a.exp()", moved=8),
        *elements("tanh of doubles", "d.tanh()", "d = a.double()", flat=True),
        *elements("sum", "a.sum()", moved=4, kernel="read"),
        *two_threads(compute_bound.CASES, COMPUTING, 1.8),
        *two_threads(memory_bound.CASES, MOVING, 1.3),
    ],
    probes=[*[nodes(count) for count in growth.SIZES], *loaded(1, 3.0), *loaded(2, 5.0)],
)
