"""The measurements as tables, and as JSON: docs/performance/cpu.md is written from cpu.json."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cases import SECTIONS
from libraries import OURS
from machine import processor
from rows import Bar, Row

WRONG_LENGTH = 160  # of what is said about a wrong result

INTRODUCTION = """# Dovetail beside PyTorch on a CPU

Written by `nox -s bench` from [cpu.json](cpu.json). All libraries take turns, case by case, each in a process of its
own that is fresh in every round; a time is the median over the rounds. A ratio is Dovetail's figure over that of the
column to its left, so smaller is better; its bar is beside it, and what misses its bar is bold. Before anything is
timed, what each case computes is compared with PyTorch's result in the same run; a row whose results differ says so and
misses.

The machine's own limits are those of small C programs. Its bandwidth changes from second to second, so a share of it is
taken in turns: the best of four runs beside the best of four of the program's, the median of at least twelve turns. Its
peak is that of the same rounds, beside our best time. What changes taught is in [README.md](README.md), what did not
help in [what-was-tried.md](what-was-tried.md), and where a step's time goes in [profiles.md](profiles.md).
"""


@dataclass
class Conditions:
    """What a section was measured under."""

    threads: int
    rounds: int
    runs: int
    busy: bool = False
    processor: str = field(default_factory=processor)
    python: str = field(default_factory=platform.python_version)
    bandwidth: dict[str, float] = field(default_factory=dict)
    peak: float | None = None


@dataclass
class Measured:
    """A section's table, judged."""

    conditions: Conditions
    rows: list[Row]
    means: list[Bar]

    def judged(self) -> list[tuple[Bar, str, str]]:
        """Every bar with the name of what it judges and how that reads."""
        means = [(bar, f"geometric mean over {bar.of}", judgement(bar)) for bar in self.means]
        return means + [(bar, row.name, judgement(bar, row.unit)) for row in self.rows for bar in row.bars]


# ---- figures in words ----


def scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    """Three digits in the largest unit that leaves at least one before the point."""
    for unit, size in units:
        if abs(value) >= size:
            return f"{value / size:#.3g}".rstrip(".") + f" {unit}"
    unit, size = units[-1]
    return f"{value / size:#.3g}".rstrip(".") + f" {unit}"


def seconds(value: float) -> str:
    """Three digits and the unit: 87.1 ns, 4.26 ms."""
    return scaled(value, [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)])


def figure(value: float, unit: str) -> str:
    if unit == "s":
        return seconds(value)
    if unit == "B":
        return f"{value / 1e6:.1f} MB"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def judgement(bar: Bar, unit: str = "") -> str:
    """The value and its limit: 0.17 ≤ 0.30; bold where it is missed."""
    sign = ("≥" if bar.met else "<") if bar.least else ("≤" if bar.met else ">")
    if bar.of == "bandwidth":
        value, limit = f"{100 * bar.value:.0f} %", f"{100 * bar.limit:.0f} %"
    elif unit and not bar.of:
        value, limit = figure(bar.value, unit), figure(bar.limit, unit)
    else:
        value, limit = f"{bar.value:.2f}", f"{bar.limit:.3g}"
        if not bar.met and value == f"{bar.limit:.2f}":
            value = f"{bar.value:.4f}"
    if bar.runs:
        value += f" ({' '.join(f'{run:.2f}' for run in bar.runs)})"
    text = f"{value} {sign} {limit}"
    return text if bar.met else f"**{text}**"


# ---- tables ----


def table(rows: Sequence[Row]) -> list[str]:
    """A section's rows in Markdown: our figure, every library's with the ratio to it, and what else was judged."""
    columns = list(dict.fromkeys(c for row in rows for c in row.figures if c != OURS))
    shares = any(row.share is not None for row in rows)
    others = any(other_bars(row, columns) for row in rows)
    titles = ["", OURS, *(title for c in columns for title in (c, "ratio"))]
    titles += ["of the machine"] * shares + ["bars of its own"] * others
    lines = [f"| {' | '.join(titles)} |", "|---" + "|--:" * (len(titles) - 1) + "|"]
    for row in rows:
        wrong = " ".join(row.wrong.split()).replace("|", "/")
        cells = [row.name + (f" **{wrong[:WRONG_LENGTH]}**" if wrong else ""), shown(row, OURS)]
        for column in columns:
            cells += [shown(row, column), ratio(row, column)]
        cells += [share(row)] * shares + ["; ".join(other_bars(row, columns))] * others
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def shown(row: Row, column: str) -> str:
    return figure(row.figures[column], row.unit) if column in row.figures else ""


def ratio(row: Row, column: str) -> str:
    for bar in row.bars:
        if bar.of == column:
            return judgement(bar)
    found = row.ratio(column, OURS)
    return "" if found is None else f"{found:.2f}"


