"""The CPU as a device, in the words of `dovetail.cuda`: for programs that say `getattr(dt, device_type)`."""

from __future__ import annotations

from .. import backends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import amp as amp

__all__ = ["amp", "current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Whether there is a CPU: True.

    Example:
        >>> dt.cpu.is_available()
        True
    """
    return True


def device_count() -> int:
    """How many CPU devices there are: 1.

    Example:
        >>> dt.cpu.device_count()
        1
    """
    return backends.device_count("cpu")


def current_device() -> str:
    """The current device: "cpu".

    Example:
        >>> dt.cpu.current_device()
        'cpu'
    """
    return "cpu"


def synchronize() -> None:
    """Wait for the work given to the CPU, which is done when a call returns.

    Example:
        >>> dt.cpu.synchronize()
    """
    backends.synchronize("cpu")


def __getattr__(name: str) -> Any:
    if name == "amp":  # brought by dovetail-autograd; loads when it is first used
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
