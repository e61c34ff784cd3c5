"""DLPack capsules of a producer that lies: every member of the structure is an argument, for the fuzz to spoil.

The capsule and all that it points to are ours, with room to spare behind the shape and the strides, so that an access
outside of them is the consumer's fault. What a consumer cannot know is not asked of it: a tensor made from a capsule is
read only where its geometry stays inside the memory that there is.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import dovetail as dt
from tests.ops.bad_calls import Call

ELEMENTS, DIMS = 64, 256  # of the memory, and of the arrays of sizes and of strides


class Array(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    _fields_ = (("array", Array), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("array", Array),
    )


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype, new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
NAMES = {name: ctypes.c_char_p(name) for name in (b"dltensor", b"dltensor_versioned")}  # capsules keep the pointer


class Producer:
    """One capsule, the memory behind it, and how often its deleter was called."""

    def __init__(self, versioned: bool, shape: list[int] | None, strides: list[int] | None, members: Any) -> None:
        self.memory = (ctypes.c_double * ELEMENTS)(*range(ELEMENTS))
        self.shape = (ctypes.c_int64 * DIMS)(*(shape or [])[:DIMS])
        self.strides = (ctypes.c_int64 * DIMS)(*(strides or [])[:DIMS])
        self.deleted = 0
        self.deleter = DELETER(self.delete)
        self.managed = Versioned() if versioned else Managed()
        self.managed.deleter = ctypes.cast(self.deleter, ctypes.c_void_p)
        array = self.managed.array
        array.data = ctypes.addressof(self.memory) if members.pop("data", 1) else None
        array.shape = None if shape is None else ctypes.addressof(self.shape)
        array.strides = None if strides is None else ctypes.addressof(self.strides)
        for name, value in members.items():
            holder = array if hasattr(array, name) else self.managed
            if hasattr(holder, name):  # major, minor and flags only with a version
                setattr(holder, name, value)
        name = b"dltensor_versioned" if versioned else b"dltensor"
        self.capsule = new_capsule(ctypes.addressof(self.managed), NAMES[name], None)

    def delete(self, _: Any) -> None:
        self.deleted += 1

    def holds(self, taken: Any) -> bool:
        """Whether everything that the tensor claims lies in the memory."""
        start = taken.data_ptr() - ctypes.addressof(self.memory)
        steps = [(size - 1) * stride * taken.itemsize for size, stride in zip(taken.shape, taken.stride())]
        low, high = start + sum(min(step, 0) for step in steps), start + sum(max(step, 0) for step in steps)
        return taken.numel() <= 10_000 and low >= 0 and high + taken.itemsize <= ELEMENTS * 8


def number(value: Any) -> int:
    """A spoiled value as something that a member of the structure can have."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else 0
    return int(value) if isinstance(value, int) else 0


def numbers(values: Any) -> list[int] | None:
    """As C would keep them, in 64 bits; no array at all for what is none."""
    return [ctypes.c_int64(number(value)).value for value in values] if isinstance(values, (list, tuple)) else None


def take(versioned: bool, *arrays: Any, **members: Any) -> None:
    """Import a capsule, read what it gives, and see that its deleter ran once, or not at all where it was refused."""
    shape, strides = (*arrays, None, None)[:2]
    known = {name: number(value) for name, value in members.items() if name in MEMBERS}
    producer = Producer(versioned, numbers(shape), numbers(strides), known)
    try:
        taken = dt.from_dlpack(producer.capsule)
    except Exception:
        assert producer.deleted <= 1, f"a refused capsule's deleter ran {producer.deleted} times"
        raise
    assert producer.deleted == 0, "the deleter ran while the tensor lives"
    if taken.numel() and producer.holds(taken):
        taken.clone().tolist()
        repr(taken)
    del taken
    assert producer.deleted == 1, f"the deleter ran {producer.deleted} times, not once, after the tensor's end"


MEMBERS = {"ndim": 2, "code": 2, "bits": 64, "lanes": 1, "device_type": 1, "device_id": 0, "byte_offset": 0, "data": 1}
MEMBERS |= {"major": 1, "minor": 1, "flags": 0}


def capsule_calls() -> Iterator[Call]:
    for versioned in (True, False):
        for strides in ([3, 1], None, [0, 0]):
            yield Call("from_dlpack", partial(take, versioned), lambda strides=strides: ([2, 3], strides), MEMBERS)
