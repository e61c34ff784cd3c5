"""Keywords that an op's schema does not have, and forms older than it."""

import pytest

import dovetail as dt

INDEX = dt.tensor([[0], [2]])


def test_scatter_takes_a_value_by_name():
    expected = [[5.0, 0.0, 0.0], [0.0, 0.0, 5.0]]
    x = dt.zeros(2, 3)
    assert dt.scatter(x, 1, INDEX, value=5).tolist() == x.scatter(1, index=INDEX, value=5.0).tolist() == expected
    assert dt.scatter(x, dim=1, index=INDEX, value=5).tolist() == expected and not x.any()
    assert x.scatter_(1, INDEX, value=5) is x and x.tolist() == expected


def test_scatter_reduces_in_its_older_form():
    x = dt.full((2, 3), 2.0)
    assert x.scatter(1, INDEX, 3.0, reduce="add").tolist() == [[5.0, 2.0, 2.0], [2.0, 2.0, 5.0]]
    assert x.scatter(1, INDEX, value=3, reduce="multiply").tolist() == [[6.0, 2.0, 2.0], [2.0, 2.0, 6.0]]
    twice = dt.tensor([[0, 0], [1, 1]])
    assert dt.scatter(x, 1, twice, dt.ones(2, 2), reduce="add").tolist() == [[4.0, 2.0, 2.0], [2.0, 4.0, 2.0]]
    assert x.scatter_(1, INDEX, src=dt.ones(2, 1), reduce="add") is x and x.tolist() == [
        [3.0, 2.0, 2.0],
        [2.0, 2.0, 3.0],
    ]


def test_gather_takes_sparse_grad():
    x = dt.arange(6.0).reshape(2, 3)
    assert dt.gather(x, 1, INDEX, sparse_grad=True).tolist() == x.gather(1, INDEX, sparse_grad=False).tolist()
    with pytest.raises(TypeError, match="^gather: sparse_grad must be a bool, got int 2"):
        x.gather(1, INDEX, sparse_grad=2)


@pytest.mark.parametrize("name", ["scatter", "scatter_"])
def test_what_scatter_refuses(name):
    scatter = getattr(dt.zeros(2, 3), name)
    with pytest.raises(
        TypeError, match=f"^{name}: takes dim, index, either src or value, and reduce; .*float 1.0, int 2"
    ):
        scatter(1, INDEX, 1.0, value=2)
    with pytest.raises(ValueError, match=f"^{name}: reduce must be 'add' or 'multiply', got str 'mean'"):
        scatter(1, INDEX, 1.0, reduce="mean")
    with pytest.raises(TypeError, match=f"^{name}: .*worth=int 3"):
        scatter(1, INDEX, value=1.0, worth=3)
    with pytest.raises(TypeError, match=f"^{name}: unexpected keyword argument 'worth'"):
        scatter(1, INDEX, 1.0, worth=3)
    with pytest.raises(IndexError, match=f"^{name.rstrip('_')}"):
        scatter(1, INDEX + 5, value=1.0)
    with pytest.raises(TypeError, match=f"^{name}: "):
        scatter(value=1.0)


def test_softmax_takes_its_dtype_by_place():
    x = dt.tensor([1.0, 1.0])
    for name in ("softmax", "log_softmax"):
        by_place = getattr(x, name)(0, dt.float64)
        assert by_place.dtype is dt.float64 and dt.equal(by_place, getattr(dt, name)(x, 0, dtype=dt.float64))
        assert getattr(dt, name)(x, 0, out=dt.empty(0)).shape == (2,)


def test_where_takes_a_condition_of_bytes():
    with pytest.warns(UserWarning, match="where: a uint8 condition is deprecated"):
        assert dt.where(dt.tensor([2, 0], dtype=dt.uint8), 1, 3).tolist() == [1, 3]
    with pytest.warns(UserWarning, match="where: a uint8 condition is deprecated"):
        assert dt.ones(2).where(dt.tensor([2, 0], dtype=dt.uint8), 3).tolist() == [1, 3]
    with pytest.raises(TypeError, match="^where: condition must have dtype bool, got int64"):
        dt.where(dt.tensor([2, 0]), 1, 3)


def test_what_other_libraries_ask_of_a_tensor():
    x = dt.tensor([1j]).conj()
    assert x.resolve_conj() is x and x.resolve_neg() is x and dt.resolve_conj(x) is x
    for name in ("resolve_conj", "resolve_neg"):
        with pytest.raises(TypeError, match=f"^{name}: .*got int 3"):
            getattr(dt, name)(3)


