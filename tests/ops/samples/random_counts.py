"""Poisson and binomial counts, against the same inversion and rejection written out in Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    FLOATS,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    G,
    Refusal,
    Sample,
    T,
    errors_for,
    samples_for,
    wide,
)
from tests.ops.samples.random import normal_of, words


class Stream:
    """The numbers of one element: block `counter` of the streams 0, 1, 2, ..."""

    def __init__(self, key: int, counter: int) -> None:
        self.key, self.counter, self.round = key, counter, 0
        self.left: list[float] = []

    def block(self) -> np.ndarray:
        self.round += 1
        return words(self.key, self.counter, 1, self.round - 1)[0]

    def next(self) -> float:
        """In (0, 1]; of a block the second pair of words comes first."""
        if not self.left:
            w = [int(word) for word in self.block()]
            self.left = [((a >> 5) * 2.0**26 + (b >> 6) + 1) * 2.0**-53 for a, b in (w[:2], w[2:])]
        return self.left.pop()

    def normal(self) -> float:
        return normal_of(self.block())


def stirling(k: float) -> float:
    """What Stirling's formula leaves out of log k!."""
    return math.lgamma(k + 1) - (0.5 * math.log(2 * math.pi) + (k + 0.5) * math.log(k + 1) - (k + 1))


def by_inversion(chance: float, factor: Callable[[int], float], stream: Stream) -> int:
    """The first count whose cumulative probability reaches a uniform number; factor(k) is P(k) / P(k - 1)."""
    left, count = stream.next(), 0
    while left > chance and chance > 0:
        left, count = left - chance, count + 1
        chance *= factor(count)
    return count


def poisson_count(rate: float, stream: Stream) -> float:
    if rate in (0, math.inf):
        return rate
    if rate < 10:
        return by_inversion(math.exp(-rate), lambda k: rate / k, stream)
    if rate >= 1e10:
        return math.floor(rate + math.sqrt(rate) * stream.normal() + 0.5)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    while True:
        u, v = stream.next() - 0.5, stream.next()
        edge = 0.5 - abs(u)
        k = math.floor((2 * a / edge + b) * u + rate + 0.43)
        if edge >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
            return k
        if k < 0 or (edge < 0.013 and v > edge):
            continue
        reached = math.log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / edge**2 + b))
        if reached <= k * math.log(rate) - rate - math.lgamma(k + 1):
            return k


def binomial_count(n: float, p: float, stream: Stream) -> float:
    n = math.floor(n)
    if p > 0.5:
        return n - binomial_count(n, 1 - p, stream) if p < 1 else n
    if n == 0 or p == 0:
        return 0
    if n * p < 10:
        return by_inversion((1 - p) ** n, lambda k: p / (1 - p) * (n - k + 1) / k, stream)
    if n * p >= 1e10:
        return min(max(math.floor(n * p + math.sqrt(n * p * (1 - p)) * stream.normal() + 0.5), 0), n)
    deviation, mode, odds = math.sqrt(n * p * (1 - p)), math.floor((n + 1) * p), p / (1 - p)
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    while True:
        u, v = stream.next() - 0.5, stream.next()
        edge = 0.5 - abs(u)
        k = math.floor((2 * a / edge + b) * u + n * p + 0.5)
        if edge >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        if k < 0 or k > n:
            continue
        log_ratio = (k - mode) * math.log(odds) + sum(
            sign * math.lgamma(m + 1) for sign, m in ((1, mode), (1, n - mode), (-1, k), (-1, n - k))
        )
        if math.log(v * (2.83 + 5.1 / b) * deviation / (a / edge**2 + b)) <= log_ratio:
            return k


def each(count: Callable[..., float], parameters: tuple[Any, ...], key: int, offset: int) -> np.ndarray:
    """One count for every element, each with its stream."""
    parameters = np.broadcast_arrays(*(wide(p) for p in parameters))
    flat = zip(*(p.ravel().tolist() for p in parameters), strict=True)
    found = [count(*at, Stream(key, offset + i)) for i, at in enumerate(flat)]
    return np.array(found, dtype=np.float64).reshape(parameters[0].shape)


RATES = np.array([[0.0, 0.3, 2.0, 9.5], [10.0, 10.5, 30.0, 123.5], [1e3, 1e5, 1e9, 1e11]])
TRIALS = np.array([[0.0, 1.0, 5.5, 20.0], [50.0, 100.0, 333.0, 1e4], [1e6, 1e8, 1e12, 64.0]])
CHANCES = np.array([0.01, 0.3, 0.5, 0.97])


@samples_for("philox_poisson", "philox_binomial")
def with_keys(op: str) -> Iterator[Sample]:
    def reference(*args: Any) -> Any:
        *parameters, key, offset = args
        return each(poisson_count if op == "philox_poisson" else binomial_count, tuple(parameters), key, offset)

    for dtype in FLOATS:
        for seed in ((0, 0), (42, 3), (2**40 + 5, 2**33 - 1), (-7, 1)):
            for parameters in given(op, dtype):
                yield Sample((*map(T, parameters), *seed), reference, rtol=0, atol=0)
        for layout in LAYOUTS:
            parameters = tuple(T(p, layout) for p in next(given(op, dtype)))
            yield Sample((*parameters, 7, 1), reference, rtol=0, atol=0)


def given(op: str, dtype: str) -> Iterator[tuple[np.ndarray, ...]]:
    """Parameters in several shapes."""
    whole = (RATES,) if op.endswith("poisson") else (TRIALS, np.broadcast_to(CHANCES, TRIALS.shape))
    small = [p.astype(dtype) for p in whole]
    yield tuple(small)
    yield tuple(p[0, 1] for p in small)
    yield tuple(p[:0] for p in small)
    yield tuple(np.tile(p[:2], (5, 20)) for p in small)


@samples_for("poisson", "binomial")
def with_generators(op: str) -> Iterator[Sample]:
    def reference(*parameters: Any, generator: G) -> Any:
        return each(poisson_count if op == "poisson" else binomial_count, parameters, generator.seed, 0)

    for dtype in ALL_FLOATS:
        largest = 100 if dtype in SIXTEENS else 1e4  # what 16 bits hold exactly
        first = T(np.minimum(RATES if op == "poisson" else TRIALS, largest).astype(dtype))
        rest = [T(CHANCES.astype(dtype))] * (op == "binomial")
        yield Sample((first, *rest), reference, {"generator": G(7)}, rtol=0, atol=0)
        shapes: tuple[tuple[int, ...], ...] = ((), (0,), (2, 3))
        for shape in shapes:
            args = [T(np.full(shape, 12, dtype))] + [T(np.array(0.25, dtype))] * (op == "binomial")
            yield Sample(tuple(args), reference, {"generator": G(7)}, rtol=0, atol=0)


F, INT = T(np.ones(2, np.float32)), T(np.ones(2, np.int64))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "poisson": [((INT,), TypeError), ((T(-np.ones(2)),), ValueError), ((T(np.array([math.nan])),), ValueError)],
    "binomial": [
        ((INT, F), TypeError),
        ((F, INT), TypeError),
        ((T(-np.ones(2)), F), ValueError),
        ((F, T(np.array([0.5, 1.5]))), ValueError),
        ((F, T(np.array([math.nan, 0.5]))), ValueError),
    ],
    "philox_poisson": [((INT, 0, 0), TypeError)],
    "philox_binomial": [((F, T(np.ones(2)), 0, 0), TypeError), ((F, T(np.ones(3, np.float32)), 0, 0), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: ")
