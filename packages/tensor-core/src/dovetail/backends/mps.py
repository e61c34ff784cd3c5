"""What PyTorch's programs ask about Apple's GPUs: whether a backend of the name "mps" is installed.

Example:
    >>> dt.backends.mps.is_available()
    False
"""

from __future__ import annotations

from . import is_available as _is_available
from . import names

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Whether there is a device of the type "mps", which a plug-in may bring."""
    return _is_available("mps")


def is_built() -> bool:
    """Whether its backend is there, with or without a device."""
    return is_available() or "mps" in names()
