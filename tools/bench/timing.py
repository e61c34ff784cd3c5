"""Times a section's cases: all libraries in turns, case by case, so that what else the machine does falls on all."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from agreement import difference
from cases.case import Case, Section
from libraries import OURS, Workers
from rows import Bar, Row

PYTORCH = "PyTorch"


class Seconds(NamedTuple):
    """What a worker measured in one round."""

    median: float
    best: float


@dataclass
class Times:
    """A case's times by column and round, and what went wrong."""

    rounds: dict[str, list[Seconds]] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)  # of the machine's bandwidth, a turn each
    bandwidths: list[float] = field(default_factory=list)  # bytes a second, a turn each
    wrong: str = ""

    def best(self, column: str) -> float:
        return min(seconds.best for seconds in self.rounds[column])

    def figure(self, column: str, by_best: bool) -> float:
        """One figure for all rounds: their median, or on a busy machine the best of them all."""
        return self.best(column) if by_best else median(seconds.median for seconds in self.rounds[column])


def chosen_cases(section: Section, parts: Sequence[str]) -> list[int]:
    """The places of the cases whose names contain one of the parts."""
    return [i for i, case in enumerate(section.cases) if not parts or any(part in case.name for part in parts)]


def columns_of(case: Case, there: set[str]) -> list[str]:
    return [column for column in (OURS, *case.libraries) if column in there]


def check(
    section: Section, chosen: Sequence[int], there: set[str], options: Namespace, times: dict[int, Times]
) -> None:
    """Compares what each case computes with PyTorch's result, and notes where they differ."""
    if PYTORCH not in there:
        print("bench: nothing to compare the results with", file=sys.stderr)
        return
    with Workers(section.key, options) as workers, tempfile.TemporaryDirectory() as folder:
        for index in chosen:
            case = section.cases[index]
            files = [Path(folder) / "ours.npz", Path(folder) / "theirs.npz"]
            answers = [
                workers.ask(column, index, "result", file=str(file))
                for column, file in zip((OURS, PYTORCH), files, strict=True)
            ]
            errors = [f"{c}: {a['error']}" for c, a in zip((OURS, PYTORCH), answers, strict=True) if "error" in a]
            times[index].wrong = "; ".join(errors) or difference(case.tolerance, *files)
            for file in files:
                file.unlink(missing_ok=True)


def time_round(
    section: Section, chosen: Sequence[int], there: set[str], options: Namespace, turn: int, times: dict[int, Times]
) -> None:
    """Times every chosen case in all its libraries, in turns; every second round the last one begins."""
    with Workers(section.key, options) as workers:
        for index in chosen:
            columns = columns_of(section.cases[index], there)
            for column in columns if turn % 2 == 0 else reversed(columns):
                found = workers.ask(column, index, "time")
                if "error" in found:
                    times[index].wrong = times[index].wrong or f"{column}: {found['error']}"
                else:
                    times[index].rounds.setdefault(column, []).append(Seconds(found["median"], found["best"]))
            if section.cases[index].moved and options.stream and not times[index].wrong:
                found = workers.ask(OURS, index, "share")
                times[index].shares += found["shares"]
                times[index].bandwidths += found["rates"]


def bandwidth(section: Section, times: dict[int, Times]) -> dict[str, float]:
    """What the machine moved beside the cases, bytes a second by kernel of stream.c: the median of all turns."""
    found: dict[str, list[float]] = {}
    for index, t in times.items():
        if t.bandwidths:
            found.setdefault(section.cases[index].kernel, []).extend(t.bandwidths)
    return {kernel: median(rates) for kernel, rates in found.items()}


def rows(section: Section, times: dict[int, Times], peak: float | None, by_best: bool) -> list[Row]:
    """The judged rows of what was timed; the machine's peak is in operations a second."""
    figures = {
        section.cases[i].name: {column: t.figure(column, by_best) for column in t.rounds} for i, t in times.items()
    }
    result = []
    for index, t in times.items():
        case = section.cases[index]
        columns = (OURS, *case.libraries)
        row = Row(case.name, "s", {c: figures[case.name][c] for c in columns if c in figures[case.name]})
        row.wrong, row.averaged = t.wrong, case.averaged
        for column, limit in case.libraries.items():
            if limit is not None and (ratio := row.ratio(column, OURS)) is not None:
                row.bars.append(Bar(column, ratio, limit))
        for name, limit in case.beside.items():
            if OURS in figures.get(name, {}) and OURS in row.figures:
                row.bars.append(Bar(name, row.figures[OURS] / figures[name][OURS], limit))
        if OURS in t.rounds:
            add_share(row, case, t, peak)
        result.append(row)
    return result


def add_share(row: Row, case: Case, t: Times, peak: float | None) -> None:
    """What we reached of the machine's bandwidth, in turns, or of its peak, at best."""
    if t.shares:
        row.share, row.limit = median(t.shares), "bandwidth"
        if case.share is not None:
            row.bars.append(Bar("bandwidth", row.share, case.share, least=True))
    elif case.flops and peak:
        row.share, row.limit = case.flops / t.best(OURS) / peak, "peak"
