"""Compiling a plug-in."""

from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ["-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden", "-shared"]


def compile_library(target: Path, sources: list[Path], include: Path | str, *flags: str) -> Path:
    """A shared library of C or C++ sources, compiled against the headers of a folder."""
    cxx = any(source.suffix == ".cc" for source in sources)
    compiler = ["c++", "-std=c++20"] if cxx else ["cc", "-std=c11"]
    command = [*compiler, *FLAGS, *flags, "-I", str(include), *map(str, sources), "-o", str(target), "-lm"]
    subprocess.run(command, check=True)
    return target
