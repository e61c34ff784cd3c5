"""CUDA as a backend of Dovetail. The device type "cuda" is what users meet, and `dovetail.cuda`."""

from __future__ import annotations

import ctypes
from pathlib import Path

from dovetail import _core

from .__about__ import __version__ as __version__

LIBRARY = Path(__file__).with_name("libdovetail_cuda.so")


def register() -> None:
    """The entry point: called when the device type "cuda" is first named."""
    load(LIBRARY)


def load(library: Path) -> None:
    """Load a build of the backend and register it with the core.

    Raises ImportError where the library is missing, can't be loaded or was built for another ABI.
    """
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get_pointer(_core._api, b"dovetail._core._api")
    try:
        opened = ctypes.PyDLL(str(library))
    except OSError as error:
        raise ImportError(
            f"dovetail-tensor-core-cuda: its library can't be loaded ({error}): install the distribution again"
        ) from None
    function = opened.dovetail_register_cuda
    function.restype, function.argtypes = ctypes.c_int32, [ctypes.c_void_p]
    if function(table) != 0:  # other failures are raised by the core
        raise ImportError(
            "dovetail-tensor-core-cuda was built for another major version of the core's ABI: upgrade it together with "
            "dovetail-tensor-core"
        )