def test_results_of_unknown_size_go_into_empty_tensors():
    out = dt.empty(0, dtype=dt.int64)
    assert dt.nonzero(dt.tensor([1, 0, 2]), out=out) is out and out.tolist() == [[0], [2]]
    values, places = dt.empty(0), dt.empty(0, dtype=dt.int64)
    dt.median(dt.tensor([[3.0, 1.0, 2.0]]), 1, out=(values, places))
    assert values.tolist() == [2.0] and places.tolist() == [2]
    with pytest.raises(ValueError, match=r"^nonzero: the result has shape \(2, 1\) but the tensor to write has \(5,\)"):
        dt.nonzero(dt.tensor([1, 0, 2]), out=dt.empty(5, dtype=dt.int64))
    with pytest.raises(TypeError, match="^median: the result of dtype float32 can't be written to a tensor of int64"):
        dt.median(dt.ones(3), out=dt.empty(0, dtype=dt.int64))
    with pytest.raises(TypeError, match="^nonzero: "):
        dt.nonzero(dt.ones(3), out=3)


def test_unique_rows_of_nothing():
    assert dt.unique(dt.zeros(0, 3), dim=0).shape == (0, 3)
    rows, inverse, counts = dt.unique(dt.zeros(0, 2, 3), dim=0, return_inverse=True, return_counts=True)
    assert (rows.shape, inverse.shape, counts.shape) == ((0, 2, 3), (0,), (0,))
    assert dt.unique_consecutive(dt.zeros(0, 3), dim=0).shape == (0, 3)


def test_block_diag_of_nothing():
    assert dt.block_diag().shape == (1, 0)


def test_sums_and_products_in_bool():
    x = dt.tensor([[0.0, 2.0], [0.0, 0.0]])
    assert dt.sum(x, 1, dtype=dt.bool).tolist() == [True, False] and dt.sum(x, dtype=dt.bool).dtype is dt.bool
    assert dt.prod(x + 1, dtype=dt.bool).item() is True and dt.prod(x, 0, dtype=dt.bool).tolist() == [False, False]
    assert dt.sum(dt.zeros(0), dtype=dt.bool).item() is False and dt.prod(dt.zeros(0), dtype=dt.bool).item() is True


def test_addcmul_names_the_argument_that_it_refuses():
    x = dt.tensor([1])
    with pytest.raises(TypeError, match="^addcmul: value must be an integer for integer tensors, got 0.5"):
        dt.addcmul(x, x, x, value=0.5)
    assert dt.addcmul(x, x, x, value=2).tolist() == [3]


@pytest.mark.parametrize("p", ["nuc", "fro"])
def test_the_condition_of_singular_matrices(p):
    batch = dt.stack([dt.zeros(2, 2), dt.ones(2, 2), dt.eye(2)])
    assert dt.linalg.cond(batch, p).tolist() == pytest.approx([float("inf"), float("inf"), 4.0 if p == "nuc" else 2.0])


def test_empty_tensors_take_what_python_functions_compute():
    floats, ints = dt.empty(0), dt.empty(0, dtype=dt.int64)
    assert dt.randint(3, (2,), out=ints) is ints and ints.shape == (2,)
    assert dt.normal(0.0, 1.0, (3,), out=floats) is floats and floats.shape == (3,)
    assert dt.bernoulli(dt.ones(2, 2), out=dt.empty(0)).tolist() == [[1.0, 1.0]] * 2
    assert dt.tensordot(dt.eye(2), dt.eye(2), 1, out=dt.empty(0)).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert dt.histogram(dt.tensor([0.0, 1.0]), 2, out=(dt.empty(0), dt.empty(0))).hist.tolist() == [1.0, 1.0]
    assert dt.scatter(dt.zeros(3), 0, dt.tensor([1]), value=2.0, out=dt.empty(0)).tolist() == [0.0, 2.0, 0.0]


def test_second_names_and_places_of_arguments():
    x = dt.arange(6.0)
    for name, parts in (("sections", 3), ("indices", (2, 4))):
        for split in (dt.tensor_split, dt.hsplit):
            assert [part.tolist() for part in split(x, **{name: parts})] == [[0, 1], [2, 3], [4, 5]]
    assert dt.swapdims(x.reshape(2, 3), dim0=0, dim1=1).shape == (3, 2)
    assert dt.dropout(x, p=0.0, train=True).tolist() == x.tolist()
    assert dt.gradient(x, spacing=None)[0].tolist() == [1.0] * 6
    assert dt.histogram(x)[0].shape == (100,)
    assert dt.histogramdd(x.reshape(3, 2), [2, 2], [0.0, 4.0, 1.0, 5.0])[0].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    places = dt.empty(6, dtype=dt.int64)
    assert dt.argsort(-x, stable=True, out=places) is places and places.tolist() == [5, 4, 3, 2, 1, 0]
    generator = dt.Generator().manual_seed(1)
    first = dt.poisson(x, generator)
    assert dt.equal(first, dt.poisson(x, generator=generator.manual_seed(1)))
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'parts'"):
        dt.tensor_split(x, parts=3)
