"""The libraries that take turns, and the processes that they run in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORKER = Path(__file__).resolve().parent / "worker.py"
OURS = "Dovetail"

# What users do about PyTorch's page faults: memory once taken is kept, in huge pages where there is much.
KEPT_HEAP = {
    "GLIBC_TUNABLES": ":".join(
        [
            "glibc.malloc.hugetlb=1",
            "glibc.malloc.mmap_threshold=4294967296",
            "glibc.malloc.trim_threshold=17179869184",
            "glibc.malloc.top_pad=268435456",
        ]
    )
}


@dataclass(frozen=True)
class Library:
    """A column of the tables. Those of equal module, threads and environment share a process.

    `interpreter` names the option that holds it; `variant` is told to the programs (inputs.py).
    """

    module: str
    interpreter: str
    variant: str = ""
    threads: int | None = None  # as many as the run has
    environment: dict[str, str] = field(default_factory=dict, hash=False)

    def process(self) -> tuple[str, int | None, bool]:
        return self.module, self.threads, bool(self.environment)


LIBRARIES = {
    OURS: Library("dovetail", "python"),
    "PyTorch": Library("torch", "pytorch"),
    "PyTorch, kept heap": Library("torch", "pytorch", environment=KEPT_HEAP),
    "PyTorch, fused": Library("torch", "pytorch", variant="fused"),
    "NumPy": Library("numpy", "python"),
    "JAX, jitted": Library("jax", "jax"),
    "one thread": Library("dovetail", "python", threads=1),
}


class Worker:
    """A process that runs cases in one library, fresh in every round."""

    def __init__(self, library: Library, section: str, options: Namespace) -> None:
        self.library = library
        python = getattr(options, library.interpreter)
        threads = library.threads or options.threads
        command = [python, str(WORKER), library.module, section, str(threads)]
        command += ["--quick"] if options.quick else []
        command += ["--processor-time"] if options.busy else []
        command += ["--stream", str(options.stream)] if options.stream else []
        environment = {**os.environ, **library.environment}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The worker's answer; {"error": ...} where the program raised."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {self.library.module} ended at {request}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Workers:
    """The processes of one round, started when first needed."""

    def __init__(self, section: str, options: Namespace) -> None:
        self.section, self.options = section, options
        self.started: dict[tuple[str, int | None, bool], Worker] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self.started.values():
            worker.close()

    def ask(self, column: str, case: int, request: str, **rest: Any) -> dict[str, Any]:
        """Put a request about a case to the process of a column."""
        library = LIBRARIES[column]
        key = library.process()
        if key not in self.started:
            self.started[key] = Worker(library, self.section, self.options)
        return self.started[key].ask(request=request, case=case, column=column, variant=library.variant, **rest)


def has(python: str, module: str) -> bool:
    """Whether an interpreter can import a module."""
    program = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", program], check=False).returncode == 0


def available(options: Namespace) -> set[str]:
    """The columns that the options' interpreters can fill."""
    columns = {column for column, library in LIBRARIES.items() if getattr(options, library.interpreter)}
    if options.threads == 1:
        columns.discard("one thread")
    for column in sorted(columns):
        library = LIBRARIES[column]
        if not has(getattr(options, library.interpreter), library.module):
            columns.discard(column)
            print(f"bench: no {library.module} for the column {column!r}", file=sys.stderr)
    return columns
