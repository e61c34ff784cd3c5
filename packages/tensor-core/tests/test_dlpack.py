"""DLPack: what is handed out and taken is the same memory, with its limits said and kept."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import dovetail as dt

DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "int64"]
DTYPES += ["uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128"]
NEWEST = (1, 1)

# ---- what NumPy and we share ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_takes_a_tensor(dtype: str) -> None:
    given = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    x = dt.from_numpy(given)
    array = np.from_dlpack(x)
    assert array.dtype == given.dtype and array.tolist() == given.tolist()
    assert array.__array_interface__["data"][0] == x.data_ptr()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_of_numpys_memory(dtype: str) -> None:
    array = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    x = dt.from_dlpack(array)
    assert x.dtype is getattr(dt, dtype) and x.numpy().tolist() == array.tolist()
    array[0, 0] = 1
    assert x.numpy()[0, 0] == 1


@pytest.mark.parametrize("key", [np.s_[::2], np.s_[::-1], np.s_[1:3, ::-2], np.s_[:0], np.s_[1:2, 1], np.s_[:, None]])
def test_strides_both_ways(key: Any) -> None:
    array = np.arange(12.0).reshape(4, 3)
    assert dt.from_dlpack(array[key]).tolist() == array[key].tolist()
    x = dt.from_numpy(array)[key]
    assert np.from_dlpack(x).tolist() == array[key].tolist()


def test_bfloat16_between_tensors() -> None:
    x = dt.from_numpy(np.array([1.5, -2.0], ml_dtypes.bfloat16))
    y = dt.from_dlpack(x)
    assert y.dtype is dt.bfloat16 and y.data_ptr() == x.data_ptr()


def test_what_is_shared_lives_as_long_as_it_is_needed() -> None:
    x = dt.arange(1000)
    array = np.from_dlpack(x)
    del x
    gc.collect()
    assert array.sum() == 499500
    y = dt.from_dlpack(np.arange(1000))
    gc.collect()
    assert y.sum().item() == 499500


# ---- the protocol ----


def test_versions() -> None:
    x = dt.ones(2)
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=NEWEST))
    assert "dltensor_versioned" not in repr(x.__dlpack__())
    assert "dltensor_versioned" not in repr(x.__dlpack__(max_version=(0, 8)))


def test_read_only_memory_stays_read_only() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    x = dt.from_numpy(array)
    shared = dt.from_dlpack(x)
    with pytest.raises((RuntimeError, ValueError), match="read-only"):
        shared.zero_()
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":  # the first that reads DLPack 1.0
        assert not np.from_dlpack(x).flags.writeable
    with pytest.raises(BufferError, match="__dlpack__: .*read-only"):
        x.__dlpack__()


def test_copies() -> None:
    x = dt.arange(3.0)
    assert dt.from_dlpack(x.__dlpack__(copy=True)).data_ptr() != x.data_ptr()
    assert dt.from_dlpack(x.__dlpack__(copy=False)).data_ptr() == x.data_ptr()
    assert dt.from_dlpack(x, copy=True).data_ptr() != x.data_ptr()
    assert dt.from_dlpack(x, copy=False, device="cpu").data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match="from_dlpack: copy must be"):
        dt.from_dlpack(x, copy="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="__dlpack__: copy must be"):
        x.__dlpack__(copy=1)


def test_devices() -> None:
    x = dt.ones(2)
    assert x.__dlpack_device__() == (1, 0)
    x.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="__dlpack__: the tensor is on cpu"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="stream"):
        x.__dlpack__(stream=3)


def test_a_capsule_is_taken_once() -> None:
    for version in (None, NEWEST):
        capsule = dt.ones(2).__dlpack__(max_version=version)
        dt.from_dlpack(capsule)
        with pytest.raises(ValueError, match="taken once"):
            dt.from_dlpack(capsule)


def test_what_is_no_array() -> None:
    for thing in (3, None, [1.0], object()):
        with pytest.raises(TypeError, match="^from_dlpack: expected an array"):
            dt.from_dlpack(thing)
    with pytest.raises(TypeError, match="^to_dlpack: expected a Tensor"):
        dt.to_dlpack([1])


def test_an_array_of_a_library_before_1_0() -> None:
    class Old:
        def __dlpack__(self, stream: Any = None) -> Any:
            return dt.tensor([4, 5]).__dlpack__(stream=stream)

        def __dlpack_device__(self) -> tuple[int, int]:
            return (1, 0)

    assert dt.from_dlpack(Old()).tolist() == [4, 5]


# ---- live exports ----


def test_no_resizing_under_live_exports() -> None:
    for share in (memoryview, np.asarray, np.from_dlpack, lambda x: x.__dlpack__(max_version=NEWEST)):
        x = dt.arange(4)
        shared = share(x)
        x.resize_(2).resize_(4)  # within the memory there is
        with pytest.raises(BufferError, match=r"^resize_: shape \(8,\) needs more memory"):
            x.resize_(8)
        assert x.tolist() == [0, 1, 2, 3]
        del shared
        gc.collect()
        assert x.resize_(8).shape == (8,)


# ---- capsules that lie ----


class Array(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("array", Array),
    )


def inside(capsule: Any) -> Versioned:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return Versioned.from_address(pointer(capsule, b"dltensor_versioned"))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ndim", -1),
        ("ndim", 65),
        ("lanes", 4),
        ("lanes", 0),
        ("bits", 31),
        ("code", 9),
        ("device_type", 2),
        ("device_type", 77),
        ("device_type", -1),
        ("device_type", 12),
        ("data", None),
        ("byte_offset", 1),
        ("shape", None),
    ],
)
def test_members_without_sense(member: str, value: Any) -> None:
    x = dt.arange(6.0).reshape(2, 3)
    capsule = x.__dlpack__(max_version=NEWEST)
    setattr(inside(capsule).array, member, value)
    with pytest.raises((BufferError, ValueError, RuntimeError, MemoryError), match="^from_dlpack: "):
        dt.from_dlpack(capsule)


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((-1, 3), (3, 1)), ((2**62, 3), (3, 1)), ((2, 3), (2**62, 1)), ((2, 3), (-(2**63), 1)), ((2**40, 2**40), (0, 0))],
)
def test_geometry_without_sense(shape: Any, strides: Any) -> None:
    capsule = dt.arange(6.0).reshape(2, 3).__dlpack__(max_version=NEWEST)
    array = inside(capsule).array
    for k in range(2):
        array.shape[k], array.strides[k] = shape[k], strides[k]
    with pytest.raises((BufferError, ValueError, RuntimeError, MemoryError), match="^from_dlpack: "):
        dt.from_dlpack(capsule)


def test_another_major_version() -> None:
    capsule = dt.ones(2).__dlpack__(max_version=NEWEST)
    inside(capsule).major = 2
    with pytest.raises(BufferError, match="DLPack 2"):
        dt.from_dlpack(capsule)
    inside(capsule).major = 1


def test_a_capsule_without_strides_is_row_major() -> None:
    capsule = dt.arange(6).reshape(2, 3).__dlpack__(max_version=NEWEST)
    inside(capsule).array.strides = None
    assert dt.from_dlpack(capsule).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_refused_capsules_leak_nothing() -> None:
    gc.collect()
    before = dt.memory_stats()["allocated"]
    for _ in range(20):
        capsule = dt.ones(1000).__dlpack__(max_version=NEWEST)
        inside(capsule).array.lanes = 2
        with pytest.raises(BufferError):
            dt.from_dlpack(capsule)
        dt.ones(1000).__dlpack__()  # nobody takes it
    del capsule
    gc.collect()
    assert dt.memory_stats()["allocated"] == before
