"""What an op costs to record, to run backward and to free, in graphs of a thousand to a million nodes.

python tools/bench/growth.py --pytorch ../torch/bin/python

Where the cost of an op stays what it is, the cost of a graph grows linearly. `python tools/bench` prints the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from footprint import run

SIZES = (1_000, 10_000, 100_000, 1_000_000)
STAGES = ("record", "backward", "free")

# Run in the library's own interpreter: seconds of every stage, the best of some chains of a length.
PROGRAM = """
import gc, json, sys
from importlib import import_module
from time import perf_counter

xp = import_module(sys.argv[1])
n, rounds = int(sys.argv[2]), int(sys.argv[3])
x = xp.rand(4, requires_grad=True)
gc.disable()

def chain():
    y = x
    for _ in range(n):
        y = y * 0.999
    return y

def stages():
    t0 = perf_counter()
    y = chain()
    t1 = perf_counter()
    y.backward(xp.ones(4))
    t2 = perf_counter()
    del y
    t3 = perf_counter()
    return t1 - t0, t2 - t1, t3 - t2

stages()
print(json.dumps([min(times) / n for times in zip(*(stages() for _ in range(rounds)))]))
"""


@dataclass(frozen=True)
class Row:
    """Seconds a node, by stage."""

    nodes: int
    dovetail: list[float]
    pytorch: list[float]


def measure(pytorch: str) -> list[Row]:
    """A row for each size; every figure from a process of its own."""
    rows = []
    for size in SIZES:
        rounds = str(max(3, min(50, 300_000 // size)))
        ours, theirs = (
            json.loads(run(python, PROGRAM, module, str(size), rounds))
            for python, module in ((sys.executable, "dovetail"), (pytorch, "torch"))
        )
        rows.append(Row(size, ours, theirs))
    return rows


def table(rows: list[Row]) -> list[str]:
    """In Markdown; the last column sets the whole of an op against that in the smallest graph."""
    titles = [f"{stage}, {library}" for stage in STAGES for library in ("Dovetail", "PyTorch")]
    lines = [
        f"| nodes | {' | '.join(titles)} | ratio | Dovetail's over that of {SIZES[0]:,} |",
        "|--:" * (len(titles) + 3) + "|",
    ]
    for row in rows:
        times = [f"{1e9 * t:.0f} ns" for pair in zip(row.dovetail, row.pytorch, strict=True) for t in pair]
        ratio, grown = sum(row.dovetail) / sum(row.pytorch), sum(row.dovetail) / sum(rows[0].dovetail)
        lines.append(f"| {row.nodes:,} | {' | '.join(times)} | {ratio:.2f} | {grown:.2f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", metavar="PYTHON", default=sys.executable, help="the interpreter that has PyTorch")
    print("\n".join(table(measure(parser.parse_args().pytorch))))


if __name__ == "__main__":
    main()
