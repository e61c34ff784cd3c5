"""Which ops the whole models' steps spend their time in: `python tools/bench/profiles.py` prints the tables, and writes
them to docs/performance/ unless --dry is given.

An op's time is the shortest that it took in any of the steps, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from cases import WHOLE, Case
from inputs import names_for
from machine import processor
from report import seconds

PERFORMANCE = Path(__file__).resolve().parent.parent.parent / "docs" / "performance"
WARM_UPS = 3
SHOWN = 8  # ops a table

INTRODUCTION = """# Where a step's time goes

Written by `python tools/bench/profiles.py`: forward and backward of the models of [cpu.md](cpu.md), by op, as
`dt.profiler` counts them in Dovetail. An op's time is the shortest that all its calls in one step took.
"""


@dataclass
class Steps:
    """The steps of one case: seconds by op, the least of all steps, and calls a step."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def add(self, averages: Any) -> None:
        for event in averages:
            took = event.self_cpu_time_total * 1e-6
            self.seconds[event.key] = min(took, self.seconds.get(event.key, took))
            self.calls[event.key] = event.count

    def table(self, name: str) -> str:
        total = sum(self.seconds.values())
        lines = [
            f"## {name}",
            "",
            f"{seconds(total)} in ops.",
            "",
            "| op | calls | time | share |",
            "|---|--:|--:|--:|",
        ]
        for op, took in sorted(self.seconds.items(), key=lambda item: -item[1])[:SHOWN]:
            lines.append(f"| `{op}` | {self.calls[op]} | {seconds(took)} | {100 * took / total:.1f} % |")
        return "\n".join(lines)


def profiled(case: Case, library: Any, seconds: float) -> Steps:
    """A case's steps for this long, at least three."""
    names = names_for(library)
    exec(case.setup, names)
    step, steps = compile(case.statement, "<case>", "exec"), Steps()
    for _ in range(WARM_UPS):
        exec(step, names)
    start, count = perf_counter(), 0
    while count < 3 or perf_counter() - start < seconds:
        with library.profiler.profile() as profile:
            exec(step, names)
        steps.add(profile.key_averages())
        count += 1
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=[": both"], metavar="PART", help="rows whose names contain a PART")
    parser.add_argument("--seconds", type=float, default=5, help="for each row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="write no file")
    options = parser.parse_args()

    import dovetail as dt

    dt.set_num_threads(options.threads)
    parts = [f"{processor()}, {options.threads} threads."]
    for case in WHOLE.cases:
        if any(row in case.name for row in options.rows):
            parts.append(profiled(case, dt, options.seconds).table(case.name.removesuffix(": both")))
    text = "\n\n".join(parts)
    print(text)
    if not options.dry:
        (PERFORMANCE / "profiles.md").write_text(f"{INTRODUCTION}\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
