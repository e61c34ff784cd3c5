"""Hooks of an optimizer: functions that run before and after a step, a save or a load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, ``handle()``, or the end of a ``with`` block."""

    def __init__(self, hooks: Hooks, key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        self._hooks.drop(self._key)

    __call__ = remove

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class Hooks:
    """Functions in the order in which they run."""

    def __init__(self) -> None:
        self._hooks: dict[int, Callable[..., Any]] = {}
        self._next = 0

    def add(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        key, self._next = self._next, self._next + 1
        self._hooks = {key: hook, **self._hooks} if prepend else {**self._hooks, key: hook}
        return RemovableHandle(self, key)

    def drop(self, key: int) -> None:
        self._hooks = {k: hook for k, hook in self._hooks.items() if k != key}

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter(self._hooks.values())  # of this moment: adding and dropping make a new dict
