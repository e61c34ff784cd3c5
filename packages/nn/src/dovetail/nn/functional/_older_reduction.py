"""`size_average` and `reduce`, PyTorch's older arguments of losses, in whose place `reduction` came.

They are taken by name, and by place where a call follows PyTorch's order: there `size_average` is None or a bool, which
no argument of ours at its place is.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar, cast

import dovetail as dt
from dovetail import checks
from dovetail.ops import Op

F = TypeVar("F", bound=Callable[..., Any])
_OLDER = ("size_average", "reduce")


def with_older_reduction(op: Op) -> Callable[..., dt.Tensor]:
    """An op that is a loss, as a function that takes the older arguments too."""
    positional = [arg.name for arg in op.args if not arg.keyword_only]
    place = _place(positional)

    def function(*args: Any, **kwargs: Any) -> dt.Tensor:
        if (kwargs and not kwargs.keys().isdisjoint(_OLDER)) or (len(args) > place and _is_older(args[place])):
            args, kwargs = _translated(op.name, positional, args, kwargs, 3)
        return op(*args, **kwargs)

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    function.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(
                arg.name,
                Parameter.KEYWORD_ONLY if arg.keyword_only else Parameter.POSITIONAL_OR_KEYWORD,
                default=arg.default if arg.has_default else Parameter.empty,
            )
            for arg in op.args
        ]
        + [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in _OLDER]
    )
    return function


def init_with_older_reduction(init: F) -> F:
    """The constructor of a loss's module, taking the older arguments too."""
    positional = [
        name for name, each in signature(init).parameters.items() if each.kind is Parameter.POSITIONAL_OR_KEYWORD
    ][1:]
    if "reduction" not in positional:
        return init
    place = _place(positional)

    @functools.wraps(init)
    def older(self: Any, *args: Any, **kwargs: Any) -> None:
        if (kwargs and not kwargs.keys().isdisjoint(_OLDER)) or (len(args) > place and _is_older(args[place])):
            args, kwargs = _translated(type(self).__name__, positional, args, kwargs, 4)
        init(self, *args, **kwargs)

    return cast("F", older)


def _is_older(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _place(positional: Sequence[str]) -> int:
    """Where `size_average` stands in PyTorch's order; `reduce` stands right before `reduction`."""
    if "ignore_index" in positional:
        return positional.index("ignore_index")
    return positional.index("eps" if "log_input" in positional else "reduction")


def _translated(
    who: str, positional: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any], stacklevel: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call without the older arguments, everything by name that stands at their places or behind."""
    place, order = _place(positional), list(positional)
    if len(args) > place and _is_older(args[place]):
        order.insert(order.index("reduction"), "reduce")
        order.insert(place, "size_average")
    if len(args) > len(order):
        raise TypeError(f"{who}: takes at most {len(order)} arguments by place, got {len(args)}")
    named = dict(zip(order[place:], args[place:], strict=False))
    for name in kwargs:
        if name in order[: len(args)]:
            raise TypeError(f"{who}: got two values for {name}")
    named.update(kwargs)
    size_average, reduce = (named.pop(name, None) for name in _OLDER)
    if size_average is not None or reduce is not None:
        for name, value in (("size_average", size_average), ("reduce", reduce)):
            if not _is_older(value):
                raise TypeError(f"{who}: {name} must be a bool, got {checks.shown(value)}")
        averaged = size_average is None or size_average
        named["reduction"] = "none" if reduce is False else "mean" if averaged else "sum"
        warnings.warn(
            f"{who}: size_average and reduce will be deprecated, please use reduction={named['reduction']!r} instead",
            stacklevel=stacklevel,
        )
    return args[:place], named
