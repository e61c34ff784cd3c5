"""The integration matrix: which versions of the pieces are tried together, and the grid of what came out.

A cell takes one piece in one state (its newest release, or the head) with all others in the other. What the metadata
forbids is not tried, and said.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from zipfile import ZipFile

import releases
import wheelhouse
from packaging.requirements import Requirement
from packaging.version import Version

LIBRARIES = [package for package in wheelhouse.PACKAGES if package != "dovetail"]
STATES = ("released", "head")


# What released tests should have left to the head, and cannot be taught any more.
LEFT_OUT = {
    ("tensor-core", "0.1.0"): ["tests/test_import.py::test_import_is_fast"],  # a time, on whatever machine
    ("onnx-export", "0.1.0"): ["tests/test_export.py::test_every_op_has_a_mapping_a_decomposition_or_a_reason"],
}


@dataclass(frozen=True)
class Cell:
    """`piece` in `state`, the others in the other one."""

    piece: str
    state: str

    def state_of(self, package: str) -> str:
        return self.state if package == self.piece else STATES[1 - STATES.index(self.state)]

    def tested(self) -> list[str]:
        """The pieces whose tests the combination concerns: this one, and those that require it."""
        return [package for package in LIBRARIES if self.piece in wheelhouse.closure(package)]


def cells(pieces: list[str]) -> list[Cell]:
    return [Cell(piece, state) for piece in pieces for state in STATES]


def missing_wheels() -> list[releases.Release]:
    """The newest releases whose wheels are yet to be built."""
    newest = [releases.newest(package) for package in LIBRARIES]
    return [release for release in newest if release and not release.wheel()]


def wheel(package: str, state: str) -> Path:
    """The wheel of a piece; a piece that was never released is there at its head alone."""
    release = releases.newest(package) if state == "released" else None
    found = release.wheel() if release else wheelhouse.find(package)
    assert found, f"the wheel of {package} ({state}) has been built"
    return found


def tree(package: str, state: str) -> Path:
    """The repository with the piece's tests."""
    release = releases.newest(package) if state == "released" else None
    return release.tree() if release else wheelhouse.ROOT


def left_out(package: str, state: str) -> list[str]:
    """pytest's options that leave out what is not about working together."""
    release = releases.newest(package) if state == "released" else None
    names = LEFT_OUT.get((package, release.version), []) if release else []
    options = [f"--deselect=packages/{package}/{name}" for name in names]
    knows_mark = "at_head" in (tree(package, state) / "pyproject.toml").read_text(encoding="utf-8")
    return [*options, "-m", "not at_head"] if knows_mark else options


class Metadata(NamedTuple):
    """What a distribution says of itself."""

    name: str
    version: str
    requires: list[str]


def metadata(wheel: Path) -> Metadata:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = HeaderParser().parsestr(archive.read(name).decode())
    return Metadata(message["Name"], message["Version"], message.get_all("Requires-Dist", []))


def forbidden(distributions: list[Metadata]) -> list[str]:
    """What their metadata has against their being together: `autograd 0.2.0 requires tensor-core>=0.2`."""
    versions = {each.name: Version(each.version) for each in distributions}
    objections = []
    for each in distributions:
        for requirement in map(Requirement, each.requires):
            other = versions.get(requirement.name)
            if other and not requirement.marker and other not in requirement.specifier:
                wanted = f"{short(requirement.name)}{requirement.specifier}"
                objections.append(f"{short(each.name)} {each.version} requires {wanted}")
    return objections


def short(distribution: str) -> str:
    return distribution.removeprefix("dovetail-")


def counts(report: Path) -> tuple[int, int]:
    """Tests that ran and tests that failed, of a JUnit report; (0, 1) if it was never written."""
    if not report.is_file():
        return 0, 1
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    ran = failed = 0
    for suite in suites:
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        ran += int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
    return ran, failed


def grid(results: dict[Cell, str], pieces: list[str], plugins: dict[tuple[str, str], str]) -> str:
    """The tables of all cells: of the pieces, and of the plug-ins, whose keys are a name and a state."""
    rows = [["piece", "its release, the others' heads", "its head, the others' releases"]]
    for piece in pieces:
        release = releases.newest(piece)
        versions = f"{piece} ({release.version if release else 'never released'} / {releases.head_version(piece)})"
        rows.append([versions, *(results.get(Cell(piece, state), "not tried") for state in STATES)])
    text = _table(rows)
    if plugins:
        rows = [["plug-in", "built and run with the releases", "the same, unrebuilt, with the heads"]]
        rows += [[name, *(plugins[name, state] for state in STATES)] for name in dict.fromkeys(n for n, _ in plugins)]
        text += "\n\n" + _table(rows)
    return text


def _table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])
