"""Making tensors, and what they say of themselves."""

import copy
import pickle

import numpy as np
import pytest

import dovetail as dt


def test_dtype_follows_from_the_data():
    assert dt.tensor(1).dtype is dt.int64
    assert dt.tensor(1.0).dtype is dt.float32
    assert dt.tensor(True).dtype is dt.bool
    assert dt.tensor([1, 2.0]).dtype is dt.float32
    assert dt.tensor(np.ones(2)).dtype is dt.float64


def test_default_dtype():
    dt.set_default_dtype(dt.float64)
    try:
        assert dt.tensor(1.0).dtype is dt.float64
        assert dt.ones(2).dtype is dt.float64
        assert dt.rand(2).dtype is dt.float64
    finally:
        dt.set_default_dtype(dt.float32)
    with pytest.raises(TypeError, match=r"^set_default_dtype"):
        dt.set_default_dtype(dt.int64)


def test_attributes():
    x = dt.zeros(2, 3)
    assert x.shape == (2, 3) and x.size() == (2, 3) and x.size(-1) == 3
    assert x.ndim == x.dim() == 2
    assert x.numel() == x.nelement() == 6
    assert x.itemsize == x.element_size() == 4
    assert x.nbytes == 24
    assert x.stride() == (3, 1)
    assert x.is_contiguous() and not x.t().is_contiguous()
    assert x.device == dt.device("cpu") and x.device.type == "cpu"
    assert len(x) == 2
    assert isinstance(x.shape, dt.Size) and x.shape.numel() == 6


def test_ragged_data_is_refused():
    with pytest.raises(ValueError):
        dt.tensor([[1, 2], [3]])
    with pytest.raises(TypeError):
        dt.tensor([object()])


def test_numbers_from_tensors():
    assert dt.tensor(3).item() == 3 and isinstance(dt.tensor(3).item(), int)
    assert int(dt.tensor(3.7)) == 3
    assert float(dt.tensor(2)) == 2.0
    assert bool(dt.tensor([1]))
    assert [10, 20, 30][dt.tensor(1)] == 20
    with pytest.raises(RuntimeError):
        dt.ones(2).item()
    with pytest.raises((RuntimeError, ValueError)):
        bool(dt.ones(2))


