"""Calls of everything public by name, with arguments spoiled by a seed: the ops from their samples, the rest from
tests/ops/bad_calls.py, and the capsules of DLPack."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.bad_calls import Call, all_calls
from tests.ops.framework import SAMPLES, samples, tensors
from tests.reliability.capsules import capsule_calls
from tests.reliability.spoil import POOLS, spoil


def calls() -> Iterator[Call]:
    """The calls of what is no op."""
    yield from all_calls()
    yield from capsule_calls()


def names() -> list[str]:
    others = [call.name for call in calls()]
    return [op.name for op in dt._core.ops()] + [f"{name}#{i}" for i, name in enumerate(others)]


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
    call = next(itertools.islice(calls(), int(position), None))
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
