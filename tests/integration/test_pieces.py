"""Pieces that are not there, and imports that stay small."""

import subprocess
import sys

import pytest
import releases


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r} or name.startswith({name!r} + "."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
import dovetail as dt
"""


@pytest.mark.parametrize(
    "piece, distribution",
    [("nn", "dovetail-nn"), ("optim", "dovetail-optim"), ("data", "dovetail-data"), ("onnx", "dovetail-onnx-export")],
)
def test_an_absent_piece_says_what_to_install(piece, distribution):
    done = python(HIDE.format(name=f"dovetail.{piece}") + f"dt.{piece}")
    assert f"dovetail.{piece} needs the distribution {distribution}: pip install {distribution}" in done.stderr


@pytest.mark.parametrize(
    "use", ["dt.ones(1).requires_grad_()", "dt.ones(1, requires_grad=True)", "dt.ones(1).backward()"]
)
def test_gradients_without_autograd(use):
    done = python(HIDE.format(name="dovetail.autograd") + use)
    assert done.returncode == 1 and "dovetail-autograd" in done.stderr and "pip install" in done.stderr


def test_a_pieces_own_missing_import_is_not_masked():
    done = python(HIDE.format(name="onnxruntime") + HIDE.format(name="onnx") + "dt.onnx")
    assert "No module named 'onnx'" in done.stderr and "needs the distribution" not in done.stderr


def test_importing_loads_the_core_alone():
    done = python(
        "import sys, dovetail\n"
        "late = ('numpy', 'safetensors', 'dovetail.nn', 'dovetail.autograd', 'dovetail.optim')\n"
        "print([m for m in late if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_pieces_load_when_they_are_named():
    done = python(
        "import dovetail as dt\n"
        "print(*[piece.__version__ for piece in (dt.nn, dt.optim, dt.data, dt.autograd, dt.onnx)])"
    )
    pieces = ("nn", "optim", "data", "autograd", "onnx-export")
    assert done.stdout.split() == [releases.head_version(piece) for piece in pieces], done.stderr
