"""How parallel ops fare while other processes take the processor: a pool that spins must yield."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache

SECONDS = 3.0

# Run in the library's own interpreter: the mean and the longest time of a step, for every line that is read. A step is
# two ops that are split over threads, small enough that they wait for each other often.
PROGRAM = """
import json, sys
from importlib import import_module
from time import perf_counter

xp = import_module(sys.argv[1])
seconds = float(sys.argv[2])
m = xp.rand(256, 256)

def step():
    return (m @ m).softmax(1)

for _ in range(100):
    step()
for line in sys.stdin:
    count, longest, start = 0, 0.0, perf_counter()
    last = start
    while last - start < seconds:
        step()
        now = perf_counter()
        longest, last, count = max(longest, now - last), now, count + 1
    print(json.dumps([(last - start) / count, longest]), flush=True)
"""


@lru_cache
def measured(spinning: int, python: str, module: str) -> tuple[float, float, float]:
    """Seconds of a step: the mean when quiet, the mean and the longest beside this many spinning processes."""
    command = [python, "-c", PROGRAM, module, str(SECONDS)]
    steps = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert steps.stdin and steps.stdout

    def ask() -> list[float]:
        assert steps.stdin and steps.stdout
        print(file=steps.stdin, flush=True)
        return json.loads(steps.stdout.readline())

    quiet = ask()
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(spinning)]
    try:
        loaded = ask()
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    steps.stdin.close()
    steps.wait()
    return quiet[0], loaded[0], loaded[1]


def mean(spinning: int, python: str, module: str) -> float:
    """Seconds of a step beside this many spinning processes."""
    return measured(spinning, python, module)[1]


def slowdown(spinning: int, python: str, module: str) -> float:
    """The mean step beside spinning processes over a quiet one."""
    quiet, loaded, _ = measured(spinning, python, module)
    return loaded / quiet


def longest(spinning: int, python: str, module: str) -> float:
    """Seconds of the longest step."""
    return measured(spinning, python, module)[2]
