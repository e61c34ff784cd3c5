"""Reading and writing by index, against NumPy."""

import numpy as np
import pytest

import dovetail as dt

ARRAY = np.arange(60).reshape(3, 4, 5)
INDICES = [
    0,
    -1,
    (1, 2),
    (1, 2, 3),
    slice(1, None),
    slice(None, None, 2),
    slice(None, None, -1),
    (slice(None), -1),
    (slice(2, 0, -1), slice(None), slice(0, 5, 3)),
    ...,
    (..., 0),
    (0, ..., 1),
    None,
    (None, 0),
    (slice(None), None, 1),
    [0, 2],
    ([0, 2], [1, 3]),
    (slice(None), [0, 2]),
    ([0, 2], slice(None), [1, 3]),
    ([[0, 1], [2, 0]],),
    ([[0], [2]], [1, 3]),
    ARRAY > 30,
    np.array([True, False, True]),
    (slice(None), np.array([True, False, True, False])),
    (np.array([True, False, True]), 1),
    True,
    False,
    np.array([-1, 0]),
]


def ours(index):
    """The same index with tensors for arrays."""
    if isinstance(index, tuple):
        return tuple(ours(each) for each in index)
    return dt.tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_reading(index):
    expected = ARRAY[index]
    actual = dt.tensor(ARRAY)[ours(index)]
    assert actual.shape == expected.shape
    assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_writing_a_number(index):
    expected, actual = ARRAY.copy(), dt.tensor(ARRAY)
    expected[index] = -7
    actual[ours(index)] = -7
    assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_writing_a_tensor(index):
    expected, actual = ARRAY.copy(), dt.tensor(ARRAY)
    value = np.arange(expected[index].size).reshape(expected[index].shape) + 1000
    expected[index] = value
    actual[ours(index)] = dt.tensor(value)
    assert actual.tolist() == expected.tolist()


def test_an_int_selects_before_lists_index():
    # As in PyTorch; NumPy takes the int for one more list.
    assert dt.tensor(ARRAY)[0, :, [1, 3]].shape == (4, 2)


def test_index_with_a_zero_dim_tensor():
    x = dt.arange(5)
    assert x[dt.tensor(2)].item() == 2


@pytest.mark.parametrize("index", [5, -4, (0, 4), ([0, 3],), (0, 0, 0, 0)], ids=repr)
def test_out_of_range(index):
    x = dt.tensor(ARRAY)
    with pytest.raises(IndexError):
        x[index]
    with pytest.raises(IndexError):
        x[index] = 0


@pytest.mark.parametrize("index", ["a", 1.5, (0, 1.5), pytest.param(object(), id="object")], ids=repr)
def test_no_index(index):
    with pytest.raises((TypeError, IndexError)):
        dt.tensor(ARRAY)[index]


def test_mask_of_another_shape():
    with pytest.raises(IndexError):
        dt.tensor(ARRAY)[dt.tensor([True, False])]


def test_accumulating():
    x = dt.zeros(3)
    x.index_put_((dt.tensor([0, 0, 2]),), dt.ones(3), accumulate=True)
    assert x.tolist() == [2.0, 0.0, 1.0]


def test_index_functions():
    x = dt.zeros(3, 2)
    index = dt.tensor([0, 2])
    assert x.index_fill(0, index, 1).tolist() == [[1, 1], [0, 0], [1, 1]]
    assert x.index_copy(0, index, dt.ones(2, 2)).tolist() == [[1, 1], [0, 0], [1, 1]]
    assert x.index_add(0, dt.tensor([0, 0]), dt.ones(2, 2)).tolist() == [[2, 2], [0, 0], [0, 0]]
    y = dt.arange(6).reshape(2, 3)
    assert y.take(dt.tensor([[0, -1]])).tolist() == [[0, 5]]
    assert y.masked_select(y % 2 == 0).tolist() == [0, 2, 4]
    assert y.take_along_dim(dt.tensor([[2], [0]]), 1).tolist() == [[2], [3]]
    mask = dt.tensor([[True, False], [True, True]])
    assert dt.masked_scatter(dt.zeros(2, 2), mask, dt.tensor([1.0, 2.0, 3.0])).tolist() == [[1, 0], [2, 3]]
    with pytest.raises(IndexError):
        x.index_fill(0, dt.tensor([3]), 1)
    with pytest.raises(ValueError, match=r"^index_copy"):
        x.index_copy(0, index, dt.ones(3, 2))
    with pytest.raises(TypeError, match=r"^masked_select"):
        y.masked_select(y)


def test_nonzero_and_where():
    x = dt.tensor([[0, 1], [2, 0]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0]]
    rows, columns = x.nonzero(as_tuple=True)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])
    assert [each.tolist() for each in dt.where(x > 0)] == [[0, 1], [1, 0]]
    assert dt.where(x > 0, x, -1).tolist() == [[-1, 1], [2, -1]]
    assert dt.where(x > 0, 1.5, x).dtype is dt.float32
    assert dt.argwhere(x).tolist() == [[0, 1], [1, 0]]
