"""Layouts and memory formats, and views of the same bytes."""

import numpy as np
import pytest

import dovetail as dt

SHAPE = (2, 3, 4, 5)


def test_names():
    assert repr(dt.channels_last) == "dovetail.channels_last" and repr(dt.strided) == "dovetail.strided"
    assert isinstance(dt.strided, dt.layout)
    for name in ("channels_last", "channels_last_3d", "contiguous_format", "preserve_format"):
        assert isinstance(getattr(dt, name), dt.memory_format)
    assert dt.newaxis is None


def test_channels_last():
    x = dt.arange(120.0).reshape(SHAPE)
    for y in (
        x.contiguous(memory_format=dt.channels_last),
        x.to(memory_format=dt.channels_last),
        x.clone(memory_format=dt.channels_last),
    ):
        assert y.shape == SHAPE and y.stride() == (60, 1, 15, 3) and dt.equal(x, y)
        assert y.is_contiguous(memory_format=dt.channels_last) and not y.is_contiguous()
        assert y.contiguous(memory_format=dt.channels_last) is y
        assert y.contiguous().stride() == x.stride()
        assert y.contiguous(memory_format=dt.contiguous_format).stride() == x.stride()
        assert dt.zeros_like(y, memory_format=dt.preserve_format).stride() == y.stride()
        assert dt.zeros_like(y).stride() == y.stride()
        assert dt.zeros_like(y, memory_format=dt.contiguous_format).stride() == x.stride()
    assert not x.is_contiguous(memory_format=dt.channels_last)
    z = dt.empty(1, 2, 3, 4, 5, memory_format=dt.channels_last_3d)
    assert z.stride() == (120, 1, 40, 10, 2)


def test_gradients_pass_a_format():
    pytest.importorskip("dovetail.autograd")
    x = dt.rand(*SHAPE, requires_grad=True)
    (x.contiguous(memory_format=dt.channels_last) * 3).sum().backward()
    assert dt.equal(x.grad, dt.full(SHAPE, 3.0))


def test_factories_take_what_pytorch_takes():
    assert dt.zeros(2, layout=dt.strided, pin_memory=False).tolist() == [0, 0]
    assert dt.rand(2, layout=None).shape == (2,)
    given = {"layout": dt.strided, "pin_memory": True}
    for x in (
        dt.arange(2, **given),
        dt.randint(3, (2,), **given),
        dt.randint_like(dt.ones(2), 3, **given),
        dt.normal(0.0, 1.0, (2,), **given),
        dt.empty_strided((2,), (1,), **given),
    ):
        assert x.shape == (2,)
    assert dt.scalar_tensor(2.0, **given).item() == 2
    assert dt.ones(2).new_full((2,), 3.0, layout=dt.strided).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: dt.zeros(2, layout="strided"), TypeError, "^zeros: layout must be dovetail.strided"),
        (lambda: dt.arange(2, layout=2), TypeError, "^arange: layout must be dovetail.strided"),
        (lambda: dt.ones(2).contiguous(2), TypeError, "^contiguous: "),
        (lambda: dt.zeros(2, pin_memory=1), TypeError, "^zeros: pin_memory must be a bool"),
        (lambda: dt.zeros(2, memory_format=1), TypeError, "^zeros: memory_format must be one such as"),
        (
            lambda: dt.zeros(2, memory_format=dt.channels_last),
            ValueError,
            r"^zeros: .* is for 4 dims, got shape \(2,\)",
        ),
        (lambda: dt.ones(2).sum(layout=dt.strided), TypeError, "^sum: unexpected keyword argument 'layout'"),
        (lambda: dt.ones(2).is_contiguous(1), TypeError, "^is_contiguous: memory_format must be one such as"),
        (lambda: dt.ones(2).is_contiguous(a=1), TypeError, "^is_contiguous: takes memory_format only"),
        (lambda: dt.empty(2, memory_format=dt.preserve_format), ValueError, "^empty: preserve_format"),
        (lambda: dt.ones(2).view("float32"), TypeError, "^view: size must be ints, or a dtype"),
        (lambda: dt.ones(2).view(dt.int32, 1), TypeError, "^view: size must be ints, or a dtype"),
        (lambda: dt.ones(2).view(dt.bool), TypeError, "^view: bytes other than 0 and 1 are no bool"),
        (lambda: dt.ones(3).view(dt.float64), ValueError, "^view: "),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_view_of_bytes_shares_them():
    x = dt.tensor([1.0, -2.0])
    bits = x.view(dt.int32)
    assert bits.tolist() == np.array([1, -2], np.float32).view(np.int32).tolist()
    bits[1] = 0
    assert x.tolist() == [1.0, 0.0] and bits._version == x._version
    assert x.view(dtype=dt.uint8).shape == (8,)
    assert x.view(dt.float32).data_ptr() == x.data_ptr()
