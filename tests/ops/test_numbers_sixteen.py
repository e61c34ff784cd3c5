"""Python numbers beside 16-bit floats: the arithmetic is float32's, and rounds once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import dovetail as dt

OPS: dict[str, Callable] = {
    "a + 0.1": lambda a: a + 0.1,
    "0.1 - a": lambda a: 0.1 - a,
    "a - 3": lambda a: a - 3,
    "a * 0.1": lambda a: a * 0.1,
    "a / 0.3": lambda a: a / 0.3,
    "0.3 / a": lambda a: 0.3 / a,
    "a // 0.1": lambda a: a // 0.1,
}


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16], ids=str)
@pytest.mark.parametrize("name", list(OPS))
def test_a_number_is_not_rounded_first(name: str, dtype: dt.dtype) -> None:
    function = OPS[name]
    a = (dt.rand(40, 50) * 8 + 0.3).to(dtype)
    expected = function(a.to(dt.float32)).to(dtype)
    assert function(a).dtype == dtype
    for got, wanted in (
        (function(a), expected),
        (function(a.t()), expected.t()),
        (function(a[::2, ::3]), expected[::2, ::3]),
        (function(a[0, 0]), expected[0, 0]),
        (function(a[:0]), expected[:0]),
    ):
        assert dt.equal(got, wanted)


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16], ids=str)
def test_in_place_and_out(dtype: dt.dtype) -> None:
    a = dt.rand(1000).to(dtype)
    expected = (a.to(dt.float32) * 0.1).to(dtype)
    assert dt.equal(dt.mul(a, 0.1, out=dt.empty(1000, dtype=dtype)), expected)
    assert dt.equal(a.mul_(0.1), expected)


def test_tensors_of_no_dims_and_comparisons_keep_to_sixteen_bits() -> None:
    a = dt.tensor([0.1, 3.0], dtype=dt.float16)
    assert (a == 0.1).tolist() == [True, False]
    rounded = np.float16(np.float32(3.0) * np.float32(np.float16(0.1)))
    assert (a * dt.tensor(0.1, dtype=dt.float16))[1].item() == rounded
