"""Whatever a call is given, it works or raises; nothing crashes or hangs, and an op's refusal begins with its name.

Good calls (the ops' samples, and tests/ops/bad_calls.py) are spoiled at random in one or two places. They run in worker
processes with little memory, so that a crash, a hang and a huge allocation are each seen, and laid at the door of the
call. By hand, with more calls or for one name:

    python -m tests.ops.test_bad_input 500 [seed [name...]]
"""

from __future__ import annotations

import itertools
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.bad_calls import all_calls
from tests.ops.framework import SAMPLES, samples, tensors

REFUSALS = (TypeError, ValueError, IndexError, KeyError, RuntimeError, MemoryError, OverflowError, BufferError)
PATIENCE = 5.0  # seconds a call may take
MEMORY = 1 << 30  # bytes that a worker may have beyond what it starts with
CALLS = 10  # of each name

# ---- what calls are spoiled with ----

INTS = [0, 1, -1, 2, -2, 3, 5, 7, 64, 2**31 - 1, 2**31, -(2**31), 2**40, -(2**40), 2**62, -(2**63), 2**63 - 1]
FLOATS = [0.0, -0.0, 0.5, -1.5, 1e300, 1e-320, float("nan"), float("inf"), -float("inf")]
STRANGE: list[Any] = [None, "x", "", "mean", b"x", 1.5, 1j, True, 2**63, -(2**63) - 1, 2**70, [], (), {}, {"a": 1}]
STRANGE += [
    object(),
    len,
    dt.float32,
    dt.float16,
    "cpu",
    "cuda:7",
    "nodevice",
    [None],
    [1, "x"],
    [[1], [2, 3]],
    "\0\ud800",
]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (0, 3), (3, 0), (2, 0, 3), (2, 3, 4), (4, 4), (1, 3, 5, 5), (1, 2, 1, 2, 1)]
SHAPES += [(0, 2**40), (1,) * 12]
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool", "float16", "bfloat16", "int8", "complex64"]
Pool = Callable[[random.Random], Any]


def tensor(rng: random.Random) -> Any:
    dtype = getattr(dt, rng.choice(DTYPES))
    shape = rng.choice(SHAPES)
    try:
        count = min(dt.empty(shape, dtype=dt.uint8).numel(), 300)
        choice = [-3, 0, 1, 2, 3, 100, 2**40, -(2**63), float("nan"), float("inf")][: rng.choice([3, 5, 10])]
        flat = [value if isinstance(value, int) else 9 for value in rng.choices(choice, k=count)]
        if dtype.is_floating_point:
            flat = rng.choices(choice, k=count)
        result = dt.tensor(flat, dtype=dt.float64 if dtype.is_floating_point else dt.int64).to(dtype).reshape(shape)
    except (RuntimeError, ValueError, OverflowError):
        return dt.empty(shape, dtype=dtype)  # no kernels for the dtype
    return result.transpose(0, -1) if result.ndim > 1 and rng.random() < 0.2 else result


def integers(rng: random.Random) -> Any:
    few = rng.random() < 0.5
    return [rng.choice(INTS[:8] if few else INTS) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 6]))]


def indices(rng: random.Random) -> Any:
    bound = [None, *INTS]
    entries = [None, ..., rng.choice(INTS), slice(*rng.choices(bound, k=3)), tensor(rng), [0, 1], True]
    return tuple(rng.choices(entries, k=rng.choice([0, 1, 2, 3])))


POOLS: list[Pool] = [
    tensor,
    lambda rng: rng.choice(INTS),
    lambda rng: rng.choice(FLOATS),
    lambda rng: rng.choice(STRANGE),
    integers,
    indices,
    lambda rng: [tensor(rng) for _ in range(rng.choice([0, 1, 2, 3]))],
    lambda rng: [rng.choice(FLOATS) for _ in range(rng.choice([1, 2, 3]))],
    lambda rng: getattr(dt, rng.choice(DTYPES)),
]


