"""What the machine itself can do: memory bandwidth by a small C program, and the peak of its multipliers by another."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


class Machine:
    """stream.c and peak.c, compiled; no figures where there is no compiler.

    >>> machine = Machine(threads=2)  # doctest: +SKIP
    >>> machine.bandwidth(), machine.peak()  # doctest: +SKIP
    ({'copy': 24.1e9, 'add': 22.9e9, 'narrow': 24.8e9, 'widen': 23.5e9, 'read': 25.0e9}, 2.3e11)
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.folder = tempfile.TemporaryDirectory()
        self.compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

    def run(self, name: str) -> str:
        """What a program of this folder prints, given the threads; compiled when first run."""
        program = Path(self.folder.name) / name
        if self.compiler and not program.exists():
            # Without the flag, GCC makes a call of memcpy of the copy.
            flags = ["-O3", "-march=native", "-pthread", "-fno-tree-loop-distribute-patterns"]
            subprocess.run([self.compiler, *flags, str(HERE / f"{name}.c"), "-o", str(program)], check=True)
        if not program.exists():
            return ""
        return subprocess.run([program, str(self.threads)], check=True, capture_output=True, text=True).stdout

    def bandwidth(self) -> dict[str, float]:
        """Bytes a second by kernel, the best of this run."""
        figures: dict[str, float] = json.loads(self.run("stream") or "{}")
        return figures

    def peak(self) -> float | None:
        """Operations a second on floats, the best of this run."""
        printed = self.run("peak")
        return float(printed) if printed else None
