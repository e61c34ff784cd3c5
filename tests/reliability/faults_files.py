"""Saving under kill -9, failing system calls and full disks; loading what was damaged."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dovetail as dt
from dovetail.serialization import CheckpointError
from tests.reliability.results import ROOT, Report

ELEMENTS = 200_000  # of a checkpoint: some milliseconds of writing


def state(n: int) -> Any:
    return {"n": n, "data": dt.full((ELEMENTS,), float(n)), "more": [dt.arange(n % 50), "text"]}


def whole(path: Path) -> int | str:
    """Which state a file holds, whole; or what is wrong with it."""
    try:
        loaded = dt.load(path)
    except Exception as error:
        return repr(error)
    data = loaded["data"]
    if data.shape != (ELEMENTS,) or not bool((data == float(loaded["n"])).all()):
        return "a mixture of two states"
    return int(loaded["n"])


# ---- kill -9 ----


def kills(count: int, seed: int, report: Report) -> None:
    """A process saves state after state to one path and is killed at a random moment; the file is read each time."""
    rng = random.Random(seed)
    torn, most = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "checkpoint"
        dt.save(state(0), path)
        began = time.monotonic()
        dt.save(state(0), path)
        once = time.monotonic() - began
        at = 0
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                saver(path, at)
            time.sleep(rng.random() * 3 * once)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            left = [each for each in os.listdir(folder) if each != path.name]
            torn += bool(left)
            most = max(most, len(left))
            found = whole(path)
            if isinstance(found, str) or found < at:
                report.problem(f"after a kill the file held {found}, after state {at}")
                dt.save(state(at), path)
            else:
                at = found
        dt.save(state(at), path)
        if os.listdir(folder) != [path.name]:
            report.problem(f"left in the folder: {os.listdir(folder)}")
    report.count("kill -9 while saving", count)
    report.count("of them in the middle of a file", torn)
    report.count("files left behind at most, until the next save", most)
    if most > 1:
        report.problem(f"{most} unfinished files at a time")


def saver(path: Path, at: int) -> None:
    """In a fork: save until killed."""
    try:
        while True:
            at += 1
            dt.save(state(at), path)
    finally:
        os._exit(1)


# ---- failing calls ----

FATAL = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG]
CALLS = {"write": 4, "fsync": 2, "rename": 2, "mkdir": 1, "open": 3}  # and how many of each a save makes, at most


def shim(folder: Path) -> Path:
    """Compile the library that makes calls fail."""
    library = folder / "shim.so"
    compiler = os.environ.get("CC", "cc")
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def injected(count: int, seed: int, report: Report) -> None:
    """Run `inject` in a process that has the shim before the C library."""
    with tempfile.TemporaryDirectory() as name:
        library = shim(Path(name))
        command = f"from tests.reliability.faults_files import inject; inject({count}, {seed}, {str(library)!r})"
        environment = {**os.environ, "LD_PRELOAD": str(library)}
        done = subprocess.run(
            [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    lines = done.stdout.splitlines()
    for line in lines:
        kind, _, text = line.partition(" ")
        if kind == "wrong":
            report.problem(text)
        else:
            what, _, number = text.rpartition(" ")
            report.count(what, int(number))
    if done.returncode:
        report.problem(f"the process ended with {done.returncode}: {done.stderr[-1000:]}")


def inject(count: int, seed: int, library: str) -> None:
    faults = ctypes.CDLL(library)
    rng = random.Random(seed)
    hits = shorts = refused = tries = 0
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "checkpoint"
        faults.fault_folder(os.fsencode(folder))
        at = 0
        dt.save(state(at), path)
        while hits < count and tries < 20 * count:
            tries += 1
            call, short = rng.choice(["write"] * 5 + list(CALLS)), False
            if call == "write" and rng.random() < 0.5:
                short = True
                faults.fault_arm(b"write", rng.randrange(CALLS[call]), 1, rng.choice([1, 7, 100, 4096, 100_000]))
            else:
                faults.fault_arm(call.encode(), rng.randrange(CALLS[call]), 0, rng.choice(FATAL))
            failure = ""
            try:
                dt.save(state(at + 1), path)
            except Exception as error:
                failure = f"{type(error).__name__}: {error}"
                if not isinstance(error, OSError):
                    print(f"wrong a failing {call} was reported as {failure}")
            if not faults.fault_hits():
                at += not failure
                continue
            hits += 1
            shorts += short
            refused += bool(failure)
            found = whole(path)
            # The last flush is of the folder: the new file is there already.
            if found != at + (not failure) and not (failure and call == "fsync" and found == at + 1):
                print(f"wrong a {'short' if short else 'failing'} {call} ({failure}) left {found}, after state {at}")
                dt.save(state(at), path)
            elif isinstance(found, int):
                at = found
            if short and failure:
                print(f"wrong a short write was an error: {failure}")
            if not short and not failure:
                print(f"wrong a failing {call} was not reported")
            if os.listdir(folder) != [path.name]:
                print(f"wrong a failing {call} left {os.listdir(folder)}")
    print(f"count failing and short system calls while saving {hits}")
    print(f"count of them short writes, carried on {shorts}")
    print(f"count of them reported as an OSError {refused}")


def full_disks(count: int, seed: int, report: Report) -> None:
    """A limit on the size of files, and a device that is always full."""
    rng = random.Random(seed)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "checkpoint"
        dt.save(state(1), path)
        for k in range(count):
            target: Any = path
            try:
                if k % 4 == 0:
                    target = Path("/dev/full")
                else:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (rng.randrange(ELEMENTS * 4), limits[1]))
                dt.save(state(2), target)
                report.problem(f"a save to a full {target} was not refused")
            except OSError as error:
                if "save" not in str(error):
                    report.problem(f"a full disk was reported as {error!r}")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            if whole(path) != 1 or os.listdir(folder) != [path.name]:
                report.problem(f"a full disk left {whole(path)}, {os.listdir(folder)}")
    if not Path("/dev/full").is_char_device():
        report.problem("/dev/full is no longer a device")
    report.count("saves to full disks", count)


# ---- damage ----


def damaged(count: int, seed: int, report: Report) -> None:
    """Checkpoints cut short, with bits flipped, bytes written over and blocks exchanged: each is refused in words."""
    rng = random.Random(seed)
    file = io.BytesIO()
    dt.save({"a": dt.arange(500), "b": [dt.ones(30), {"c": 1.5, "d": "text"}], "e": dt.randn(20, 20)}, file)
    good = file.getvalue()
    for _ in range(count):
        bad = bytearray(good)
        how = rng.randrange(5)
        at = rng.randrange(min(len(bad), 600)) if rng.random() < 0.5 else rng.randrange(len(bad))  # half in the header
        if how == 0:
            bad = bad[:at]
        elif how == 1:
            bad[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            bad[at : at + 8] = rng.randbytes(8)
        elif how == 3:
            bad = bad[at:] + bad[:at]
        else:
            bad += rng.randbytes(rng.randrange(1, 100))
        if bytes(bad) == good:
            continue
        try:
            dt.load(io.BytesIO(bytes(bad)))
            report.problem(f"a damaged checkpoint was loaded (kind {how} at {at})")
        except CheckpointError as error:
            if not str(error).startswith("load: "):
                report.problem(f"a damaged checkpoint is refused without words: {error}")
        except Exception as error:
            report.problem(f"a damaged checkpoint (kind {how} at {at}) is refused as {error!r}")
    report.count("damaged checkpoints", count)