def like(value: Any, rng: random.Random) -> Any:
    """Another value of the same type more often than not, so that it gets past the reading of arguments."""
    if rng.random() < 0.3:
        return rng.choice(POOLS)(rng)
    if isinstance(value, bool) or value is None:
        return rng.choice(POOLS)(rng)
    if isinstance(value, int):
        return rng.choice(INTS)
    if isinstance(value, float):
        return rng.choice(FLOATS)
    if isinstance(value, dt.Tensor):
        return tensor(rng)
    if isinstance(value, dt.dtype):
        return getattr(dt, rng.choice(DTYPES))
    if isinstance(value, (list, tuple)) and value:
        spoiled = list(value)
        spoiled[rng.randrange(len(spoiled))] = like(rng.choice(spoiled), rng)
        return rng.choice([spoiled, spoiled * 2, spoiled[:-1], tuple(spoiled), integers(rng)])
    return rng.choice(POOLS)(rng)


def spoil(args: list[Any], kwargs: dict[str, Any], rng: random.Random) -> None:
    places: list[Any] = [*range(len(args)), *kwargs]
    for _ in range(rng.choice([1, 1, 2])):
        roll = rng.random()
        if roll < 0.03 and args:
            args.pop()
            places = [*range(len(args)), *kwargs]
        elif roll < 0.06:
            args.append(rng.choice(POOLS)(rng))
        elif roll < 0.08:
            kwargs[rng.choice(["dim", "dtype", "out", "nonsense", "self"])] = rng.choice(POOLS)(rng)
        elif places:
            place = rng.choice(places)
            holder: Any = args if isinstance(place, int) else kwargs
            holder[place] = like(holder[place], rng)


# ---- the calls ----


def names() -> list[str]:
    calls = [call.name for call in all_calls()]
    return [op.name for op in dt._core.ops()] + [f"{name}#{i}" for i, name in enumerate(calls)]


def good_op_calls(name: str) -> list[tuple[list[Any], dict[str, Any]]]:
    if name not in SAMPLES:
        return [([None] * len([arg for arg in dt._core.get_op(name).args if not arg.keyword_only]), {})]
    found = [tensors((list(s.args), dict(s.kwargs)), "cpu") for s in itertools.islice(samples(name), 0, 400, 7)]
    return [(list(args), dict(kwargs)) for args, kwargs in found]


def op_call(name: str, rng: random.Random, good: Any) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """An op, its method, its in-place method or its form with out=, with spoiled arguments."""
    op = dt._core.get_op(name)
    args, kwargs = rng.choice(good)
    args = [arg.clone() if isinstance(arg, dt.Tensor) else arg for arg in args]
    kwargs = dict(kwargs)
    if rng.random() < 0.95:
        spoil(args, kwargs, rng)
    if op.has_out and rng.random() < 0.1:
        kwargs["out"] = rng.choice(POOLS[:1] * 3 + POOLS)(rng)
    if op.is_inplace and args and isinstance(args[0], dt.Tensor) and rng.random() < 0.2:
        return getattr(dt.Tensor, f"{name}_"), args, kwargs
    return op, args, kwargs


def prepare(name: str) -> Callable[[random.Random], tuple[Any, list[Any], dict[str, Any], tuple[str, ...]]]:
    """What makes one call of this name: the function, its arguments, and the names a refusal may begin with."""
    _, _, position = name.partition("#")
    if not position:
        good = good_op_calls(name)
        return lambda rng: (*op_call(name, rng, good), (name, "device", *dt._core.get_op(name).aliases))
    call = next(itertools.islice(all_calls(), int(position), None))
    allowed = (call.name.removesuffix("()").rstrip("_"), "device", *call.says)

    def make(rng: random.Random) -> tuple[Any, list[Any], dict[str, Any], tuple[str, ...]]:
        args, kwargs = list(call.args()), dict(call.kwargs)
        spoil(args, kwargs, rng)
        return call.function, args, kwargs, allowed

    return make


def short(value: Any) -> str:
    if isinstance(value, dt.Tensor):
        return f"T({str(value.dtype)[9:]}{tuple(value.shape)})"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(short, value[:8]))}]"
    return repr(value)[:60].encode("ascii", "backslashreplace").decode()


