"""The device beside the CPU, whatever its type: the programs that use it run on any backend.

    device = dt.accelerator.current_accelerator() if dt.accelerator.is_available() else dt.device("cpu")

"cuda" comes first where there are several, then the others in the order in which they were registered.
"""

from __future__ import annotations

import contextlib

from . import _core, backends

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "memory_stats",
    "set_device_index",
    "synchronize",
]


def current_accelerator(check_available: bool = False) -> _core.device | None:
    """The accelerator's device type, without an index; None where there is none.

    Args:
        check_available: taken as in PyTorch. What has no device is never an accelerator here.

    Example:
        >>> device = dt.accelerator.current_accelerator() or dt.device("cpu")
    """
    with contextlib.suppress(ImportError):  # a broken plug-in is no accelerator; `dt.device(name)` says what ails it
        backends.load()
    there = [name for name in backends.names() if name != "cpu" and backends.device_count(name) > 0]
    return _core.device("cuda" if "cuda" in there else there[0]) if there else None


def is_available() -> bool:
    """Whether there is a device beside the CPU.

    Example:
        >>> dt.accelerator.is_available() == (dt.accelerator.current_accelerator() is not None)
        True
    """
    return current_accelerator() is not None


def _accelerator(who: str) -> _core.device:
    found = current_accelerator()
    if found is None:
        there = ", ".join(backends.names())
        raise RuntimeError(f"accelerator.{who}: there is no device beside the CPU; the backends here are: {there}")
    return found


def device_count() -> int:
    """How many devices the accelerator has; 0 where there is none.

    Example:
        >>> (dt.accelerator.device_count() > 0) == dt.accelerator.is_available()
        True
    """
    found = current_accelerator()
    return 0 if found is None else backends.device_count(found.type)


def current_device_index() -> int:
    """The index of the device on which the accelerator's tensors are made.

    Raises:
        RuntimeError: there is no accelerator.
    """
    return _core._current_device(_accelerator("current_device_index"))


def set_device_index(device: _core.device | str | int) -> None:
    """Choose the device on which the accelerator's tensors are made.

    Raises:
        RuntimeError: there is no accelerator, or no such device.
    """
    kind = _accelerator("set_device_index").type
    _core._set_current_device(_core.device(kind, device) if isinstance(device, int) else _core.device(device))


def synchronize() -> None:
    """Wait until the accelerator has done all that it was given.

    Raises:
        RuntimeError: there is no accelerator.
    """
    backends.synchronize(_accelerator("synchronize"))


def memory_stats() -> dict[str, int]:
    """Counts of the accelerator's memory: see `dt.memory_stats`.

    Raises:
        RuntimeError: there is no accelerator.
    """
    return backends.memory_stats(_accelerator("memory_stats"))


def empty_cache() -> None:
    """Give the accelerator's cached memory back.

    Raises:
        RuntimeError: there is no accelerator.
    """
    backends.empty_cache(_accelerator("empty_cache"))
