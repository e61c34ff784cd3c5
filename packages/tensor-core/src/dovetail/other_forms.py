"""Forms of calls that an op's schema does not have: the binding asks here before it refuses a call.

`memory_format=` of what makes tensors, `layout=` and `pin_memory=` of factories, and `x.view(dtype)`.
"""

from __future__ import annotations

from . import _core, checks, formats
from ._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


__all__ = ["find", "keywords_of"]

# What takes a memory format besides the factories.
_TAKE_FORMAT = ("clone", "contiguous")


def keywords_of(op: Any) -> tuple[str, ...]:
    """The keywords that an op takes in its other forms."""
    if op.factory:
        return ("layout", "pin_memory", "memory_format")
    return ("memory_format",) if op.name in _TAKE_FORMAT else ()


def find(op: Any) -> Callable[..., Tensor] | None:
    """The function that knows an op's other forms; None where there are none.

    Args:
        op: the Op, or the method of one, that was called.
    """
    name = op.name
    if name == "view":
        return _view
    if keywords_of(op):
        return lambda *args, **keywords: _with_format(op, args, keywords)
    return None


def _view(*args: Any, **keywords: Any) -> Tensor:
    given = [*args[1:], *keywords.values()]
    known = args and isinstance(args[0], Tensor) and keywords.keys() <= {"dtype"}
    if not known or len(given) != 1 or not isinstance(given[0], _core.dtype):
        shown = [checks.shown(arg) for arg in args[1:]]
        shown += [f"{key}={checks.shown(arg)}" for key, arg in keywords.items()]
        raise TypeError(f"view: size must be ints, or a dtype in their place, got ({', '.join(shown)})")
    try:
        return get_op("view_dtype")(args[0], given[0])
    except (TypeError, ValueError) as error:
        error.args = (str(error).replace("view_dtype: ", "view: ", 1),)
        raise


def _with_format(op: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Tensor:
    wanted = keywords.pop("memory_format", None)
    if op.factory:
        formats.ignore_layout(op.name, keywords)
    if wanted is None:
        return op(*args, **keywords)
    formats.check(op.name, wanted)
    if op.name == "contiguous":
        given = args[0] if len(args) == 1 and isinstance(args[0], Tensor) else op(*args, **keywords)
        return formats.as_format("contiguous", given, wanted) if wanted is not formats.preserve_format else op(given)
    if wanted is formats.preserve_format:
        if not args or not isinstance(args[0], Tensor):
            raise ValueError(f"{op.name}: preserve_format keeps a given tensor's order, and there is none")
        return _like(op(*args, **keywords), args[0])
    return formats.as_format(op.name, op(*args, **keywords), wanted)


def _like(result: Tensor, given: Tensor) -> Tensor:
    """The result in the format of the tensor that was given, where that has one."""
    if given.ndim == result.ndim and not given.is_contiguous():
        for wanted in (formats.channels_last, formats.channels_last_3d):
            if formats.is_in_format(given, wanted):
                return formats.as_format("memory_format", result, wanted)
    return result
