"""What releases promised: found in history, held against the tree; and which pieces may meet."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import api_breaks
import matrix
import pytest
import releases
import wheelhouse

# ---- finding releases ----


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A repository of one package; a function that commits a version of it."""

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(version: str, content: str = "") -> str:
        (tmp_path / "about.py").write_text(f'__version__ = "{version}"\n')
        (tmp_path / "content").write_text(content)
        git("add", "-A")
        git("commit", "--allow-empty", "-m", version)
        return git("rev-parse", "HEAD")

    git("init", "-q")
    monkeypatch.setattr(releases, "ROOT", tmp_path)
    monkeypatch.setattr(releases, "RELEASES", tmp_path / "build" / "releases")
    monkeypatch.setattr(releases, "about", lambda package: "about.py")
    commit.git = git  # type: ignore[attr-defined]
    return commit


def test_a_release_is_the_last_commit_with_its_version(history: Any) -> None:
    history("0.1.0")
    last = history("0.1.0", "more")
    history("0.2.0")
    newest = history("0.2.0", "done")
    history("0.10.0")
    found = releases.releases("nn")
    assert [(r.version, r.commit) for r in found] == [("0.2.0", newest), ("0.1.0", last)]
    assert (found[0].tree() / "content").read_text() == "done"
    assert found[1].show("content") == "more"


def test_a_tag_goes_before_history(history: Any) -> None:
    first = history("0.1.0")
    history("0.1.0", "after the release")
    history.git("tag", "nn-v0.1.0", first)
    history("0.2.0")
    assert [r.commit for r in releases.releases("nn")] == [first]


def test_what_the_tree_says_is_no_release(history: Any) -> None:
    history("0.1.0")
    history("0.1.0", "more")
    assert releases.releases("nn") == []


def test_this_repository() -> None:
    for package in wheelhouse.PACKAGES:
        assert all(release.version != releases.head_version(package) for release in releases.releases(package))


# ---- breaks ----

OLD = """
class Layer:
    def __init__(self, size: int, bias: bool = True) -> None: ...
    def forward(self, x): ...
class Special(Layer):
    pass
def helper(a, b=1): ...
def _private(): ...
"""


def broken(tmp_path: Path, new: str) -> list[tuple[str, str]]:
    modules = []
    for name, source in (("old", OLD), ("new", new)):
        folder = tmp_path / name / "nn" / "src" / "dovetail" / "nn"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("")
        (folder / "__init__.py").write_text(source)
        modules.append(api_breaks.load(tmp_path / name, tmp_path / "links" / name))
    return sorted(api_breaks.breaks(*modules))


def test_additions_break_nothing(tmp_path: Path) -> None:
    new = OLD.replace("bias: bool = True", "bias: bool = True, more=None").replace("def _private(): ...", "")
    assert broken(tmp_path, new + "class Added: pass\n") == []


def test_what_goes_or_changes_is_found_once(tmp_path: Path) -> None:
    new = OLD.replace("size: int", "width: int").replace("def forward", "def forwards").replace("def helper", "def _h")
    assert broken(tmp_path, new) == [
        ("dovetail.nn.Layer.__init__", "Parameter was added as required: width"),
        ("dovetail.nn.Layer.__init__", "Parameter was removed: size"),
        ("dovetail.nn.Layer.forward", "Public object was removed: forward"),
        ("dovetail.nn.helper", "Public object was removed: helper"),
    ]
    assert api_breaks.owner("dovetail.nn.Layer.forward") == "nn"
    assert api_breaks.owner("dovetail.softmax") == "tensor-core"


def test_only_a_major_version_may_break() -> None:
    assert not api_breaks.may_break("0.1.0", "0.2.0")
    assert api_breaks.may_break("0.9.0", "1.0.0")


# ---- the matrix ----


def wheel(folder: Path, name: str, version: str, *requires: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = [f"Name: dovetail-{name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines))
    return path


def test_what_metadata_forbids(tmp_path: Path) -> None:
    core = wheel(tmp_path, "tensor-core", "0.1.0", "numpy>=2")
    good = wheel(tmp_path, "nn", "0.1.0", "dovetail-tensor-core<1,>=0.1")
    newer = wheel(tmp_path, "optim", "0.2.0", "dovetail-tensor-core<1,>=0.2")
    plugin = matrix.Metadata("somebodys-backend", "3.1", ["dovetail-tensor-core<0.1"])
    assert matrix.forbidden([matrix.metadata(path) for path in (core, good)]) == []
    assert matrix.forbidden([matrix.metadata(core), plugin]) == ["somebodys-backend 3.1 requires tensor-core<0.1"]
    assert matrix.forbidden([matrix.metadata(path) for path in (core, good, newer)]) == [
        "optim 0.2.0 requires tensor-core<1,>=0.2"
    ]


def test_cells() -> None:
    cell = matrix.Cell("autograd", "released")
    assert [cell.state_of(p) for p in ("tensor-core", "autograd", "nn")] == ["head", "released", "head"]
    assert cell.tested() == ["autograd", "nn"]


def test_counts(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert matrix.counts(report) == (0, 1)
    report.write_text('<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/></testsuites>')
    assert matrix.counts(report) == (4, 2)
