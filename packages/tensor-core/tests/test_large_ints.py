"""Python ints from 2**63 on: uint64 holds them, floats round them, everything else refuses them."""

import math
from fractions import Fraction

import numpy as np
import pytest

import dovetail as dt
from dovetail import array_api

LARGEST = 2**64 - 1
HALF = 2**63


def naturals():
    return dt.tensor([1, 2, HALF + 5], dtype=dt.uint64)


def filled(x, index, value):
    y = x.clone()
    y[index] = value
    return y


WORKS = {
    "add": lambda x: dt.add(x, LARGEST),
    "sum of an operator": lambda x: LARGEST + x,
    "scaled": lambda x: dt.add(x, x, alpha=HALF + 1),
    "product": lambda x: dt.mul(x, HALF + 3),
    "floor_divide": lambda x: HALF // x,
    "remainder": lambda x: dt.remainder(x, HALF),
    "bits": lambda x: x ^ LARGEST,
    "clamp": lambda x: x.clamp(2, HALF + 1),
    "maximum": lambda x: dt.maximum(x, HALF),
    "fill_": lambda x: x.clone().fill_(LARGEST),
    "masked_fill": lambda x: x.masked_fill(x > 1, LARGEST),
    "where": lambda x: dt.where(x > HALF, x, LARGEST),
    "assignment": lambda x: filled(x, 0, LARGEST),
    "assignment by a mask": lambda x: filled(x, x > 1, HALF),
    "assignment by indices": lambda x: filled(x, [0, 2], HALF),
    "full_like": lambda x: dt.full_like(x, HALF),
    "new_full": lambda x: x.new_full((3,), LARGEST),
    "constant_pad_nd": lambda x: dt.constant_pad_nd(x, (1, 0), LARGEST),
    "scatter": lambda x: x.scatter(0, dt.tensor([1]), LARGEST),
    "addcmul": lambda x: dt.addcmul(x, x, x, value=HALF + 1),
}
MODULO = 2**64
A = [1, 2, HALF + 5]
EXPECTED = {
    "add": [(a + LARGEST) % MODULO for a in A],
    "sum of an operator": [(a + LARGEST) % MODULO for a in A],
    "scaled": [(a + a * (HALF + 1)) % MODULO for a in A],
    "product": [a * (HALF + 3) % MODULO for a in A],
    "floor_divide": [HALF // a for a in A],
    "remainder": [a % HALF for a in A],
    "bits": [a ^ LARGEST for a in A],
    "clamp": [2, 2, HALF + 1],
    "maximum": [HALF, HALF, HALF + 5],
    "fill_": [LARGEST] * 3,
    "masked_fill": [1, LARGEST, LARGEST],
    "where": [LARGEST, LARGEST, HALF + 5],
    "assignment": [LARGEST, 2, HALF + 5],
    "assignment by a mask": [1, HALF, HALF],
    "assignment by indices": [HALF, 2, HALF],
    "full_like": [HALF] * 3,
    "new_full": [LARGEST] * 3,
    "constant_pad_nd": [LARGEST, 1, 2, HALF + 5],
    "scatter": [1, LARGEST, HALF + 5],
    "addcmul": [(a + a * a * (HALF + 1)) % MODULO for a in A],
}


@pytest.mark.parametrize("name", WORKS)
def test_beside_uint64(name):
    result = WORKS[name](naturals())
    assert result.dtype == dt.uint64
    assert result.tolist() == EXPECTED[name]


def test_comparisons():
    x = naturals()
    assert (x == HALF + 5).tolist() == dt.eq(x, HALF + 5).tolist() == [False, False, True]
    assert (x < HALF).tolist() == [True, True, False]
    assert dt.ge(x, HALF).tolist() == [False, False, True]
    assert HALF + 5 in x
    assert LARGEST not in x


def test_made_and_read():
    for made in (
        dt.tensor(LARGEST, dtype=dt.uint64),
        dt.full((), LARGEST, dtype=dt.uint64),
        dt.as_tensor(np.uint64(LARGEST)),
        dt.scalar_tensor(LARGEST, dtype=dt.uint64),
    ):
        assert made.item() == int(made) == made.tolist() == LARGEST == dt.iinfo(dt.uint64).max
        assert (float(made), bool(made)) == (2.0**64, True)
        assert str(LARGEST) in repr(made)
    assert dt.arange(0, LARGEST, 2**62, dtype=dt.uint64).tolist() == [0, 2**62, HALF, 3 * 2**62]
    assert dt.arange(HALF, HALF + 2, dtype=dt.uint64).tolist() == [HALF, HALF + 1]
    assert dt.arange(0, HALF, 2**61).tolist() == [0, 2**61, 2**62, 3 * 2**61]  # int64 holds all but the end


def test_beside_floats():
    x = dt.ones(2)
    assert (x + LARGEST).tolist() == dt.add(x, LARGEST).tolist() == [2.0**64] * 2
    assert dt.full((1,), HALF, dtype=dt.float64).tolist() == [2.0**63]
    assert dt.full((1,), dt.tensor(HALF, dtype=dt.uint64), dtype=dt.float32).tolist() == [2.0**63]
    assert dt.constant_pad_nd(x, (1, 0), HALF).tolist() == [2.0**63, 1, 1]
    assert dt.arange(HALF, HALF + 4096, 2048, dtype=dt.float64).tolist() == [2.0**63, 2.0**63 + 2048]


@pytest.mark.parametrize("dtype", [dt.int64, dt.int32, dt.uint32, dt.uint8])
@pytest.mark.parametrize(
    ("name", "fn"),
    [
        ("add", lambda x: x + HALF),
        ("add", lambda x: dt.add(x, x, alpha=HALF)),
        ("mul", lambda x: dt.mul(x, HALF)),
        ("lt", lambda x: x < HALF),
        ("fill", lambda x: x.fill_(HALF)),
        ("index", lambda x: filled(x, 0, HALF)),
        ("clamp", lambda x: x.clamp(max=HALF)),
        ("full_like", lambda x: dt.full_like(x, HALF)),
        ("constant_pad_nd", lambda x: dt.constant_pad_nd(x, (1, 0), HALF)),
    ],
)
def test_refused_beside_other_integers(dtype, name, fn):
    with pytest.raises(ValueError, match=rf"^{name}_?: .*9223372036854775808 does not fit in "):
        fn(dt.ones(2, dtype=dtype))


@pytest.mark.parametrize(
    ("fn", "error", "match"),
    [
        (lambda: dt.tensor(HALF), OverflowError, "^tensor: 9223372036854775808 does not fit in int64"),
        (lambda: dt.full((2,), HALF), ValueError, "^full: 9223372036854775808 does not fit in int64"),
        (lambda: dt.arange(HALF, HALF + 2), ValueError, "^arange: 9223372036854775808 does not fit in int64"),
        (lambda: naturals() + 2**64, OverflowError, "^add: 18446744073709551616 does not fit in uint64"),
        (lambda: dt.add(naturals(), 2**64), OverflowError, "^add: other does not fit in 64 bits: 18446744073709551616"),
        (lambda: dt.ones(3)[naturals()[2]], IndexError, "^index: 9223372036854775813 is larger than any size"),
        (lambda: dt.ones(3).narrow(0, naturals()[2], 1), OverflowError, "^narrow: start does not fit in 64 bits"),
    ],
)
def test_refused(fn, error, match):
    with pytest.raises(error, match=match):
        fn()


@pytest.mark.parametrize("places", [[2**63], [0, 2**64 - 1], [[2**64 - 3], [1]]])
def test_indices_do_not_wrap(places):
    """-1 is a place from the end; 2**64 - 1, which has the same bits, is none."""
    index, x = dt.tensor(places, dtype=dt.uint64), dt.arange(4)
    match = f"^index: {max(np.array(places, np.uint64).flat)} is larger than any size"
    for use in (lambda: x[index], lambda: x[None][:, index], lambda: x[index.numpy()], lambda: filled(x, index, 5)):
        with pytest.raises(IndexError, match=match):
            use()
    assert x.tolist() == [0, 1, 2, 3]
    for use in (array_api.take, array_api.repeat):
        with pytest.raises(IndexError, match=f"^{use.__name__}: .* is larger than any size"):
            use(x, index.reshape(-1))


def test_indices_in_reach():
    x, index = dt.arange(4), dt.tensor([[3, 0]], dtype=dt.uint64)
    assert x[index].tolist() == [[3, 0]]
    assert x[index[:0]].tolist() == []
    assert array_api.take(x, index[0]).tolist() == [3, 0]


@pytest.mark.parametrize(("dtype", "low", "high"), [(dt.int64, -(2**63), 2**63 - 1), (dt.uint64, 0, LARGEST)])
def test_linspace_is_exact(dtype, low, high):
    """Beside fractions, far beyond what float64 holds, up and down and across zero."""
    for start in (low, 2**53 + 1, high // 3 + 1, high):
        for end in (low, 7, high - 3, high):
            for steps in (0, 1, 2, 3, 8, 1001):
                exact = [Fraction(start) + Fraction(i * (end - start), max(steps - 1, 1)) for i in range(steps)]
                found = dt.linspace(start, end, steps, dtype=dtype)
                assert found.dtype == dtype
                assert found.tolist() == [math.trunc(value) for value in exact]
    assert array_api.linspace(0, high, 3, dtype=dtype).tolist() == [0, high // 2, high]
