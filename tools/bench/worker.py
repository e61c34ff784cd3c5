"""Times cases in one library: `python worker.py dovetail 2` (threads) reads indices into CASES, one a line, and answers
each with the seconds that one operation takes, the median and the best of short blocks.

The process lives for a round, so that two libraries can take turns case by case.
"""

from __future__ import annotations

import sys
import timeit
from importlib import import_module
from statistics import median
from typing import Any

from cases import CASES, Case

BLOCKS = 15
BLOCK_SECONDS = 4e-3


def measure(case: Case, library: Any) -> tuple[float, float]:
    """Seconds an operation, median and best, after a few that warm up."""
    names: dict[str, Any] = {"xp": library}
    exec(case.setup, names)
    timer = timeit.Timer(case.statement, globals=names)
    timer.timeit(3)
    number = 1
    while (seconds := timer.timeit(number)) < BLOCK_SECONDS / 2:
        number = max(2 * number, int(number * BLOCK_SECONDS / 2 / max(seconds, 1e-9)))
    seconds_an_op = [block / number / case.per for block in timer.repeat(BLOCKS, number)]
    return median(seconds_an_op), min(seconds_an_op)


def main() -> None:
    library = import_module(sys.argv[1])
    library.set_num_threads(int(sys.argv[2]))
    library.manual_seed(0)
    for line in sys.stdin:
        print(*measure(CASES[int(line)], library), flush=True)


if __name__ == "__main__":
    main()
