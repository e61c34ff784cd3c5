"""A Dovetail backend in plain C: two devices, "cedar:0" and "cedar:1"."""

from __future__ import annotations

import ctypes
from pathlib import Path

import dovetail as dt

__all__ = ["LIBRARY", "damaged_blocks", "live_blocks", "register"]

LIBRARY = Path(__file__).with_name("libcedar.so")


def register() -> None:
    """The entry point: called when the device type "cedar" is first named."""
    dt.backends.load_library(LIBRARY)


def live_blocks(index: int = 0) -> int:
    """How many blocks of a device's memory are in use."""
    count = ctypes.CDLL(str(LIBRARY)).cedar_live_blocks
    count.restype = ctypes.c_int64
    return int(count(ctypes.c_int32(index)))


def damaged_blocks() -> int:
    """How many blocks turned out to have been written past their end."""
    count = ctypes.CDLL(str(LIBRARY)).cedar_damaged_blocks
    count.restype = ctypes.c_int64
    return int(count())
