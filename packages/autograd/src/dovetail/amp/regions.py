"""Where autocast is on: regions of a thread's time, one for each device type."""

from __future__ import annotations

import warnings
from types import TracebackType

import dovetail as dt
from dovetail import backends, checks
from dovetail._grad_mode import _Mode, _truth
from dovetail.autograd import _engine

__all__ = [
    "autocast",
    "clear_autocast_cache",
    "get_autocast_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
]

DTYPES = (dt.bfloat16, dt.float16)
# Device types that programs may name where their backend is not installed.
ABSENT = {"cuda": dt.float16}

_devices: dict[str, dt.device] = {}  # by type: backends stay once they are there


def _device(who: str, device_type: str) -> dt.device | None:
    """The device that stands for a type; None for a known one without a backend here."""
    if not isinstance(device_type, str):
        raise TypeError(f"{who}: device_type must be a str such as 'cpu', got {checks.shown(device_type)}")
    known = _devices.get(device_type)
    if known is not None:
        return known
    if device_type not in backends.names():
        backends.load(device_type)
    if device_type in backends.names():
        return _devices.setdefault(device_type, dt.device(device_type))
    if device_type in ABSENT:
        return None
    there = ", ".join(backends.names())
    hint = f"; leave out the index: {device_type.partition(':')[0]!r}" if ":" in device_type else ""
    raise RuntimeError(f"{who}: unsupported autocast device_type {device_type!r}{hint}; there are: {there}")


def _supported(who: str, dtype: object) -> bool:
    if not isinstance(dtype, dt.dtype):
        raise TypeError(f"{who}: dtype must be dt.bfloat16 or dt.float16, got {checks.shown(dtype)}")
    return dtype in DTYPES


