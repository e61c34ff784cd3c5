"""Compile csrc/ into the wheel: one call of the C compiler, against the header that tensor-core ships."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# -ffp-contract=off: the same numbers on every machine.
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden", "-shared"]


class CompileHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        import dovetail

        self.folder = tempfile.TemporaryDirectory()
        library = Path(self.folder.name) / "libcedar.so"
        sources = sorted(map(str, Path(self.root, "csrc").glob("*.c")))
        subprocess.run(
            [os.environ.get("CC", "cc"), *FLAGS, "-I", dovetail.get_include(), *sources, "-o", str(library), "-lm"],
            check=True,
        )
        build_data["force_include"][str(library)] = "dovetail_cedar/libcedar.so"
        # The library knows nothing of Python: one wheel serves every version of it.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self.folder.cleanup()
