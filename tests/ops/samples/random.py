"""Random numbers, against Philox written out in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import DEVICE, D, ErrorSample, Sample, errors_for, samples_for

ON = {"device": DEVICE}
SIZES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (2,), (5,), (3, 7), (4099,))
SEEDS = ((0, 0), (42, 3), (2**40 + 5, 2**33 - 1), (-7, 1))


def words(key: int, offset: int, blocks: int, stream: int = 0) -> np.ndarray:
    """The counter blocks from `offset` on, four 32-bit words each: Philox 4x32-10. `stream` is the counter's rest."""
    mask = np.uint64(0xFFFFFFFF)
    block = np.uint64(offset % 2**64) + np.arange(blocks, dtype=np.uint64)
    c = [block & mask, block >> np.uint64(32), np.full(blocks, stream, np.uint64), np.zeros(blocks, np.uint64)]
    k0, k1 = key % 2**32, (key % 2**64) >> 32
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [
            (b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0),
            b & mask,
            (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1),
            a & mask,
        ]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack(c, axis=1)


def singles(size: Any, key: int, offset: int) -> np.ndarray:
    """A 32-bit word for every element, and one more where their number is odd."""
    n = int(np.prod(size)) + 1
    return words(key, offset, -(-n // 4)).ravel()[:n]


def doubles(size: Any, key: int, offset: int) -> np.ndarray:
    """Two 32-bit words for every element, as rows; an even number of rows."""
    n = int(np.prod(size)) + 1
    return words(key, offset, -(-n // 2)).reshape(-1, 2)[: n + n % 2]


def bits64(size: Any, key: int, offset: int) -> np.ndarray:
    pairs = doubles(size, key, offset)[: int(np.prod(size))]
    return pairs[:, 0] | pairs[:, 1] << np.uint64(32)


def uniform53(size: Any, key: int, offset: int) -> np.ndarray:
    pairs = doubles(size, key, offset)
    return ((pairs[:, 0] >> np.uint64(5)) * 2.0**26 + (pairs[:, 1] >> np.uint64(6))) * 2.0**-53


def uniform(size: Any, key: int, offset: int, *, dtype: D, **_: Any) -> Any:
    n = int(np.prod(size))
    if dtype.name == "float64":
        return uniform53(size, key, offset)[:n].reshape(size)
    return ((singles(size, key, offset)[:n] >> np.uint64(8)) * 2.0**-24).reshape(size)


def normal(size: Any, key: int, offset: int, *, dtype: D, **_: Any) -> Any:
    n = int(np.prod(size))
    if dtype.name == "float64":
        u = uniform53(size, key, offset)
        u[::2] += 2.0**-53  # (0, 1]
    else:
        u = (singles(size, key, offset) >> np.uint64(8)) * 2.0**-24
        u[::2] += 2.0**-24
    u = u[: len(u) // 2 * 2] if len(u) > 1 else np.ones(2)
    radius, angle = np.sqrt(-2 * np.log(u[::2])), 2 * np.pi * u[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:n].reshape(size)


def normal_of(block: np.ndarray) -> float:
    """The first normal number of one block's four words."""
    w = [int(word) for word in block]
    u, v = (((a >> 5) * 2.0**26 + (b >> 6)) * 2.0**-53 for a, b in (w[:2], w[2:]))
    return float(np.sqrt(-2 * np.log(u + 2.0**-53)) * np.cos(2 * np.pi * v))


def randint(size: Any, key: int, offset: int, low: int, high: int, **_: Any) -> Any:
    return (low + (bits64(size, key, offset) % np.uint64(high - low)).astype(np.int64)).reshape(size)


def bits(size: Any, key: int, offset: int, **_: Any) -> Any:
    return bits64(size, key, offset).astype(np.int64).reshape(size)


@samples_for("philox_uniform", "philox_normal")
def floats(op: str) -> Iterator[Sample]:
    reference = uniform if op == "philox_uniform" else normal
    exact = op == "philox_uniform"
    for dtype in ("float32", "float64"):
        for size in SIZES:
            for seed in SEEDS:
                near = (
                    {}
                    if exact
                    else {"rtol": 2e-5, "atol": 2e-6}
                    if dtype == "float32"
                    else {"rtol": 1e-10, "atol": 1e-11}
                )
                yield Sample(
                    (size, *seed), reference, {"dtype": D(dtype), **ON}, dtype=dtype, **(near or {"rtol": 0, "atol": 0})
                )


@samples_for("philox_randint")
def integers(op: str) -> Iterator[Sample]:
    for size in SIZES:
        for seed in SEEDS:
            for bounds in ((0, 10), (-5, 2**40), (3, 4)):
                yield Sample((size, *seed, *bounds), randint, ON, dtype="int64")
    for dtype in ("int32", "uint8", "float32", "bool"):
        yield Sample(((9,), 1, 2, 0, 2), randint, {"dtype": D(dtype), **ON}, dtype=dtype)


@samples_for("philox_bits")
def all_bits(op: str) -> Iterator[Sample]:
    for size in SIZES:
        for seed in SEEDS:
            yield Sample((size, *seed), bits, ON, dtype="int64")


@errors_for("philox_uniform", "philox_normal")
def refuses_integers(op: str) -> Iterator[ErrorSample]:
    expected = f"^{op}: dtype must be floating-point or complex, got int64"
    yield ErrorSample(((2,), 0, 0), TypeError, expected, {"dtype": D("int64")})
    yield ErrorSample(((-2,), 0, 0), ValueError, rf"^{op}: size must not be negative, got \(-2,\)")


@errors_for("philox_randint")
def refuses_ranges(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(((2,), 0, 0, 3, 3), ValueError, "^philox_randint: low must be less than high, got 3 and 3")


@errors_for("philox_bits")
def refuses_dtypes(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        ((2,), 0, 0), TypeError, "^philox_bits: dtype must be int64, got float32", {"dtype": D("float32")}
    )
