"""The build hook of the compiled packages: CMake and ninja, once, for wheels, editable installs and tools/build.py.

A package's hatch_build.py imports this file from beside itself (in an sdist) or from tools/ (in the repository).
DOVETAIL_SANITIZE=address,undefined in the environment builds with these sanitizers, in a folder of its own.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CMakeBuildHook(BuildHookInterface[Any]):
    """Compiles the package into a wheel, or in place for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable":
            build_in_place(root)
        else:
            folder = build(root, "wheel")
            stage = folder / "stage"
            shutil.rmtree(stage, ignore_errors=True)
            # A sanitizer's report names functions by what stripping would remove.
            run("cmake", "--install", folder, "--prefix", stage, *([] if sanitizers() else ["--strip"]))
            build_data["force_include"][str(stage)] = "/"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def build(root: Path, kind: str, *options: str) -> Path:
    """Configure and compile what changed of the package in `root`; returns the build folder."""
    # Wheels and editable installs are built by different environments; sharing a folder would rebuild all in turns.
    kinds = [kind, *filter(None, sanitizers().split(","))]
    folder = root / "build" / f"{sys.implementation.cache_tag}-{'-'.join(kinds)}"
    folder.mkdir(parents=True, exist_ok=True)
    check_compiler()
    prefixes = [path for path in map(package_folder, ("pybind11", "scipy_openblas32")) if path]
    with open(folder / "lock", "w") as lock:  # two builds of one tree take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(
            *("cmake", "-S", root, "-B", folder, "-G", "Ninja"),
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}",
            f"-DDOVETAIL_SANITIZE={sanitizers()}",
        )
        run("cmake", "--build", folder, "--parallel", str(len(os.sched_getaffinity(0))), *options)
    return folder


def build_in_place(root: Path, *options: str) -> None:
    """Compile, and put the products into the package's src/, where an editable install finds them."""
    products = build(root, "editable", *options) / "inplace"
    for product in filter(Path.is_file, products.rglob("*")):
        target = root / "src" / product.relative_to(products)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A new file each time: a process that has the old module mapped keeps it.
        temporary = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copy2(product, temporary)
        os.replace(temporary, target)


def sanitizers() -> str:
    """Those that the environment asks for, separated by commas."""
    return os.environ.get("DOVETAIL_SANITIZE", "")


def package_folder(name: str) -> str | None:
    """Where the build environment has the package, if it has it."""
    spec = importlib.util.find_spec(name)
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None


def check_compiler() -> None:
    """CMake's own words for a missing compiler are long; raises RuntimeError in short ones."""
    names = [os.environ["CXX"].split()[0]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    if not any(map(shutil.which, names)):
        raise RuntimeError(
            f"the build needs a C++17 compiler and found none (looked for {', '.join(names)}): "
            "install g++ or clang, or set CXX to one"
        )


def run(*command: str | Path) -> None:
    # cmake and ninja from the registry lie beside the interpreter, which need not be on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which(command[0], path=path)
    if program is None:
        raise RuntimeError(f"the build needs {command[0]}: pip install {command[0]}")
    subprocess.run([program, *map(str, command[1:])], check=True, env={**os.environ, "PATH": path})
