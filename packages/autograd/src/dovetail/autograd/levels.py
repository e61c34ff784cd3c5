"""The levels of the transforms that are active on this thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dovetail import Tensor

from . import _engine
from .nests import mapped

__all__ = ["entered", "left"]


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
