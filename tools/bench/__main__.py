"""Dovetail beside PyTorch: `python tools/bench` prints tables and writes them to docs/performance/cpu.md.

python tools/bench                               all sections, every library in this interpreter's environment
python tools/bench --pytorch ../torch/bin/python PyTorch in an environment of its own; --jax likewise
python tools/bench --only sorting training       some sections; the others stay as they were written
python tools/bench --rows softmax exp            only rows whose names contain one of these; writes nothing
python tools/bench --quick --busy --dry          a look, on a machine that others use; writes nothing

The libraries run in processes of their own, fresh in every round, and take turns case by case, so that whatever else
the machine does falls on all. Each figure is the median over the rounds; with --busy, which is for one thread, the best
of the processor's time. Results are compared with PyTorch's before anything is timed. Ends with 1 where any differ.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import probing
import report
import timing
from cases import SECTIONS, Section
from libraries import OURS, available
from machine import Machine
from rows import Row, combined, judged_means

PERFORMANCE = Path(__file__).resolve().parent.parent.parent / "docs" / "performance"
ROUNDS, QUICK_ROUNDS = 5, 2


def options_of_call() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", metavar="PYTHON", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--jax", metavar="PYTHON", default=sys.executable, help="the interpreter that has JAX")
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS), metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rows", nargs="*", default=[], metavar="PART", help="only rows whose names contain a PART")
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--runs", type=int, default=1, help="of everything; the median of them is judged")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and shorter ones")
    parser.add_argument("--busy", action="store_true", help="one thread, the best processor time of all rounds")
    parser.add_argument("--unchecked", action="store_true", help="do not compare results first")
    parser.add_argument("--dry", action="store_true", help="write no files")
    options = parser.parse_args()
    options.python = sys.executable
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    if options.busy:
        options.threads = 1
    return options


def one_run(
    section: Section, there: set[str], options: argparse.Namespace, machine: Machine
) -> tuple[list[Row], dict[str, float], float | None]:
    """All rows of a section, once, with what the machine itself reached: its bandwidth by kernel, and its peak."""
    chosen = timing.chosen_cases(section, options.rows)
    times = {index: timing.Times() for index in chosen}
    peaks = []
    if chosen and not options.unchecked:
        timing.check(section, chosen, there, options, times)
    for turn in range(options.rounds if chosen else 0):
        print(f"{section.key}: round {turn + 1} of {options.rounds}", file=sys.stderr)
        if any(case.flops for case in section.cases):
            peaks.append(machine.peak())
        timing.time_round(section, chosen, there, options, turn, times)
    peak = max((peak for peak in peaks if peak), default=None)
    rows = timing.rows(section, times, peak, options.busy)
    rows += probing.rows(section, options.rows, there, options)
    return rows, timing.bandwidth(section, times), peak


def measure(section: Section, there: set[str], options: argparse.Namespace, machine: Machine) -> report.Measured | None:
    """A section's table, or None where no row of it is asked for."""
    # Processor time, which is all that is honest on a busy machine, has no share of a bandwidth.
    options.stream = None if options.busy else machine.program("stream")
    runs = [one_run(section, there, options, machine) for _ in range(options.runs)]
    rows = combined([rows for rows, _, _ in runs])
    if not rows:
        return None
    conditions = report.Conditions(options.threads, options.rounds, options.runs, options.busy)
    _, conditions.bandwidth, conditions.peak = runs[-1]
    means = [] if options.rows else judged_means(rows, section.means, OURS)
    return report.Measured(conditions, rows, means)


def main() -> None:
    options = options_of_call()
    there, machine = available(options), Machine(options.threads)
    writes = not (options.dry or options.rows)
    measured = {}
    for key in options.only or SECTIONS:
        if found := measure(SECTIONS[key], there, options, machine):
            measured[key] = found
            print(report.section(key, found), end="\n\n", flush=True)
            if writes:
                report.write(PERFORMANCE, {key: found})
    if not measured:
        raise SystemExit("bench: --rows: no row has such a name")
    print("\n".join(["Over their bars, worst first:", *(report.missed(measured) or ["none"])]))
    sys.exit(any(row.wrong for found in measured.values() for row in found.rows))


if __name__ == "__main__":
    main()
