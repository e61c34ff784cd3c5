"""Wheels of the packages as they stand, built once for each state of their sources.

`build/wheelhouse/<package>/<key>/` holds the wheel for the sources that hash to <key>; nothing else is looked at, so an
unchanged package is never built again and a changed one is never taken for its old self.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WHEELHOUSE = ROOT / "build" / "wheelhouse"
PACKAGES = ("tensor-core", "autograd", "nn", "optim", "data", "onnx-export", "dovetail")

# No part of a wheel: what builds and tests leave behind, and the products of an editable install.
SKIPPED = {"build", "dist", "tests", "__pycache__", "include"}


def pyproject(package: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text(encoding="utf-8"))


def build_requirements(packages: tuple[str, ...] = PACKAGES) -> list[str]:
    """What the packages need to be built, each requirement once."""
    return sorted({name for package in packages for name in pyproject(package)["build-system"]["requires"]})


def third_party(package: str) -> list[str]:
    """What the package requires that is not ours."""
    requirements: list[str] = pyproject(package)["project"]["dependencies"]
    return [requirement for requirement in requirements if not requirement.startswith("dovetail")]


def extras(package: str) -> list[str]:
    """What the package's extras require that is not ours."""
    named: dict[str, list[str]] = pyproject(package)["project"].get("optional-dependencies", {})
    return [each for requirements in named.values() for each in requirements if not each.startswith("dovetail")]


def closure(package: str) -> list[str]:
    """The package and the siblings that its metadata, and theirs, require: nothing that is not declared."""
    found = [package]
    for name in found:
        for requirement in pyproject(name)["project"]["dependencies"]:
            sibling = re.split(r"[^a-z0-9-]", requirement, maxsplit=1)[0].removeprefix("dovetail-")
            if sibling in PACKAGES and sibling not in found:
                found.append(sibling)
    return found


def sources(package: str) -> Iterator[Path]:
    """Every file that the package's wheel is made from."""
    folder = ROOT / "packages" / package
    sdist = pyproject(package)["tool"]["hatch"]["build"].get("targets", {}).get("sdist", {})
    for start in [folder, *((folder / outside).resolve() for outside in sdist.get("force-include", {}))]:
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            skipped = SKIPPED.intersection(path.relative_to(ROOT).parts) or path.suffix == ".so"
            if path.is_file() and not skipped:
                yield path


def folder(package: str, variant: str = "") -> Path:
    """Where the wheel of the package as it stands is, or belongs; `variant` says how it is built, if otherwise."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sysconfig.get_platform()}".encode())
    for path in sources(package):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return WHEELHOUSE / "-".join(filter(None, (package, *re.findall(r"\w+", variant)))) / digest.hexdigest()[:16]


def find(package: str, variant: str = "") -> Path | None:
    """The wheel of the package as it stands, if it has been built."""
    return next(folder(package, variant).glob("*.whl"), None)


def wheels(packages: list[str] | tuple[str, ...] = PACKAGES) -> list[str]:
    """The wheels of the packages, all of which must have been built."""
    found = {package: find(package) for package in packages}
    missing = [package for package, wheel in found.items() if wheel is None]
    if missing:
        raise FileNotFoundError(f"no wheel of {', '.join(missing)} as it stands: nox -s wheels")
    return [str(wheel) for wheel in found.values()]


def variant(package: str, variant: str, build: Callable[[], Path]) -> str:
    """The wheel of the package as it stands that is built otherwise, by `build` if it is not there."""
    if not find(package, variant):
        keep(build(), folder(package, variant))
    return str(find(package, variant))


def keep(built: Path, target: Path, beside: bool = False) -> None:
    """Put a wheel just built into its folder, in place of all in the folders beside it, or not."""
    shutil.rmtree(target if beside else target.parent, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.move(built, target / built.name)
