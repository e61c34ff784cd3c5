"""The graph itself: its nodes, and how it keeps tensors."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from dovetail import Tensor

from . import _engine
from ._engine import Node
from .drawing import Drawing, draw

__all__ = ["Drawing", "Node", "draw", "save_on_cpu", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Say how the graph keeps tensors for backward, for what is recorded inside a `with`.

    Args:
        pack_hook: called with every tensor that is to be kept; returns what is kept in its place. It must not write
            into the tensor.
        unpack_hook: called with that when backward needs the tensor; returns a tensor of the same elements.

    Example:
        >>> kept = []
        >>> def pack(t):
        ...     kept.append(t.tolist())
        ...     return kept[-1]
        >>> x = dt.tensor([2.0, 3.0], requires_grad=True)
        >>> with dt.autograd.graph.saved_tensors_hooks(pack, dt.tensor):
        ...     y = x.square()
        >>> y.sum().backward()
        >>> kept, x.grad.tolist()
        ([[2.0, 3.0]], [4.0, 6.0])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _engine.push_save_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _engine.pop_save_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keep the tensors that backward needs in the host's memory, for what is recorded inside a `with`.

    Example:
        >>> x = dt.ones(2, requires_grad=True)
        >>> with dt.autograd.graph.save_on_cpu():
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad.tolist()
        [2.0, 2.0]
    """

    def __init__(self) -> None:
        super().__init__(lambda t: (t.device, t.detach().to("cpu")), lambda kept: kept[1].to(kept[0]))
