"""Tensors and other arrays: NumPy, buffers, DLPack."""

import contextlib
import gc

import numpy as np
import pytest

import dovetail as dt

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("name", DTYPES)
def test_numpy_both_ways(name):
    array = np.arange(6).reshape(2, 3).astype(name)
    x = dt.from_numpy(array)
    assert x.dtype.name == name and x.tolist() == array.tolist()
    back = x.numpy()
    assert back.dtype == array.dtype and np.shares_memory(array, back)


def test_from_numpy_shares_memory():
    array = np.zeros(3)
    x = dt.from_numpy(array)
    x[0] = 5
    array[1] = 6
    assert array.tolist() == x.tolist() == [5.0, 6.0, 0.0]


def test_memory_outlives_the_array():
    x = dt.from_numpy(np.arange(1000.0))
    gc.collect()
    assert x.sum().item() == 499500.0
    array = dt.arange(1000).numpy()
    gc.collect()
    assert array.sum() == 499500


def test_strided_and_reversed_arrays():
    array = np.arange(12).reshape(3, 4)
    for view in (array.T, array[::-1], array[:, ::2], array[1], array[::-2, ::-1]):
        assert dt.from_numpy(view).tolist() == view.tolist()
    x = dt.arange(12).reshape(3, 4)
    for view in (x.t(), x[::-1], x[:, ::2], x[1]):
        assert view.numpy().tolist() == view.tolist()


def test_tensor_copies_and_as_tensor_shares():
    array = np.zeros(2)
    copied, shared = dt.tensor(array), dt.as_tensor(array)
    array[0] = 1
    assert copied.tolist() == [0.0, 0.0] and shared.tolist() == [1.0, 0.0]


def test_numpy_functions_take_tensors():
    x = dt.tensor([1.0, 2.0])
    assert np.asarray(x).tolist() == [1.0, 2.0]
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.allclose(x, [1, 2])


def test_operators_with_arrays_give_tensors():
    x, array = dt.tensor([1.0, 2.0]), np.array([1.0, 2.0], dtype=np.float32)
    with pytest.raises(TypeError):
        x @ "text"
    assert (x * np.float32(2)).tolist() == [2.0, 4.0]
    assert isinstance(x + dt.from_numpy(array), dt.Tensor)


def test_buffers():
    view = memoryview(dt.arange(6).reshape(2, 3))
    assert view.shape == (2, 3) and view.format in ("l", "q") and view[1, 2] == 5
    assert dt.frombuffer(b"\x01\x02\x03", dtype=dt.uint8).tolist() == [1, 2, 3]
    assert dt.frombuffer(bytearray(8), dtype=dt.int32, count=1, offset=4).tolist() == [0]
    with pytest.raises((ValueError, TypeError)):
        dt.frombuffer(b"123", dtype=dt.int32)


def test_resizing_an_exported_tensor_is_refused_or_harmless():
    x = dt.arange(4)
    view = memoryview(x)
    before = list(view)
    with contextlib.suppress(RuntimeError, BufferError):
        x.resize_(1000)
    assert list(view) == before


def test_a_tensor_that_requires_grad_needs_detach():
    pytest.importorskip("dovetail.autograd")
    x = dt.ones(2).requires_grad_()
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    assert x.detach().numpy().tolist() == [1.0, 1.0]


def test_unsupported_arrays():
    with pytest.raises(TypeError):
        dt.from_numpy([1, 2])
    with pytest.raises(TypeError):
        dt.tensor(np.array(["a"]))
