"""How exact special functions are, in units in the last place.

Beside values that were computed with 50 digits (tools/special_values.py) they must be as exact as their documentation
says; beside SciPy's, over more places, as exact as SciPy's own error lets one see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import dovetail as dt
from tests.ops.framework import rng_for

COUNT = 4000


@dataclass(frozen=True)
class Range:
    """Where a function is judged: float64 arguments, how many ulp it may be off, and where it passes through zero, of
    what size it is there (the error of a result smaller than that is measured in ulp of it)."""

    name: str
    reference: Callable[..., Any]
    draw: Callable[[np.random.Generator], tuple[np.ndarray, ...]]
    ulp: float
    size: float = 0.0


def even(*bounds: tuple[float, float]) -> Callable[[np.random.Generator], tuple[np.ndarray, ...]]:
    """Arguments drawn evenly."""
    return lambda rng: tuple(rng.uniform(low, high, COUNT) for low, high in bounds)


def powers(*bounds: tuple[float, float], sign: float = 1.0) -> Callable[[np.random.Generator], tuple[np.ndarray, ...]]:
    """Arguments whose powers of ten are drawn evenly."""
    return lambda rng: tuple(sign * 10 ** rng.uniform(low, high, COUNT) for low, high in bounds)


def near_the_diagonal(low: float, high: float) -> Callable[[np.random.Generator], tuple[np.ndarray, ...]]:
    """Pairs that are a few square roots apart."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        a = 10 ** rng.uniform(low, high, COUNT)
        return a, a + rng.uniform(-4, 4, COUNT) * np.sqrt(a)

    return draw


