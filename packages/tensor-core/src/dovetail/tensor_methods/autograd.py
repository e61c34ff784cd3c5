"""Placeholders for what dovetail.autograd brings: the first use imports it, and it puts its own in their place."""

from __future__ import annotations

from .._core import Tensor, load_autograd

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _real(name: str, placeholder: Any) -> Any:
    """What autograd put in a placeholder's place."""
    load_autograd()
    found = Tensor.__dict__.get(name)
    if found is None or found is placeholder:
        raise AttributeError(f"{name}: the installed dovetail-autograd does not bring Tensor.{name}; update it")
    return found


def _method(name: str, doc: str) -> Callable[..., Any]:
    def placeholder(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return _real(name, placeholder)(self, *args, **kwargs)

    placeholder.__name__ = name
    placeholder.__qualname__ = f"Tensor.{name}"
    placeholder.__doc__ = doc
    return placeholder


def _attribute(doc: str, without: Any) -> property:
    """While autograd is not loaded no tensor has a graph, so reading needs no import."""
    return property(lambda self: without, doc=doc)


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor out of the graph, in place; returns self.

    Example:
        >>> dt.tensor([1.0]).detach_().requires_grad
        False
    """
    return _real("detach_", detach_)(self) if self.requires_grad else self


def is_inference(self: Tensor) -> bool:
    """Whether this tensor was made in inference mode, so that it can't be written or saved for backward outside of it.

    Example:
        >>> with dt.inference_mode():
        ...     x = dt.ones(2)
        >>> x.is_inference(), x.clone().is_inference()
        (True, False)
    """
    return self._is_inference


METHODS: dict[str, Any] = {
    "is_inference": is_inference,
    "backward": _method(
        "backward",
        "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None): add the gradients of this tensor "
        "to the `grad` of the leaves that it was made from.",
    ),
    "register_hook": _method(
        "register_hook", "register_hook(hook): call hook(grad) when this tensor's gradient is known."
    ),
    "register_post_accumulate_grad_hook": _method(
        "register_post_accumulate_grad_hook",
        "register_post_accumulate_grad_hook(hook): call hook(tensor) when a gradient was added to this leaf's `grad`.",
    ),
    "retain_grad": _method("retain_grad", "retain_grad(): keep this tensor's gradient in `grad` though it is no leaf."),
    "detach_": detach_,
    "grad_fn": _attribute("The node of the graph that made this tensor; None for a leaf.", None),
    "output_nr": _attribute("Which of its node's outputs this tensor is.", 0),
    "retains_grad": _attribute("Whether retain_grad() was called for this tensor.", False),
}
