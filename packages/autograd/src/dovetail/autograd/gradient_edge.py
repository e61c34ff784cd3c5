"""Where the gradient of a tensor goes."""

from __future__ import annotations

from typing import NamedTuple

from dovetail import Tensor, checks

from . import _engine
from ._engine import Node

__all__ = ["GradientEdge", "get_gradient_edge"]


class GradientEdge(NamedTuple):
    """Where the gradient of a tensor goes: into output `output_nr` of `node`.

    `backward` and `grad` take it in place of the tensor, which need not be kept.
    """

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor goes: the node that made it, or for a leaf the one that accumulates.

    Raises RuntimeError if the tensor does not require a gradient.

    Example:
        >>> x = dt.ones(4, requires_grad=True)
        >>> first, second = x.unbind()[:2]
        >>> edge = dt.autograd.graph.get_gradient_edge(second)
        >>> edge.node.name(), edge.output_nr
        ('UnbindBackward0', 1)
        >>> dt.autograd.graph.get_gradient_edge(x).node.variable is x
        True
        >>> dt.autograd.grad(edge, x)[0].tolist()
        [0.0, 1.0, 0.0, 0.0]
    """
    checks.tensors("get_gradient_edge", tensor=tensor)
    node, output_nr = _engine.gradient_edge(tensor)
    if node is None:
        raise RuntimeError(
            f"get_gradient_edge: the tensor does not require a gradient; it is a {tensor.dtype.name} tensor of shape "
            f"{tuple(tensor.shape)}"
        )
    return GradientEdge(node, output_nr)
