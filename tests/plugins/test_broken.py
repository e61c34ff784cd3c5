"""Broken plug-ins: Dovetail is imported and computes, the others work, and who asks is told what is wrong with which
distribution."""

import pytest

import dovetail as dt
from tests.plugins.compiling import HERE, compile_library

QUILL = [HERE / "sources" / "quill.c"]

PROGRAM = """
import dovetail as dt
assert (dt.ones(3) + 1).tolist() == [2.0, 2.0, 2.0]
assert not dt.backends.is_available("broken")
assert dt.ones(2, device="cedar").sum().item() == 2
assert dt.backends.is_available("reference")
for ask in (lambda: dt.device("broken"), lambda: dt.ones(2, device="broken:0"), dt.backends.load):
    try:
        ask()
    except ImportError as error:
        print(error)
assert dt.backends.names()[:1] == ["cpu"] and "broken" not in dt.backends.names()
assert dt.ones(2).sum().item() == 2
"""

REGISTER = "import dovetail as dt\ndef register():\n    "


def wrong_words(python, folder):
    """What all ways of asking say, which must be one text."""
    said = set(python(PROGRAM, folder).strip().split("backends.load: ")[1:])
    texts = {text.strip() for text in said}
    assert len(texts) == 1, texts
    return texts.pop()


@pytest.mark.parametrize(
    "source, value, words",
    [
        ("import no_such_module", "register", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "register", "ZeroDivisionError: division by zero"),
        ("def register():\n    raise OSError('no licence')", "register", "OSError: no licence"),
        ("", "nowhere", "has no attribute 'nowhere'"),
        ("register = 7", "register", "TypeError: 'int' object is not callable"),
        ("def register(): pass", "register", "broken_plugin:register registered no backend of that name"),
        (REGISTER + "dt.backends.register('broken', object())", "register", "has no method device_count()"),
        (REGISTER + "dt.backends.register('cpu', object())", "register", "the backend 'cpu' has no method"),
    ],
    ids=["import", "raises", "register-raises", "nowhere", "no-function", "nothing", "no-methods", "taken"],
)
def test_in_python(announce, python, source, value, words):
    said = wrong_words(python, announce(source, value))
    assert said.startswith("the backend 'broken' of broken-plugin 1.2 can't be loaded: ") and words in said, said


@pytest.mark.parametrize(
    "flags, words",
    [
        (["-DWITHOUT_KERNELS"], "device_count, get_kernel, alloc, free and copy must be given"),
        (["-DSTRUCT_SIZE=0"], "struct_size must be sizeof(dt_backend), got 0"),
        (["-DSTRUCT_SIZE=40"], "device_count, get_kernel, alloc, free and copy must be given"),
        (["-DSTRUCT_SIZE=4000000000u"], "struct_size must be sizeof(dt_backend), got 4000000000"),
        (["-DNAME=NULL"], "name, device_count, get_kernel"),
        (['-DNAME="A Quill:0"'], "must be of lower-case letters, digits and underscores"),
        (['-DNAME="cpu"'], "a backend of that name is registered already"),
        (["-DWITHOUT_ENTRY"], "it exports no function dovetail_backend()"),
        (["-DWITHOUT_TABLE"], "quill: the ink has dried"),
    ],
    ids=["kernels", "size-0", "size-40", "size-huge", "no-name", "bad-name", "taken", "no-entry", "no-table"],
)
def test_in_c(announce, python, tmp_path, flags, words):
    library = compile_library(
        tmp_path / "broken.so", QUILL, dt.get_include(), *flags, "-Wno-unused-variable", "-Wno-unused-function"
    )
    said = wrong_words(python, announce(f"{REGISTER}dt.backends.load_library({str(library)!r})"))
    assert "of broken-plugin 1.2 can't be loaded: ImportError: backends.load_library: " in said and words in said, said


def test_no_library_at_all(announce, python, tmp_path):
    (tmp_path / "broken.so").write_text("not a library")
    said = wrong_words(python, announce(f"{REGISTER}dt.backends.load_library({str(tmp_path / 'broken.so')!r})"))
    assert "broken.so: file too short" in said or "invalid ELF header" in said


def test_the_conformance_check_says_what_is_wrong(announce, python):
    folder = announce("raise OSError('no licence')")
    program = """
import contextlib, io
from dovetail.testing.backend import main
said = io.StringIO()
with contextlib.redirect_stderr(said):
    status = main(["broken"])
print(status, said.getvalue())
"""
    assert python(program, folder).startswith("2 check: backends.load: the backend 'broken' of broken-plugin 1.2 can't")


def test_a_kernel_that_fails_says_so(python, tmp_path):
    library = compile_library(tmp_path / "quill.so", QUILL, dt.get_include())
    program = f"""
import dovetail as dt
dt.backends.load_library({str(library)!r})
page = dt.zeros(4, 6)[:, ::2].to("quill")
try:
    -page.T[::2, ::2]
except ValueError as error:
    print(error)
for call in (lambda: page + 1, lambda: -dt.zeros(2, dtype=dt.complex64).to("quill")):
    try:
        call()
    except NotImplementedError as error:
        print(error)
"""
    first, second, third = python(program).strip().splitlines()
    assert first == "neg: quill writes lines, not pages"
    assert second.startswith("add: backend 'quill' has no kernel for dtype float32")
    assert third.startswith("neg: backend 'quill' has no kernel for dtype complex64; ")
