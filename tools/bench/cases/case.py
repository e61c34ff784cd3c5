"""What a row is measured by, and what a section is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rows import Mean


@dataclass(frozen=True)
class Program:
    """What a library that does not speak PyTorch's language runs instead; no setup is the case's own."""

    statement: str
    setup: str | None = None


@dataclass(frozen=True)
class Case:
    """One row: `statement` is timed after `setup` has run, and counts as `per` operations.

    Both are programs that either library runs as it is, `xp` standing for the library; what inputs.py offers gives both
    the same numbers. `result`, an expression of tensors, is evaluated after a fresh setup and compared with PyTorch's,
    within `tolerance` of each tensor's largest value; by default it is the statement's own value.

    `target` is the ratio to PyTorch that the row should not exceed; None where it is only reported. `others` are
    further libraries (of libraries.py) that take their turn, with their bars; `own` are the programs of those that need
    one. `beside` are bars for our figure over that of another row of the section.

    `moved` counts the bytes that the statement must move between memory and processor, as `kernel` (of stream.c) does
    over arrays of so many `elements`; `share` is the least part of the bandwidth measured there that it should reach.
    `flops` counts floating-point operations.
    `averaged` is false for rows that a section's geometric means leave out.
    """

    name: str
    setup: str
    statement: str
    target: float | None = None
    per: int = 1
    result: str = ""
    tolerance: float = 1e-5
    moved: int = 0
    kernel: str = ""
    elements: int = 10_000_000
    flops: int = 0
    others: Mapping[str, float | None] = field(default_factory=dict)
    own: Mapping[str, Program] = field(default_factory=dict)
    beside: Mapping[str, float] = field(default_factory=dict)
    share: float | None = None
    averaged: bool = True

    @property
    def libraries(self) -> dict[str, float | None]:
        """The libraries that take turns with ours, and the ratio to each that should not be exceeded."""
        return {"PyTorch": self.target, **self.others}


@dataclass(frozen=True)
class Probe:
    """One row that is not timed in turns: `measure(python, module)` gives the figure of one library.

    `target` is the ratio to PyTorch, `at_most` bounds our own figure, `beside` sets it against other rows of ours.
    """

    name: str
    unit: str
    measure: Callable[[str, str], float | None]
    target: float | None = None
    at_most: float | None = None
    beside: Mapping[str, float] = field(default_factory=dict)
    alone: bool = False  # PyTorch has no such figure
    averaged: bool = False


@dataclass(frozen=True)
class Section:
    """A table: what `--only` names, its title, a word on what is measured, its rows, and bars for geometric means."""

    key: str
    title: str
    about: str
    cases: Sequence[Case] = ()
    probes: Sequence[Probe] = ()
    means: Sequence[Mean] = ()
