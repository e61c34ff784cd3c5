"""What an op costs to record, to run backward and to free, in graphs of a thousand to a million nodes.

Where the cost of an op stays what it is, the cost of a graph grows linearly.
"""

from __future__ import annotations

import json

from footprint import run

SECONDS = 3  # of chains of a length, of which the best counts
SIZES = {1_000: "10³", 10_000: "10⁴", 100_000: "10⁵", 1_000_000: "10⁶"}

# Run in the library's own interpreter: seconds of every stage, the best of some chains of a length.
PROGRAM = """
import gc, json, sys
from importlib import import_module
from time import perf_counter

xp = import_module(sys.argv[1])
n, most = int(sys.argv[2]), float(sys.argv[3])
x = xp.rand(4, requires_grad=True)
gc.disable()

def chain(n):
    y = x
    for _ in range(n):
        y = y * 0.999
    return y

def stages(n):
    t0 = perf_counter()
    y = chain(n)
    t1 = perf_counter()
    y.backward(xp.ones(4))
    t2 = perf_counter()
    del y
    t3 = perf_counter()
    return t1 - t0, t2 - t1, t3 - t2

stages(1000)
found, start = [], perf_counter()
while not found or perf_counter() - start < most:
    found.append(stages(n))
print(json.dumps([min(times) / n for times in zip(*found)]))
"""


def measure(nodes: int, python: str, module: str) -> float:
    """Seconds a node of a chain takes to be recorded, run backward and freed; in a process of its own."""
    return sum(json.loads(run(python, PROGRAM, module, str(nodes), str(SECONDS))))
