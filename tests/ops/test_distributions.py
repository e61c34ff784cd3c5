"""Every distribution is the one it says: against SciPy's, with fixed seeds.

A right sampler fails one of these tests with a chance below 1e-4, and then always: the seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import dovetail as dt
from tests.ops.framework import to_numpy

N = 20_000
LEAST = 1e-4  # the p-value below which numbers are taken not to follow a distribution
FLOATS = ("float32", "float64")
SIXTEENS = ("float16", "bfloat16")

Draw = Callable[[Any], dt.Tensor]


def seeded(seed: int = 20) -> dt.Generator:
    return dt.Generator().manual_seed(seed)


def empty(dtype: str, device: str) -> dt.Tensor:
    return dt.empty(N, dtype=getattr(dt, dtype), device=device)


def full(value: float, dtype: str, device: str) -> dt.Tensor:
    return dt.full((N,), value, dtype=getattr(dt, dtype), device=device)


def like(dtype: str, device: str) -> dict[str, Any]:
    return {"dtype": getattr(dt, dtype), "device": device, "generator": seeded()}


# name: (what is drawn in a dtype on a device, SciPy's distribution)
CONTINUOUS: dict[str, tuple[Callable[[str, str], dt.Tensor], Any]] = {
    "rand": (lambda d, on: dt.rand(N, **like(d, on)), st.uniform()),
    "rand_like": (lambda d, on: dt.rand_like(empty(d, on), generator=seeded()), st.uniform()),
    "uniform_": (lambda d, on: empty(d, on).uniform_(-2, 3, generator=seeded()), st.uniform(-2, 5)),
    "randn": (lambda d, on: dt.randn(N, **like(d, on)), st.norm()),
    "randn_like": (lambda d, on: dt.randn_like(empty(d, on), generator=seeded()), st.norm()),
    "normal of numbers": (lambda d, on: dt.normal(1.0, 2.0, (N,), **like(d, on)), st.norm(1, 2)),
    "normal of tensors": (
        lambda d, on: dt.normal(full(-3.0, d, on), full(0.5, d, on), generator=seeded()),
        st.norm(-3, 0.5),
    ),
    "normal_": (lambda d, on: empty(d, on).normal_(4, 0.25, generator=seeded()), st.norm(4, 0.25)),
    "log_normal_": (
        lambda d, on: empty(d, on).log_normal_(0.5, 0.75, generator=seeded()),
        st.lognorm(0.75, scale=math.exp(0.5)),
    ),
    "exponential_": (lambda d, on: empty(d, on).exponential_(2.5, generator=seeded()), st.expon(scale=1 / 2.5)),
    "cauchy_": (lambda d, on: empty(d, on).cauchy_(1, 2, generator=seeded()), st.cauchy(1, 2)),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name: str, dtype: str, device: str) -> None:
    draw, distribution = CONTINUOUS[name]
    drawn = draw(dtype, device)
    assert drawn.dtype == getattr(dt, dtype) and drawn.device.type == device
    numbers = to_numpy(drawn).astype(np.float64)
    assert st.kstest(numbers, distribution.cdf).pvalue > LEAST
    # Neighbours know nothing of each other.
    ranks = distribution.cdf(numbers)
    assert abs(np.corrcoef(ranks[:-1], ranks[1:])[0, 1]) < 4 / math.sqrt(N)
    check_moments(numbers, distribution)


@pytest.mark.parametrize("dtype", SIXTEENS)
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_in_sixteen_bits(name: str, dtype: str, device: str) -> None:
    """Rounded to so few digits the numbers have ties; their places among the quantiles stay."""
    draw, distribution = CONTINUOUS[name]
    numbers = to_numpy(draw(dtype, device)).astype(np.float64)
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        edge = distribution.ppf(share)
        width = max(abs(edge), 0.02) * (2**-8 if dtype == "bfloat16" else 2**-11)  # what rounding moves
        slack = 4 * math.sqrt(share * (1 - share) / N)
        assert (numbers < edge - width).mean() <= share + slack
        assert (numbers <= edge + width).mean() >= share - slack


def check_moments(numbers: np.ndarray, distribution: Any) -> None:
    """Mean and variance, where there are any, within four of their own deviations."""
    mean, variance = distribution.stats("mv")
    if not math.isfinite(variance) or not math.isfinite(mean):
        return
    kurtosis = distribution.stats("k")
    assert abs(numbers.mean() - mean) <= 4 * math.sqrt(variance / len(numbers)) + 1e-6 * abs(mean)
    spread = variance * math.sqrt((kurtosis + 2) / len(numbers))
    assert abs(numbers.var() - variance) <= 5 * (spread + variance / len(numbers))


# ---- counts ----


class Weighted:
    """The numbers 0, 1, ... with given chances."""

    def __init__(self, *chances: float) -> None:
        self.chances = np.array(chances)

    def stats(self, moments: str) -> Any:
        at = np.arange(len(self.chances))
        mean = (at * self.chances).sum()
        variance, fourth = (((at - mean) ** k * self.chances).sum() for k in (2, 4))
        return (mean, variance) if moments == "mv" else fourth / variance**2 - 3

    def cdf(self, x: Any) -> Any:
        return np.cumsum(self.chances)[np.asarray(x).astype(int)]

    def ppf(self, share: Any) -> Any:
        return np.searchsorted(np.cumsum(self.chances), share)


DISCRETE: dict[str, tuple[Callable[[str, str], dt.Tensor], Any]] = {
    "randint": (lambda d, on: dt.randint(-3, 8, (N,), **like(d, on)), st.randint(-3, 8)),
    "randint_like": (lambda d, on: dt.randint_like(empty(d, on), 5, generator=seeded()), st.randint(0, 5)),
    "random_": (lambda d, on: empty(d, on).random_(-2, 9, generator=seeded()), st.randint(-2, 9)),
    "random_ up to": (lambda d, on: empty(d, on).random_(7, generator=seeded()), st.randint(0, 7)),
    "bernoulli": (lambda d, on: dt.bernoulli(full(0.3, d, on), generator=seeded()), st.bernoulli(0.3)),
    "bernoulli_": (lambda d, on: empty(d, on).bernoulli_(0.85, generator=seeded()), st.bernoulli(0.85)),
    "bernoulli_ of a tensor": (
        lambda d, on: empty(d, on).bernoulli_(full(0.5, d, on), generator=seeded()),
        st.bernoulli(0.5),
    ),
    "geometric_": (lambda d, on: empty(d, on).geometric_(0.2, generator=seeded()), st.geom(0.2)),
    "geometric_ of a small chance": (lambda d, on: empty(d, on).geometric_(0.01, generator=seeded()), st.geom(0.01)),
    **{
        f"poisson {rate}": (
            lambda d, on, rate=rate: dt.poisson(full(rate, d, on), generator=seeded()),
            st.poisson(rate),
        )
        for rate in (0.125, 3.5, 9.75, 10.0, 33.0, 1000.0, 1e6)
    },
    **{
        f"binomial {n} {p}": (
            lambda d, on, n=n, p=p: dt.binomial(full(n, d, on), full(p, d, on), generator=seeded()),
            st.binom(n, p),
        )
        for n, p in (
            (1, 0.25),
            (12, 0.5),
            (40, 0.125),
            (100, 0.5),
            (64, 0.75),
            (1000, 0.0625),
            (10**6, 0.25),
        )
    },
    "poisson of very many": (
        lambda d, on: dt.poisson(full(2.0**33, "float64", on), generator=seeded()),
        st.poisson(2.0**33),
    ),
    "binomial of rare successes": (
        lambda d, on: dt.binomial(full(2.0**50, d, on), full(2.0**-30, d, on), generator=seeded()),
        st.poisson(2.0**20),
    ),
    "binomial of very many": (
        lambda d, on: dt.binomial(full(2.0**40, "float64", on), full(0.25, "float64", on), generator=seeded()),
        st.binom(2**40, 0.25),
    ),
    "multinomial": (
        lambda d, on: dt.multinomial(
            dt.tensor([1.0, 0.0, 3.0, 4.0], dtype=getattr(dt, d), device=on), N, replacement=True, generator=seeded()
        ),
        Weighted(0.125, 0, 0.375, 0.5),
    ),
    "multinomial of few": (
        lambda d, on: dt.multinomial(
            dt.tensor([[1.0, 0.0, 3.0, 4.0]], dtype=getattr(dt, d), device=on).expand(N, 4), 1, generator=seeded()
        ),
        Weighted(0.125, 0, 0.375, 0.5),
    ),
    "dropout": (
        lambda d, on: dt.dropout(full(0.75, d, on), 0.25, generator=seeded()),
        st.bernoulli(0.75),
    ),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", DISCRETE)
def test_counts(name: str, dtype: str, device: str) -> None:
    draw, distribution = DISCRETE[name]
    numbers = to_numpy(draw(dtype, device)).astype(np.float64).ravel()
    assert np.array_equal(numbers, np.round(numbers)), "counts are whole"
    check_moments(numbers, distribution)
    # In intervals of about equal chances.
    edges = np.unique(distribution.ppf(np.linspace(0, 1, 41)[1:-1]))
    places = np.searchsorted(edges, numbers)  # interval i holds what is above edge i - 1, up to edge i
    seen = np.bincount(places, minlength=len(edges) + 1)
    expected = N * np.diff(np.concatenate([[0.0], distribution.cdf(edges), [1.0]]))
    possible = expected > 1e-9
    assert not seen[~possible].any()
    if possible.sum() > 1:
        assert st.chisquare(seen[possible], expected[possible]).pvalue > LEAST


@pytest.mark.parametrize("dtype", [*SIXTEENS, *FLOATS, "int32", "int64", "uint8"])
def test_random_reaches_what_the_dtype_holds(dtype: str, device: str) -> None:
    numbers = to_numpy(empty(dtype, device).random_(generator=seeded())).astype(np.float64)
    largest = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}.get(dtype)
    most = float(largest if largest is not None else dt.iinfo(getattr(dt, dtype)).max)
    assert numbers.min() >= 0 and numbers.max() <= most
    assert st.kstest(numbers / most, "uniform").statistic < 0.02


@pytest.mark.parametrize("n", [2, 5, 100])
def test_permutations_are_equally_likely(n: int, device: str) -> None:
    generator = seeded()
    drawn = np.stack([to_numpy(dt.randperm(n, generator=generator, device=device)) for _ in range(2000)])
    assert np.array_equal(np.sort(drawn, 1), np.tile(np.arange(n), (2000, 1)))
    for place in (0, n // 2, n - 1):
        assert st.chisquare(np.bincount(drawn[:, place], minlength=n)).pvalue > LEAST


def test_few_without_replacement(device: str) -> None:
    """The second of two goes by the weights of what is left."""
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    rows = dt.tensor(weights, device=device).expand(N, 4)
    drawn = to_numpy(dt.multinomial(rows, 2, generator=seeded()))
    pairs = {(i, j): weights[i] * weights[j] / (1 - weights[i]) for i in range(4) for j in range(4) if i != j}
    seen = [((drawn[:, 0] == i) & (drawn[:, 1] == j)).sum() for i, j in pairs]
    assert st.chisquare(seen, np.array(list(pairs.values())) * N).pvalue > LEAST


@pytest.mark.parametrize("dtype", [*FLOATS, *SIXTEENS])
def test_the_upper_end_is_left_out(dtype: str, device: str) -> None:
    numbers = dt.empty(200_000, dtype=getattr(dt, dtype), device=device)
    for low, high in ((1, 2), (1000, 1001), (-1, 1)):
        drawn = to_numpy(numbers.uniform_(low, high, generator=seeded())).astype(np.float64)
        assert drawn.min() >= low and drawn.max() < high
