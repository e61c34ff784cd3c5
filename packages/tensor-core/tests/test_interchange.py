"""Tensors and other arrays: NumPy, buffers, DLPack."""

import contextlib
import gc
import sys

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


def test_numpy_scalars_are_values():
    for scalar in (np.float64(2), np.float32(2), np.int8(2), np.complex64(2), np.bool_(True)):
        for make in (dt.as_tensor, dt.asarray):
            x = make(scalar)
            assert x.dtype.name == scalar.dtype.name and x.shape == ()
            x.copy_(dt.tensor(0))
            assert x.item() == 0 and scalar != 0
    array = np.array(3.0)
    x = dt.as_tensor(array)
    array[()] = 5
    assert x.item() == 5


def test_zero_remainders_have_the_divisors_sign():
    x, y = dt.tensor([0.0, -0.0, 4.0, -4.0]), dt.tensor([-2.0, 2.0, -2.0, 2.0])
    for dtype in (dt.float32, dt.float64, dt.float16, dt.bfloat16):
        assert dt.remainder(x.to(dtype), y.to(dtype)).signbit().tolist() == [True, False, True, False]


def test_utils_by_name():
    assert dt.utils.dlpack.__name__ == "dovetail.utils.dlpack" and dt.utils.dlpack.to_dlpack is dt.to_dlpack


def test_numpy_has_bfloat16_by_a_package_of_its_own(monkeypatch):
    x = dt.ones(2, dtype=dt.bfloat16)
    assert x.numpy().dtype.name == "bfloat16"
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"numpy: NumPy has bfloat16 by ml_dtypes.*pip install ml_dtypes"):
        x.numpy()
    assert x.view(dt.uint16).numpy().tolist() == [0x3F80, 0x3F80]
    assert "bfloat16" in repr(x)
