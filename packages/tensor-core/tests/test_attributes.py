"""What a tensor says of itself, and the short names of conversions."""

import numpy as np
import pytest

import dovetail as dt

X = np.arange(24.0).reshape(2, 3, 4)


def test_transposes():
    x = dt.tensor(X)
    assert dt.equal(x.mT, x.transpose(1, 2)) and dt.equal(x.mH, x.mT)
    assert dt.equal(x[0].T, x[0].t()) and dt.equal(x[0].H, x[0].T)
    c = dt.tensor([[1 + 2j, 3j], [4, 5 - 1j]])
    expected = [[1 - 2j, 4], [-3j, 5 + 1j]]
    assert c.H.tolist() == c.mH.tolist() == c.adjoint().tolist() == expected


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_T_of_other_than_matrices_warns(shape):
    with pytest.warns(UserWarning, match="^T: for a tensor of 2 dims, got .* is deprecated"):
        assert dt.zeros(shape).T.shape == shape[::-1]
    if len(shape) < 2:
        for name in ("mT", "mH", "H"):
            with pytest.raises(RuntimeError, match=f"^{name}: the tensor must have .*2 dims, got"):
                getattr(dt.zeros(shape), name)


@pytest.mark.parametrize("name", ["swapaxes_", "swapdims_", "transpose_"])
def test_transposed_in_place(name):
    x = dt.tensor(X)
    pointer = x.data_ptr()
    assert getattr(x, name)(0, -1) is x
    assert x.shape == (4, 3, 2) and x.data_ptr() == pointer
    assert x.tolist() == np.swapaxes(X, 0, -1).tolist()


CONVERSIONS = {
    "bool": dt.bool,
    "byte": dt.uint8,
    "char": dt.int8,
    "short": dt.int16,
    "int": dt.int32,
    "long": dt.int64,
    "half": dt.float16,
    "bfloat16": dt.bfloat16,
    "float": dt.float32,
    "double": dt.float64,
    "cfloat": dt.complex64,
    "cdouble": dt.complex128,
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions(name):
    dtype = CONVERSIONS[name]
    x = getattr(dt.tensor([1, 0, 3]), name)()
    assert x.dtype is dtype and getattr(x, name)() is x
    assert x.tolist() == ([True, False, True] if name == "bool" else [1, 0, 3])
    assert getattr(dt, name if name not in ("byte", "char") else dtype.name) is dtype


def test_places():
    x = dt.ones(2, 3, dtype=dt.int16)
    assert not x.is_cuda and not x.is_pinned() and x.pin_memory() is x and x.cpu() is x
    assert x.device == dt.device("cpu") and x.itemsize == x.element_size() == 2 and x.nbytes == 12
    assert dt.is_tensor(x) and not dt.is_tensor(x.numpy()) and not dt.is_tensor(dt.Tensor)
