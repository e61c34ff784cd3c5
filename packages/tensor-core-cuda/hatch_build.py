"""Hatchling's way to the build hook: beside this file in an sdist, in tools/ in the repository."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

here = Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "tools")]

from cmake_hook import CMakeBuildHook  # noqa: E402


class CudaBuildHook(CMakeBuildHook):
    """The library is loaded by path and meets the core through its table: one wheel serves every Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not (os.environ.get("CUDACXX") or shutil.which("nvcc")):
            raise RuntimeError(
                "dovetail-tensor-core-cuda is compiled by nvcc, and there is none on PATH: "
                "install the CUDA toolkit 13, or set CUDACXX to its nvcc"
            )
        super().initialize(version, build_data)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["infer_tag"] = False
        build_data["tag"] = f"py3-none-{platform}"


def get_build_hook() -> type[CudaBuildHook]:
    return CudaBuildHook
