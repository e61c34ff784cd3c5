"""What is installed: light, lazy, typed, and of one mind about versions."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

import dovetail as dt

DISTRIBUTIONS = {
    "dovetail-tensor-core": "dovetail",
    "dovetail-autograd": "dovetail.autograd",
    "dovetail-nn": "dovetail.nn",
    "dovetail-optim": "dovetail.optim",
    "dovetail-data": "dovetail.data",
    "dovetail-onnx-export": "dovetail.onnx",
}


def requirements(distribution: str) -> set[str]:
    """The names of what a distribution requires, extras left out."""
    listed = importlib.metadata.requires(distribution) or []
    return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in listed if "extra ==" not in line}


def installed_bytes(distribution: str) -> int:
    files = importlib.metadata.files(distribution) or []
    return sum(Path(file.locate()).stat().st_size for file in files if Path(file.locate()).is_file())


def test_the_core_is_light():
    """Everything that tensor-core needs beside NumPy stays within 45 MB."""
    parts = {"dovetail-tensor-core"} | requirements("dovetail-tensor-core") - {"numpy"}
    assert sum(map(installed_bytes, parts)) < 45e6


@pytest.mark.parametrize(("distribution", "module"), DISTRIBUTIONS.items())
def test_each_piece_has_its_version_and_types(distribution, module):
    folder = Path(dt.__file__).parent
    if module != "dovetail":
        folder = Path(importlib.import_module(module).__file__).parent
    assert (folder / "py.typed").is_file()
    about = (folder / "__about__.py").read_text(encoding="utf-8")
    assert f'"{importlib.metadata.version(distribution)}"' in about


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_siblings_are_required_as_ranges(distribution):
    for requirement in importlib.metadata.requires(distribution) or []:
        if requirement.startswith("dovetail"):
            assert re.search(r">=\d+\.\d+", requirement) and "<1" in requirement, requirement


def test_headers_are_shipped():
    assert (Path(dt.get_include()) / "dovetail" / "abi.h").is_file()
