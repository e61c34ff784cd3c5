"""Breaks of what a release promised: each package's public Python names, and the ABI's ledger.

    python tools/api_breaks.py    every break since the newest releases; ends with 1 if the versions do not allow them

A package may break its API only with a new major version; the ABI only with a new DT_ABI_MAJOR.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import abi
import griffe
import releases
import wheelhouse
from link_tree import link_tree

# The packages by the names that they bring. The core's are those that none of the others has.
PIECES = {
    "amp": "autograd",
    "autograd": "autograd",
    "nn": "nn",
    "optim": "optim",
    "data": "data",
    "onnx": "onnx-export",
}
LEDGER = abi.LEDGER.relative_to(abi.ROOT).as_posix()


def load(packages: Path, target: Path) -> griffe.Module:
    """The whole of `dovetail` in a folder of packages, read and not run."""
    link_tree(target, packages)
    module = griffe.load("dovetail", search_paths=[target], allow_inspection=False)
    assert isinstance(module, griffe.Module)
    return module


def owner(path: str) -> str:
    """The package that an object belongs to."""
    piece = path.split(".")[1] if "." in path else ""
    return PIECES.get(piece, "tensor-core")


def breaks(old: griffe.Module, new: griffe.Module) -> Iterator[tuple[str, str]]:
    """Where the API broke, and how: ("dovetail.nn.Linear.__init__", "Parameter was removed: in_features")."""
    for breakage in griffe.find_breaking_changes(old, new):
        if breakage.obj.inherited:  # said where it is defined
            continue
        values = (getattr(value, "name", value) for value in (breakage.old_value, breakage.new_value))
        shown = " -> ".join(str(value) for value in values if value not in (None, ""))
        yield breakage.obj.path, breakage.kind.value + (f": {shown}" if shown else "")


def may_break(old: str, new: str) -> bool:
    return int(new.split(".")[0]) > int(old.split(".")[0])


def python_breaks() -> Iterator[str]:
    """A line for every break of the Python API that the versions do not allow."""
    work = wheelhouse.ROOT / "build" / "api"
    head = load(wheelhouse.ROOT / "packages", work / "head")
    loaded: dict[str, griffe.Module] = {}
    for package in wheelhouse.PACKAGES:
        release = releases.newest(package)
        if release is None or package == "dovetail" or may_break(release.version, releases.head_version(package)):
            continue
        if release.commit not in loaded:
            loaded[release.commit] = load(release.tree() / "packages", work / release.commit[:12])
        for path, text in breaks(loaded[release.commit], head):
            if owner(path) == package:
                yield f"{release}: {path}: {text}"


def ledger_breaks() -> Iterator[str]:
    """A line for every entry of the released ledger that is not in today's."""
    release = releases.newest("tensor-core")
    if release is None:
        return
    old, new = release.show(LEDGER).splitlines(), set(abi.LEDGER.read_text(encoding="utf-8").splitlines())
    versions = [line.split(" ")[0] for line in [*old, *new] if line[:1].isdigit()]
    if may_break(versions[0], max(versions, key=lambda version: int(version.split(".")[0]))):
        return
    yield from (f"{release}: gone from the ABI's ledger: {line}" for line in old if line not in new)


def main() -> int:
    found = [*python_breaks(), *ledger_breaks()]
    print("\n".join(found) or "no break since the newest releases")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
