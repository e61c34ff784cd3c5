"""What an op costs to record, to run backward and to free, in graphs of a thousand to a million nodes.

Where the cost of an op stays what it is, the cost of a graph grows linearly.
"""

from __future__ import annotations

import json

from footprint import run

SIZES = {1_000: "10³", 10_000: "10⁴", 100_000: "10⁵", 1_000_000: "10⁶"}

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


def measure(nodes: int, python: str, module: str) -> float:
    """Seconds a node of a chain takes to be recorded, run backward and freed; in a process of its own."""
    rounds = str(max(2, min(50, 300_000 // nodes)))
    return sum(json.loads(run(python, PROGRAM, module, str(nodes), rounds)))
