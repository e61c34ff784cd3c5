"""One folder with the whole of `dovetail`, made of links into the packages: for type checkers and editors, which do not
see that the packages share an import root.

    python tools/link_tree.py build/types
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PACKAGES = Path(__file__).resolve().parent.parent / "packages"


def link_tree(target: Path, packages: Path = PACKAGES) -> None:
    """Make target/dovetail afresh, of these packages."""
    root = target / "dovetail"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for source in sorted(packages.glob("*/src/dovetail/*")):
        if source.suffix != ".so" and source.name not in {"include", "__pycache__"}:
            (root / source.name).symlink_to(source)


if __name__ == "__main__":
    link_tree(Path(sys.argv[1]))
