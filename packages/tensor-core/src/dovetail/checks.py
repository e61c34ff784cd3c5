"""Refusals that Python functions share: what was expected of an argument, and what it was."""

from __future__ import annotations

from ._core import Tensor

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def shown(value: Any) -> str:
    """A value in an error's words, on one line and not too long."""
    if isinstance(value, Tensor):
        return f"a Tensor of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def tensors(who: str, **values: Any) -> None:
    """Refuse what is no Tensor."""
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{who}: {name} must be a Tensor, got {shown(value)}")


def numbers(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor a float nor a zero-dim tensor."""
    for name, value in values.items():
        if not isinstance(value, (int, float)) and not (isinstance(value, Tensor) and value.numel() == 1):
            raise TypeError(f"{who}: {name} must be a number, got {shown(value)}")


def integers(who: str, **values: Any) -> None:
    """Refuse what is no int."""
    for name, value in values.items():
        if not hasattr(value, "__index__") or (isinstance(value, Tensor) and value.numel() != 1):
            raise TypeError(f"{who}: {name} must be an int, got {shown(value)}")


def ints(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor ints in a list or tuple."""
    for name, value in values.items():
        entries = value if isinstance(value, (list, tuple)) else [value]
        if not all(isinstance(entry, int) or hasattr(entry, "__index__") for entry in entries):
            raise TypeError(f"{who}: {name} must be an int or a tuple of ints, got {shown(value)}")


def sizes(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor ints in a list or tuple, and what is negative."""
    ints(who, **values)
    for name, value in values.items():
        if any(entry < 0 for entry in (value if isinstance(value, (list, tuple)) else [value])):
            raise ValueError(f"{who}: {name} must not be negative, got {shown(value)}")