def test_iteration_and_membership():
    x = dt.tensor([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    _, b = x
    assert b.tolist() == [3, 4]
    assert 4 in x and 5 not in x
    with pytest.raises(TypeError):
        iter(dt.tensor(1))
    with pytest.raises(TypeError):
        len(dt.tensor(1))


def test_to():
    x = dt.tensor([1, 2])
    assert x.to(dt.int64) is x
    assert x.to(dt.int64, copy=True) is not x
    assert x.to("cpu") is x
    assert x.to(dt.float32).dtype is dt.float32
    assert x.to("cpu", dt.float64).dtype is dt.float64
    assert x.to(device="cpu", dtype=dt.float64).dtype is dt.float64
    assert x.to(dt.ones(1)).dtype is dt.float32
    assert x.to(float).dtype is dt.float32
    assert x.to(dt.device("cpu"), non_blocking=True) is x
    with pytest.raises(TypeError, match=r"^to: unexpected keyword argument 'nonsense'"):
        x.to(nonsense=1)
    with pytest.raises(TypeError, match=r"^to: "):
        x.to([1])


def test_short_conversions():
    x = dt.tensor([0, 2])
    for name, dtype in {
        "float": dt.float32,
        "double": dt.float64,
        "int": dt.int32,
        "long": dt.int64,
        "byte": dt.uint8,
    }.items():
        assert getattr(x, name)().dtype is dtype
    assert x.bool().tolist() == [False, True]
    assert x.long() is x
    assert x.type() == "dovetail.LongTensor"
    assert x.type(dt.float32).dtype is dt.float32
    assert x.type("dovetail.DoubleTensor").dtype is dt.float64
    assert x.type_as(dt.ones(1)).dtype is dt.float32
    assert x.cpu() is x


def test_result_type():
    i, f = dt.tensor([1]), dt.ones(1)
    assert dt.result_type(i, f) is dt.float32
    assert dt.result_type(i, 1.5) is dt.float32
    assert dt.result_type(f, dt.tensor(1.0, dtype=dt.float64)) is dt.float32
    assert dt.result_type(dt.tensor(1), dt.tensor(1.0, dtype=dt.float64)) is dt.float64
    assert dt.result_type(dt.tensor([True]), 1) is dt.int64
    assert dt.result_type(dt.ones(1, dtype=dt.int32), 1) is dt.int32
    assert dt.promote_types(dt.int64, dt.float32) is dt.float32
    assert dt.can_cast(dt.float32, dt.float64) and not dt.can_cast(dt.float32, dt.int64)
    with pytest.raises(TypeError, match=r"^result_type"):
        dt.result_type("a")


def test_broadcast_shapes():
    assert dt.broadcast_shapes((2, 1), (1, 3), 3) == (2, 3)
    assert dt.broadcast_shapes((0, 1), (1,)) == (0, 1)
    assert dt.broadcast_shapes() == ()
    with pytest.raises(ValueError, match=r"^broadcast_shapes"):
        dt.broadcast_shapes((2,), (3,))


def test_copy_shares_and_deepcopy_copies():
    x = dt.tensor([1.0, 2.0])
    x.note = ["kept"]
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    x[0] = 9.0
    assert shallow.tolist() == [9.0, 2.0] and shallow.note is x.note
    assert deep.tolist() == [1.0, 2.0] and deep.note == ["kept"] and deep.note is not x.note


def test_deepcopy_keeps_sharing_and_subclass():
    class Named(dt.Tensor):
        pass

    x = Named._make_subclass(dt.ones(2))
    a, b = copy.deepcopy([x, x])
    assert a is b and type(a) is Named


def test_deepcopy_keeps_shared_memory_and_strides():
    base = dt.arange(12.0).reshape(3, 4)
    row, back = base[1], base.T[::-2]
    whole, one, other, empty = copy.deepcopy((base, row, back, base[:0]))
    assert other.stride() == back.stride() and other.storage_offset() == back.storage_offset()
    one.fill_(-1)
    assert whole[1].tolist() == [-1.0] * 4 and other[:, 1].tolist() == [-1.0, -1.0] and empty.shape == (0, 4)
    assert base.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    number = dt.tensor([1 + 2j, 3 + 4j])
    for pair in ((number, number.imag), (number.imag, number)):
        copied = copy.deepcopy(pair)
        parts = copied[0 if pair[1] is number else 1]
        parts[0] = 9.0
        assert copied[1 if pair[1] is number else 0].tolist() == [1 + 9j, 3 + 4j]
    assert number.tolist() == [1 + 2j, 3 + 4j]


def test_deepcopy_of_leaves_and_of_what_has_a_graph():
    pytest.importorskip("dovetail.autograd")
    x = dt.ones(2, requires_grad=True)
    x.grad = dt.full((2,), 3.0)
    deep = copy.deepcopy(x)
    assert deep.requires_grad and deep.is_leaf and deep.grad.tolist() == [3.0, 3.0] and deep.grad is not x.grad
    with pytest.raises(RuntimeError, match="^deepcopy: only tensors that no recorded op made"):
        copy.deepcopy(x * 2)
    assert copy.copy(x).data_ptr() == x.data_ptr() and copy.copy(x).requires_grad


def test_tensors_are_not_pickled():
    with pytest.raises(TypeError, match="save"):
        pickle.dumps(dt.ones(1))


def test_finfo_and_iinfo():
    for name in ("float16", "float32", "float64"):
        ours, theirs = dt.finfo(getattr(dt, name)), np.finfo(name)
        for attribute in ("bits", "eps", "max", "min", "tiny", "smallest_normal"):
            assert float(getattr(ours, attribute)) == pytest.approx(float(getattr(theirs, attribute)), rel=1e-12)
    assert dt.finfo().dtype == "float32"
    assert dt.finfo(dt.bfloat16).eps == 2.0**-7
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint64"):
        ours, theirs = dt.iinfo(getattr(dt, name)), np.iinfo(name)
        assert (ours.bits, ours.max, ours.min) == (theirs.bits, theirs.max, theirs.min)
    with pytest.raises(TypeError, match=r"^finfo"):
        dt.finfo(dt.int64)
    with pytest.raises(TypeError, match=r"^iinfo"):
        dt.iinfo(dt.float32)


def test_asarray():
    array = np.arange(3.0)
    shared = dt.asarray(array)
    array[0] = 7.0
    assert shared.tolist() == [7.0, 1.0, 2.0]
    assert dt.asarray(array, copy=True)[0].item() == 7.0
    x = dt.ones(2)
    assert dt.asarray(x) is x and dt.asarray(x, copy=True) is not x
    with pytest.raises(ValueError, match=r"^asarray: copy=False"):
        dt.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match=r"^asarray: copy=False"):
        dt.asarray(array, dtype=dt.float32, copy=False)


def test_arange_forms():
    assert dt.arange(3).tolist() == [0, 1, 2]
    assert dt.arange(end=3).tolist() == [0, 1, 2]
    assert dt.arange(1, 4).tolist() == [1, 2, 3]
    assert dt.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert dt.arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert dt.arange(0).shape == (0,)
    assert dt.arange(2, dtype=dt.float64).dtype is dt.float64
    with pytest.raises(ValueError):
        dt.arange(3, 0, 1)


def test_factories():
    assert dt.zeros(2, 3).shape == dt.zeros((2, 3)).shape == dt.zeros([2, 3]).shape == (2, 3)
    assert dt.full((2,), 7).dtype is dt.int64
    assert dt.ones_like(dt.zeros(2, dtype=dt.int32)).dtype is dt.int32
    assert dt.ones(1).new_zeros(2, 2).shape == (2, 2)
    assert dt.ones(1).new_full((2,), 3).tolist() == [3.0, 3.0]
    assert dt.ones(1, dtype=dt.float64).new_tensor([1, 2]).dtype is dt.float64
    assert dt.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert dt.scalar_tensor(1).dtype is dt.float32
    assert dt.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert dt.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    with pytest.raises(ValueError, match=r"^eye"):
        dt.eye(-1)
    with pytest.raises(ValueError):
        dt.zeros(-1)


def test_numpy_names_of_arguments():
    x = dt.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.sum(axis=0, keepdims=True).tolist() == [[4.0, 6.0]]
    assert dt.max(x, axis=1).values.tolist() == [2.0, 4.0]
    assert dt.std(x, axis=0, keepdims=True).shape == (1, 2)


def test_threads():
    before = dt.get_num_threads()
    try:
        dt.set_num_threads(1)
        assert dt.get_num_threads() == 1
    finally:
        dt.set_num_threads(before)
    assert dt.are_deterministic_algorithms_enabled()
