"""What PyTorch's programs set for cuDNN, which Dovetail does not use: convolutions have kernels of its own.

The settings are kept and change nothing: the same bits come in every run as it is.

Example:
    >>> dt.backends.cudnn.benchmark = True
    >>> dt.backends.cudnn.is_available()
    False
"""

from __future__ import annotations

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available", "version"]

enabled = True
benchmark = False
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """Whether cuDNN serves convolutions: never."""
    return False


def version() -> None:
    """The version of cuDNN that is used: None."""
    return None
