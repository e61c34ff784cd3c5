"""What elementwise functions give for infinities, NaN and the zeros of both signs, to the sign of a zero.

array-api-strict computes with NumPy, which gives what the standard's lists of special cases say. Where the standard
leaves a choice, or NumPy gives something else, the test says so.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import dovetail as dt
import dovetail.array_api as xp
from tests.integration.array_api.reference import REAL_FLOATING, strict
from tests.integration.array_api.test_elementwise import BINARY, UNARY

INF, NAN = float("inf"), float("nan")
VALUES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 2.5, 3.0, -3.0, INF, -INF, NAN]
PAIRS = list(itertools.product(VALUES, VALUES))


def layouts(values: list[float], dtype: str) -> Any:
    """The values as vectors and one by one: kernels have a path for each."""
    array = np.asarray(values, dtype)
    yield np.tile(array, 16)
    yield np.repeat(array, 3)[::3]
    yield from (np.asarray(each) for each in array)


def same_to_the_sign(result: dt.Tensor, wanted: Any, given: Any, allowed: Any = None) -> None:
    mine, reference = result.numpy(), np.asarray(wanted._array)
    assert mine.dtype == reference.dtype and mine.shape == reference.shape
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, reference)
        return
    for own, other, values in zip(mine.reshape(-1), reference.reshape(-1), zip(*(x.reshape(-1) for x in given))):
        if allowed is not None and allowed(own, *values):
            continue
        if np.isnan(other):
            assert np.isnan(own), f"{values}: {own}, not NaN"
        else:
            assert np.isclose(own, other, rtol=1e-5), f"{values}: {own}, not {other}"
            assert np.signbit(own) == np.signbit(other), f"{values}: {own}, not {other}"


@pytest.mark.parametrize("dtype", REAL_FLOATING)
@pytest.mark.parametrize("name", [name for name, dtypes in UNARY.items() if "float32" in dtypes])
def test_of_one(name: str, dtype: str) -> None:
    for x in layouts(VALUES, dtype):
        with np.errstate(all="ignore"):
            wanted = getattr(strict, name)(strict.asarray(x))
        same_to_the_sign(getattr(xp, name)(dt.from_numpy(x.copy())), wanted, [x])


def choice_of_floor_divide(result: float, x: float, y: float) -> bool:
    """NaN as in Python, or as x / y: the quotients of infinities and by zeros."""
    if np.isinf(x) and np.isfinite(y):
        return bool(np.isnan(result) or np.isinf(result))
    if np.isinf(y) and np.isfinite(x) and x != 0 and np.signbit(x) != np.signbit(y):
        return bool(result in (-1.0, 0.0))
    return False


def own_way_of_pow(result: float, x: float, y: float) -> bool:
    """NumPy's power to 0.5 is sqrt for one number: -0 at -0, NaN at -infinity. The standard's are +0 and infinity."""
    return bool(y == 0.5 and (x == 0 or x == -INF) and result == abs(x) and not np.signbit(result))


CHOICES = {"floor_divide": choice_of_floor_divide, "pow": own_way_of_pow}


@pytest.mark.parametrize("dtype", REAL_FLOATING)
@pytest.mark.parametrize("name", [name for name, dtypes in BINARY.items() if "float32" in dtypes])
def test_of_two(name: str, dtype: str) -> None:
    for x, y in zip(*(layouts(list(side), dtype) for side in zip(*PAIRS))):
        with np.errstate(all="ignore"):
            wanted = getattr(strict, name)(strict.asarray(x), strict.asarray(y))
        result = getattr(xp, name)(dt.from_numpy(x.copy()), dt.from_numpy(y.copy()))
        same_to_the_sign(result, wanted, [x, y], CHOICES.get(name))


@pytest.mark.parametrize("dtype", REAL_FLOATING)
def test_reductions(dtype: str) -> None:
    kind = getattr(xp, dtype)
    nothing, one_nan = xp.zeros(0, dtype=kind), xp.asarray([1.0, NAN, 2.0], dtype=kind)
    assert xp.isnan(xp.mean(xp.zeros((0, 2), dtype=kind), axis=0)).tolist() == [True, True]
    assert xp.sum(nothing).item() == 0 and xp.prod(nothing).item() == 1
    for name in ("sum", "prod", "mean", "max", "min", "std", "var"):
        assert np.isnan(getattr(xp, name)(one_nan).item()), name
    for name in ("std", "var"):  # as many degrees of freedom as elements
        assert np.isnan(getattr(xp, name)(xp.ones(1, dtype=kind), correction=1.0).item())
    assert xp.any(one_nan).item() is True and xp.all(one_nan).item() is True
    assert xp.sum(xp.asarray([INF, -INF], dtype=kind)).isnan().item()
