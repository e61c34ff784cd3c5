"""In-place methods that call a Python function for every element."""

import pytest

import dovetail as dt


def test_apply():
    x = dt.arange(6.0).reshape(2, 3)
    assert x.T.apply_(lambda value: -value).data_ptr() == x.data_ptr()
    assert x.tolist() == [[0, -1, -2], [-3, -4, -5]]
    assert x[:, ::2].apply_(abs).tolist() == [[0, 2], [3, 5]] and x[1].tolist() == [3, -4, 5]
    assert dt.tensor([1, 2]).apply_(lambda value: value + 1.5).tolist() == [2, 3]
    assert dt.tensor([True, False]).apply_(lambda value: not value).tolist() == [False, True]
    assert dt.tensor(3j).apply_(lambda value: value * 2).item() == 6j
    assert dt.ones(1, dtype=dt.uint8).apply_(lambda value: -value).tolist() == [255]
    assert dt.ones(1, dtype=dt.uint64).apply_(lambda value: 2**64 - 1).tolist() == [2**64 - 1]
    assert dt.ones(0, 3).apply_(lambda value: 1 / 0).shape == (0, 3)


def test_map():
    x = dt.arange(6.0).reshape(2, 3)
    assert x.clone().map_(dt.tensor([1.0, 2.0, 3.0]), lambda a, b: a * b).tolist() == [[0, 2, 6], [3, 8, 15]]
    assert x.map2_(x, dt.ones(1), lambda a, b, c: a + b + c) is x and x.tolist() == [[1, 3, 5], [7, 9, 11]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x.apply_(3), TypeError, "apply_: callable must be callable, got int 3"),
        (lambda x: x.apply_(lambda v: "1"), TypeError, "apply_: the function must give numbers, got str '1'"),
        (
            lambda x: x.to(dt.int8).apply_(lambda v: 300),
            ValueError,
            "apply_: the function must give numbers that int8 holds, got int 300",
        ),
        (lambda x: x.map_(x.int(), max), TypeError, "map_: tensor must be of float32, got int32"),
        (lambda x: x.map_(dt.ones(3), max), ValueError, "map_: "),
        (lambda x: x.map2_(x, 1, max), TypeError, "map2_: y must be a Tensor, got int 1"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call(dt.ones(2))


def test_errors_of_the_function_are_its_own():
    with pytest.raises(KeyError, match="^'mine'$"):
        dt.ones(1).apply_(lambda value: {}["mine"])
