"""Hatchling's way to the build hook: beside this file in an sdist, in tools/ in the repository."""

import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "tools")]

from cmake_hook import CMakeBuildHook  # noqa: E402, F401
