"""Whether the words of a refusal show what the call was given: a value, a shape, a dtype, a device, a type, a count."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import dovetail as dt

LONGEST = 60  # of a value that is looked for as it is
# What a number is told as where a tensor is expected.
AS_TENSOR = {
    bool: ("bool",),
    int: ("int64",),
    float: ("float32", "float64"),
    complex: ("complex64", "complex128"),
}
# An argument that is absent, and numbers that were computed from what was given, as sizes in bytes are.
ABSENT = r"missing (argument|\d+ required)"
COMPUTED = r"\b(\d{7,}|\d(\.\d+)?e\+\d+|inf elements)"


def shows(text: str, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether something that was given stands in the text, as a word of its own."""
    given = {word for value in [*args, *kwargs.values(), *behind(function)] for word in words(value)}
    given |= {str(len(args)), str(len(args) + len(kwargs)), *kwargs}
    if any(re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) for word in given if word):
        return True
    return re.search(f"{ABSENT}|{COMPUTED}", text) is not None


def behind(function: Callable[..., Any]) -> Iterator[Any]:
    """What a function has beside its arguments: the object whose method it is, and what it closes over."""
    if inspect.ismethod(function) or inspect.isbuiltin(function):
        yield function.__self__
    if inspect.isfunction(function):
        yield from inspect.getclosurevars(function).nonlocals.values()


def words(value: Any) -> Iterator[str]:
    """How a value can be shown."""
    kind = value if isinstance(value, type) else type(value)
    yield from (kind.__name__, f"{kind.__module__}.{kind.__name__}")
    if isinstance(value, dt.Tensor):
        yield from _words_of_tensor(value)
    elif isinstance(value, (list, tuple, dict)):
        yield from (str(len(value)), repr(value)[:LONGEST], *([] if value else ["none", "empty", "[]", "()"]))
        for item in value:
            yield from words(item)
    elif isinstance(value, (int, float, complex)):
        yield from (repr(value), "()", *AS_TENSOR[bool if isinstance(value, bool) else type(value)])
        if not isinstance(value, complex):
            yield f"{value:g}"
    else:
        yield from (str(value)[:LONGEST], repr(value)[:LONGEST])
        if hasattr(value, "__len__"):
            yield str(len(value))


def _words_of_tensor(t: dt.Tensor) -> Iterator[str]:
    yield from (str(t.dtype), str(t.dtype).removeprefix("dovetail."), str(t.device), str(t.numel()))
    yield from (str(tuple(t.shape)), str(list(t.shape)), *map(str, t.shape), str(t.ndim))
    if t.ndim == 0:
        yield "zero-dim"
    if t.numel() <= 300:
        for item in t.reshape(-1).tolist():
            yield from words(item)