def order(n: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: sp.polygamma(n, x)


def digamma_left(x: np.ndarray) -> np.ndarray:
    """By reflection with an exact argument of the tangent."""
    return sp.psi(1 - x) - np.pi / np.tan(np.pi * (x - np.round(x)))


def ndtr_tail(x: np.ndarray) -> np.ndarray:
    """With the exponent in two exact parts; SciPy's loses hundreds of ulp to x * x."""
    h = np.round(x * 64) / 64
    return 0.5 * sp.erfcx(-x / np.sqrt(2)) * np.exp(-h * h / 2) * np.exp(-(x - h) * (x + h) / 2)


def spherical(x: np.ndarray) -> np.ndarray:
    return np.sin(x) / x


def airy(x: np.ndarray) -> np.ndarray:
    return sp.airy(x)[0]


def airy_slope(x: np.ndarray) -> np.ndarray:
    return sp.airy(x)[1]


RANGES = [
    Range("digamma", sp.psi, even((0.01, 12)), 8, 0.1),
    Range("digamma", sp.psi, powers((-300, 300)), 4),
    Range("digamma", digamma_left, even((-20, 0)), 64, 1),
    Range("polygamma 1", order(1), powers((-3, 5)), 8),
    Range("polygamma 2", order(2), powers((-3, 5)), 8),
    Range("polygamma 7", order(7), powers((-3, 3)), 24),
    Range("polygamma 60", order(60), even((1, 30)), 256),
    Range("polygamma 2", order(2), even((-20, 0)), 256, 1),
    Range("special_zeta", sp.zeta, even((1.01, 12), (0.01, 12)), 12),
    Range("special_zeta", sp.zeta, powers((0.1, 1.5), (-2, 3)), 64),
    # What is allowed here is SciPy's error: gamma(a + 1) of a rounded a + 1.
    Range("igamma", sp.gammainc, even((0.01, 20), (0.01, 20)), 256, 1e-10),
    Range("igamma", sp.gammainc, powers((-6, 0.5), (-6, 0.5)), 512, 1e-10),
    Range("igamma", sp.gammainc, near_the_diagonal(1, 9), 1024),
    Range("igammac", sp.gammaincc, even((0.01, 20), (0.01, 20)), 256),
    Range("igammac", sp.gammaincc, powers((-6, 0.5), (-6, 0.5)), 512),
    Range("igammac", sp.gammaincc, near_the_diagonal(1, 9), 1024),
    Range("special_erfcx", sp.erfcx, even((0, 50)), 8),
    Range("special_erfcx", sp.erfcx, even((-26, 0)), 1024),  # SciPy's squares x in one double
    Range("special_erfcx", sp.erfcx, powers((-300, 300)), 8),
    Range("special_ndtr", sp.ndtr, even((-5, 8)), 32),
    Range("special_ndtr", ndtr_tail, even((-37, -5)), 16),
    Range("special_log_ndtr", sp.log_ndtr, even((-40, 5)), 64),
    Range("special_log_ndtr", sp.log_ndtr, powers((0, 100), sign=-1), 4),
    Range("special_ndtri", sp.ndtri, even((0, 1)), 8),
    Range("special_ndtri", sp.ndtri, powers((-300, -1)), 8),
    Range("i0", sp.i0, even((-700, 700)), 8),
    Range("special_i0e", sp.i0e, powers((-10, 10)), 8),
    Range("special_i1", sp.i1, even((-700, 700)), 12),  # SciPy's own error is 6
    Range("special_i1e", sp.i1e, powers((-300, 10)), 8),
    Range("special_modified_bessel_k0", sp.k0, powers((-300, 2.8)), 16),
    Range("special_modified_bessel_k1", sp.k1, powers((-300, 2.8)), 16),
    Range("special_scaled_modified_bessel_k0", sp.k0e, powers((-300, 10)), 16),
    Range("special_scaled_modified_bessel_k1", sp.k1e, powers((-300, 10)), 16),
    Range("special_bessel_j0", sp.j0, even((-50, 50)), 4, 1),
    Range("special_bessel_j1", sp.j1, even((-50, 50)), 4, 1),
    Range("special_bessel_y0", sp.y0, even((0.01, 50)), 8, 1),
    Range("special_bessel_y1", sp.y1, even((0.01, 50)), 8, 1),
    Range("special_airy_ai", airy, even((0, 50)), 512),  # SciPy's loses digits to the right
    Range("special_airy_ai", airy, even((-20, 0)), 32, 1),
    Range("airy_ai_slope", airy_slope, even((0, 50)), 512),
    Range("airy_ai_slope", airy_slope, even((-20, 0)), 256, 1),
    Range("special_spherical_bessel_j0", spherical, even((-50, 50)), 4),
    Range("special_entr", sp.entr, powers((-300, 100)), 4, 1),
    Range("special_xlog1py", sp.xlog1py, powers((-10, 10), (-10, 10)), 4),
]


def call(name: str, *args: np.ndarray) -> np.ndarray:
    op, _, n = name.partition(" ")
    tensors = [dt.tensor(arg) for arg in args]
    result = dt._core.get_op(op)(*tensors, *([int(n)] if n else []))
    return np.asarray(result)


def worst(found: np.ndarray, wanted: np.ndarray, size: float) -> float:
    """The largest error, in ulp of the wanted value, or of one that is larger."""
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    unit = np.spacing(np.maximum(np.abs(wanted[finite]), size).astype(wanted.dtype))
    error = np.abs(found[finite].astype(np.float64) - wanted[finite].astype(np.float64))
    return float(np.max(error / unit))


@pytest.mark.parametrize("judged", RANGES, ids=lambda judged: judged.name)
def test_float64(judged: Range) -> None:
    args = judged.draw(rng_for(judged.name))
    with np.errstate(all="ignore"):
        wanted = judged.reference(*args)
    assert worst(call(judged.name, *args), wanted, judged.size) <= judged.ulp


@pytest.mark.parametrize("judged", RANGES, ids=lambda judged: judged.name)
def test_float32(judged: Range) -> None:
    with np.errstate(all="ignore"):
        args = [arg.astype(np.float32) for arg in judged.draw(rng_for(judged.name))]
        wanted = judged.reference(*(arg.astype(np.float64) for arg in args)).astype(np.float32)
    assert worst(call(judged.name, *args), wanted, judged.size) <= 2


# ---- beside 50 digits ------------------------------------------------------------------------------------------

VALUES: dict[str, list[list[float]]] = json.loads(Path(__file__).with_name("special_values.json").read_text())
SAID = re.compile(
    r"within (?P<ulp>\d+) ulp in float64(?: or, (?P<where>[^,]*), (?P<least>\S+) where that is more)?"
    r"(?:, where the result is below (?P<small>\S+) within (?P<then>\d+))?"
)


def allowed(name: str, first: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The error that an op's documentation admits."""
    said = SAID.search(dt._core.get_op(name).doc)
    assert said, f"the documentation of {name} does not say how exact it is"
    ulp = np.full(value.shape, float(said["ulp"]))
    if said["small"]:
        ulp[np.abs(value) < float(said["small"])] = float(said["then"])
    bound = ulp * np.spacing(np.abs(value))
    if said["least"]:
        where = first <= 0 if said["where"] != "near zeros" else np.full(value.shape, True)
        bound = np.where(where, np.maximum(bound, float(said["least"])), bound)
    return bound


def called(name: str, args: np.ndarray, dtype: Any) -> np.ndarray:
    op = dt._core.get_op(name)
    if name == "polygamma":
        return np.array([op(dt.tensor([x], dtype=dtype), int(n)).item() for x, n in args])
    return np.asarray(op(*(dt.tensor(column, dtype=dtype) for column in args.T))).astype(np.float64)


@pytest.mark.parametrize("name", VALUES)
def test_as_exact_as_documented(name: str) -> None:
    rows = np.array(VALUES[name])
    args, value = rows[:, :-1], rows[:, -1]
    error = np.abs(called(name, args, dt.float64) - value)
    assert (error <= allowed(name, args[:, 0], value)).all()
    # And in float32, of arguments that it holds.
    with np.errstate(over="ignore"):
        held = (args.astype(np.float32) == args).all(1) & (np.abs(value) > 1e-37) & (np.abs(value) < 1e38)
    assert held.sum() >= 5
    error = np.abs(called(name, args[held], dt.float32) - value[held])
    rounding = 0.51 * np.spacing(np.abs(value[held]).astype(np.float32))
    assert (error <= np.maximum(rounding, allowed(name, args[held, 0], value[held]))).all()


def test_every_documented_accuracy_is_checked() -> None:
    said = {op.name for op in dt._core.ops() if op.family == "special" and "ulp in float64" in op.doc}
    assert said == set(VALUES)
