"""Spoiled calls, run in worker processes with little memory, so that a crash, a hang and a huge allocation are each
seen and laid at the door of the call."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import dovetail as dt
from tests.reliability.calls import names, prepare, short
from tests.reliability.results import REPORT, is_report
from tests.reliability.shown import shows

ROOT = Path(__file__).resolve().parents[2]
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
REFUSALS = (TypeError, ValueError, IndexError, KeyError, RuntimeError, MemoryError, OverflowError, BufferError)
PATIENCE = 120.0 if SANITIZED else 10.0  # seconds a call may take
MEMORY = 1 << 30  # bytes that a worker may have beyond what it starts with

# ---- in a worker ----


def work(calls: int, seed: int) -> None:
    """Run the calls of each name that is read; say before each what it is, and afterwards what was wrong with it."""
    random.seed(0)
    os.chdir(tempfile.mkdtemp())  # a spoiled path may be written to
    dt.ones(300, 300) @ dt.ones(300, 300)
    names()  # what they import is large
    if not SANITIZED:  # a sanitizer keeps tables of terabytes, and has its own limit
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    known = {op.name for op in dt._core.ops()}
    for line in sys.stdin:
        name, first = json.loads(line)
        if "#" not in name and name not in known:  # another test registered it in its own process
            say("done", 0, "{}")
            continue
        make = prepare(name)
        tally: Counter[str] = Counter()
        for i in range(first, calls):
            rng = random.Random(zlib.crc32(f"{name} {i} {seed}".encode()))
            function, args, kwargs, allowed = make(rng)
            shown = f"{name}({', '.join([*map(short, args), *(f'{k}={short(v)}' for k, v in kwargs.items())])})"
            say("call", i, shown)
            how, wrong = judge(function, args, kwargs, allowed)
            tally[how] += 1
            if wrong:
                say("wrong", i, f"{shown}: {wrong}")
        say("done", 0, json.dumps(tally))


def judge(function: Any, args: list[Any], kwargs: dict[str, Any], allowed: tuple[str, ...]) -> tuple[str, str]:
    """How a call went, and what is wrong with that; empty if nothing is."""
    try:
        function(*args, **kwargs)
    except OSError as error:
        return type(error).__name__, ""
    except REFUSALS as error:
        text = str(error.args[0] if isinstance(error, KeyError) else error)
        said = re.match(rf"({'|'.join(allowed)})_?(\b|:)", text)
        if not said:
            return type(error).__name__, f"does not begin with its name: {type(error).__name__}: {text[:300]}"
        if not shows(text[said.end() :], function, args, kwargs):
            return type(error).__name__, f"does not show what it got: {type(error).__name__}: {text[:300]}"
        return type(error).__name__, ""
    except Exception as error:
        return type(error).__name__, f"raised {error!r}"
    return "worked", ""


def say(kind: str, number: int, text: str) -> None:
    os.write(4, (json.dumps([kind, number, text]) + "\n").encode())


# ---- around them ----


def start(calls: int, seed: int, errors: IO[str]) -> tuple[subprocess.Popen[str], Any]:
    mine, theirs = os.pipe()
    command = f"import os; os.dup2({theirs}, 4); from tests.reliability.workers import work; work({calls}, {seed})"
    process = subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stderr=errors, text=True, pass_fds=(theirs,), cwd=ROOT
    )
    os.close(theirs)
    return process, os.fdopen(mine, "rb", buffering=0)


def reports(stream: Any, process: subprocess.Popen[str]) -> Iterator[tuple[str, int, str]]:
    """What a worker says; last that it hangs or is gone."""
    rest, patience = b"", 60 + PATIENCE  # at first it imports
    while True:
        if not select.select([stream], [], [], patience)[0]:
            yield "hang", 0, ""
            return
        chunk = os.read(stream.fileno(), 1 << 16)
        if not chunk:
            code = process.wait()
            yield "crash", 0, signal.strsignal(-code) or "" if code < 0 else f"exit {code}"
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            kind, number, text = json.loads(line)
            patience = 60 + PATIENCE if kind == "done" else PATIENCE  # the next name's samples are made first
            yield kind, number, text


def last_words(errors: IO[str]) -> str:
    """What a worker wrote to its standard error that tells why it ended: a sanitizer's report from its beginning,
    other text to its end."""
    errors.seek(0)
    text = errors.read()
    found = REPORT.search(text)
    return text[found.start() :][:2500] if found else text[-2500:]


def run(todo: list[str], calls: int, seed: int, tally: Counter[str] | None = None) -> Iterator[str]:
    """Everything that was wrong with the calls of these names; how many went how is added to the tally."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        yield from _run(todo, calls, seed, Counter() if tally is None else tally, errors)


def _run(todo: list[str], calls: int, seed: int, count: Counter[str], errors: IO[str]) -> Iterator[str]:
    left = [(name, 0) for name in todo]
    while left:
        errors.seek(0)
        errors.truncate()
        process, stream = start(calls, seed, errors)
        assert process.stdin
        said = reports(stream, process)
        while left:
            name, first = left.pop(0)
            process.stdin.write(json.dumps([name, first]) + "\n")
            process.stdin.flush()
            at, shown = first, "(before its first call)"
            for kind, number, text in said:
                if kind == "call":
                    at, shown = number, text
                    count["calls"] += 1
                elif kind == "wrong":
                    yield text
                else:
                    break
            if kind != "done":
                count[kind] += 1
                why = last_words(errors)
                count["report"] += is_report(why)
                yield f"{kind.upper()} {text}: {shown}\n{why}"
                if at + 1 < calls:
                    left.insert(0, (name, at + 1))
                break
            count.update(json.loads(text))
        process.kill()
        process.communicate()  # closes its input too
        stream.close()
