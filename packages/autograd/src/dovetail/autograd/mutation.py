"""Tensors that the graph saved and that are written in place afterwards: a copy is made just before the write."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dovetail import Tensor
from dovetail._grad_mode import no_grad
from dovetail.layers import intercept

from .graph import saved_tensors_hooks

__all__ = ["SavedCopies", "allow_mutation_on_saved_tensors"]


class _Kept:
    """A tensor that the graph saved; from the first write on a copy of it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = tensor.detach()


class SavedCopies:
    """What `allow_mutation_on_saved_tensors` gives: the saved tensors of one scope."""

    def __init__(self) -> None:
        self._by_memory: dict[int, weakref.WeakSet[_Kept]] = {}
        self._open = True

    def clear(self) -> None:
        """Let go of everything; a backward that needs it is then an error."""
        for kept in [each for group in self._by_memory.values() for each in group]:
            kept.tensor = None
        self._by_memory.clear()

    def _pack(self, t: Tensor) -> _Kept:
        kept = _Kept(t)
        self._by_memory.setdefault(t._storage_ptr(), weakref.WeakSet()).add(kept)
        return kept

    def _unpack(self, kept: _Kept) -> Tensor:
        if not self._open or kept.tensor is None:
            raise RuntimeError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return kept.tensor

    def _before_write(self, t: Tensor) -> None:
        for kept in self._by_memory.pop(t._storage_ptr(), ()):
            if kept.tensor is not None:
                with no_grad():
                    kept.tensor = kept.tensor.clone()

    def _call(self, op: Any, args: tuple[Any, ...], out: tuple[Any, ...] | None) -> Any:
        for t in out or ():
            self._before_write(t)
        return op.call(args, out)


class _Inside(threading.local):
    yes = False


_inside = _Inside()


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[SavedCopies]:
    """Let tensors that backward needs be written in place, inside a `with`: what was there is copied before the write.

    Both the forward and the backward have to be inside. Gives an object whose `clear()` lets go of what was saved.

    Example:
        >>> x = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> with dt.autograd.graph.allow_mutation_on_saved_tensors():
        ...     y = x * 1
        ...     z = y.square()
        ...     _ = y.mul_(10)
        ...     z.sum().backward()
        >>> x.grad.tolist()
        [2.0, 4.0]
    """
    if _inside.yes:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    saved = SavedCopies()
    _inside.yes = True
    try:
        with saved_tensors_hooks(saved._pack, saved._unpack), intercept(saved._call):
            yield saved
    finally:
        _inside.yes = saved._open = False
        saved.clear()
