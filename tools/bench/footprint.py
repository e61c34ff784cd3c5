"""What a library costs before it does anything: the time and memory of its import, its modules, its size on disk."""

from __future__ import annotations

import json
import os
import subprocess
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


# As an installed package starts: its byte code is there after the first import.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
SECONDS = 10  # of starting processes, for one figure
DISTRIBUTIONS = {"dovetail": "dovetail-tensor-core"}


def run(python: str, program: str, *arguments: str) -> str:
    command = [python, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout


def starting(python: str, program: str) -> float:
    """Seconds that a process takes from start to end."""
    start = perf_counter()
    run(python, program)
    return perf_counter() - start


def turns(python: str, program: str) -> tuple[list[float], list[float]]:
    """Seconds of bare interpreters and of a program, started in turns; between 5 and 25 of each."""
    run(python, program)  # what it needs is compiled and in the page cache from here on
    bare: list[float] = []
    programs: list[float] = []
    while len(programs) < 5 or (len(programs) < 25 and sum(programs) < SECONDS):
        bare.append(starting(python, "pass"))
        programs.append(starting(python, program))
    return bare, programs


def importing(python: str, module: str) -> float:
    """Seconds of an import, over a bare interpreter."""
    bare, imports = turns(python, f"import {module}")
    return median(imports) - median(bare)


def running(program: str, python: str, module: str) -> float:
    """Seconds of a process that runs the program, which names the library {module}."""
    return median(turns(python, program.format(module=module))[1])


def modules(python: str, module: str) -> float:
    """How many modules an import leaves."""
    return json.loads(run(python, IMPORT, module))[0]


def resident(python: str, module: str) -> float:
    """Bytes resident after an import."""
    return json.loads(run(python, IMPORT, module))[1]


def installed(python: str, module: str) -> float | None:
    """Bytes on disk of the distribution and of what it needs beside NumPy; None where it runs from its sources."""
    return json.loads(run(python, SIZE, DISTRIBUTIONS.get(module, module))) or None
