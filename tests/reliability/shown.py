"""Whether the words of a refusal show what the call was given: a value, a shape, a dtype, a device, a type, a count."""

from __future__ import annotations

import cmath
import inspect
import re
from collections.abc import Callable, Iterator, Sized
from functools import reduce
from typing import Any

import dovetail as dt

LONGEST = 60  # of a value that is looked for as it is
# What a number is told as where a tensor is expected.
AS_TENSOR = {
    bool: ("bool", "dovetail.bool"),
    int: ("int64", "dovetail.int64", "uint64", "dovetail.uint64"),
    float: ("float32", "float64", "dovetail.float32", "dovetail.float64"),
    complex: ("complex64", "complex128", "dovetail.complex64", "dovetail.complex128"),
}
EMPTY = ("none", "empty", "[]", "()", "no tensors")
# An argument that is absent; what the text itself calls what was got, and numbers that were computed from it, as those
# of bytes are.
ABSENT = r"missing (required |\d+ required )?(positional )?argument|is missing|incompatible function arguments|\btakes "
ABSENT += "|must be given|not enough memory|out of memory|got NoneType None|not contiguous|; called with \\("
COMPUTED = r"\bgot [(\[]?-?\d|\b(is|are|has|of) (\w+ )*shapes? \(\d|\b\d{7,}|\b\d(\.\d+)?e\+\d+|inf elements"
COMPUTED += r"|\(error code: \d"  # LAPACK's
COMPUTED += r"|\bsizes \[-?\d|\b\d+ bytes"


def shows(text: str, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether something that was given stands in the text, as a word of its own."""
    given = {word for value in [*args, *kwargs.values(), *behind(function)] for word in words(value)}
    given |= {str(len(args)), str(len(args) + len(kwargs)), *kwargs}
    given.add(met([value.dtype for value in [*args, *kwargs.values()] if isinstance(value, dt.Tensor)]))
    if len(args) <= 1:  # an object's method without arguments
        given.add("()")
    if not args:
        given |= {"empty", "none"}
    if any(re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) for word in given if word):
        return True
    return re.search(f"{ABSENT}|{COMPUTED}", text) is not None


def met(dtypes: list[dt.dtype]) -> str:
    """The dtype that tensors of these dtypes are computed in."""
    try:
        return str(reduce(dt.promote_types, dtypes)).removeprefix("dovetail.") if dtypes else "no tensors"
    except TypeError:  # uint64 meets no signed integer
        return ""


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
        yield from (str(len(value)), repr(value)[:LONGEST], *([] if value else EMPTY))
        for item in value:
            yield from words(item)
    elif isinstance(value, (int, float, complex)):
        yield from (repr(value), "()", "zero-dim", "no dims", *AS_TENSOR[type(value)])
        if not isinstance(value, complex):
            yield from (f"{value:g}", f"{value + 0:g}", "a number")
        if not cmath.isfinite(value):
            yield "non-finite"
    elif isinstance(value, bytes):
        yield repr(value)
        for item in value:
            yield from words(item)
    elif value is None:
        yield from ("None", "none")
    else:
        yield from (str(value)[:LONGEST], repr(value)[:LONGEST])
        if isinstance(value, str):
            yield from (*([] if value else EMPTY), value.split(":")[0], str(list(value))[:LONGEST])
        elif isinstance(value, Sized) and not isinstance(value, type):
            yield str(len(value))


def _words_of_tensor(t: dt.Tensor) -> Iterator[str]:
    yield from (str(t.dtype), str(t.dtype).removeprefix("dovetail."), str(t.device), str(t.numel()))
    yield from (str(tuple(t.shape)), str(list(t.shape)), *map(str, t.shape), str(t.ndim))
    yield from map(str, range(t.ndim))
    if t.ndim == 0:
        yield from ("zero-dim", "no dims", "none")
    if t.numel() == 0:
        yield from EMPTY
    if t.is_complex():
        yield from ("complex", "complex128")  # the latter is what it becomes beside a float64
    if max(t.numel(), sum(t.shape)) <= 300:
        yield str(t.tolist())[:LONGEST]
        for item in t.reshape(-1).tolist():
            yield from words(item)
