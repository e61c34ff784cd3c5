"""What the plug-ins' tests share: compiling one, announcing one, and fresh processes to try them in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dovetail as dt


@pytest.fixture(scope="session")
def header_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """The folder of the installed headers, as they would be in another version of the ABI."""

    def make(major: int, minor: int) -> Path:
        folder = tmp_path_factory.mktemp(f"headers-{major}.{minor}")
        shutil.copytree(dt.get_include(), folder, dirs_exist_ok=True)
        header = folder / "dovetail" / "abi.h"
        lines = header.read_text().splitlines()
        names = {"DT_ABI_MAJOR": major, "DT_ABI_MINOR": minor}
        found = [f"#define {name} {number}" for name, number in names.items()]
        changed = [
            next((new for new, name in zip(found, names, strict=True) if line.startswith(f"#define {name} ")), line)
            for line in lines
        ]
        header.write_text("\n".join(changed) + "\n")
        return folder

    return make


@pytest.fixture
def announce(tmp_path: Path) -> Callable[..., Path]:
    """Make a distribution that announces the backend `broken`: returns the folder that it is installed in."""

    def make(source: str, value: str = "register", name: str = "broken") -> Path:
        (tmp_path / f"{name}_plugin.py").write_text(source)
        info = tmp_path / f"{name}_plugin-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[dovetail.backends]\n{name} = {name}_plugin:{value}\n")
        return tmp_path

    return make


@pytest.fixture
def python() -> Callable[..., str]:
    """Run a program in a fresh process, with a folder to import from; returns what it printed."""

    def run(program: str, folder: Path | None = None) -> str:
        start = f"import sys; sys.path.insert(0, {str(folder)!r})\n" if folder else ""
        done = subprocess.run([sys.executable, "-W", "error", "-c", start + program], capture_output=True, text=True)
        assert done.returncode == 0, f"ended with {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run
