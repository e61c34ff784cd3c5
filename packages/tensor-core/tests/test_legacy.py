"""PyTorch's older names of types, and what says how the library was built."""

import copy

import numpy as np
import pytest

import dovetail as dt

NAMES = {
    "FloatTensor": dt.float32,
    "DoubleTensor": dt.float64,
    "HalfTensor": dt.float16,
    "BFloat16Tensor": dt.bfloat16,
    "ByteTensor": dt.uint8,
    "CharTensor": dt.int8,
    "ShortTensor": dt.int16,
    "IntTensor": dt.int32,
    "LongTensor": dt.int64,
    "BoolTensor": dt.bool,
}


@pytest.mark.parametrize("name", NAMES)
def test_types(name):
    make, dtype = getattr(dt, name), NAMES[name]
    assert make.dtype is dtype and make.__name__ == name
    assert make(2, 3).shape == (2, 3) and make(dt.Size([4])).shape == (4,) and make().shape == (0,)
    for data in ([1, 0], (1, 0), np.array([1, 0]), range(1, -1, -1)):
        x = make(data)
        assert x.dtype is dtype and x.tolist() == [1, 0]
    assert make([[1, 0], [0, 1]]).shape == (2, 2)
    x = make([1, 0])
    assert isinstance(x, make) and not isinstance(x, getattr(dt, "IntTensor" if name != "IntTensor" else "LongTensor"))
    assert not isinstance([1], make)
    assert make(x).data_ptr() == x.data_ptr()
    assert dt.ones(2).type(make).dtype is dtype
    assert x.type() == f"dovetail.{name}" and dt.ones(2).type(f"torch.{name}").dtype is dtype


def test_refusals():
    for args, error in (
        ((1.5,), TypeError),
        (("ab",), TypeError),
        (([1], [2]), TypeError),
        ((True,), TypeError),
        ((-1,), ValueError),
        (([1, [2]],), ValueError),
        ((dt.ones(1, dtype=dt.int64),), TypeError),
    ):
        with pytest.raises(error, match=r"^FloatTensor: "):
            dt.FloatTensor(*args)


def test_tensor_takes_sizes():
    assert dt.Tensor(2, 3).shape == (2, 3) and dt.Tensor(5).shape == (5,) and dt.Tensor(dt.Size([2])).shape == (2,)
    assert dt.Tensor([2, 3]).tolist() == [2, 3] and dt.Tensor().shape == (0,)
    with pytest.raises(ValueError, match="sizes must not be negative"):
        dt.Tensor(-2)
    with pytest.raises(OverflowError):
        dt.Tensor(2**70)


