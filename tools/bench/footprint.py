"""What a library costs before it does anything: the time and memory of its import, its modules, its size on disk."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from statistics import median
from time import perf_counter

# Run in the library's own interpreter. Sizes are those of the distribution and of all that it requires but NumPy,
# which both libraries need and most environments have; an editable install counts its source folder.
SIZE = """
import json, re, sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

def size(folder):
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")

def installed(found):
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return size(Path(unquote(urlparse(origin["url"]).path)) / "src")
    files = [Path(file.locate()) for file in found.files or []]
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")

names, total = [sys.argv[1]], 0
for name in names:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        continue  # for another platform
    total += installed(found)
    for requirement in found.requires or []:
        needed = re.match(r"[A-Za-z0-9._-]+", requirement).group().lower().replace("_", "-")
        if "extra ==" not in requirement and needed not in {*names, "numpy"}:
            names.append(needed)
print(json.dumps(total))
"""

IMPORT = """
import sys
if len(sys.argv) > 1:
    __import__(sys.argv[1])
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print([len(sys.modules), int(status["VmRSS"].split()[0]) * 1024])
"""


@dataclass
class Footprint:
    """One library's figures; bytes and seconds. The import's time is over that of a bare interpreter."""

    seconds: float
    resident: int
    modules: int
    size: int


# As an installed package starts: its byte code is there after the first import.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(python: str, program: str, *arguments: str) -> str:
    command = [python, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout


def starting(python: str, program: str) -> float:
    """Seconds that a process takes from start to end."""
    start = perf_counter()
    run(python, program)
    return perf_counter() - start


def measure(python: str, module: str, distribution: str, runs: int, by_best: bool) -> Footprint:
    """The footprint of `module` in the interpreter `python`; bare starts and imports take turns."""
    modules, resident = json.loads(run(python, IMPORT, module))
    bare, imports = [], []
    for _ in range(runs):
        bare.append(starting(python, "pass"))
        imports.append(starting(python, f"import {module}"))
    over = min(imports) - min(bare) if by_best else median(imports) - median(bare)
    return Footprint(over, resident, modules, json.loads(run(python, SIZE, distribution)))