# ---- the workers ----


def work(calls: int, seed: int) -> None:
    """Run the calls of each name that is read; say before each what it is, and afterwards what was wrong with it."""
    random.seed(0)
    os.chdir(tempfile.mkdtemp())  # a spoiled path may be written to
    dt.ones(300, 300) @ dt.ones(300, 300)
    names()  # what they import is large
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    known = {op.name for op in dt._core.ops()}
    for line in sys.stdin:
        name, first = json.loads(line)
        if "#" not in name and name not in known:  # another test registered it in its own process
            say("done", 0, "")
            continue
        make = prepare(name)
        for i in range(first, calls):
            rng = random.Random(zlib.crc32(f"{name} {i} {seed}".encode()))
            function, args, kwargs, allowed = make(rng)
            shown = f"{name}({', '.join([*map(short, args), *(f'{k}={short(v)}' for k, v in kwargs.items())])})"
            say("call", i, shown)
            wrong = judge(function, args, kwargs, allowed)
            if wrong:
                say("wrong", i, f"{shown}: {wrong}")
        say("done", 0, "")


def judge(function: Any, args: list[Any], kwargs: dict[str, Any], allowed: tuple[str, ...]) -> str:
    """What is wrong with how a call went; empty if nothing is."""
    try:
        function(*args, **kwargs)
    except OSError:
        return ""
    except REFUSALS as error:
        said = re.match(rf"({'|'.join(allowed)})_?(\b|:)", str(error.args[0] if isinstance(error, KeyError) else error))
        return "" if said else f"{type(error).__name__}: {str(error)[:300]}"
    except Exception as error:
        return f"raised {error!r}"
    return ""


def say(kind: str, number: int, text: str) -> None:
    os.write(4, (json.dumps([kind, number, text]) + "\n").encode())


def start(calls: int, seed: int) -> tuple[subprocess.Popen[str], Any]:
    mine, theirs = os.pipe()
    command = f"import os; os.dup2({theirs}, 4); from tests.ops.test_bad_input import work; work({calls}, {seed})"
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        stdin=subprocess.PIPE,
        text=True,
        pass_fds=(theirs,),
        cwd=Path(__file__).parents[2],
    )
    os.close(theirs)
    return process, os.fdopen(mine, "rb", buffering=0)


def reports(stream: Any, process: subprocess.Popen[str]) -> Iterator[tuple[str, int, str]]:
    """What a worker says; last that it hangs or is gone."""
    rest = b""
    while True:
        if not select.select([stream], [], [], PATIENCE if rest or process.stdin else 60)[0]:
            yield "hang", 0, ""
            return
        chunk = os.read(stream.fileno(), 1 << 16)
        if not chunk:
            yield (
                "crash",
                0,
                signal.strsignal(-process.wait()) or "" if process.wait() < 0 else f"exit {process.wait()}",
            )
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield tuple(json.loads(line))


def run(todo: list[str], calls: int, seed: int) -> Iterator[str]:
    """Everything that was wrong with the calls of these names."""
    left = [(name, 0) for name in todo]
    while left:
        process, stream = start(calls, seed)
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
                elif kind == "wrong":
                    yield text
                else:
                    break
            if kind != "done":
                yield f"{kind.upper()} {text}: {shown}"
                if at + 1 < calls:
                    left.insert(0, (name, at + 1))
                break
        process.kill()
        process.communicate()  # closes its input too
        stream.close()


@pytest.mark.parametrize("part", range(8))
def test_bad_input(part: int) -> None:
    wrong = list(run(names()[part::8], CALLS, seed=1))
    assert not wrong, f"{len(wrong)} calls went wrong\n" + "\n".join(wrong)


if __name__ == "__main__":
    count, chosen_seed, *only = sys.argv[1:] + ["1"] * (len(sys.argv) == 2)
    for problem in run([n for n in names() if not only or n.split("#")[0] in only], int(count), int(chosen_seed)):
        print(problem, flush=True)
