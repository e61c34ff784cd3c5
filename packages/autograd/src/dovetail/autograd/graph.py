"""The graph itself: its nodes, and how it keeps tensors."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

from dovetail import Tensor, checks

from . import _engine
from ._engine import Node
from .drawing import Drawing, draw

__all__ = ["Drawing", "GradientEdge", "Node", "draw", "get_gradient_edge", "save_on_cpu", "saved_tensors_hooks"]


class GradientEdge(NamedTuple):
    """Where the gradient of a tensor goes: into output `output_nr` of `node`."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor goes: the node that made it, or for a leaf the one that accumulates.

    Raises RuntimeError if the tensor does not require a gradient.

    Example:
        >>> x = dt.ones(4, requires_grad=True)
        >>> first, second = x.unbind()[:2]
        >>> node, output_nr = dt.autograd.graph.get_gradient_edge(second)
        >>> node.name(), output_nr
        ('UnbindBackward0', 1)
        >>> dt.autograd.graph.get_gradient_edge(x).node.variable is x
        True
    """
    checks.tensors("get_gradient_edge", tensor=tensor)
    node, output_nr = _engine.gradient_edge(tensor)
    if node is None:
        raise RuntimeError(
            f"get_gradient_edge: the tensor does not require a gradient; it is a {tensor.dtype.name} tensor of shape "
            f"{tuple(tensor.shape)}"
        )
    return GradientEdge(node, output_nr)


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
