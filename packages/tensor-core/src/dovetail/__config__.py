"""How this installation was built and what it runs on: `print(dt.__config__.show())`."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from . import _core, backends
from .__about__ import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """The versions of the library and of what it is built on, and the devices' types, as text.

    Example:
        >>> dt.__config__.show().splitlines()[0].split()[0]
        'Dovetail'
    """
    lines = [
        f"Dovetail {__version__}",
        f"  - Python {platform.python_version()} on {platform.system()} {platform.machine()}",
    ]
    for distribution in ("scipy-openblas32", "numpy", "dovetail-autograd", "dovetail-nn", "dovetail-optim"):
        try:
            lines.append(f"  - {distribution} {metadata.version(distribution)}")
        except metadata.PackageNotFoundError:
            continue
    lines.append(f"  - backends: {', '.join(backends.names())}")
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """How many threads compute, as text.

    Example:
        >>> "threads" in dt.__config__.parallel_info()
        True
    """
    return f"threads: {_core.get_num_threads()}\nCPUs: {os.cpu_count()}\n"
