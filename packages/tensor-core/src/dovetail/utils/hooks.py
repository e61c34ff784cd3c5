"""Lists of hooks, and the handles that every `register_..._hook` returns."""

from __future__ import annotations

import itertools
from abc import ABC

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = ["HookList", "RemovableHandle"]

_keys = itertools.count()


class RemovableHandle(ABC):  # noqa: B024 - the engine's handle counts as one
    """Takes a hook away again: ``handle.remove()``, ``handle()``, or the end of a ``with`` block."""

    def __init__(self, hooks: HookList, key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Take the hook away; again does nothing."""
        self._hooks.pop(self._key, None)

    __call__ = remove

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class HookList(dict[int, "Any"]):
    """Hooks in the order in which they run, by keys that only their handles know. False where there are none.

    Example:
        >>> hooks = HookList()
        >>> handle = hooks.add(print)
        >>> hooks.in_order()
        [<built-in function print>]
        >>> handle.remove()
        >>> bool(hooks)
        False
    """

    def add(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Put a hook behind, or before, those that are there."""
        key, later = next(_keys), dict(self) if prepend else {}
        if prepend:
            self.clear()
        self[key] = hook
        self.update(later)
        return RemovableHandle(self, key)

    def in_order(self) -> list[Any]:
        """The hooks of this moment: one that adds or removes others does not disturb the round."""
        return list(self.values())
