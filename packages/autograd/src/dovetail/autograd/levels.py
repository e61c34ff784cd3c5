"""The levels of the transforms that are active on this thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dovetail import Tensor

from . import _engine
from .nests import mapped

__all__ = ["dual", "entered", "inside_transform", "left"]


class _Dual(threading.local):
    """This thread's level of forward_ad, which is no function's: what is recorded inside it can be run backward."""

    level: _engine.Level | None = None


dual = _Dual()


def inside_transform() -> bool:
    """Whether a function that a transform made is running on this thread."""
    return _engine.level_count() > (dual.level is not None)


@contextmanager
def entered(level: _engine.Level) -> Iterator[_engine.Level]:
    """Have a level on top of the stack for a scope."""
    level.push()
    try:
        yield level
    finally:
        level.pop()


def left(nest: Any, level: _engine.Level) -> Any:
    """A nest of tensors as it leaves a level: without what the level knew of them."""

    def forget(t: Tensor) -> Tensor:
        _engine.forget(t, level)
        return t

    return mapped(nest, forget)
