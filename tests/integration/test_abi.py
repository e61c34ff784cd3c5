"""The ABI: what its ledger says, and that a compiled sibling uses nothing else."""

import subprocess
from dataclasses import replace
from pathlib import Path

import abi
import pytest

import dovetail as dt


def test_the_header_is_as_the_ledger_says():
    version, now = abi.entries()
    assert abi.problems(version, now, abi.read_ledger()) == []


def test_a_slot_that_moves_changes_or_goes_is_found():
    version, now = abi.entries()
    ledger = abi.read_ledger()
    at = next(i for i, entry in enumerate(now) if entry.name == "find_op")
    moved = [*now[:at], replace(now[at], where=now[at].where + 8), *now[at + 1 :]]
    other = [*now[:at], replace(now[at], text="void (*find_op)(void)"), *now[at + 1 :]]
    gone = now[:at] + now[at + 1 :]
    for changed in (moved, other, gone):
        assert any(p.startswith("changed or gone") and "find_op" in p for p in abi.problems(version, changed, ledger))


def test_a_new_slot_must_be_entered():
    version, now = abi.entries()
    new = abi.Entry("dt_api", "more", 512, "void (*more)(void)")
    assert abi.problems(version, [*now, new], abi.read_ledger()) == [
        "not entered yet: dt_api | 512 | void (*more)(void)"
    ]


def test_a_union_may_grow_at_its_end_alone():
    version, now = abi.entries()
    at = next(i for i, entry in enumerate(now) if entry.text.startswith("union"))
    grown = replace(now[at], text=now[at].text.replace(", as", ", dt_complex more, as"))
    other = replace(now[at], text=now[at].text.replace("union ", "union dt_complex more, "))
    found = [abi.problems(version, [*now[:at], new, *now[at + 1 :]], abi.read_ledger()) for new in (grown, other)]
    assert [any(p.startswith("changed or gone") for p in problems) for problems in found] == [False, True]


def test_c_has_complex_numbers_of_its_own_beside_the_header(tmp_path):
    program = tmp_path / "both.c"
    program.write_text(
        '#include <complex.h>\n#include <stddef.h>\n#include "dovetail/abi.h"\n'
        '_Static_assert(offsetof(dt_value, as.c) == offsetof(dt_value, as.f), "one place");\n'
        "double complex of(const dt_value* v) { return v->as.c.re + v->as.c.im * I; }\n"
    )
    include = abi.HEADER.parent.parent
    subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Werror", "-I", include, "-c", program, "-o", tmp_path / "o"], check=True
    )


def test_tables_begin_with_their_version_and_size():
    _, now = abi.entries()
    for table in ("dt_api", "dt_backend"):
        first = [entry.name for entry in now if entry.owner == table][:3]
        assert first == ["abi_major", "abi_minor", "struct_size"]


def undefined_symbols(library: Path) -> list[str]:
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", "-C", str(library)], capture_output=True, text=True, check=True
    )
    return [line.split(maxsplit=1)[1] for line in listed.stdout.splitlines()]


def test_autograd_needs_no_symbol_of_the_core():
    import dovetail.autograd._engine as engine

    library = Path(engine.__file__)
    ours = [symbol for symbol in undefined_symbols(library) if "dovetail" in symbol or symbol.startswith("dt_")]
    assert ours == []
    defined = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True)
    exported = {line.split()[-1] for line in defined.stdout.splitlines()}
    assert {name for name in exported if not name.startswith("_Z")} == {"PyInit__engine"}


def test_the_header_is_installed():
    header = Path(dt.get_include()) / "dovetail" / "abi.h"
    assert header.read_text() == abi.HEADER.read_text()


PLUGIN = """
#include "dovetail/abi.h"
#include <string.h>
static int32_t device_count(void* self) { (void)self; return 0; }
static dt_status get_kernel(void* s, const char* o, const int32_t* d, int32_t n, dt_kernel* k) {
  (void)s; (void)o; (void)d; (void)n; k->fn = 0; return DT_OK;
}
static dt_status alloc(void* s, int32_t i, size_t b, void* st, void** out) {
  (void)s; (void)i; (void)b; (void)st; *out = 0; return DT_ERR_MEMORY;
}
static void dealloc(void* s, int32_t i, void* p, size_t b, void* st) { (void)s; (void)i; (void)p; (void)b; (void)st; }
static dt_status copy(void* s, int32_t i, void* d, const void* x, size_t b, int32_t dir, void* st) {
  (void)s; (void)i; (void)d; (void)x; (void)b; (void)dir; (void)st; return DT_OK;
}
static const char* explain(void* self) { (void)self; return "no absent device: it was left at home"; }
static dt_backend table;
const char* announce(const dt_api* api, unsigned major, unsigned minor, int slots, const char* name) {
  int16_t kind;
  memset(&table, 0, sizeof table);
  table.abi_major = major;
  table.abi_minor = minor;
  table.struct_size = slots ? sizeof table : offsetof(dt_backend, explain);
  table.name = name;
  table.device_count = device_count;
  table.get_kernel = get_kernel;
  table.alloc = alloc;
  table.free = dealloc;
  table.copy = copy;
  table.explain = explain;
  return api->register_backend(&table, &kind) == DT_OK ? "" : api->error_message();
}
"""


@pytest.fixture(scope="module")
def announce(tmp_path_factory):
    """A plug-in in C, compiled against the installed header alone, loaded without Python's help."""
    import ctypes

    from dovetail import _core

    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugin.c").write_text(PLUGIN)
    command = [
        "cc",
        "-std=c11",
        "-Wall",
        "-Werror",
        "-shared",
        "-fPIC",
        "-I",
        dt.get_include(),
        "plugin.c",
        "-o",
        "plugin.so",
    ]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "plugin.so"))
    library.announce.restype = ctypes.c_char_p
    library.announce.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_int, ctypes.c_char_p]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    api = pointer(_core._api, b"dovetail._core._api")
    return lambda *args: library.announce(api, *args).decode()


def test_a_compiled_backend_is_refused_or_taken(announce):
    assert "upgrade dovetail-tensor-core" in announce(9, 0, 1, b"one")
    assert "upgrade the backend" in announce(0, 9, 1, b"one")
    assert "upgrade dovetail-tensor-core" in announce(1, 99, 1, b"two")
    assert "already" in announce(1, 0, 1, b"cpu")
    assert announce(1, 0, 1, b"absent") == ""
    with pytest.raises(RuntimeError, match="no absent device: it was left at home"):
        dt.zeros(2, device="absent")
    # A table from before `explain` was there is shorter, and core says it in its own words.
    assert announce(1, 0, 0, b"older") == ""
    with pytest.raises(RuntimeError, match="no older device"):
        dt.zeros(2, device="older")
