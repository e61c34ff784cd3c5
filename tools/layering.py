"""Checks what each room of the house may touch (docs/architecture.md), from Python imports and C++ includes.

python tools/layering.py        prints every violation and ends with 1 if there is one
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Distribution folder -> the piece of `dovetail` it owns ("" is the root: tensor-core).
PIECES = {
    "tensor-core": "",
    "tensor-core-cuda": "_cuda",
    "autograd": "autograd",
    "nn": "nn",
    "optim": "optim",
    "data": "data",
    "onnx-export": "onnx",
}

# Names under `dovetail` that a piece owns beside its own.
ALSO = {"amp": "autograd"}

# What a piece may import besides itself and the core.
MAY_IMPORT = {
    "": set(),
    "_cuda": set(),
    "autograd": set(),
    "nn": {"autograd"},
    "optim": set(),
    "data": set(),
    "onnx": {"nn"},
}

# Files with a door of their own. The core names the pieces only to load them when they are first asked for.
DOORS = {
    "tensor-core/src/dovetail/__init__.py": {"autograd", "nn", "optim", "data", "onnx"},
    "tensor-core/src/dovetail/cpu/amp.py": {"autograd"},
    "tensor-core/src/dovetail/cuda/amp.py": {"autograd"},
    "tensor-core/src/dovetail/utils/__init__.py": {"autograd", "data"},
    "optim/src/dovetail/optim/swa_utils.py": {"nn"},
}

# Distribution on the registry -> module, where the names differ.
MODULES = {"scipy-openblas32": "scipy_openblas32", "ml-dtypes": "ml_dtypes"}

# Folder of csrc/ -> the quoted includes it may use (a header, or a first folder), and whether it may include Python's.
# One header of abi/ may too: abi_python.hpp, which fetches the table from its capsule.
INCLUDES = {
    "abi": ({"dovetail"}, False),
    "kernels": ({"dovetail/abi.h", "kernels"}, False),
    "core": ({"dovetail", "core"}, False),
    "autograd": ({"dovetail", "autograd"}, False),
    "autograd/bindings": ({"dovetail", "autograd"}, True),
    "bindings": ({"dovetail", "core", "bindings"}, True),
}


def violations() -> Iterator[str]:
    for package in PIECES:
        for path in sorted((ROOT / "packages" / package / "src").rglob("*.py")):
            yield from check_python(path, package, path.read_text(encoding="utf-8"))
    csrc = ROOT / "csrc"
    for path in sorted(csrc.rglob("*")):
        if path.suffix in {".h", ".hpp", ".inc", ".cc", ".cu"}:
            folder = max((name for name in INCLUDES if path.is_relative_to(csrc / name)), key=len)
            yield from check_cxx(path, folder, path.read_text(encoding="utf-8"))


def check_python(path: Path, package: str, source: str) -> Iterator[str]:
    """Violations of one Python file of a distribution."""
    piece = PIECES[package]
    relative = path.relative_to(ROOT).as_posix()
    allowed = {piece, ""} | MAY_IMPORT[piece] | DOORS.get(relative.removeprefix("packages/"), set())
    third_party = declared_modules(package)
    for line, name in imported(ast.parse(source), module_of(path)):
        first, *rest = name.split(".")
        if first == "dovetail":
            target = ALSO.get(rest[0], rest[0]) if rest else ""
            target = target if target in PIECES.values() else ""
            if target not in allowed:
                yield f"{relative}:{line}: {package} may not use dovetail.{target}"
        elif first not in sys.stdlib_module_names and first not in third_party:
            yield f"{relative}:{line}: {first} is not among the dependencies that {package} declares"


def imported(tree: ast.AST, module: list[str]) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a file reaches: imports, import_module("..."), and dt.nn by attribute."""
    roots = {"dovetail"} | {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "dovetail" and alias.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] if node.level else []
            parts = base + (node.module.split(".") if node.module else [])
            yield from ((node.lineno, ".".join([*parts, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in roots:
            yield node.lineno, f"dovetail.{node.attr}"
        elif isinstance(node, ast.Call) and node.args and callee(node) in {"import_module", "__import__"}:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value


def callee(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def module_of(path: Path) -> list[str]:
    """The dotted module of a source file with a last part for the file, so that level 1 is its package."""
    parts = list(path.with_suffix("").parts)
    return parts[parts.index("src") + 1 :]


def declared_modules(package: str) -> set[str]:
    """Top-level modules of the dependencies and extras in the distribution's pyproject.toml."""
    project = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project.get("dependencies", [])]
    for extra in project.get("optional-dependencies", {}).values():
        requirements += extra
    names = {re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0] for requirement in requirements}
    return {MODULES.get(name, name) for name in names}


def check_cxx(path: Path, folder: str, source: str) -> Iterator[str]:
    """Violations of one C++ file of a folder of csrc/."""
    allowed, python = INCLUDES[folder]
    python |= path.name == "abi_python.hpp"
    for number, line in enumerate(source.splitlines(), start=1):
        match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if not match:
            continue
        quoted, name = match[1] == '"', match[2]
        where = f"{path.relative_to(ROOT)}:{number}"
        if name == "Python.h" or name.startswith("pybind11/"):
            if not python:
                yield f"{where}: {folder} may not include {name}"
        elif quoted and "/" in name and name not in allowed and name.split("/")[0] not in allowed:
            yield f"{where}: {folder} may not include {name}"
        elif quoted and "/" not in name:
            yield f'{where}: include "{name}" by its path from csrc/'


def main() -> int:
    found = list(violations())
    print("\n".join(found) if found else "every room keeps to its own")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
