"""The measurements as a table, for people, and as JSON, for programs."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

import growth
import memory
from cases import CASES, Case
from footprint import Footprint
from machine import processor

MEGABYTE = 1e6

INTRODUCTION = """# Dovetail beside PyTorch

Written by `nox -s bench`. Time is the median over rounds in which both libraries take turns, each in a process of its
own; the ratio is Dovetail's over PyTorch's, so smaller is better, and its target is beside it. Of the memory's
bandwidth and of the processor's peak, the best of Dovetail's times is set against the best that a small C program,
or a large matrix product, reached in the same rounds.
"""


class Seconds(NamedTuple):
    """What a worker measured in one round."""

    median: float
    best: float


@dataclass
class Measured:
    """All that a run measured: by row and round, and beside it the machine."""

    threads: int
    by_best: bool = False
    dovetail: dict[str, list[Seconds]] = field(default_factory=dict)
    pytorch: dict[str, list[Seconds]] = field(default_factory=dict)
    bandwidth: list[dict[str, float]] = field(default_factory=list)
    footprints: tuple[Footprint, Footprint] | None = None
    growth: list[growth.Row] = field(default_factory=list)
    memory: list[memory.Row] = field(default_factory=list)

    def summary(self, rounds: list[Seconds]) -> float:
        """One figure for a row: the median of the rounds, or the best of them all."""
        return min(seconds.best for seconds in rounds) if self.by_best else median(seconds.median for seconds in rounds)

    def best_bandwidth(self, kernel: str) -> float | None:
        """Bytes a second that the C program reached with this kernel."""
        return max((figures[kernel] for figures in self.bandwidth if kernel in figures), default=None)

    def best_flops(self) -> float | None:
        """Operations a second of the best matrix product of either library."""
        rates = [
            case.flops / seconds.best
            for case in CASES
            for library in (self.dovetail, self.pytorch)
            for seconds in library.get(case.name, [])
            if case.flops
        ]
        return max(rates, default=None)


def time(seconds: float) -> str:
    """Three digits and the unit: 87.1 ns, 4.26 ms."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:#.3g} {unit}"
    return f"{seconds / 1e-9:#.3g} ns"


def verdict(value: float, target: float | None, form: str) -> str:
    """The value beside its target, if it has one, marked where it misses."""
    if target is None:
        return f"{form.format(value)} | "
    return f"{form.format(value)} | {form.format(target)}{'' if value <= target else ' **missed**'}"


def limit(case: Case, measured: Measured) -> str:
    """What the case reached of what the machine can do, where that is known."""
    best = min(seconds.best for seconds in measured.dovetail[case.name])
    bandwidth = measured.best_bandwidth(case.kernel)
    if case.moved and bandwidth:
        return f"{100 * case.moved / best / bandwidth:.0f} % of bandwidth"
    peak = measured.best_flops()
    return f"{case.flops / best / 1e9:.0f} GFLOP/s" if case.flops and peak else ""


def rows(measured: Measured) -> list[str]:
    """A line for each case that was timed."""
    lines = ["| | Dovetail | PyTorch | ratio | target | of the machine |", "|---|--:|--:|--:|--:|--:|"]
    for case in CASES:
        if case.name in measured.dovetail:
            ours, theirs = (measured.summary(library[case.name]) for library in (measured.dovetail, measured.pytorch))
            ratio = verdict(ours / theirs, case.target, "{:.2f}")
            lines.append(f"| {case.name} | {time(ours)} | {time(theirs)} | {ratio} | {limit(case, measured)} |")
    return lines


def footprint_rows(ours: Footprint, theirs: Footprint) -> list[str]:
    """The import and the sizes; their targets are figures, not ratios."""
    megabytes = "{:.1f} MB"

    def line(name: str, own: float, other: float, target: float | None, form: str) -> str:
        own_text, target_text = verdict(own, target, form).split(" | ")
        return f"| {name} | {own_text} | {form.format(other)} | {target_text} |"

    return [
        "| | Dovetail | PyTorch | target |",
        "|---|--:|--:|--:|",
        line("import, over a bare interpreter", 1e3 * ours.seconds, 1e3 * theirs.seconds, 40, "{:.1f} ms"),
        line("resident after import", ours.resident / MEGABYTE, theirs.resident / MEGABYTE, 40, megabytes),
        line("installed, with what it needs beside NumPy", ours.size / MEGABYTE, theirs.size / MEGABYTE, 45, megabytes),
        line("modules after import", ours.modules, theirs.modules, None, "{:.0f}"),
    ]


def machine(measured: Measured) -> str:
    """The machine and what it reached, in a sentence."""
    figures = [f"{processor()}, {measured.threads} threads, Python {platform.python_version()}"]
    if measured.by_best:
        figures.append("times are the best, not the median, because the machine was shared")
    for kernel, formula in (("copy", "out = a"), ("add", "out = a + b")):
        if (bandwidth := measured.best_bandwidth(kernel)) is not None:
            figures.append(f"{formula}: {bandwidth / 1e9:.1f} GB/s")
    if (flops := measured.best_flops()) is not None:
        figures.append(f"best matrix product: {flops / 1e9:.0f} GFLOP/s")
    return "; ".join(figures) + "."


def table(measured: Measured) -> str:
    """The whole report, in Markdown."""
    parts = [machine(measured), "", *rows(measured)]
    if measured.footprints:
        parts += ["", *footprint_rows(*measured.footprints)]
    if measured.growth:
        parts += ["", *growth.table(measured.growth)]
    if measured.memory:
        parts += ["", *memory.table(measured.memory)]
    return "\n".join(parts)


def write(folder: Path, text: str, measured: Measured) -> None:
    """table.md and table.json in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(f"{INTRODUCTION}\n{text}\n", encoding="utf-8")
    (folder / "table.json").write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")
