"""Dovetail beside PyTorch: `python tools/bench` prints a table and writes it to docs/performance/.

python tools/bench                               all rows, both libraries in this interpreter's environment
python tools/bench --pytorch ../torch/bin/python PyTorch in an environment of its own
python tools/bench --rows matmul exp --dry       only rows whose names contain one of these; write nothing

The libraries run in processes of their own, fresh in every round, and take turns case by case, so that whatever else
the machine does falls on both. Each figure is the median over the rounds, or with --best the best of them all.
Before anything is timed, the results of every row are compared; where they differ, the run ends.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import footprint
import growth
import memory
import report
from agreement import difference
from cases import CASES, Case
from machine import Stream

HERE = Path(__file__).resolve().parent
PERFORMANCE = HERE.parent.parent / "docs" / "performance"


class Library:
    """A worker process that runs cases in one library."""

    def __init__(self, python: str, module: str, threads: int) -> None:
        self.module = module
        command = [python, str(HERE / "worker.py"), module, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request: str, case: int, *rest: str) -> list[str]:
        """The words of the worker's answer."""
        assert self.process.stdin and self.process.stdout
        print(request, case, *rest, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit(f"bench: {self.module} ended at {CASES[case].name!r}")
        return answer

    def measure(self, case: int) -> report.Seconds:
        """The seconds that the case takes."""
        middle, best = self.ask("time", case)
        return report.Seconds(float(middle), float(best))

    def result(self, case: int, folder: Path) -> Path:
        """The file with what the case computes."""
        return Path(self.ask("result", case, str(folder / f"{self.module}.npz"))[0])

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def both(options: argparse.Namespace) -> tuple[Library, Library]:
    """A fresh worker of each library."""
    ours = Library(sys.executable, "dovetail", options.threads)
    return ours, Library(options.pytorch, "torch", options.threads)


def run_round(chosen: list[int], options: argparse.Namespace, turn: int, measured: report.Measured) -> None:
    """Times every chosen case in both libraries, in turns; every second round the other one begins."""
    ours, theirs = both(options)
    workers = [(measured.dovetail, ours), (measured.pytorch, theirs)]
    for index in chosen:
        for figures, worker in workers if turn % 2 == 0 else reversed(workers):
            figures.setdefault(CASES[index].name, []).append(worker.measure(index))
    for _, worker in workers:
        worker.close()


def check_agreement(chosen: list[int], options: argparse.Namespace) -> None:
    """Ends the run where a chosen case's results differ."""
    ours, theirs = both(options)
    with tempfile.TemporaryDirectory() as folder:
        for index in chosen:
            case = CASES[index]
            found = difference(case, ours.result(index, Path(folder)), theirs.result(index, Path(folder)))
            if found:
                raise SystemExit(f"bench: {case.name!r}: the libraries do not agree: {found}")
    ours.close()
    theirs.close()


def wanted(case: Case, rows: list[str]) -> bool:
    return not rows or any(row in case.name for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", metavar="PYTHON", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", nargs="*", default=[], metavar="PART", help="only rows whose names contain a PART")
    parser.add_argument("--best", action="store_true", help="best times, not medians: for a machine that is busy")
    parser.add_argument("--dry", action="store_true", help="write no files")
    options = parser.parse_args()

    chosen = [index for index, case in enumerate(CASES) if wanted(case, options.rows)]
    if not chosen:
        parser.error(f"--rows: none has such a name; there are: {'; '.join(case.name for case in CASES)}")
    print("agreement", file=sys.stderr)
    check_agreement(chosen, options)
    measured = report.Measured(options.threads, options.best)
    stream = Stream(options.threads)
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        measured.bandwidth.append(stream.measure())
        run_round(chosen, options, turn, measured)
    if not options.rows:
        print("imports and sizes", file=sys.stderr)
        measured.footprints = (
            footprint.measure(sys.executable, "dovetail", "dovetail-tensor-core", 15, options.best),
            footprint.measure(options.pytorch, "torch", "torch", 5, options.best),
        )
        print("graphs and their memory", file=sys.stderr)
        measured.growth = growth.measure(options.pytorch)
        measured.memory = memory.measure(options.pytorch)
    table = report.table(measured)
    print(table)
    if not (options.dry or options.rows):
        report.write(PERFORMANCE, table, measured)


if __name__ == "__main__":
    main()
