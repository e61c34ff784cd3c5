"""Runs cases in one library: `python worker.py dovetail 2` (threads) reads requests, one a line.

time 7           answered with the seconds that one operation of CASES[7] takes: the median and the best of short blocks
result 7 FILE    writes what CASES[7] computes to an .npz file; answered with its name

The process lives for a round, so that two libraries can take turns case by case.
"""

from __future__ import annotations

import sys
import timeit
from importlib import import_module
from statistics import median
from typing import Any

import numpy as np
from cases import CASES, Case
from inputs import arrays, names_for

BLOCKS = 15
BLOCK_SECONDS = 4e-3
CASE_SECONDS = 0.3  # what the blocks of one case may take together; there are at least two


def prepared(case: Case, library: Any) -> dict[str, Any]:
    """The names of the case's program after its setup."""
    names = names_for(library)
    exec(case.setup, names)
    return names


def measure(case: Case, library: Any) -> tuple[float, float]:
    """Seconds an operation, median and best, after a few that warm up."""
    timer = timeit.Timer(case.statement, globals=prepared(case, library))
    number, seconds = 1, timer.timeit(1)
    if seconds < CASE_SECONDS / 10:
        timer.timeit(2)
        while (seconds := timer.timeit(number)) < BLOCK_SECONDS / 2:
            number = max(2 * number, int(number * BLOCK_SECONDS / 2 / max(seconds, 1e-9)))
    blocks = max(2, min(BLOCKS, int(CASE_SECONDS / seconds)))
    seconds_an_op = [block / number / case.per for block in timer.repeat(blocks, number)]
    return median(seconds_an_op), min(seconds_an_op)


def result(case: Case, library: Any, file: str) -> None:
    """Leave what the case computes in a file."""
    np.savez(file, *arrays(eval(case.result or case.statement, prepared(case, library))))


def main() -> None:
    library = import_module(sys.argv[1])
    library.set_num_threads(int(sys.argv[2]))
    library.manual_seed(0)
    for line in sys.stdin:
        request, index, *rest = line.split()
        if request == "result":
            result(CASES[int(index)], library, rest[0])
            print(rest[0], flush=True)
        else:
            print(*measure(CASES[int(index)], library), flush=True)


if __name__ == "__main__":
    main()
