"""DataLoader workers that are killed at every stage of their work: reported at once and in words, with nothing left."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import random
import re
import resource
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import dovetail as dt
from dovetail.data import DataLoader, Dataset, default_collate
from tests.reliability.results import Report

PATIENCE = 5.0  # seconds from a worker's end to its report
SAMPLES, BATCH, WORKERS = 64, 4, 3
SIGNALS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT, signal.SIGBUS]
EXITS = [0, 1, 3]  # codes of os._exit
STAGES = ["init", "sample", "collate", "pickling", "shared memory", "while another is slow", "idle", "any time"]

killed_at = multiprocessing.Value(ctypes.c_double, 0.0)  # by the clock that all processes share
victim = multiprocessing.Value(ctypes.c_int, 0)


def die(way: int) -> None:
    """End this process: by a signal, or with the exit code -way."""
    victim.value, killed_at.value = os.getpid(), time.monotonic()
    if way > 0:
        os.kill(os.getpid(), way)
        time.sleep(60)
    os._exit(-way)


class Bomb:
    """Ends the process that pickles it."""

    def __init__(self, way: int) -> None:
        self.way = way

    def __reduce__(self) -> Any:
        die(self.way)
        raise AssertionError("unreachable")


class Samples(Dataset[Any]):
    """Of which one is fatal at the stage that is asked for."""

    def __init__(self, stage: str, way: int, fatal: int) -> None:
        self.stage, self.way, self.fatal = stage, way, fatal

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> Any:
        fatal = index == self.fatal
        if fatal and self.stage in ("sample", "while another is slow"):
            die(self.way)
        if self.stage == "while another is slow":
            time.sleep(60)
        if fatal and self.stage == "shared memory":
            from dovetail.data import transport

            # The block is there, and its bytes are about to be copied.
            transport._view = lambda block: die(self.way)  # type: ignore[assignment, return-value]
        more = Bomb(self.way) if fatal and self.stage == "pickling" else None
        return {"index": index, "data": dt.full((50_000,), float(index)), "more": more}

    def collate(self, samples: list[Any]) -> Any:
        if self.stage == "collate" and any(sample["index"] == self.fatal for sample in samples):
            die(self.way)
        bombs = [sample.pop("more") for sample in samples]
        return default_collate(samples), bombs


def one(stage: str, way: int, rng: random.Random) -> str:
    """What was wrong with how one loader met the end of one of its workers."""
    before = blocks()
    # While worker 0 is slow and waited for, it is worker 1 whose first sample is fatal.
    samples = Samples(stage, way, BATCH if stage == "while another is slow" else rng.randrange(SAMPLES))
    init = (lambda worker: die(way) if worker == samples.fatal % WORKERS else None) if stage == "init" else None
    persistent = rng.random() < 0.5 or stage in ("idle", "any time")
    loader = DataLoader(
        samples,
        BATCH,
        num_workers=WORKERS,
        collate_fn=samples.collate,
        worker_init_fn=init,
        persistent_workers=persistent,
        prefetch_factor=rng.choice([1, 2, 4]),
        shuffle=rng.random() < 0.5 and stage != "while another is slow",
    )
    killed_at.value = victim.value = 0
    pids: list[int] = []
    try:
        for epoch in range(1000):
            for k, _ in enumerate(loader):
                pids = pids or children()
                if stage == "any time" and epoch == 0 and k == 0:
                    kill_later(rng.choice(pids), way, rng.random() * 0.05)
            if stage == "idle":
                pids = children()
                kill_later(rng.choice(pids), way, 0.0)
                time.sleep(0.01)
        return "never reported"
    except RuntimeError as error:
        seconds = time.monotonic() - killed_at.value
        wrong = judged(str(error), way, seconds, idle=stage == "idle")
    except BaseException as error:
        wrong = f"reported as {error!r}"
    return wrong or left_behind(before)


def judged(said: str, way: int, seconds: float, idle: bool) -> str:
    how = f"was killed by signal {way} \\({signal.Signals(way).name}\\)" if way > 0 else f"ended with exit code {-way}"
    held = r"(samples \d+(, \d+)*|no samples)"
    if not re.match(rf"DataLoader: worker \d \(pid {victim.value}\) {how} while it held {held};", said):
        return f"reported in these words: {said}"
    return f"reported after {seconds:.1f} s" if seconds > PATIENCE else ""


def kill_later(pid: int, way: int, delay: float) -> None:
    """From outside, with a signal (an exit code is the worker's own affair)."""

    def kill() -> None:
        time.sleep(delay)
        victim.value, killed_at.value = pid, time.monotonic()
        os.kill(pid, way)

    if delay:
        threading.Thread(target=kill).start()
    else:
        kill()


def children() -> list[int]:
    return [process.pid for process in multiprocessing.active_children() if process.pid is not None]


def blocks() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("dovetail-*")}


def left_behind(before: set[str]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        orphans, shared = children(), blocks() - before
        if not orphans and not shared:
            return ""
        time.sleep(0.02)
    return f"left behind: processes {orphans}, shared memory {shared}"


def workers(count: int, seed: int, report: Report) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rng = random.Random(seed)
    stages: Counter[str] = Counter()
    slowest = 0.0
    for k in range(count):
        stage = STAGES[k % len(STAGES)]
        way: int = rng.choice([*SIGNALS, *(-code for code in EXITS)])
        if stage in ("idle", "any time"):
            way = rng.choice(SIGNALS)
        began = time.monotonic()
        wrong = one(stage, way, rng)
        slowest = max(slowest, time.monotonic() - max(killed_at.value, began))
        stages[stage] += 1
        if wrong:
            report.problem(f"a worker ended by {way} ({stage}): {wrong}")
    report.count("killed workers", count)
    for stage, times in sorted(stages.items()):
        report.count(f"killed workers, {stage}", times)
    report.count("seconds from a worker's end to its report, and all cleaned up, at most", round(slowest, 2))
