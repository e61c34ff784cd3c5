"""Python numbers that become elements of an integer tensor: those that its dtype does not hold are refused, as PyTorch
does, but for -n in an unsigned dtype that holds n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import dovetail as dt

INTEGERS = [dt.int8, dt.int16, dt.int32, dt.int64, dt.uint8, dt.uint16, dt.uint32, dt.uint64]


def assigned(x: dt.Tensor, index: Any, number: float) -> dt.Tensor:
    x[index] = number
    return x


def place(x: dt.Tensor) -> dt.Tensor:
    return dt.tensor([0], device=x.device)


# By the op that refuses.
USES: dict[str, list[Callable[[dt.Tensor, Any], dt.Tensor]]] = {
    "full": [lambda x, n: dt.full((2,), n, dtype=x.dtype, device=x.device)],
    "full_like": [lambda x, n: dt.full_like(x, n)],
    "new_full": [lambda x, n: x.new_full((2,), n)],
    "fill": [lambda x, n: x.fill_(n)],
    "index": [lambda x, n: assigned(x, 0, n), lambda x, n: assigned(x, x == x, n)],
    "index_put": [lambda x, n: x.index_put((place(x),), n)],
    "masked_fill": [lambda x, n: x.masked_fill(x == x, n)],
    "index_fill": [lambda x, n: x.index_fill(0, place(x), n)],
    "scatter": [lambda x, n: x.scatter(0, place(x), n)],
    "constant_pad_nd": [lambda x, n: dt.constant_pad_nd(x, (1, 1), n)],
}


def least(dtype: dt.dtype) -> int:
    """The most negative int that is taken."""
    info = dt.iinfo(dtype)
    return info.min or max(-info.max, -(2**63))


def bad_numbers(dtype: dt.dtype) -> list[float]:
    info = dt.iinfo(dtype)
    large = [info.max + 1, least(dtype) - 1] if info.bits < 64 else []
    return [*large, 2.0**info.bits, -(2.0**info.bits), 1e30, float("inf"), float("nan")]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", USES)
def test_refused(name: str, dtype: dt.dtype, device: str) -> None:
    for use in USES[name]:
        for number in bad_numbers(dtype):
            x = dt.ones(2, dtype=dtype, device=device)
            with pytest.raises(ValueError, match=rf"^{name}_?: .* does not fit in {str(dtype)[9:]}"):
                use(x, number)
            assert x.tolist() == [1, 1]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", USES)
def test_taken(name: str, dtype: dt.dtype, device: str) -> None:
    info = dt.iinfo(dtype)
    for use in USES[name]:
        for number in (info.max, least(dtype), info.max // 2, -1, 2.9, -0.5, True):
            found = use(dt.ones(2, dtype=dtype, device=device), number)
            assert found.dtype == dtype
            value = int(number) % 2**info.bits
            assert found[0].item() == (value if value <= info.max else value - 2**info.bits)


@pytest.mark.parametrize("dtype", [dt.int8, dt.uint8, dt.int32], ids=str)
def test_where_and_clamp(dtype: dt.dtype, device: str) -> None:
    """An integer that does not fit is refused; a fraction makes the result a float, as ever."""
    x, n = dt.ones(2, dtype=dtype, device=device), dt.iinfo(dtype).max + 1
    for name, use in (
        ("where", lambda: dt.where(x == x, n, x)),
        ("where", lambda: dt.where(x == x, x, n)),
        ("clamp", lambda: x.clamp(max=n)),
        ("clamp", lambda: x.clamp(min=0, max=n)),
    ):
        with pytest.raises(ValueError, match=rf"^{name}: {n} does not fit in {str(dtype)[9:]}"):
            use()
    assert dt.where(x == x, n + 0.5, x).dtype == dt.float32
    assert dt.where(x == x, x.to(dt.int64), n).dtype == dt.int64


def test_arithmetic_wraps(device: str) -> None:
    """A sum is of numbers modulo the dtype's range, and so is what is added."""
    assert (dt.ones(2, dtype=dt.uint8, device=device) + 300).tolist() == [45, 45]
    assert (dt.ones(2, dtype=dt.uint8, device=device) < 300).tolist() == [True, True]
