"""The graph itself: its nodes, and how it keeps tensors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from dovetail import Tensor, checks

from . import _engine
from ._engine import Node
from .drawing import Drawing, draw
from .gradient_edge import GradientEdge, get_gradient_edge
from .hooks import register_multi_grad_hook

__all__ = [
    "Drawing",
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "draw",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class _Open(threading.local):
    """This thread's hooks: how many pairs there are, and why there may be none."""

    count = 0
    refusal: str | None = None


_open = _Open()


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
        checks.callables(type(self).__name__, pack_hook=pack_hook, unpack_hook=unpack_hook)
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _open.refusal is not None:
            raise RuntimeError(_open.refusal)
        _engine.push_save_hooks(self.pack_hook, self.unpack_hook)
        _open.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _engine.pop_save_hooks()
        _open.count -= 1


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Refuse `saved_tensors_hooks` inside a `with`, with this message as a RuntimeError.

    Example:
        >>> with dt.autograd.graph.disable_saved_tensors_hooks("not in here"):
        ...     with dt.autograd.graph.save_on_cpu():
        ...         pass
        Traceback (most recent call last):
        ...
        RuntimeError: not in here
    """
    if not isinstance(error_message, str):
        raise TypeError(f"disable_saved_tensors_hooks: error_message must be a str, got {checks.shown(error_message)}")
    if _open.count:
        raise RuntimeError(error_message)
    before, _open.refusal = _open.refusal, error_message
    try:
        yield
    finally:
        _open.refusal = before


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Say that tensors were written in a way that nobody saw, so that a backward that needs what was there refuses.

    Args:
        tensor: a tensor or several.

    Example:
        >>> x = dt.ones(2)
        >>> dt.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    many = (tensor,) if isinstance(tensor, Tensor) else tuple(tensor) if isinstance(tensor, Iterable) else (None,)
    if not all(isinstance(t, Tensor) for t in many):
        raise TypeError(f"increment_version: expected a Tensor or several, got {checks.shown(tensor)}")
    for t in many:
        _engine.bump_version(t)


class save_on_cpu(saved_tensors_hooks):
    """Keep the tensors that backward needs in the host's memory, for what is recorded inside a `with`.

    Args:
        pin_memory: ask for pinned memory (`Tensor.pin_memory`) for the tensors that come from a device of this type.
        device_type: which devices these are.

    Example:
        >>> x = dt.ones(2, requires_grad=True)
        >>> with dt.autograd.graph.save_on_cpu():
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad.tolist()
        [2.0, 2.0]
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        if not isinstance(pin_memory, bool):
            raise TypeError(f"save_on_cpu: pin_memory must be a bool, got {checks.shown(pin_memory)}")
        if not isinstance(device_type, str):
            raise TypeError(f"save_on_cpu: device_type must be a str, got {checks.shown(device_type)}")

        def pack(t: Tensor) -> tuple[Any, Tensor]:
            kept = t.detach().to("cpu")
            return t.device, kept.pin_memory() if pin_memory and t.device.type == device_type else kept

        super().__init__(pack, lambda kept: kept[1].to(kept[0]))


from .mutation import allow_mutation_on_saved_tensors  # noqa: E402  (it is made of saved_tensors_hooks)
