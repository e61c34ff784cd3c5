"""Compiled plug-ins of other times: of the previous ABI, which run unrebuilt, and of a later one, which are refused."""

import sys
import sysconfig
from pathlib import Path

import abi
import pytest

import dovetail as dt
from tests.plugins.compiling import HERE, compile_library

QUILL = [HERE / "sources" / "quill.c"]
CEDAR = sorted((HERE / "cedar" / "csrc").glob("*.c"))
OLD = sorted((HERE / "headers").iterdir())

each_old = pytest.mark.parametrize("old", OLD, ids=[folder.name for folder in OLD])

CLIENT = """
import ctypes
import dovetail as dt
library = ctypes.CDLL({path!r})
pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
total = ctypes.c_double()
api = ctypes.c_void_p(pointer(dt._core._api, b"dovetail._core._api"))
status = library.quill_sum(api, ctypes.c_int64(1000), ctypes.byref(total))
print(status, total.value)
"""


def offered() -> tuple[int, int]:
    """The ABI that the header in the tree has."""
    major, minor = abi.parse(abi.HEADER.read_text())[0].split(".")
    return int(major), int(minor)


# ---- of the previous ABI ---------------------------------------------------------------------------------


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_every_earlier_header_is_kept():
    earlier = {line.split(" | ")[0] for line in abi.read_ledger()} - {".".join(map(str, offered()))}
    assert {folder.name for folder in OLD} == earlier


@each_old
def test_an_old_header_is_the_one_of_the_ledger(old):
    version, found = abi.parse((old / "dovetail" / "abi.h").read_text())
    assert version == old.name
    # How many there are of something grows with every minor.
    parts = [line.split(" | ") for line in abi.read_ledger() if "_COUNT" not in line]
    entered = {(owner, text) for since, owner, _, text in parts if number(since) <= number(version)}
    later = {(owner, text) for since, owner, _, text in parts if number(since) > number(version)}
    present = {(owner, text) for owner, _, text in found}
    assert entered <= present and not later & present


@each_old
def test_an_old_backend_runs_the_conformance_check(tmp_path, python, old):
    """The whole of Cedar, compiled against the header of an earlier ABI."""
    library = compile_library(tmp_path / "cedar.so", CEDAR, old)
    program = f"""
        import dovetail as dt
        from dovetail.testing import backend
        dt.backends.load_library({str(library)!r})
        report = backend.check("cedar")
        print(report.passed, report.text())"""
    assert python("\n".join(line.strip() for line in program.splitlines())).startswith("True")


@each_old
def test_an_old_table_is_shorter_and_an_old_client_works(tmp_path, python, old):
    library = compile_library(tmp_path / "quill.so", QUILL, old)
    program = f"""
import dovetail as dt
assert dt.backends.load_library({str(library)!r}) == "quill"
x = dt.tensor([1.0, -2.0]).to("quill")
print((-x).cpu().tolist(), dt.memory_stats()["allocated"] >= 0)
"""
    assert python(program) == "[-1.0, 2.0] True\n"
    assert python(CLIENT.format(path=str(library))) == "0 1000.0\n"


# ---- of a later ABI --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "version, remedy",
    [
        (lambda major, minor: (major, minor + 1), "upgrade dovetail-tensor-core"),
        (lambda major, minor: (major + 1, 0), "upgrade dovetail-tensor-core"),
        (lambda major, minor: (major - 1, 7), "upgrade the backend"),
    ],
    ids=["minor", "major", "past"],
)
def test_a_backend_of_another_abi_is_refused_in_words(tmp_path, header_of, version, remedy):
    ours, theirs = offered(), version(*offered())
    library = compile_library(tmp_path / "quill.so", QUILL, header_of(*theirs))
    with pytest.raises(ImportError) as refusal:
        dt.backends.load_library(library)
    text = str(refusal.value)
    assert f"ABI {theirs[0]}.{theirs[1]}" in text and f"offers {ours[0]}.{ours[1]}" in text and text.endswith(remedy)
    assert "quill" not in dt.backends.names()


@pytest.mark.parametrize(
    "version, remedy",
    [
        (lambda major, minor: (major, minor), None),
        (lambda major, minor: (major, minor + 1), "upgrade dovetail-tensor-core"),
        (lambda major, minor: (major + 1, 0), "upgrade dovetail-tensor-core"),
        (lambda major, minor: (major - 1, 7), "upgrade dovetail-extension"),
    ],
    ids=["same", "minor", "major", "past"],
)
def test_an_extension_of_another_abi_is_refused_in_words(tmp_path, header_of, python, version, remedy):
    ours, theirs = offered(), version(*offered())
    target = tmp_path / f"extension{sysconfig.get_config_var('EXT_SUFFIX')}"
    python_headers = f"-I{sysconfig.get_path('include')}"
    compile_library(target, [HERE / "sources" / "extension.cc"], header_of(*theirs), python_headers)
    program = "try:\n    import extension\n    print('loaded')\nexcept ImportError as error:\n    print(error)\n"
    printed = python(program + "import dovetail as dt; assert dt.ones(2).sum().item() == 2", tmp_path).strip()
    if remedy is None:
        assert printed == "loaded"
    else:
        assert f"compiled against ABI {theirs[0]}.{theirs[1]}" in printed and f"offers {ours[0]}.{ours[1]}" in printed
        assert printed.endswith(remedy)


def test_the_wheel_of_a_library_serves_every_python():
    """Cedar's library needs the C library, and no symbol of Python's or Dovetail's."""
    import dovetail_cedar

    from tests.integration.test_abi import undefined_symbols

    needed = undefined_symbols(Path(dovetail_cedar.LIBRARY))
    assert needed and not [s for s in needed if s.startswith(("Py", "_Py", "dt_", "dovetail"))], needed
    assert sys.implementation.cache_tag not in str(dovetail_cedar.LIBRARY)
