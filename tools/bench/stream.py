"""stream.c as a process that measures the machine's bandwidth whenever it is asked."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Stream:
    """The program, waiting for the names of its kernels.

    >>> stream = Stream(Path("stream"), threads=2, elements=10_000_000)  # doctest: +SKIP
    >>> stream.bandwidth("copy")  # bytes a second  # doctest: +SKIP
    8.7e10
    """

    def __init__(self, program: Path, threads: int, elements: int) -> None:
        command = [str(program), str(threads), str(elements)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def bandwidth(self, kernel: str) -> float:
        """The best of a few rounds, made now."""
        assert self.process.stdin and self.process.stdout
        print(kernel, file=self.process.stdin, flush=True)
        rate = float(self.process.stdout.readline())
        if not rate:
            raise ValueError(f"stream: no kernel is called {kernel!r}")
        return rate

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
