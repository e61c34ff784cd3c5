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


def test_there_is_one_kind_of_tensor():
    x = dt.tensor(X)
    assert x.layout is dt.strided
    assert not (x.is_sparse or x.is_quantized or x.is_meta or x.is_mkldnn or x.is_nested)
    assert x.get_device() == -1
    with pytest.raises(AttributeError):
        x.is_sparse = True


def test_the_storage_is_one_for_all_views():
    x = dt.tensor(X)
    storage = x.untyped_storage()
    assert storage == x[1:].mT.untyped_storage() and hash(storage) == hash(x.view(-1).untyped_storage())
    assert storage != x.clone().untyped_storage()
    assert storage.nbytes() == storage.size() == len(storage) == X.nbytes
    assert storage.data_ptr() == x.data_ptr() and x[1].data_ptr() > storage.data_ptr()
    assert storage.device == x.device and not storage.is_shared()
    assert dt.ones(3).share_memory_().untyped_storage().is_shared()
    assert isinstance(storage, dt.UntypedStorage) and repr(storage) == "<UntypedStorage of 192 bytes on cpu>"


def test_functions_that_write_into_their_tensor():
    x = dt.tensor([-1.0, 2.0])
    assert dt.relu_(x) is x and x.tolist() == [0.0, 2.0]
    assert dt.clamp_(x, max=1.0) is x and x.tolist() == [0.0, 1.0]
    with pytest.raises(AttributeError, match="has no attribute 'nothing_'"):
        dt.nothing_  # noqa: B018


def test_seeds_of_cuda_are_the_default_generators():
    before = dt.get_rng_state()
    for seed in (dt.cuda.manual_seed, dt.cuda.manual_seed_all):
        dt.set_rng_state(before)
        seed(5)
        if dt.cuda.is_available():
            assert dt.initial_seed() == 5
        else:  # as in PyTorch, nothing happens
            assert dt.equal(dt.get_rng_state(), before)
    assert len(dt.cuda.get_rng_state_all()) == dt.cuda.device_count()
    dt.cuda.set_rng_state(before)
    assert dt.equal(dt.cuda.get_rng_state(), before) and dt.equal(dt.get_rng_state(), before)
    dt.cuda.set_rng_state_all(dt.cuda.get_rng_state_all())
    assert dt.equal(dt.get_rng_state(), before)
    assert dt.cuda.is_initialized() == ("cuda" in dt.backends.names())
    assert dt.cuda.is_bf16_supported() == dt.cuda.is_available()
