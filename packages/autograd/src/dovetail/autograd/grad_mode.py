"""PyTorch's place for the grad modes, and its switch for the engine's threads."""

from __future__ import annotations

import threading
from types import TracebackType

from dovetail._grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_multithreading_enabled",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


class _Threads(threading.local):
    enabled = True


_threads = _Threads()


class set_multithreading_enabled:
    """Say whether a backward may run nodes on threads of its own: at once, and until the end of a `with`.

    PyTorch's engine has a thread for every device. This one runs all nodes on the thread that called backward (the ops
    themselves use several), as if multithreading were off; the switch is kept for programs that set it.

    Args:
        mode: what `is_multithreading_enabled` is to say.

    Example:
        >>> with dt.autograd.set_multithreading_enabled(False):
        ...     dt.autograd.grad_mode.is_multithreading_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before, _threads.enabled = _threads.enabled, self.mode

    def __enter__(self) -> None:
        _threads.enabled = self.mode

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _threads.enabled = self._before


def is_multithreading_enabled() -> bool:
    """What `set_multithreading_enabled` was last told on this thread.

    Example:
        >>> dt.autograd.grad_mode.is_multithreading_enabled()
        True
    """
    return _threads.enabled