def share(row: Row) -> str:
    if row.share is None:
        return ""
    for bar in row.bars:
        if bar.of == row.limit:
            return f"{judgement(bar)} of {row.limit}"
    return f"{100 * row.share:.0f} % of {row.limit}"


def other_bars(row: Row, columns: Sequence[str]) -> list[str]:
    """What was judged beside the libraries and the machine: the figure itself, or the figure over another row's."""
    found = [bar for bar in row.bars if bar.of not in columns and bar.of != "bandwidth"]
    return [f"{judgement(bar, row.unit)}{f' of {bar.of}' if bar.of else ''}" for bar in found]


def conditions(found: Conditions) -> str:
    """The machine and what it reached, in a sentence."""
    parts = [f"{found.processor}, {found.threads} thread{'s' * (found.threads > 1)}, Python {found.python}"]
    parts.append(f"{found.rounds} rounds" + (f" in each of {found.runs} runs" if found.runs > 1 else ""))
    if found.busy:
        parts.append("others used the machine: processor time, the best of all rounds")
    names = {"copy": "out = a", "add": "out = a + b", "narrow": "to 16 bits", "widen": "from 16 bits"}
    names["read"] = "sum of a"
    parts += [f"{names[kernel]}: {rate / 1e9:.1f} GB/s" for kernel, rate in found.bandwidth.items()]
    if found.peak:
        parts.append(f"peak: {found.peak / 1e9:.0f} GFLOP/s")
    return "; ".join(parts) + "."


def section(key: str, measured: Measured) -> str:
    """One section in Markdown."""
    about = SECTIONS[key]
    parts = [f"## {about.title}", "", about.about, "", conditions(measured.conditions), ""]
    for bar in measured.means:
        parts += [f"Geometric mean of the ratios to {bar.of}: {judgement(bar)}.", ""]
    return "\n".join(parts + table(measured.rows))


def summary(sections: dict[str, Measured]) -> str:
    """Every section in a line: how many bars there are, and how many are met."""
    lines = ["| | rows | bars | met | worst |", "|---|--:|--:|--:|---|"]
    for key, measured in sections.items():
        bars = measured.judged()
        met = sum(bar.met for bar, _, _ in bars)
        _, name, verdict = max(bars, key=lambda item: item[0].excess, default=(None, "", ""))
        lines.append(f"| {SECTIONS[key].title} | {len(measured.rows)} | {len(bars)} | {met} | {name}: {verdict} |")
    return "\n".join(lines)


def missed(sections: dict[str, Measured]) -> list[str]:
    """What is over its bar or wrong, worst first."""
    wrong = [f"{key}: {row.name}: {row.wrong}" for key, m in sections.items() for row in m.rows if row.wrong]
    over = [(key, *judged) for key, m in sections.items() for judged in m.judged() if not judged[0].met]
    over.sort(key=lambda item: -item[1].excess)
    return wrong + [f"{key}: {name}: {verdict} ({bar.of or 'itself'})" for key, bar, name, verdict in over]


def page(sections: dict[str, Measured]) -> str:
    parts = [INTRODUCTION, summary(sections), *(section(key, measured) for key, measured in sections.items())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


# ---- files ----


def as_json(sections: dict[str, Measured]) -> str:
    """The sections, a row a line."""
    parts = []
    for key, measured in sections.items():
        rows = ",\n   ".join(json.dumps(asdict(row), ensure_ascii=False) for row in measured.rows)
        head = json.dumps(asdict(measured.conditions), ensure_ascii=False)
        means = json.dumps([asdict(bar) for bar in measured.means], ensure_ascii=False)
        parts.append(f' "{key}": {{\n  "conditions": {head},\n  "means": {means},\n  "rows": [\n   {rows}\n  ]\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def from_json(text: str) -> dict[str, Measured]:
    return {
        key: Measured(Conditions(**found["conditions"]), [row(r) for r in found["rows"]], bars(found["means"]))
        for key, found in json.loads(text).items()
    }


def bars(found: list[dict[str, Any]]) -> list[Bar]:
    return [Bar(**bar) for bar in found]


def row(found: dict[str, Any]) -> Row:
    return Row(**{**found, "bars": bars(found["bars"])})


def read(folder: Path) -> dict[str, Measured]:
    """What was measured before."""
    file = folder / "cpu.json"
    return from_json(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(folder: Path, measured: dict[str, Measured]) -> None:
    """cpu.md and cpu.json in `folder`: these sections, and the others as they were."""
    together = {**read(folder), **measured}
    ordered = {key: together[key] for key in SECTIONS if key in together}
    (folder / "cpu.json").write_text(as_json(ordered), encoding="utf-8")
    (folder / "cpu.md").write_text(page(ordered), encoding="utf-8")
