"""Layers: functions that stand between an op's call and the backend.

They are asked in this order: `profiler > autocast > transform (autograd is the lowest) > trace > backend`. A handler
gets the op and its values, and passes on what it does not want:

    def handler(op, args, out):
        print(op.name)
        return op.call(args, out)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import _core

__all__ = ["POSITIONS", "Handler", "intercept", "watch_values"]

# Outermost first.
POSITIONS = ("profiler", "autocast", "transform", "trace")

Handler = Callable[[_core.Op, tuple[Any, ...], tuple[Any, ...] | None], Any]


@contextmanager
def intercept(handler: Handler, at: str = "profiler") -> Iterator[None]:
    """Let a function see every op that this thread calls.

    Args:
        handler: called as `handler(op, args, out)` in place of the op. `args` are all arguments in the schema's order,
            defaults filled in; `out` is None, or a tuple of the tensors to write into (`out=` and in-place calls). It
            returns the op's result: a tensor, a tuple of them, or a list. `op.call(args, out)` passes on to the next
            layer; `op.decompose(*args)` runs the decomposition, whose ops come to the handler again.
        at: where it stands: "profiler", "autocast", "transform" or "trace". Of several at one position the last one
            pushed is asked first.

    What the handler itself calls goes to the layers below it.

    Example:
        >>> seen = []
        >>> def handler(op, args, out):
        ...     seen.append(op.name)
        ...     return op.call(args, out)
        >>> with dt.layers.intercept(handler):
        ...     _ = dt.tensor([1.0]).exp() + 1
        >>> seen
        ['exp', 'add']
    """
    if at not in POSITIONS:
        raise ValueError(f"intercept: at must be one of {', '.join(POSITIONS)}, got {at!r}")
    _core.push_layer(handler, at)
    try:
        yield
    finally:
        _core.pop_layer(at)


@contextmanager
def watch_values(watcher: Callable[[_core.Tensor, str], None]) -> Iterator[None]:
    """Let a function know before Python reads a tensor's values (`item()`, `bool()`, `numpy()`, ...).

    A tracer needs it: a value that became a Python number is out of its sight. The watcher may raise.

    Args:
        watcher: called as `watcher(tensor, what)`, `what` naming the way in which the values are read.

    Example:
        >>> seen = []
        >>> with dt.layers.watch_values(lambda tensor, what: seen.append(what)):
        ...     _ = dt.tensor(1.0).item()
        >>> seen
        ['item()']
    """
    _watchers.append(watcher)
    _core._set_concretize_hook(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
        _core._set_concretize_hook(_watchers[-1] if _watchers else None)


_watchers: list[Callable[[_core.Tensor, str], None]] = []
