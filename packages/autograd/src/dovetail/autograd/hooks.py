"""Hooks on several tensors at once, and the handles that remove hooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from dovetail import Tensor, checks
from dovetail.utils.hooks import RemovableHandle

from . import _engine

__all__ = ["RemovableHandle", "register_multi_grad_hook"]


class _Handles:
    """The handles of hooks that belong together."""

    def __init__(self, handles: Sequence[_engine.RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Remove the hooks; again does nothing."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class _Gathered:
    """What one backward has brought so far."""

    def __init__(self, lists: list[int]) -> None:
        self.missing = _engine.lists_to_call(lists)
        self.gradients: list[Tensor | None] = [None] * len(lists)
        self.called = False


@checks.in_own_name
def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all") -> Any:
    """Call a function once in every backward when the gradients of several tensors have been computed.

    Args:
        tensors: each requires a gradient.
        fn: in mode "all" called as `fn(gradients)`, a list with one for every tensor, None for those that this backward
            does not reach, as soon as the last one is there; in mode "any" as `fn(gradient)` with the first one.
        mode: "all" or "any".

    Returns a handle that removes the hook.

    Example:
        >>> x, y = dt.ones(2, requires_grad=True), dt.ones(2, requires_grad=True)
        >>> seen = []
        >>> handle = dt.autograd.graph.register_multi_grad_hook((x, y), seen.extend)
        >>> (x * 2 + y * 3).sum().backward()
        >>> [gradient.tolist() for gradient in seen]
        [[2.0, 2.0], [3.0, 3.0]]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"mode must be 'all' or 'any', got {checks.shown(mode)}")
    checks.callables("register_multi_grad_hook", fn=fn)
    tensors = tuple(tensors)
    checks.tensors("register_multi_grad_hook", **{f"tensors[{i}]": t for i, t in enumerate(tensors)})
    for i, t in enumerate(tensors):
        if not t.requires_grad:
            raise RuntimeError(f"tensors[{i}] does not require a gradient, a {t.dtype.name} of shape {tuple(t.shape)}")
    key, lists = object(), list[int]()  # the lists that the hooks are in, as a node would be kept alive

    def arrived(index: int, gradient: Tensor) -> None:
        notes = _engine.run_notes()
        if key not in notes:
            notes[key] = _Gathered(lists)
        run = notes[key]
        run.gradients[index] = gradient
        run.missing -= 1
        if not run.called and (run.missing == 0 or mode == "any"):
            run.called = True
            fn(gradient if mode == "any" else run.gradients)

    handles = [t.register_hook(functools.partial(arrived, i)) for i, t in enumerate(tensors)]
    lists.extend(handle._list for handle in handles)
    return _Handles(handles)
