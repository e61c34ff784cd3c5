"""A pytest plug-in that registers the CUDA backend, compiled as plain C++ over a pretended device, as "cuda":

    python -m pytest -p pretended_cuda ...      with this folder on PYTHONPATH

Everything runs but the launch itself and cuBLAS; see cuda_runtime.h. Run as a program, it compiles the library alone,
or checks the backend: `python pretended_cuda.py conformance`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent
CSRC = next(path for path in (PACKAGE / "csrc", PACKAGE.parent.parent / "csrc") if path.is_dir())
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-Wno-unknown-pragmas"]
INCLUDES = [f"-I{HERE}", f"-I{CSRC}", f"-I{CSRC / 'abi'}"]


def sources() -> list[Path]:
    kernels = sorted((CSRC / "kernels" / "cuda").glob("*.cu"))
    return [path for path in kernels if path.stem != "blas"] + [HERE / "runtime.cc", HERE / "blas.cc"]


def key() -> str:
    """Of everything that is compiled: an unchanged library is built once."""
    digest = hashlib.sha256()
    folders = [CSRC / "abi" / "dovetail", CSRC / "kernels" / "common", CSRC / "kernels" / "cuda", HERE]
    for path in sorted(path for folder in folders for path in folder.iterdir() if path.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def build() -> Path:
    """The library, compiled if it has not been."""
    folder = Path(os.environ.get("DOVETAIL_PRETENDED_CUDA", tempfile.gettempdir())) / f"dovetail-cuda-{key()}"
    library = folder / "libdovetail_cuda.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    launcher = os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", "").split(";")
    compiler = [*filter(None, launcher), os.environ.get("CXX", "c++")]

    def compile_one(source: Path) -> str:
        target = str(folder / f"{source.parent.name}-{source.stem}.o")
        subprocess.run([*compiler, *FLAGS, *INCLUDES, "-x", "c++", "-c", str(source), "-o", target], check=True)
        return target

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = list(pool.map(compile_one, sources()))
    unfinished = folder / f"{os.getpid()}.so"
    subprocess.run([compiler[-1], "-shared", "-o", str(unfinished), *objects], check=True)
    unfinished.replace(library)
    return library


def register() -> None:
    from dovetail import backends

    if "cuda" not in backends.names():
        backends.load_library(build())


if __name__ == "__main__":
    if sys.argv[1:] == ["conformance"]:
        register()
        from dovetail.testing.backend import main

        sys.exit(main(["cuda"]))
    print(build())
else:
    register()
