"""Releases, as the repository's history tells them.

The release of a version is the tag `<folder>-v<version>` where there is one, else the last commit at which the
package's `__about__` still says that version. What the tree says now is no release yet.

    python tools/releases.py    every release: package, version, commit
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import wheelhouse

ROOT = wheelhouse.ROOT
RELEASES = ROOT / "build" / "releases"


@dataclass(frozen=True)
class Release:
    package: str
    version: str
    commit: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"

    def tree(self) -> Path:
        """The repository as it was; written out on first use."""
        target = RELEASES / self.commit[:12]
        if not target.is_dir():
            archive = _git("archive", "--format=tar", self.commit)
            unfinished = target.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(unfinished, filter="data")
            unfinished.rename(target)
        return target

    def wheel_folder(self) -> Path:
        """Where this machine's wheel of the release is kept."""
        machine = hashlib.sha256(f"{sys.implementation.cache_tag} {sysconfig.get_platform()}".encode()).hexdigest()
        return RELEASES / "wheels" / f"{self.package}-{self.version}-{self.commit[:12]}-{machine[:8]}"

    def wheel(self) -> Path | None:
        """The wheel, if it has been built."""
        return next(self.wheel_folder().glob("*.whl"), None)

    def show(self, path: str) -> str:
        """A file of the repository as it was."""
        return _git("show", f"{self.commit}:{path}").decode()


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def _version(text: str) -> str:
    found = re.search(r'__version__ = "([^"]+)"', text)
    assert found, "an __about__ says its version"
    return found[1]


def _version_at(commit: str, path: str) -> str | None:
    try:
        return _version(_git("show", f"{commit}:{path}").decode())
    except subprocess.CalledProcessError:  # it was not there
        return None


def about(package: str) -> str:
    """The file that says the package's version."""
    return f"packages/{package}/{wheelhouse.pyproject(package)['tool']['hatch']['version']['path']}"


def head_version(package: str) -> str:
    """The version that the tree says."""
    return _version((ROOT / about(package)).read_text(encoding="utf-8"))


def releases(package: str) -> list[Release]:
    """The package's releases, the newest first; none where there is no history to tell."""
    try:
        changes = _git("log", "--first-parent", "--format=%H", "--", about(package)).decode().split()
        tags = _git("tag", "--list", f"{package}-v*").decode().split()
    except (OSError, subprocess.CalledProcessError):
        return []
    found: dict[str, str] = {}
    for change in changes:
        before = _version_at(f"{change}^", about(package))
        if before is not None and before != _version_at(change, about(package)):
            found.setdefault(before, _git("rev-parse", f"{change}^").decode().strip())
    for tag in tags:
        found[tag.removeprefix(f"{package}-v")] = _git("rev-list", "-1", tag).decode().strip()
    found.pop(head_version(package), None)
    ordered = sorted(found.items(), key=lambda item: [int(n) for n in re.findall(r"\d+", item[0])], reverse=True)
    return [Release(package, version, commit) for version, commit in ordered]


def newest(package: str) -> Release | None:
    return next(iter(releases(package)), None)


if __name__ == "__main__":
    for name in wheelhouse.PACKAGES:
        for release in releases(name):
            print(f"{name:12} {release.version:8} {release.commit}")
