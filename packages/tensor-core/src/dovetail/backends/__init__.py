"""Backends: device types, what runs on them, and their memory.

A backend is found by its entry point in the group `dovetail.backends`, or registered by hand. In Python it is an object
with two methods:

    device_count() -> int
    get_kernel(op: str, dtypes: tuple[str, ...]) -> callable or None

and its kernels are called as `kernel(outs, ins, args)`: `numpy.asarray` of the members of `outs` and `ins` gives
strided views of host memory, and `args` are the op's arguments (tensors in it are None). What it has no kernel for is
decomposed.

The modules `cuda`, `cudnn` and `mps` beside it answer the questions and take the settings that PyTorch's programs begin
with.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from .. import _core, checks

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Backend",
    "device_count",
    "empty_cache",
    "is_available",
    "load",
    "load_library",
    "memory_stats",
    "names",
    "register",
    "reset_peak_memory_stats",
    "synchronize",
]

ENTRY_POINTS = "dovetail.backends"


class Backend(Protocol):
    """What a backend written in Python brings."""

    def device_count(self) -> int:
        """How many devices there are."""

    def get_kernel(self, op: str, dtypes: tuple[str, ...]) -> Any:
        """The kernel of an op for these dtypes, or None where there is none."""


def register(name: str, backend: Backend) -> None:
    """Let a Python object run ops on devices of a new type.

    Args:
        name: the device type: tensors get there by `.to(name)`.
        backend: see this module's documentation.

    It stays for as long as the process.

    Example:
        >>> class Nothing:
        ...     def device_count(self):
        ...         return 1
        ...     def get_kernel(self, op, dtypes):
        ...         return None
        >>> dt.backends.register("nothing", Nothing())
        >>> "nothing" in dt.backends.names()
        True
    """
    if not name.isidentifier() or not name.islower():
        raise ValueError(f"backends.register: a device type is a lower-case identifier, got {name!r}")
    _core.register_backend(name, backend)


def load_library(path: str | os.PathLike[str]) -> str:
    """Register the backend of a shared library, compiled against `dovetail/abi.h` and linked to nothing of Dovetail's.

    The library exports `const dt_backend* dovetail_backend(const dt_api*)`. It stays loaded for as long as the process.

    Args:
        path: the library's.

    Returns:
        The device type that it brings.

    Raises:
        ImportError: it can't be loaded, has no such function, or was compiled for an ABI that this version of
            dovetail-tensor-core does not offer; the message says which of the two to upgrade.

    Example:
        >>> dt.backends.load_library("absent.so")
        Traceback (most recent call last):
        ImportError: backends.load_library: absent.so: cannot open shared object file: No such file or directory
    """
    path = os.fspath(path)
    try:
        return _core.load_backend_library(path)
    except (RuntimeError, ValueError) as error:
        raise ImportError(f"backends.load_library: {error}", path=path) from None


_loaded: set[str] = set()


def load(name: str | None = None) -> None:
    """Load backends that installed distributions announce: one, or all that are not loaded yet.

    An entry point names a function without arguments, which registers the backend. This is called when an unknown
    device type is first named.

    Args:
        name: the device type; all by default.

    Raises:
        ImportError: a backend can't be loaded; the message names its distribution. Of several, the others are loaded
            first.

    Example:
        >>> dt.backends.load()
    """
    from importlib.metadata import entry_points

    found = entry_points(group=ENTRY_POINTS) if name is None else entry_points(group=ENTRY_POINTS, name=name)
    problems = []
    for entry in found:
        if entry.name in _loaded or entry.name in names():
            continue
        try:
            _load_entry(entry)
        except ImportError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else ImportError("\n".join(map(str, problems))) from problems[0]


def _load_entry(entry: EntryPoint) -> None:
    """Run an entry point, which must register a backend of its name."""
    owner = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
    who = f"backends.load: the backend {entry.name!r} of {owner}"
    try:
        entry.load()()
    except Exception as error:  # a plug-in may fail in any way
        raise ImportError(f"{who} can't be loaded: {type(error).__name__}: {error}") from error
    if entry.name not in names():
        raise ImportError(f"{who} can't be loaded: {entry.value} registered no backend of that name")
    _loaded.add(entry.name)


def names() -> list[str]:
    """The device types there are, "cpu" first.

    Example:
        >>> dt.backends.names()[0]
        'cpu'
    """
    return list(_core.backend_names())


@checks.in_own_name
def device_count(name: str = "cpu") -> int:
    """How many devices a backend has.

    Example:
        >>> dt.backends.device_count("cpu")
        1
    """
    if name not in names():
        load(name)
    return int(_core.backend_device_count(name))


@checks.in_own_name
def is_available(name: str) -> bool:
    """Whether there is a backend of this name with a device. Of one that can't be loaded, `dt.device(name)` says why.

    Example:
        >>> dt.backends.is_available("cpu"), dt.backends.is_available("abacus")
        (True, False)
    """
    try:
        if name not in names():
            load(name)
    except ImportError:
        return False
    return name in names() and device_count(name) > 0


# ---- memory ----


@checks.in_own_name
def memory_stats(device: _core.device | str = "cpu") -> dict[str, int]:
    """Counts of a device's memory, in bytes and calls.

    Returns:
        allocated: in live tensors; peak_allocated: its maximum since the last reset.
        reserved: held from the system, cached memory included; peak_reserved: its maximum.
        allocations: calls so far; system_allocations: of which went to the system.

    Example:
        >>> before = dt.memory_stats()["allocated"]
        >>> x = dt.zeros(1000)
        >>> dt.memory_stats()["allocated"] - before >= 4000
        True
    """
    return dict(_core.memory_stats(str(device)))


@checks.in_own_name
def reset_peak_memory_stats(device: _core.device | str = "cpu") -> None:
    """Let the peaks of `memory_stats` start from now.

    Example:
        >>> dt.reset_peak_memory_stats()
    """
    _core.memory_stats(str(device), reset_peaks=True)


@checks.in_own_name
def empty_cache(device: _core.device | str = "cpu") -> None:
    """Give cached memory back to the system.

    Example:
        >>> dt.empty_cache()
    """
    _core.empty_cache(str(device))


@checks.in_own_name
def synchronize(device: _core.device | str = "cpu") -> None:
    """Wait until a device has done all that it was given.

    Example:
        >>> dt.backends.synchronize()
    """
    _core.synchronize(str(device))


# ---- PyTorch's settings ----


def __getattr__(name: str) -> Any:
    if name in ("cuda", "cudnn", "mps"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; the backends there are: {', '.join(names())}")
