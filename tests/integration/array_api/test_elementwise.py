"""Every elementwise function beside array-api-strict: all dtypes that it has, drawn shapes, layouts and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail as dt
import dovetail.array_api as xp
from tests.integration.array_api.reference import (
    ALL,
    COMPLEX,
    FLOATING,
    INTEGER,
    NUMERIC,
    REAL,
    REAL_FLOATING,
    array,
    check,
    few,
    several,
    strict,
)

BOOLEAN = ["bool"]
UNARY = {
    **dict.fromkeys(["abs", "negative", "positive", "round", "sign", "square"], NUMERIC),
    **dict.fromkeys(["isfinite", "isinf", "isnan", "real", "conj"], NUMERIC),
    **dict.fromkeys(["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1"], FLOATING),
    **dict.fromkeys(["log", "log10", "log1p", "log2", "reciprocal", "sin", "sinh", "sqrt", "tan", "tanh"], FLOATING),
    **dict.fromkeys(["ceil", "floor", "trunc"], REAL),
    "bitwise_invert": INTEGER + BOOLEAN,
    "imag": COMPLEX,
    "logical_not": BOOLEAN,
    "signbit": REAL_FLOATING,
}
BINARY = {
    **dict.fromkeys(["add", "subtract", "multiply", "pow"], NUMERIC),
    "divide": FLOATING,
    **dict.fromkeys(["atan2", "copysign", "hypot", "logaddexp", "nextafter"], REAL_FLOATING),
    **dict.fromkeys(["bitwise_and", "bitwise_or", "bitwise_xor"], INTEGER + BOOLEAN),
    **dict.fromkeys(["bitwise_left_shift", "bitwise_right_shift"], INTEGER),
    **dict.fromkeys(["equal", "not_equal"], ALL),
    **dict.fromkeys(["greater", "greater_equal", "less", "less_equal", "maximum", "minimum"], REAL),
    **dict.fromkeys(["floor_divide", "remainder"], REAL),
    **dict.fromkeys(["logical_and", "logical_or", "logical_xor"], BOOLEAN),
}
# Operators that the standard gives to arrays.
OPERATORS = {
    "add": "__add__",
    "subtract": "__sub__",
    "multiply": "__mul__",
    "divide": "__truediv__",
    "floor_divide": "__floordiv__",
    "remainder": "__mod__",
    "pow": "__pow__",
    "bitwise_and": "__and__",
    "bitwise_or": "__or__",
    "bitwise_xor": "__xor__",
    "bitwise_left_shift": "__lshift__",
    "bitwise_right_shift": "__rshift__",
    "equal": "__eq__",
    "not_equal": "__ne__",
    "greater": "__gt__",
    "greater_equal": "__ge__",
    "less": "__lt__",
    "less_equal": "__le__",
}

SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "remainder": "%"}
SYMBOLS |= {"pow": "**", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
SYMBOLS |= {"bitwise_left_shift": "<<", "bitwise_right_shift": ">>"}


def test_every_function_is_here() -> None:
    from dovetail.array_api import elementwise

    assert set(elementwise.__all__) == {*UNARY, *BINARY, "clip"}


@pytest.mark.parametrize("name", UNARY)
@few
@given(data=st.data())
def test_unary(name: str, data: Any) -> None:
    x = data.draw(array(UNARY[name], special=True))
    if x.dtype.kind == "c" and name not in ("real", "imag", "conj", "abs"):
        x = np.where(x == 0, x.dtype.type(0.5 + 0.25j), x)  # signed zeros of complex numbers are on branch cuts
    check(name, x, within=2e-5)


def operands(name: str, data: Any, count: int = 2) -> list[np.ndarray]:
    """Operands for which the function is defined."""
    dtypes = BINARY[name]
    if name in ("bitwise_left_shift", "bitwise_right_shift"):
        x, y = data.draw(several(dtypes, low=-100, high=100))
        return [x, np.asarray(np.clip(y, 0, 7))]
    if name in ("floor_divide", "remainder"):
        x, y = data.draw(several(dtypes, low=-100, high=100))
        return [x, np.where(y == 0, y.dtype.type(3), y)]
    if name == "pow":
        x, y = data.draw(several(dtypes, low=-4, high=4))
        if x.dtype.kind in "iu" or y.dtype.kind in "iu":
            y = np.asarray(np.clip(y, 0, 4))
        return [np.where(x == 0, x.dtype.type(2), x) if x.dtype.kind == "c" or y.dtype.kind == "c" else x, y]
    x, y = data.draw(several(dtypes, low=-100, high=100, special=name != "divide"))
    return [x, np.where(y == 0, y.dtype.type(3), y) if name == "divide" and y.dtype.kind == "c" else y]


@pytest.mark.parametrize("name", BINARY)
@few
@given(data=st.data())
def test_binary(name: str, data: Any) -> None:
    check(name, *operands(name, data), within=1e-4 if name == "pow" else 1e-5)


@pytest.mark.parametrize("name", sorted({*BINARY} - {"copysign", "hypot", "atan2", "logaddexp", "nextafter"}))
@few
@given(data=st.data())
def test_python_numbers(name: str, data: Any) -> None:
    """Either operand may be a number, of a kind not above the tensor's, or complex with floats."""
    x, y = operands(name, data)
    kinds = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
    number = (
        kinds[x.dtype.kind](y.reshape(-1)[0]) if y.size and y.dtype.kind == x.dtype.kind else kinds[x.dtype.kind](1)
    )
    if x.dtype.kind == "u":
        number = abs(number)
    check(name, x, number, within=1e-4)
    if name not in ("bitwise_left_shift", "bitwise_right_shift", "floor_divide", "remainder", "pow", "divide"):
        check(name, number, x, within=1e-4)
    if x.dtype.kind == "f" and name in ("add", "multiply", "subtract"):
        check(name, x, 1 + 2j, within=1e-4)


