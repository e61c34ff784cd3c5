"""Rows of figures and the bars they are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import exp, log
from statistics import median


@dataclass
class Bar:
    """A limit and the value that is held against it.

    `of` says what the value was set against: a library's column, another row, the machine, or "" for the figure itself.
    `runs` holds the value of every run that `value` is the median of.
    """

    of: str
    value: float
    limit: float
    least: bool = False  # a lower limit: the value must reach it
    runs: list[float] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.least else self.value <= self.limit

    @property
    def excess(self) -> float:
        """How far beyond the limit the value is, as a factor; above one where the bar is missed."""
        return self.limit / max(self.value, 1e-300) if self.least else self.value / self.limit


@dataclass
class Row:
    """One line of a table: the figure in each column, in one unit, and how it was judged."""

    name: str
    unit: str
    figures: dict[str, float] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    share: float | None = None  # of what the machine can do
    limit: str = ""  # what the machine is limited by: "bandwidth", "peak"
    wrong: str = ""  # how the result differs from PyTorch's, or what was raised
    averaged: bool = True

    @property
    def met(self) -> bool:
        return not self.wrong and all(bar.met for bar in self.bars)

    def ratio(self, column: str, ours: str) -> float | None:
        """Our figure over another column's, where both are there."""
        if column in self.figures and ours in self.figures and self.figures[column] > 0:
            return self.figures[ours] / self.figures[column]
        return None


@dataclass(frozen=True)
class Mean:
    """A bar for the geometric mean of a section's ratios to one column."""

    column: str
    limit: float


def geometric_mean(values: Iterable[float]) -> float:
    """The exponential of the mean logarithm.

    >>> round(geometric_mean([0.5, 2.0]), 12)
    1.0
    """
    logarithms = [log(value) for value in values]
    if not logarithms:
        raise ValueError("geometric_mean: no values")
    return exp(sum(logarithms) / len(logarithms))


def judged_means(rows: Sequence[Row], means: Sequence[Mean], ours: str) -> list[Bar]:
    """A section's means over the rows that count, as bars; a mean of nothing is left out."""
    bars = []
    for mean in means:
        ratios = [ratio for row in rows if row.averaged and (ratio := row.ratio(mean.column, ours)) is not None]
        if ratios:
            bars.append(Bar(mean.column, geometric_mean(ratios), mean.limit))
    return bars


def combined(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several runs as one: the medians of figures and bars; what was wrong once stays wrong."""
    by_name: dict[str, list[Row]] = {}
    for run in runs:
        for row in run:
            by_name.setdefault(row.name, []).append(row)
    return [combined_row(rows) for rows in by_name.values()]


def combined_row(rows: Sequence[Row]) -> Row:
    first = rows[0]
    columns = {column for row in rows for column in row.figures}
    ordered = sorted(columns, key=lambda column: list(first.figures).index(column) if column in first.figures else 99)
    shares = [row.share for row in rows if row.share is not None]
    return Row(
        first.name,
        first.unit,
        {c: median(row.figures[c] for row in rows if c in row.figures) for c in ordered},
        combined_bars([row.bars for row in rows]),
        median(shares) if shares else None,
        first.limit,
        next((row.wrong for row in rows if row.wrong), ""),
        first.averaged,
    )


def combined_bars(runs: Sequence[Sequence[Bar]]) -> list[Bar]:
    """Each bar with the median of its values over the runs."""
    by_key: dict[tuple[str, bool], list[Bar]] = {}
    for run in runs:
        for bar in run:
            by_key.setdefault((bar.of, bar.least), []).append(bar)
    result = []
    for (of, least), bars in by_key.items():
        values = [bar.value for bar in bars]
        result.append(Bar(of, median(values), bars[0].limit, least, values if len(values) > 1 else []))
    return result
