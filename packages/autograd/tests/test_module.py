"""The distribution itself: what it links, how it meets the core, how it loads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import dovetail as dt
from dovetail.autograd import _engine


def run(code: str) -> str:
    """The output of a program of its own."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_no_symbol_of_the_core_is_linked_or_shipped() -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("there is no nm")
    table = subprocess.run([nm, "-DC", _engine.__file__], capture_output=True, text=True, check=True).stdout
    symbols = [line.split(maxsplit=2)[-1] for line in table.splitlines()]
    core = [s for s in symbols if "dovetail::" in s and "dovetail::autograd" not in s]
    assert not core
    # Only the module's entry is visible to others.
    defined = [line.split()[-1] for line in table.splitlines() if " T " in line]
    assert defined == ["PyInit__engine"]


def test_autograd_loads_when_it_is_first_needed() -> None:
    out = run("""
        import sys
        import dovetail as dt
        print("dovetail.autograd" in sys.modules)
        x = dt.ones(2)
        x.requires_grad = True
        print("dovetail.autograd" in sys.modules)
        (x * 2).sum().backward()
        print(x.grad.tolist())
    """)
    assert out.split("\n")[:3] == ["False", "True", "[2.0, 2.0]"]


def test_a_core_that_is_too_old_is_an_import_error_in_words() -> None:
    # A table of another version in the capsule's place, as an older or newer tensor-core would offer it.
    out = run("""
        import ctypes, sys
        import dovetail as dt
        from dovetail import _core
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        name = b"dovetail._core._api"
        size = (ctypes.c_uint32 * 3).from_address(get(_core._api, name))[2]
        for major, minor in ((0, 9), (2, 0)):
            copy = ctypes.create_string_buffer(ctypes.string_at(get(_core._api, name), size), size)
            (ctypes.c_uint32 * 2).from_buffer(copy)[:] = (major, minor)
            real, _core._api = _core._api, new(ctypes.addressof(copy), name, None)
            try:
                import dovetail.autograd
            except ImportError as error:
                print(error)
            _core._api = real
    """)
    assert "dovetail.autograd was compiled against ABI 1." in out
    assert "but tensor-core offers 0.9: upgrade dovetail-tensor-core" in out
    assert "but tensor-core offers 2.0: upgrade dovetail-autograd" in out


def test_types_are_shipped() -> None:
    folder = Path(dt.autograd.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_engine.pyi").exists()


def test_grad_modes_are_here_too() -> None:
    for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode"):
        assert getattr(dt.autograd, name) is getattr(dt, name)


def test_what_is_exported_is_there() -> None:
    for name in dt.autograd.__all__:
        assert hasattr(dt.autograd, name)