@pytest.mark.parametrize("name", OPERATORS)
@few
@given(data=st.data())
def test_operators(name: str, data: Any) -> None:
    """An operator gives what the function does; where a zero-dim tensor meets another dtype PyTorch's rule holds."""
    first, second = map(dt.from_numpy, operands(name, data))
    result = getattr(first, OPERATORS[name])(second)
    wanted = getattr(xp, name)(first, second)
    assert tuple(result.shape) == tuple(wanted.shape)
    if first.dtype is second.dtype or (first.ndim == 0) == (second.ndim == 0):
        assert result.dtype is wanted.dtype
        np.testing.assert_array_equal(result.numpy(), wanted.numpy())


@pytest.mark.parametrize("name", SYMBOLS)
@few
@given(data=st.data())
def test_operators_in_place_and_reflected(name: str, data: Any) -> None:
    x, y = operands(name, data)
    other = np.resize(y if x.dtype.kind == "c" else y.real, x.shape).astype(x.dtype)
    if name in ("divide", "floor_divide", "remainder"):
        other = np.where(other == 0, x.dtype.type(3), other)
    first, second = dt.from_numpy(x.copy()), dt.from_numpy(other)
    wanted = getattr(xp, name)(first, second)
    if wanted.dtype is first.dtype:
        same = first
        exec(f"first {SYMBOLS[name]}= second", {}, variables := {"first": first, "second": second})
        assert variables["first"] is same
        np.testing.assert_array_equal(same.numpy(), wanted.numpy())
    number = {"b": True, "i": 3, "u": 3, "f": 3.0, "c": 3.0 + 1j}[x.dtype.kind]
    small = xp.clip(second, 0, 7) if x.dtype.kind in "iu" else second
    if x.dtype.kind in "iu" and name in ("floor_divide", "remainder"):
        small = xp.maximum(small, 1)
    reflected = eval(f"number {SYMBOLS[name]} x", {"number": number, "x": small})
    wanted = getattr(xp, name)(number, small)
    assert reflected.dtype is wanted.dtype
    np.testing.assert_allclose(reflected.numpy(), wanted.numpy(), rtol=1e-5)


@few
@given(data=st.data())
def test_clip(data: Any) -> None:
    x, low, high = data.draw(several(REAL, count=3, same=True))
    low, high = np.asarray(np.minimum(low, high)), np.asarray(np.maximum(low, high))
    try:
        np.broadcast_shapes(low.shape, x.shape)
    except ValueError:
        return
    check("clip", x, low, high)
    check("clip", x, low)
    check("clip", x, max=high)
    number = 3.0 if x.dtype.kind == "f" else 3
    check("clip", x, number, 2 * number)
    check("clip", x, min=number)
    check("clip", x)


def test_clip_beyond_the_limits() -> None:
    x = xp.asarray([0, 255], dtype=xp.uint8)
    assert xp.clip(x, -1000, 1000).tolist() == [0, 255]
    assert xp.clip(x, -1000, 100).tolist() == [0, 100]


@few
@given(data=st.data())
def test_result_dtypes_ignore_ranks(data: Any) -> None:
    """A zero-dim tensor takes part in promotion as any other, in the functions."""
    x, y = data.draw(several(NUMERIC))
    zero_dim = y.dtype.type(2)
    check("add", x, np.asarray(zero_dim))
    check("where", np.ones((), bool), np.asarray(zero_dim), x)


def test_what_is_neither_tensor_nor_number_is_refused() -> None:
    for bad in ([1, 2], "1", None, np.ones(2)):
        with pytest.raises(TypeError, match="^add: "):
            xp.add(dt.ones(2), bad)
    with pytest.raises(TypeError, match="^add: expected at least one Tensor"):
        xp.add(1, 2)
    with pytest.raises(TypeError, match="^add"):
        xp.add(xp.ones(2, dtype=xp.int64), xp.ones(2, dtype=xp.uint64))
    with pytest.raises(OverflowError, match="^equal: -1 does not fit in uint64"):
        xp.equal(xp.ones(2, dtype=xp.uint64), -1)
    assert strict.__array_api_version__ == xp.__array_api_version__


def test_the_upper_half_of_uint64() -> None:
    """Its numbers are no boxed ints, but operands like others."""
    most = 2**64 - 1
    x = np.asarray([2**63, most, 5], np.uint64)
    for name in ("add", "subtract", "multiply", "bitwise_and", "bitwise_xor", "equal", "less", "maximum", "remainder"):
        for other in (most, 2**63):
            check(name, x, other)
            check(name, other, x)
            if name in OPERATORS:
                result = getattr(dt.from_numpy(x), OPERATORS[name])(other)
                assert result.tolist() == getattr(xp, name)(dt.from_numpy(x), other).tolist()
    assert (most - dt.from_numpy(x)).tolist() == [2**63 - 1, 0, most - 5]
    check("clip", x, 2**63, most)
    assert (dt.ones(1) * 2**64).item() == 2.0**64
    with pytest.raises(ValueError, match="^add: 18446744073709551615 does not fit in int64"):
        dt.ones(1, dtype=dt.int64) + most
    with pytest.raises(OverflowError):
        dt.from_numpy(x) + 2**64
