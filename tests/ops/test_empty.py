"""Tensors without elements, and of no dims, where an op's own samples have none: results by NumPy, or by definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dovetail as dt

NAN, INF = float("nan"), float("inf")

# Over all elements, and along the first and the last dim of shape (0, 3): one result, three, or none.
REDUCTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "nansum": (dt.nansum, 0.0),
    "nanmean": (dt.nanmean, NAN),
    "count_nonzero": (dt.count_nonzero, 0),
    "std": (dt.std, NAN),
    "var": (dt.var, NAN),
    "sum": (dt.sum, 0.0),
    "prod": (dt.prod, 1.0),
    "mean": (dt.mean, NAN),
    "logsumexp": (lambda x, dim=(0, 1): dt.logsumexp(x, dim), -INF),
    "norm": (lambda x, dim=None: dt.norm(x, 2, dim), 0.0),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str, device: str) -> None:
    function, nothing = REDUCTIONS[name]
    x = dt.empty(0, 3, device=device)
    np.testing.assert_array_equal(function(x).cpu().numpy(), nothing)
    np.testing.assert_array_equal(function(x, 0).cpu().numpy(), [nothing] * 3)
    assert function(x, -1).shape == (0,)


@pytest.mark.parametrize("call", [dt.aminmax, dt.amax, dt.argmin, lambda x: dt.kthvalue(x, 1, 0)])
def test_there_is_no_least(call: Callable[..., Any], device: str) -> None:
    with pytest.raises((IndexError, ValueError, RuntimeError), match=r"^\w+: .*(empty|\(0, 3\)|out of range)"):
        call(dt.empty(0, 3, device=device))


SAME_SHAPE: dict[str, Callable[[Any], Any]] = {
    "lerp": lambda x: dt.lerp(x, x, 0.5),
    "addcmul": lambda x: dt.addcmul(x, x, x - x),
    "addcdiv": lambda x: dt.addcdiv(x, x - x, x),
    "clip": lambda x: dt.clip(x, 0, 9),
    "nan_to_num": dt.nan_to_num,
    "sort": lambda x: dt.sort(x, -1).values,
    "msort": dt.msort,
    "cummax": lambda x: dt.cummax(x, 0).values,
    "logcumsumexp": lambda x: dt.logcumsumexp(x, 0),
    "roll": lambda x: dt.roll(x, 1),
    "flip": lambda x: dt.flip(x, list(range(x.ndim))),
}


@pytest.mark.parametrize("name", SAME_SHAPE)
def test_what_keeps_one_number_keeps_none(name: str, device: str) -> None:
    for shape in ((0,), (0, 3), (3, 0), ()):
        x = dt.full(shape, 0.5, device=device)
        result = SAME_SHAPE[name](x)
        assert (result.shape, result.dtype) == (x.shape, x.dtype)
        assert result.tolist() == x.tolist()
