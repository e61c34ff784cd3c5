"""How much memory programs take: at their peak, on demand, and over ten thousand steps.

Every figure comes from processes of their own, the least of some: the system may keep more resident than is used, never
less.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from footprint import ENVIRONMENT, run

SCRIPT = Path(__file__).resolve().parent / "resident.py"
RUNS = 2


# What is left of 800 MB that were taken and dropped, once they are asked back.
LEFT = """
import {module} as xp

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])

xp.ones(1000).sum()
before = resident()
tensors = [xp.ones(1_000_000) for _ in range(200)]
most = resident()
del tensors
if hasattr(xp, "empty_cache"):
    xp.empty_cache()
print((resident() - before) / (most - before))
"""


def measured(setup: str, statement: str, kept: str, runs: int, python: str, module: str) -> dict[str, float]:
    """The least growth of the resident set, and what tensors held at their most (resident.py)."""
    program = json.dumps({"setup": setup, "statement": statement, "kept": kept})
    command = [python, str(SCRIPT), module]
    found = [
        json.loads(
            subprocess.run(command, input=program, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
        )
        for _ in range(runs)
    ]
    return min(found, key=lambda figures: figures["growth"])


def growth(setup: str, statement: str, python: str, module: str) -> float:
    """Bytes by which the resident set grows."""
    return measured(setup, statement, "", RUNS, python, module)["growth"]


def scratch(setup: str, statement: str, kept: str, python: str, module: str) -> float:
    """Bytes by which the resident set grows, less those that the program keeps."""
    return measured(setup, statement, kept, 1, python, module)["growth"]


def over_live(setup: str, statement: str, python: str, module: str) -> float | None:
    """The growth of the resident set over what tensors held at their most."""
    found = measured(setup, statement, "", 1, python, module)
    return found["growth"] / found["live"] if found["live"] else None


def left(python: str, module: str) -> float:
    """The part of memory that stays after it was asked back."""
    return float(run(python, LEFT.format(module=module)))
