"""Values that no call should survive badly, and what puts them in place of good arguments, at random by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import dovetail as dt

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
