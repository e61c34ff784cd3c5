"""Runs a section's cases in one library: `python worker.py dovetail sorting 2` (threads) reads requests, one a line of
JSON: `case` is the case's place in the section, `column` and `variant` say for which column of the table it runs.

{"request": "time", ...}                 answered with the seconds of one operation: the median and the best of blocks
{"request": "share", ...}                answered with the shares of the machine's bandwidth that it reached, and with
                                         that bandwidth, both of every turn
{"request": "result", "file": ..., ...}  writes what the case computes to an .npz file

What raises is answered with {"error": ...}. The process lives for a round, so that libraries can take turns case by
case.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import timeit
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from cases import SECTIONS
from cases.case import Case
from inputs import arrays, names_for
from stream import Stream

BLOCKS = 12
BLOCK_SECONDS = 4e-3
CASE_SECONDS = 0.25  # what the blocks of one case may take together; there are at least two
TURNS, TURN = 12, 4  # with the machine's own bandwidth, and runs in each


def program(case: Case, column: str) -> tuple[str, str]:
    """The setup and the statement that a column runs."""
    own = case.own.get(column)
    if own is None:
        return case.setup, case.statement
    return case.setup if own.setup is None else own.setup, own.statement


def measure(case: Case, names: dict[str, Any], column: str, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds an operation, median and best, after a few that warm up."""
    setup, statement = program(case, column)
    exec(setup, names)
    clock = time.process_time if options.processor_time else time.perf_counter
    timer = timeit.Timer(statement, timer=clock, globals=names)
    allowed = CASE_SECONDS / (3 if options.quick else 1)
    number, seconds = 1, timer.timeit(1)
    if seconds < allowed / 10:
        timer.timeit(2)
        while (seconds := timer.timeit(number)) < BLOCK_SECONDS / 2:
            number = max(2 * number, int(number * BLOCK_SECONDS / 2 / max(seconds, 1e-9)))
    blocks = max(2, min(BLOCKS, int(allowed / seconds)))
    seconds_an_op = [block / number / case.per for block in timer.repeat(blocks, number)]
    return median(seconds_an_op), min(seconds_an_op)


def share(case: Case, names: dict[str, Any], options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Of the machine's bandwidth, and that bandwidth: taken in turns, as it changes from second to second."""
    exec(case.setup, names)
    timer = timeit.Timer(case.statement, globals=names)
    timer.timeit(2)
    stream = Stream(options.stream, options.threads, case.elements)
    shares, rates = [], []
    for _ in range(TURNS):
        seconds = min(timer.repeat(TURN, 1))
        rates.append(stream.bandwidth(case.kernel))
        shares.append(case.moved / seconds / rates[-1])
    stream.close()
    return shares, rates


def answer(case: Case, library: Any, request: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    names = names_for(library, request["variant"])
    if request["request"] == "time":
        middle, best = measure(case, names, request["column"], options)
        return {"median": middle, "best": best}
    if request["request"] == "share":
        shares, rates = share(case, names, options)
        return {"shares": shares, "rates": rates}
    exec(case.setup, names)
    np.savez(request["file"], *arrays(eval(case.result or case.statement, names)))
    return {"file": request["file"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("section")
    parser.add_argument("threads", type=int)
    parser.add_argument("--quick", action="store_true", help="a third of the time")
    parser.add_argument("--processor-time", action="store_true", help="the processor's time, not the clock's")
    parser.add_argument("--stream", type=Path, help="stream.c, compiled")
    options = parser.parse_args()

    library = import_module(options.module)
    if hasattr(library, "set_num_threads"):
        library.set_num_threads(options.threads)
        library.manual_seed(0)
    names_for(library)  # a library that is broken as a whole ends the run here
    cases = SECTIONS[options.section].cases
    for line in sys.stdin:
        request = json.loads(line)
        try:
            found = answer(cases[request["case"]], library, request, options)
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
