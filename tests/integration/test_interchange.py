"""Arrays of other libraries, shared without a copy; each library's part runs where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail as dt


def test_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = dt.arange(6.0).reshape(2, 3)
    theirs = torch.from_dlpack(x)
    theirs[0, 0] = 9
    assert x[0, 0].item() == 9 and theirs.data_ptr() == x.data_ptr()
    y = dt.from_dlpack(torch.arange(6)[::2])
    assert y.tolist() == [0, 2, 4]
    half = torch.ones(2, dtype=torch.bfloat16)
    assert dt.from_dlpack(half).dtype is dt.bfloat16
    assert dt.from_dlpack(torch.utils.dlpack.to_dlpack(half)).data_ptr() == half.data_ptr()
    with pytest.raises(BufferError):
        dt.from_dlpack(torch.ones(2, requires_grad=True))


def test_jax() -> None:
    jax = pytest.importorskip("jax")
    x = dt.arange(6.0).reshape(2, 3)
    assert jax.numpy.from_dlpack(x).tolist() == x.tolist()
    theirs = jax.numpy.arange(4, dtype="float32")
    shared: Any = dt.from_dlpack(theirs)
    assert shared.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert shared.data_ptr() == theirs.unsafe_buffer_pointer()


def test_gradients_are_not_lost_silently() -> None:
    x = dt.ones(2)
    x.requires_grad_()
    with pytest.raises(BufferError, match="requires grad"):
        x.__dlpack__()
    assert np.from_dlpack(x.detach()).tolist() == [1.0, 1.0]
