"""What autograd adds to Tensor."""

from __future__ import annotations

import warnings

from dovetail import Tensor, checks
from dovetail._grad_mode import is_inference_mode_enabled
from dovetail.utils.hooks import RemovableHandle

from . import _engine
from .engine import accumulate

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["install"]


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add this tensor's gradients to the `.grad` of the leaves that it was computed from.

    Args:
        gradient: the weights of the elements, of this tensor's shape; may be left out for one element.
        retain_graph: keep what the graph saved, so that it can be run again.
        create_graph: record the gradients' own computation.
        inputs: add gradients to these tensors only.

    Example:
        >>> x = dt.tensor([1.0, 2.0], requires_grad=True)
        >>> (x**2).backward(dt.tensor([1.0, 10.0]))
        >>> x.grad.tolist()
        [2.0, 40.0]
    """
    try:
        accumulate((self,), gradient, retain_graph, create_graph, inputs)
    except Exception as error:
        checks.speak_as("backward", error, (self, gradient, retain_graph, create_graph), {"inputs": inputs})
        raise


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> _engine.RemovableHandle:
    """Call `hook(gradient)` whenever the gradient of this tensor has been computed.

    What the hook returns, if not None, takes the gradient's place. The handle that is returned removes the hook.

    Example:
        >>> x = dt.tensor([1.0], requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: 10 * gradient)
        >>> (2 * x).sum().backward()
        >>> x.grad.item()
        20.0
    """
    return _engine.register_hook(self, hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> _engine.RemovableHandle:
    """Call `hook(tensor)` after a gradient has been added to this leaf's `.grad`.

    Example:
        >>> def step(leaf):
        ...     with dt.no_grad():
        ...         leaf.sub_(0.1 * leaf.grad)
        >>> x = dt.tensor([1.0], dtype=dt.float64, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(step)
        >>> (2 * x).sum().backward()
        >>> x.tolist()
        [0.8]
    """
    return _engine.register_post_accumulate_grad_hook(self, hook)


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Say whether operations on this tensor are recorded; returns the tensor.

    Example:
        >>> dt.zeros(2).requires_grad_().requires_grad
        True
    """
    if self.is_inference() and requires_grad is not False and not is_inference_mode_enabled():
        raise RuntimeError(
            "requires_grad_: a tensor that was made in inference mode can't require gradients outside of it; clone() "
            "it first"
        )
    return _engine.requires_grad_(self, requires_grad)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient in `.grad` although this tensor is no leaf.

    Example:
        >>> x = dt.tensor(3.0, requires_grad=True)
        >>> y = x * 2
        >>> y.retain_grad()
        >>> (y * y).backward()
        >>> y.grad.item()
        12.0
    """
    _engine.retain_grad(self)


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor out of the graph that made it; returns the tensor, now a leaf.

    Example:
        >>> y = dt.tensor(3.0, requires_grad=True) * 2
        >>> y.detach_().requires_grad
        False
    """
    return _engine.detach_(self)


def _missing_grad(self: Tensor) -> None:
    """What the core calls where `.grad` is read and there is none: of a computed tensor that is easily forgotten."""
    if not self.is_leaf and not self.retains_grad:
        warnings.warn(
            "grad: this tensor is no leaf, and backward leaves gradients on leaves only; call retain_grad() on it "
            "before backward to have its gradient",
            UserWarning,
            stacklevel=2,
        )


_METHODS: tuple[Callable[..., Any], ...] = (
    _missing_grad,
    backward,
    detach_,
    register_hook,
    register_post_accumulate_grad_hook,
    requires_grad_,
    retain_grad,
)
_PROPERTIES: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "grad_fn": (_engine.grad_fn, "The node of the operation that made this tensor; None for a leaf."),
    "is_leaf": (_engine.is_leaf, "Whether no recorded operation made this tensor."),
    "output_nr": (_engine.output_nr, "Which of its operation's outputs this tensor is."),
    "retains_grad": (_engine.retains_grad, "Whether this tensor is no leaf and keeps its gradient in `.grad`."),
}


def install() -> None:
    """Put the methods and properties on Tensor; the handles of its hooks count as handles."""
    RemovableHandle.register(_engine.RemovableHandle)
    for method in _METHODS:
        setattr(Tensor, method.__name__, method)
    for name, (getter, doc) in _PROPERTIES.items():
        setattr(Tensor, name, property(getter, doc=doc))
