"""Constants that differ between runs at different sizes, solved as functions of the sizes.

A model is traced at several sizes of every dynamic axis. A number that is not the same in all traces must be a function
of the sizes; it is looked for among sums, products and quotients of sizes and constants, and must fit every trace.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Formula:
    """``(factor · Π sizes[name] + offset) // divisor + shift``, all integers."""

    names: tuple[str, ...]  # sizes that are multiplied; one may stand several times
    factor: int = 1
    offset: int = 0
    divisor: int = 1
    shift: int = 0

    def at(self, sizes: Sizes) -> int:
        product = self.factor * math.prod(sizes[name] for name in self.names)
        return (product + self.offset) // self.divisor + self.shift

    def __str__(self) -> str:
        text = " * ".join([str(self.factor)] * (self.factor != 1) + list(self.names))
        if self.offset:
            text = f"({text} {self.offset:+d})"
        if self.divisor != 1:
            text = f"{text} // {self.divisor}"
        return f"{text} {self.shift:+d}" if self.shift else text


def solve(values: Sequence[int], runs: Sequence[Sizes]) -> Formula | None:
    """A formula that gives ``values[i]`` at ``runs[i]`` for every i, the simplest there is; None where none is found.

    Example:
        >>> str(solve([6, 12, 3], [{"n": 2}, {"n": 4}, {"n": 1}]))
        '3 * n'
    """
    for names in _products(sorted(runs[0])):
        products = [math.prod(run[name] for name in names) for run in runs]
        for formula in _linear(names, products, values):
            if all(formula.at(run) == value for run, value in zip(runs, values, strict=True)):
                return formula
    for name in sorted(runs[0]):
        for formula in _windows(name):
            shift = values[0] - formula.at(runs[0])
            shifted = Formula(formula.names, 1, formula.offset, formula.divisor, shift)
            if all(shifted.at(run) == value for run, value in zip(runs, values, strict=True)):
                return shifted
    return None


def _products(names: list[str]) -> Iterator[tuple[str, ...]]:
    for count in (1, 2, 3):
        yield from itertools.combinations_with_replacement(names, count)


def _linear(names: tuple[str, ...], products: Sequence[int], values: Sequence[int]) -> Iterator[Formula]:
    """The straight line through two runs whose products differ, as ``(a · product + b) // d``."""
    for i in range(1, len(products)):
        if products[i] == products[0]:
            continue
        slope = Fraction(values[i] - values[0], products[i] - products[0])
        offset = values[0] - slope * products[0]
        divisor = math.lcm(slope.denominator, offset.denominator)
        if slope:
            yield Formula(names, int(slope * divisor), int(offset * divisor), divisor)
        return


def _windows(name: str) -> Iterator[Formula]:
    """What strided windows make of a size: ``(n + offset) // stride``."""
    for divisor in range(2, 17):
        for offset in range(divisor):
            yield Formula((name,), 1, offset, divisor)


def sample_sizes(axes: Mapping[str, int]) -> list[dict[str, int]]:
    """The runs to trace: the given sizes, then each axis at three more sizes, one of them 1, with others moved apart.

    Args:
        axes: every dynamic axis' name and the size it has in the example.
    """
    base = {name: max(size, 2) for name, size in axes.items()}
    runs = [dict(base)]
    for k, name in enumerate(axes):
        for step in (1, 3):
            runs.append({**base, name: base[name] + step + 2 * k})
    runs.append({name: base[name] + 5 + 3 * k for k, name in enumerate(axes)})
    for name in axes:
        runs.append({**base, name: 1})
    return runs


def proof_sizes(axes: Mapping[str, int]) -> dict[str, int]:
    """Sizes at which no trace was made, for the proof."""
    return {name: max(size, 2) + 11 + 2 * k for k, (name, size) in enumerate(axes.items())}
