"""Forms of calls that an op's schema does not have: the binding asks here before it refuses a call.

`memory_format=` of what makes tensors, `layout=` and `pin_memory=` of factories, `value=` and `reduce=` of scatter,
`sparse_grad=` of gather, and `x.view(dtype)`.
"""

from __future__ import annotations

from . import _core, checks, formats
from ._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


__all__ = ["find", "keywords_of", "replaced_by_keywords"]

# What takes more keywords besides the factories.
_KEYWORDS = {
    "clone": ("memory_format",),
    "contiguous": ("memory_format",),
    "gather": ("sparse_grad",),
    "scatter": ("value", "reduce"),
}


def keywords_of(op: Any) -> tuple[str, ...]:
    """The keywords that an op takes in its other forms."""
    return ("layout", "pin_memory", "memory_format") if op.factory else _KEYWORDS.get(op.name, ())


def replaced_by_keywords(op: Any) -> tuple[str, ...]:
    """The arguments of an op that need not be given where a keyword of another form is."""
    return ("src",) if op.name == "scatter" else ()


def find(op: Any, keywords: tuple[str, ...]) -> Callable[..., Tensor] | None:
    """The function that knows the form of an op that has these keywords; None where there is none.

    Args:
        op: the Op, or the method of one, that was called.
        keywords: the names of the keywords that were given.
    """
    if op.name == "view":
        return _view
    if not set(keywords) & set(keywords_of(op)):
        return None
    if op.name == "scatter":
        return _scatter(op)
    if op.name == "gather":
        return _gather(op)
    return lambda *args, **keywords: _with_format(op, args, keywords)


def _gather(op: Any) -> Callable[..., Tensor]:
    def form(*args: Any, sparse_grad: bool = False, **keywords: Any) -> Tensor:
        if not isinstance(sparse_grad, bool):
            raise TypeError(f"gather: sparse_grad must be a bool, got {checks.shown(sparse_grad)}")
        return op(*args, **keywords)  # gradients are dense

    return form


_REDUCTIONS = {"add": "sum", "multiply": "prod"}


def _scatter(op: Any) -> Callable[..., Tensor]:
    """`scatter(dim, index, value=1.0)`, and `reduce=`, older than scatter_reduce."""
    who = op.__name__

    def form(input: Any, dim: Any, index: Any, *src: Any, **keywords: Any) -> Tensor:
        source = [*src, *(keywords.pop(name) for name in ("src", "value") if name in keywords)]
        reduce = keywords.pop("reduce", None)
        out = {name: keywords.pop(name) for name in ("out",) if name in keywords}
        if keywords or len(source) != 1:
            given = ", ".join([*map(checks.shown, source), *(f"{k}={checks.shown(v)}" for k, v in keywords.items())])
            raise TypeError(
                f"{who}: takes dim, index, either src or value, and reduce; beyond dim and index got ({given})"
            )
        if reduce is None:
            return op(input, dim, index, source[0], **out)
        if reduce not in _REDUCTIONS:
            raise ValueError(f"{who}: reduce must be 'add' or 'multiply', got {checks.shown(reduce)}")
        part = source[0]
        if isinstance(input, Tensor) and isinstance(index, Tensor) and not isinstance(part, Tensor):
            part = input.new_empty([]).fill_(part).expand(index.shape)
        reduced = _core.Tensor.scatter_reduce_ if who.endswith("_") else get_op("scatter_reduce")
        return reduced(input, dim, index, part, _REDUCTIONS[reduce], **out)

    return checks.in_own_name(form, who)


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
