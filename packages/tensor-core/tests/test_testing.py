"""assert_close: what it compares, and how it says that values differ."""

import numpy as np
import pytest

import dovetail as dt
from dovetail.testing import assert_close


def message(*args, **kwargs) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_close(*args, **kwargs)
    return str(caught.value)


def test_close_values_pass():
    assert_close(dt.ones(2), dt.ones(2) + 1e-7)
    assert_close(1.0, 1.0 + 1e-9)
    assert_close([dt.ones(1), {"a": 2}], [dt.ones(1), {"a": 2}])
    assert_close(np.ones(2), np.ones(2))
    assert_close(dt.tensor([dt.inf, -dt.inf]), dt.tensor([dt.inf, -dt.inf]))
    assert_close(dt.tensor([True]), dt.tensor([True]))
    assert_close(dt.zeros(0), dt.zeros(0))
    assert_close(None, None)
    assert_close(True, True)
    assert_close(dt.nan, dt.nan, equal_nan=True)
    assert_close(dt.tensor([dt.nan]), dt.tensor([dt.nan]), equal_nan=True)


def test_the_message_says_where_and_how_far():
    text = message(dt.tensor([1.0, 2.0, 3.0]), dt.tensor([1.0, 2.5, 3.25]))
    assert text == (
        "Tensor-likes are not close!\n\n"
        "Mismatched elements: 2 / 3 (66.7%)\n"
        "Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.2 at index (1,) (up to 1.3e-06 allowed)"
    )


def test_integers_must_be_equal():
    text = message(dt.tensor([[1, 2], [3, 4]]), dt.tensor([[1, 2], [3, 9]]))
    assert text.startswith("Tensor-likes are not equal!\n\nMismatched elements: 1 / 4 (25.0%)")
    assert "at index (1, 1)" in text and "allowed" not in text


def test_numbers():
    assert message(1.0, 2.0).startswith("Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute difference: 1.0")
    assert message(1, 2).startswith("Scalars are not equal!")
    assert "(d)types" in message(1, 1.0)
    assert_close(1, 1.0, check_dtype=False)
    assert message(dt.nan, dt.nan)
    assert message(True, False)


def test_attributes():
    assert "attribute 'shape'" in message(dt.ones(2), dt.ones(3))
    assert "attribute 'dtype'" in message(dt.ones(2), dt.ones(2, dtype=dt.float64))
    assert_close(dt.ones(2), dt.ones(2, dtype=dt.float64), check_dtype=False)
    assert "attribute 'stride()'" in message(dt.ones(2, 3), dt.ones(3, 2).t(), check_stride=True)


def test_containers():
    assert "length" in message([1], [1, 2])
    assert "Missing keys in the actual mapping: [\"'b'\"]" in message({"a": 1}, {"a": 1, "b": 2})
    assert message({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}).endswith("The failure occurred for item ['a'][1]")


def test_tolerances():
    assert_close(dt.tensor([1.0]), dt.tensor([1.1]), rtol=0.2, atol=0)
    with pytest.raises(ValueError, match="together"):
        assert_close(1.0, 1.0, rtol=1.0)
    assert dt.testing.default_tolerances(dt.float32, dt.float16) == (1e-3, 1e-5)


def test_nan_and_infinity_are_far_from_numbers():
    assert "Mismatched elements: 1 / 2" in message(dt.tensor([1.0, dt.nan]), dt.tensor([1.0, 2.0]))
    assert message(dt.tensor([dt.inf]), dt.tensor([1e38]))
    assert message(dt.tensor([dt.inf]), dt.tensor([-dt.inf]), rtol=1e9, atol=1e9)


def test_own_messages():
    assert message(1.0, 2.0, msg="mine") == "mine"
    assert message(1.0, 2.0, msg=lambda text: f"mine\n{text}").startswith("mine\nScalars")


def test_what_cannot_be_compared():
    with pytest.raises(TypeError, match=r"^assert_close: object can't be compared"):
        assert_close(object(), object())


def test_complex_differences_are_shown_whole():
    with pytest.raises(AssertionError, match=r"absolute difference: 1\.0 at index \(1,\)"):
        assert_close(dt.tensor([1 + 1j, 2 + 1j]), dt.tensor([1 + 1j, 2 + 2j]))
