"""The same seed gives the same numbers on every backend and for any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dovetail as dt

DEVICES = ["reference", "cedar:1"]
N = 3001

Draw = Callable[[dict[str, Any]], dt.Tensor]


def made(on: dict[str, Any], fill: float = 0.0, dtype: dt.dtype = dt.float32) -> dt.Tensor:
    return dt.full((N,), fill, dtype=dtype, device=on["device"])


def own(on: dict[str, Any]) -> dict[str, Any]:
    return {"generator": on["generator"]}


# Uniform numbers and what is chosen by them: bit for bit.
EXACT: dict[str, Draw] = {
    "rand": lambda on: dt.rand(N, **on),
    "rand float64": lambda on: dt.rand(N, dtype=dt.float64, **on),
    "rand_like": lambda on: dt.rand_like(made(on), **own(on)),
    "uniform_": lambda on: made(on).uniform_(-1, 3, **own(on)),
    "randint": lambda on: dt.randint(-5, 99, (N,), **on),
    "randint_like": lambda on: dt.randint_like(made(on), 99, **own(on)),
    "random_": lambda on: made(on).random_(3, 77, **own(on)),
    "randperm": lambda on: dt.randperm(N, **on),
    "bernoulli": lambda on: dt.bernoulli(made(on, 0.4), **own(on)),
    "bernoulli_": lambda on: made(on).bernoulli_(0.2, **own(on)),
    "dropout": lambda on: dt.dropout(made(on, 1.0), 0.25, **own(on)),
    "multinomial": lambda on: dt.multinomial(
        made(on, 1.0) + dt.arange(N, device=on["device"]) % 5, 50, True, **own(on)
    ),
    "poisson": lambda on: dt.poisson(made(on, 7.5), **own(on)),
    "poisson of many": lambda on: dt.poisson(made(on, 300.0, dt.float64), **own(on)),
    "binomial": lambda on: dt.binomial(made(on, 9.0), made(on, 0.25), **own(on)),
    "binomial of many": lambda on: dt.binomial(made(on, 900.0), made(on, 0.25), **own(on)),
}
# Functions of them, which each backend rounds in its own way.
ROUNDED: dict[str, Draw] = {
    "randn": lambda on: dt.randn(N, **on),
    "randn_like": lambda on: dt.randn_like(made(on), **own(on)),
    "normal": lambda on: dt.normal(made(on, 1.0), made(on, 2.0), **own(on)),
    "normal_": lambda on: made(on).normal_(1, 2, **own(on)),
    "log_normal_": lambda on: made(on).log_normal_(0, 0.5, **own(on)),
    "exponential_": lambda on: made(on).exponential_(2, **own(on)),
    "geometric_": lambda on: made(on, dtype=dt.float64).geometric_(0.125, **own(on)),
    "cauchy_": lambda on: made(on).cauchy_(1, 2, **own(on)).atan(),
    "multinomial of different": lambda on: dt.multinomial(made(on, 1.0), 20, **own(on)),
}


def drawn(draw: Draw, device: str) -> np.ndarray:
    """Twice, one after the other: what a draw takes of the generator counts too."""
    on = {"generator": dt.Generator().manual_seed(11), "device": device}
    return np.stack([draw(on).cpu().double().numpy() for _ in range(2)])


@pytest.fixture
def threads() -> Iterator[None]:
    before = dt.get_num_threads()
    yield
    dt.set_num_threads(before)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", [*EXACT, *ROUNDED])
def test_on_every_backend(name: str, device: str) -> None:
    draw = EXACT.get(name) or ROUNDED[name]
    expected, numbers = drawn(draw, "cpu"), drawn(draw, device)
    assert not np.array_equal(expected[0], expected[1])
    if name in EXACT:
        np.testing.assert_array_equal(numbers, expected)
    else:
        np.testing.assert_allclose(numbers, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", [*EXACT, *ROUNDED])
def test_for_any_number_of_threads(name: str, threads: None) -> None:
    draw = EXACT.get(name) or ROUNDED[name]
    results = []
    for count in (1, 2, 3, 8):
        dt.set_num_threads(count)
        results.append(drawn(draw, "cpu"))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_a_state_is_kept_and_comes_back() -> None:
    generator = dt.Generator().manual_seed(3)
    dt.rand(7, generator=generator)
    state = generator.get_state()
    for draw in (
        lambda: dt.poisson(dt.full((9,), 40.0), generator=generator),
        lambda: dt.binomial(dt.full((9,), 40.0), dt.tensor(0.5), generator=generator),
        lambda: dt.empty(9).cauchy_(generator=generator),
        lambda: dt.multinomial(dt.ones(9), 4, generator=generator),
    ):
        generator.set_state(state)
        first, second = draw(), draw()
        generator.set_state(state)
        assert dt.equal(draw(), first) and dt.equal(draw(), second) and not dt.equal(first, second)
    other = dt.Generator()
    other.set_state(generator.get_state())
    assert dt.equal(dt.rand(5, generator=other), dt.rand(5, generator=generator))
