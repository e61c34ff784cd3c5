"""CUDA as a backend of Dovetail. The device type "cuda" is what users meet, and `dovetail.cuda`."""

from __future__ import annotations

from pathlib import Path

from dovetail import backends

from .__about__ import __version__ as __version__


def register() -> None:
    """The entry point: called when the device type "cuda" is first named."""
    backends.load_library(Path(__file__).with_name("libdovetail_cuda.so"))
