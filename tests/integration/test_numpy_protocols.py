"""NumPy's ufuncs and operators with tensors, and what NumPy's other functions make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail import numpy_protocols

UFUNCS = {name: each for name in dir(np) if isinstance(each := getattr(np, name), np.ufunc)}


def op_of(ufunc: np.ufunc) -> Any:
    try:
        return numpy_protocols._op(ufunc)
    except TypeError:
        return None


def numbers(ufunc: np.ufunc, dtype: str, count: int) -> list[np.ndarray]:
    first = np.asarray([[1, 2, 3], [4, 5, 6]]).astype(dtype)
    found = [first, first[:, ::-1]][:count]
    if ufunc in (np.arcsin, np.arccos, np.arctanh):
        found = [(x / 8).astype(x.dtype) if x.dtype.kind in "fc" else x * 0 for x in found]
    if ufunc in (np.matmul, np.vecdot, np.vecmat, np.matvec):
        found = [first[:, :2], first[:, 1:]]
    return found


@pytest.mark.parametrize("name", sorted(name for name, ufunc in UFUNCS.items() if op_of(ufunc)))
def test_ufunc_is_an_op(name: str) -> None:
    """For every dtype for which NumPy has the ufunc, with the same values; dtypes are those of PyTorch's promotion."""
    ufunc, ran = UFUNCS[name], 0
    for dtype in ("bool", "uint8", "int64", "float32", "float64", "complex64"):
        arrays = numbers(ufunc, dtype, ufunc.nin)
        if ufunc is np.reciprocal and arrays[0].dtype.kind in "bui":
            continue  # NumPy's is a whole number
        try:
            wanted = ufunc(*arrays)
            result = ufunc(*map(dt.from_numpy, arrays))
        except TypeError:
            continue
        for mine, reference in zip(*([[result], [wanted]] if ufunc.nout == 1 else [result, wanted])):
            assert isinstance(mine, dt.Tensor)
            np.testing.assert_allclose(np.asarray(mine), reference, rtol=1e-3 if reference.dtype.itemsize < 4 else 1e-5)
            ran += 1
    assert ran


@pytest.mark.parametrize("name", sorted(name for name, ufunc in UFUNCS.items() if not op_of(ufunc)))
def test_other_ufuncs_are_refused(name: str) -> None:
    ufunc = UFUNCS[name]
    arrays = [dt.ones(2, 2)] * ufunc.nin
    if ufunc is np.divmod:
        assert [part.tolist() for part in np.divmod(dt.tensor([7, -7]), 2)] == [[3, -4], [1, 1]]
        return
    with pytest.raises(TypeError, match=f"^{ufunc.__name__}: there is no op for this ufunc; call it with x.numpy"):
        ufunc(*arrays)


def test_operators_with_arrays() -> None:
    x, array = dt.tensor([1.0, 2.0]), np.asarray([3.0, 4.0], np.float32)
    for result, wanted in [
        (array + x, [4.0, 6.0]),
        (x + array, [4.0, 6.0]),
        (array - x, [2.0, 2.0]),
        (array / x, [3.0, 2.0]),
        (array**x, [3.0, 16.0]),
        (array > x, [True, True]),
        (array == x, [False, False]),
        (np.eye(2, dtype=np.float32) @ x, [1.0, 2.0]),
        (np.float64(2) * x, [2.0, 4.0]),
        (np.int64(2) - x, [1.0, 0.0]),
    ]:
        assert isinstance(result, dt.Tensor) and result.tolist() == wanted
        assert result.dtype in (dt.float32, dt.bool)


def test_gradients_pass() -> None:
    x = dt.tensor([1.0, 2.0], requires_grad=True)
    np.exp(np.asarray([2.0, 3.0], np.float32) * x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == pytest.approx([2 * np.exp(2.0), 3 * np.exp(6.0)])
    array = np.ones(2, np.float32)
    with pytest.raises(RuntimeError, match="numpy: .*requires grad"):
        array += x


def test_out() -> None:
    x, out, array = dt.tensor([1.0, 2.0]), dt.zeros(2), np.ones(2)
    assert np.add(x, 1, out=out) is out and out.tolist() == [2.0, 3.0]
    assert np.add(np.ones(2, np.float32), np.ones(2, np.float32), out=out) is out and out.tolist() == [2.0, 2.0]
    same = array
    array += x
    assert array is same and array.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: np.subtract.reduce(x), "^subtract.reduce: NumPy's reduce has no form for Tensors"),
        (lambda x: np.nextafter.accumulate(x), "^nextafter.accumulate: "),
        (lambda x: np.add.at(np.ones(2), [0], x), "^add.at: "),
        (lambda x: np.add(x, 1, where=np.ones(2, bool)), "^add: NumPy's where= has no form for Tensors"),
        (lambda x: np.add(x, np.asarray([None, 1])), "no dtype for NumPy's object"),
        (lambda x: np.add(x, object()), "'Tensor', 'object'"),
        (lambda x: np.frompyfunc(abs, 1, 1)(x), "there is no op for this ufunc"),
    ],
)
def test_what_has_no_form_is_refused(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(dt.ones(2))


def test_other_functions_see_an_array() -> None:
    x = dt.arange(4.0).reshape(2, 2)
    assert np.asarray(x).ctypes.data == x.data_ptr() and np.shares_memory(np.asarray(x), x.numpy())
    assert isinstance(np.concatenate([x, x]), np.ndarray)
    assert np.linalg.norm(x) == pytest.approx(14**0.5)
    np.testing.assert_allclose(x, [[0, 1], [2, 3]])


def test_other_forms_of_ufuncs() -> None:
    array = np.random.default_rng(0).integers(-3, 4, (2, 3, 4))
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or):
        x = dt.from_numpy(array)
        assert ufunc.reduce(x).tolist() == ufunc.reduce(array).tolist()  # over the first axis
        for options in ({"axis": None}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}, {"axis": ()}):
            found = ufunc.reduce(x, **options)
            assert isinstance(found, dt.Tensor)
            np.testing.assert_array_equal(np.asarray(found), ufunc.reduce(array, **options))
    for ufunc in (np.add, np.multiply):
        np.testing.assert_array_equal(np.asarray(ufunc.accumulate(x, 1)), ufunc.accumulate(array, 1))
        np.testing.assert_array_equal(np.asarray(ufunc.outer(x, x[0])), ufunc.outer(array, array[0]))
    assert np.add.reduce(x, dtype=np.float32).dtype is dt.float32
    assert np.ptp(dt.tensor([1.0, 5.0, 2.0])).item() == 4.0
    floats = array.astype(np.float64)
    for function in (np.std, np.var):
        for options in ({}, {"axis": 1}, {"axis": 0, "ddof": 1}, {"keepdims": True}, {"dtype": np.float32}):
            found = function(dt.from_numpy(floats), **options)
            np.testing.assert_allclose(np.asarray(found), function(floats, **options), rtol=1e-5)
    for call in (lambda: np.subtract.reduce(x), lambda: np.add.reduce(x, initial=3), lambda: np.add.at(x, 0, 1)):
        with pytest.raises(TypeError, match="has no form for Tensors; call it with x.numpy"):
            call()