class autocast(_Mode):
    """Run ops in mixed precision: a context manager and a decorator.

    Ops on the device type's tensors run in the dtype that `dovetail.amp.policies` says. It stands above autograd, so
    that the casts are recorded and gradients come back in their tensors' own dtypes, and it belongs to the thread that
    entered it. Backward runs every op in the dtype of its forward, inside a region as outside.

    A float32 parameter is cast once within the outermost region, and again when it has changed.

    Args:
        device_type: "cpu", "cuda" or another backend's.
        dtype: bfloat16 or float16; by default what `get_autocast_dtype` says: bfloat16 on the CPU, else float16. With
            another one the region warns and does nothing.
        enabled: False makes a region in which autocast is off; for ops in it, cast what comes from outside.
        cache_enabled: keep casts of parameters until the outermost region ends. None: as it is outside.

    Raises:
        RuntimeError: there is no such device type. (Where CUDA is absent, the region warns and does nothing.)

    Example:
        >>> a = dt.ones(2, 2)
        >>> with dt.autocast("cpu", dtype=dt.bfloat16):
        ...     b = a @ a
        ...     with dt.autocast("cpu", enabled=False):
        ...         c = a @ b.float()
        >>> b.dtype, c.dtype
        (dovetail.bfloat16, dovetail.float32)
        >>> @dt.autocast("cpu")
        ... def forward(x):
        ...     return x @ x
        >>> forward(a).dtype
        dovetail.bfloat16
    """

    def __init__(
        self,
        device_type: str,
        dtype: dt.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self._device = _device("autocast", device_type)
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        supported = _supported("autocast", self.fast_dtype)
        self._enabled = _truth("autocast", enabled)
        self._cache_enabled = None if cache_enabled is None else _truth("autocast", cache_enabled)
        self._scopes: list[_engine.AutocastScope | None] = []
        if self._enabled and self._device is None:
            self._disable(f"there is no backend for {device_type!r} here")
        elif self._enabled and not supported:
            self._disable(f"dtype must be {' or '.join(map(str, DTYPES))}, got {dtype}")

    def _disable(self, reason: str) -> None:
        warnings.warn(f"autocast: {reason}; autocast is disabled", stacklevel=3)
        self._enabled = False

    def _again(self) -> autocast:
        again = type(self).__new__(type(self))
        again.__dict__.update(self.__dict__)
        again._scopes = []
        return again

    def __enter__(self) -> autocast:  # type: ignore[override]
        scope = None
        if self._device is not None:
            dtype = self.fast_dtype if self._enabled else get_autocast_dtype(self.device)
            cache = is_autocast_cache_enabled() if self._cache_enabled is None else self._cache_enabled
            scope = _engine.enter_autocast(self._device, self._enabled, dtype, cache)
        self._scopes.append(scope)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._scopes:
            raise RuntimeError("autocast: a region was left that had not been entered")
        scope = self._scopes.pop()
        if scope is not None:
            _engine.leave_autocast(scope)

    def __call__(self, function):  # type: ignore[no-untyped-def]
        checks.callables("autocast", function=function)
        return super().__call__(function)


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast knows a device type: the CPU, CUDA, and every installed backend's.

    Example:
        >>> dt.amp.is_autocast_available("cpu"), dt.amp.is_autocast_available("abacus")
        (True, False)
    """
    try:
        _device("is_autocast_available", device_type)
    except RuntimeError:
        return False
    return True


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on for a device type, in this thread.

    Example:
        >>> with dt.autocast("cpu"):
        ...     dt.is_autocast_enabled("cpu")
        True
    """
    device = _device("is_autocast_enabled", device_type)
    return device is not None and _engine.autocast_region(device)[0]


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Turn autocast on or off for a device type, in this thread, until it is set again or the region ends.

    Casts of parameters are kept only within regions.

    Example:
        >>> dt.set_autocast_enabled("cpu", True)
        >>> (dt.ones(1, 1) @ dt.ones(1, 1)).dtype
        dovetail.bfloat16
        >>> dt.set_autocast_enabled("cpu", False)
    """
    device = _device("set_autocast_enabled", device_type)
    enabled = _truth("set_autocast_enabled", enabled)
    if device is not None:
        _engine.set_autocast_region(device, enabled, _engine.autocast_region(device)[1])
    elif enabled:
        raise RuntimeError(f"set_autocast_enabled: there is no backend for {device_type!r} here")


def get_autocast_dtype(device_type: str) -> dt.dtype:
    """The dtype in which products run under autocast.

    Example:
        >>> dt.get_autocast_dtype("cpu")
        dovetail.bfloat16
    """
    device = _device("get_autocast_dtype", device_type)
    return ABSENT[device_type] if device is None else _engine.autocast_region(device)[1]


def set_autocast_dtype(device_type: str, dtype: dt.dtype) -> None:
    """Set the dtype in which products run under autocast, in this thread.

    Args:
        device_type: "cpu", "cuda" or another backend's.
        dtype: bfloat16 or float16.

    Example:
        >>> dt.set_autocast_dtype("cpu", dt.float16)
        >>> with dt.autocast("cpu"):
        ...     (dt.ones(1, 1) @ dt.ones(1, 1)).dtype
        dovetail.float16
        >>> dt.set_autocast_dtype("cpu", dt.bfloat16)
    """
    device = _device("set_autocast_dtype", device_type)
    if not _supported("set_autocast_dtype", dtype):
        raise ValueError(f"set_autocast_dtype: dtype must be {' or '.join(map(str, DTYPES))}, got {dtype}")
    if device is None:
        raise RuntimeError(f"set_autocast_dtype: there is no backend for {device_type!r} here")
    _engine.set_autocast_region(device, _engine.autocast_region(device)[0], dtype)


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters are kept within a region.

    Example:
        >>> dt.is_autocast_cache_enabled()
        True
    """
    return _engine.autocast_cache_enabled()


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Keep casts of parameters within regions, or cast them at each use; for this thread.

    Example:
        >>> dt.set_autocast_cache_enabled(False)
        >>> dt.is_autocast_cache_enabled()
        False
        >>> dt.set_autocast_cache_enabled(True)
    """
    _engine.set_autocast_cache_enabled(_truth("set_autocast_cache_enabled", enabled))


def clear_autocast_cache() -> None:
    """Forget the casts of parameters that this thread has kept. The end of the outermost region does it too.

    Example:
        >>> dt.clear_autocast_cache()
    """
    _engine.clear_autocast_cache()
