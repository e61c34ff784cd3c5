"""The rows that are not timed in turns: memory, processes, graphs, load."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence

from cases.case import Probe, Section
from libraries import LIBRARIES, OURS
from rows import Bar, Row


def rows(section: Section, parts: Sequence[str], there: set[str], options: Namespace) -> list[Row]:
    """A section's probes whose names contain one of the parts, measured and judged."""
    found: dict[str, Row] = {}
    for probe in section.probes:
        if not parts or any(part in probe.name for part in parts):
            print(f"{section.key}: {probe.name}", file=sys.stderr)
            found[probe.name] = row(probe, there, options)
    for probe in section.probes:
        if probe.name in found:
            judge(found[probe.name], probe, found)
    return list(found.values())


def row(probe: Probe, there: set[str], options: Namespace) -> Row:
    """The figures of a probe."""
    result = Row(probe.name, probe.unit, averaged=False)
    for column in [OURS] if probe.alone else [OURS, "PyTorch"]:
        if column in there:
            library = LIBRARIES[column]
            try:
                value = probe.measure(getattr(options, library.interpreter), library.module)
            except subprocess.CalledProcessError as error:
                result.wrong = f"{column}: {(error.stderr or str(error)).strip().splitlines()[-1]}"
                continue
            if value is not None:
                result.figures[column] = value
    return result


def judge(row: Row, probe: Probe, all_rows: dict[str, Row]) -> None:
    """Hold our figure against the probe's bars."""
    if OURS not in row.figures:
        return
    value = row.figures[OURS]
    if probe.target is not None and "PyTorch" in row.figures and row.figures["PyTorch"] > 0:
        row.bars.append(Bar("PyTorch", value / row.figures["PyTorch"], probe.target))
    if probe.at_most is not None:
        row.bars.append(Bar("", value, probe.at_most))
    for name, limit in probe.beside.items():
        if name in all_rows and OURS in all_rows[name].figures:
            row.bars.append(Bar(name, value / all_rows[name].figures[OURS], limit))
