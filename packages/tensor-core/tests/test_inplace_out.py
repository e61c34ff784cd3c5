"""In-place methods and out=: the same op, written into a destination."""

import pytest

import dovetail as dt


def test_in_place_returns_the_tensor_itself():
    x = dt.tensor([1.0, 2.0])
    calls = [
        lambda: x.add_(1),
        lambda: x.exp_(),
        lambda: x.zero_(),
        lambda: x.fill_(2),
        lambda: x.copy_(dt.ones(2)),
        lambda: x.clamp_(0, 1),
        lambda: x.hypot_(x),
        lambda: x.masked_fill_(x > 0, 3),
        lambda: x.nan_to_num_(),
    ]
    for call in calls:
        assert call() is x
    y = x
    y += 1
    assert y is x


def test_in_place_keeps_the_dtype():
    x = dt.tensor([1, 2])
    x.mul_(3)
    assert x.tolist() == [3, 6] and x.dtype is dt.int64
    with pytest.raises((RuntimeError, TypeError)):
        x.div_(2)
    with pytest.raises((RuntimeError, TypeError)):
        x += 0.5
    assert x.tolist() == [3, 6]


def test_in_place_keeps_the_shape():
    x = dt.zeros(3)
    x.add_(dt.ones(1))
    assert x.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises((RuntimeError, ValueError)):
        x.add_(dt.ones(2, 3))


def test_in_place_on_views():
    x = dt.zeros(2, 3)
    x[:, 1].add_(1)
    x.t()[2].copy_(dt.tensor([5.0, 6.0]))
    assert x.tolist() == [[0, 1, 5], [0, 1, 6]]


def test_overlapping_operands():
    x = dt.arange(5)
    x[1:].copy_(x[:-1].clone())
    assert x.tolist() == [0, 0, 1, 2, 3]
    y = dt.arange(4)
    y.add_(y.flip(0))
    assert y.tolist() == [3, 3, 3, 3]
    z = dt.ones(2, 2)
    z.add_(z.t())
    assert z.tolist() == [[2, 2], [2, 2]]


def test_writing_into_an_expanded_tensor_is_refused():
    with pytest.raises((RuntimeError, ValueError)):
        dt.zeros(1).expand(3).add_(1)


def test_out():
    x, out = dt.tensor([1.0, 4.0]), dt.empty(2)
    assert dt.sqrt(x, out=out) is out and out.tolist() == [1.0, 2.0]
    assert dt.add(x, 1, out=out) is out and out.tolist() == [2.0, 5.0]
    assert dt.sum(x, 0, out=dt.empty([])).item() == 5.0
    assert dt.hypot(x, x, out=out) is out
    wide = dt.empty(2, dtype=dt.float64)
    assert dt.add(x, 1, out=wide).dtype is dt.float64
    with pytest.raises((RuntimeError, TypeError)):
        dt.add(x, 0.5, out=dt.empty(2, dtype=dt.int64))
    with pytest.raises(TypeError, match=r"^sqrt: out"):
        dt.sqrt(x, out=[1])


def test_out_of_several_results():
    x = dt.tensor([[1, 5], [7, 2]])
    values, indices = dt.empty(2, dtype=dt.int64), dt.empty(2, dtype=dt.int64)
    result = dt.max(x, 1, out=(values, indices))
    assert values.tolist() == [5, 7] and indices.tolist() == [1, 0]
    assert result[0] is values
    dt.topk(x, 1, out=(dt.empty(2, 1, dtype=dt.int64), dt.empty(2, 1, dtype=dt.int64)))


def test_out_that_is_an_input():
    x = dt.tensor([1.0, 2.0, 3.0])
    dt.add(x, x, out=x)
    assert x.tolist() == [2.0, 4.0, 6.0]
    m = dt.tensor([[1.0, 2.0], [3.0, 4.0]])
    dt.matmul(m, m, out=m)
    assert m.tolist() == [[7.0, 10.0], [15.0, 22.0]]


def test_out_that_is_a_view():
    x = dt.zeros(2, 3)
    dt.add(dt.ones(2), 1, out=x[:, 1])
    assert x.tolist() == [[0, 2, 0], [0, 2, 0]]


def test_dtype_conversions_on_copy():
    x = dt.zeros(2)
    x.copy_(dt.tensor([1, 2]))
    assert x.tolist() == [1.0, 2.0]
    y = dt.zeros(2, dtype=dt.int64)
    y.copy_(dt.tensor([1.7, -1.7]))
    assert y.tolist() == [1, -1]


def test_random_fills_are_in_place():
    x = dt.empty(1000)
    calls = [
        lambda: x.normal_(),
        lambda: x.uniform_(-1, 1),
        lambda: x.exponential_(),
        lambda: x.random_(10),
        lambda: x.bernoulli_(0.3),
        lambda: x.cauchy_(),
        lambda: x.geometric_(0.5),
        lambda: x.log_normal_(),
    ]
    for call in calls:
        before = x._version
        assert call() is x
        assert x._version > before
        assert dt.isfinite(x).all()