def test_resize_keeps_the_number_of_elements():
    x = dt.arange(6)
    assert x.resize(2, 3).tolist() == x.resize((2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.resize_as(dt.ones(3, 2)).shape == (3, 2)
    for call in (lambda: x.resize(5), lambda: x.resize(-1, 6), lambda: x.resize_as(dt.ones(2))):
        with pytest.raises(ValueError, match=r"^resize(_as)?: "):
            call()


def test_what_there_is_not():
    with pytest.raises(TypeError, match=r"^chalf: "):
        dt.ones(1).chalf()
    x = dt.tensor([1 + 2j])
    assert not dt.is_conj(x.conj()) and not x.conj().is_conj() and not dt.is_neg(x.imag) and not x.is_neg()
    with pytest.raises(TypeError, match=r"^record_stream: expected a Stream"):
        dt.ones(1).record_stream(None)


def test_versions():
    assert dt.version.__version__ == dt.__version__ and dt.version.cuda is None and dt.version.debug is False
    assert dt.__config__.show().startswith(f"Dovetail {dt.__version__}\n")
    assert f"threads: {dt.get_num_threads()}" in dt.__config__.parallel_info()
    assert dt.cfloat is dt.complex64 and dt.cdouble is dt.complex128 and dt.half is dt.float16
    assert copy.copy(dt.strided) is dt.strided
    assert isinstance(dt.default_generator, dt.Generator)


# ---- where tensors are made ----


def test_default_device():
    assert dt.get_default_device() == dt.device("cpu")
    with dt.device("cpu") as inside:
        assert inside == dt.get_default_device()
    with pytest.raises(ValueError, match=r"^set_default_device: "):
        dt.set_default_device("abacus")
    with pytest.raises(TypeError, match=r"^set_default_device: "):
        dt.set_default_device(3)


def test_new():
    x = dt.ones(1, dtype=dt.int16)
    assert x.new(2, 3).shape == (2, 3) and x.new().shape == (0,) and x.new(dt.Size([4])).dtype is dt.int16
    assert x.new([1.5, -2]).tolist() == [1, -2] and x.new(x).data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match=r"^new: expected a tensor of int16 on the CPU, got one of float32 on cpu"):
        x.new(dt.ones(1))


def test_deprecated_functions_warn_and_compute():
    a = dt.arange(6.0).reshape(2, 3)
    with pytest.warns(UserWarning, match="chain_matmul is deprecated, as in PyTorch; use linalg.multi_dot instead"):
        product = dt.chain_matmul(a, a.T, a)
    assert dt.allclose(product, a @ a.T @ a)
    with pytest.warns(UserWarning):
        assert dt.chain_matmul(a).tolist() == a.tolist()
    for args, wanted in (
        ((0, 3), [0, 1, 2, 3]),
        ((3, 0, -1), [3, 2, 1, 0]),
        ((1, 2, 0.5), [1, 1.5, 2]),
        ((2,), [0, 1, 2]),
    ):
        with pytest.warns(UserWarning, match="range is deprecated"):
            found = dt.range(*args)
        assert found.dtype is dt.float32 and found.tolist() == wanted
    with pytest.warns(UserWarning):
        assert dt.range(0, 2, dtype=dt.int64).tolist() == [0, 1, 2]
    for args in ((0, 3, 0), (0, 3, -1), (0, float("inf"))):
        with pytest.warns(UserWarning), pytest.raises(ValueError, match="^range: "):
            dt.range(*args)
    matrix = dt.tensor([[0.0, 2.0], [1.0, 3.0]])
    for lu in (lambda **options: dt.lu(matrix, **options), matrix.lu):
        with pytest.warns(UserWarning, match="use linalg.lu_factor"):
            factors, pivots, infos = lu(get_infos=True)
        assert factors.tolist() == [[1.0, 3.0], [0.0, 2.0]] and pivots.tolist() == [2, 2] and infos.item() == 0


def test_default_types():
    try:
        for kind, dtype in ((dt.DoubleTensor, dt.float64), ("torch.FloatTensor", dt.float32)):
            dt.set_default_tensor_type(kind)
            assert dt.ones(1).dtype is dtype
        for kind in (dt.IntTensor, "torch.Nonsense", 3):
            with pytest.raises(TypeError, match="^set_default_tensor_type: expected a floating-point type"):
                dt.set_default_tensor_type(kind)
    finally:
        dt.set_default_dtype(dt.float32)
    assert dt.typename(dt.ones(1)) == "dovetail.FloatTensor" and dt.typename([]) == "list"


def test_subclasses_and_orders():
    class Named(dt.Tensor):
        pass

    x = dt.arange(6.0).reshape(2, 3).T
    named = x.as_subclass(Named)
    assert type(named) is Named and type(x) is dt.Tensor and named.data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match="^as_subclass: cls must be a subclass of Tensor"):
        x.as_subclass(int)
    assert x.dim_order() == (1, 0) and not x.is_mps and dt.get_device(x) == -1
    assert reversed(dt.tensor([1, 2])).tolist() == [2, 1]


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (2, 12, 9)])
def test_low_rank(shape):
    *lead, m, n = shape
    left, right = dt.randn(*lead, m, 3), dt.randn(*lead, 3, n)
    A = left @ right
    U, S, V = dt.svd_lowrank(A, q=4)
    assert U.shape == (*lead, m, 4) and S.shape == (*lead, 4) and V.shape == (*lead, n, 4)
    assert dt.allclose(U * S.unsqueeze(-2) @ V.mT, A, atol=1e-3)
    assert dt.allclose(S[..., :3], dt.linalg.svdvals(A)[..., :3], rtol=1e-3)
    U, S, V = dt.pca_lowrank(A + 5)
    centred = A - A.mean(-2, keepdim=True)
    assert dt.allclose(U * S.unsqueeze(-2) @ V.mT, centred, atol=1e-3)
    M = dt.ones(n)
    assert dt.allclose(dt.svd_lowrank(A + M, q=3, M=M)[1], dt.linalg.svdvals(A)[..., :3], rtol=1e-3)
    with pytest.raises(ValueError, match="^pca_lowrank: q must be from 0 to"):
        dt.pca_lowrank(A, q=99)
