"""What the machine itself can do: the peak of its multipliers, and the program that measures its memory's bandwidth."""

from __future__ import annotations

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
    """The C programs of this folder, compiled; none where there is no compiler.

    >>> machine = Machine(threads=2)  # doctest: +SKIP
    >>> machine.peak()  # doctest: +SKIP
    2.3e11
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.folder = tempfile.TemporaryDirectory()
        self.compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

    def program(self, name: str) -> Path | None:
        """A program of this folder, compiled when first asked for."""
        program = Path(self.folder.name) / name
        if self.compiler and not program.exists():
            # Without the flag, GCC makes a call of memcpy of the copy.
            flags = ["-O3", "-march=native", "-pthread", "-fno-tree-loop-distribute-patterns"]
            subprocess.run([self.compiler, *flags, str(HERE / f"{name}.c"), "-o", str(program)], check=True)
        return program if program.exists() else None

    def peak(self) -> float | None:
        """Operations a second on floats, the best of this run."""
        program = self.program("peak")
        if program is None:
            return None
        return float(subprocess.run([program, str(self.threads)], check=True, capture_output=True, text=True).stdout)
