"""What each room may touch (docs/architecture.md): the tree keeps to it, and the check sees who would not."""

import layering
import pytest

PACKAGES = layering.ROOT / "packages"
CSRC = layering.ROOT / "csrc"


def test_the_tree_keeps_to_the_table():
    assert list(layering.violations()) == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("optim", "from dovetail.autograd import no_grad"),
        ("optim", "import dovetail.nn as nn"),
        ("optim", "import dovetail as dt\ndt.nn.Linear(1, 1)"),
        ("optim", "from dovetail import autograd"),
        ("optim", "from dovetail.amp import GradScaler"),
        ("tensor-core", "import dovetail as dt\ndt.amp.autocast"),
        ("tensor-core", "import importlib\nimportlib.import_module('dovetail.autograd')"),
        ("nn", "def late():\n    from ..optim import SGD"),
        ("nn", "import torch"),
        ("data", "import scipy.stats"),
    ],
)
def test_a_forbidden_import_is_seen(package, source):
    piece = layering.PIECES[package]
    path = PACKAGES / package / "src" / "dovetail" / piece / "trial.py"
    assert len(list(layering.check_python(path, package, source))) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("nn", "import dovetail as dt\nfrom dovetail.autograd import no_grad\nfrom .module import Module\ndt.add"),
        ("nn", "from dovetail.amp import autocast"),
        ("data", "import numpy as np\nimport dovetail as dt\nimport os.path"),
        ("onnx-export", "import onnx\nfrom dovetail.nn import Module"),
    ],
)
def test_an_allowed_import_passes(package, source):
    path = PACKAGES / package / "src" / "dovetail" / layering.PIECES[package] / "trial.py"
    assert list(layering.check_python(path, package, source)) == []


@pytest.mark.parametrize(
    ("folder", "include"),
    [
        ("kernels", '"core/tensor.h"'),
        ("kernels", '"dovetail/abi.hpp"'),
        ("core", "<Python.h>"),
        ("core", '"kernels/cpu/registry.h"'),
        ("autograd", '"core/tensor.h"'),
        ("abi", '"core/tensor.h"'),
        ("bindings", '"types.h"'),
    ],
)
def test_a_forbidden_include_is_seen(folder, include):
    assert len(list(layering.check_cxx(CSRC / folder / "trial.cc", folder, f"#include {include}\n"))) == 1


def test_every_package_is_in_the_table():
    folders = {path.parent.name for path in PACKAGES.glob("*/pyproject.toml")}
    assert folders == {*layering.PIECES, "dovetail"}
