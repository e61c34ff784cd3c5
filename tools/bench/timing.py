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
    wrong: str = ""

    def best(self, column: str) -> float:
        return min(seconds.best for seconds in self.rounds[column])

    def figure(self, column: str, by_best: bool) -> float:
        """One figure for all rounds: their median, or on a busy machine the best of them all."""
        return self.best(column) if by_best else median(seconds.median for seconds in self.rounds[column])


@dataclass(frozen=True)
class Floors:
    """What the machine reached in the same rounds: bytes a second by kernel of stream.c, operations a second."""

    bandwidth: dict[str, float] = field(default_factory=dict)
    peak: float | None = None


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


def rows(section: Section, times: dict[int, Times], floors: Floors, by_best: bool) -> list[Row]:
    """The judged rows of what was timed."""
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
            add_share(row, case, t.best(OURS), floors)
        result.append(row)
    return result


def add_share(row: Row, case: Case, best: float, floors: Floors) -> None:
    """What our best time reached of what the machine can do, where that is known."""
    bandwidth = floors.bandwidth.get(case.kernel)
    if case.moved and bandwidth:
        row.share, row.limit = case.moved / best / bandwidth, "bandwidth"
        if case.share is not None:
            row.bars.append(Bar("bandwidth", row.share, case.share, least=True))
    elif case.flops and floors.peak:
        row.share, row.limit = case.flops / best / floors.peak, "peak"
