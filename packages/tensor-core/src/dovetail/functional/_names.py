"""The names that NumPy and the array API standard give to arguments."""

from __future__ import annotations

from .. import checks
from .._core import Tensor, can_cast

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "self": "input"}


def with_aliases(function: Function) -> Function:
    """Accept `axis` for `dim`, `keepdims` for `keepdim` and `x` for `input`; let refusals begin with the name."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for alias in _ALIASES.keys() & kwargs.keys():
                kwargs[_ALIASES[alias]] = kwargs.pop(alias)
        try:
            return function(*args, **kwargs)
        except Exception as error:
            checks.speak_as(function.__name__, error, args, kwargs)
            raise

    wrapper.__name__, wrapper.__qualname__ = function.__name__, function.__qualname__
    wrapper.__module__, wrapper.__doc__ = function.__module__, function.__doc__
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def given(out: Any) -> dict[str, Any]:
    """`out=` to pass on, where there is one."""
    return {} if out is None else {"out": out}


def written(who: str, result: Any, out: Any) -> Any:
    """The result, in `out` where that is given: a tensor of its shape, or without elements, or one for each result."""
    if out is None:
        return result
    if not isinstance(result, Tensor):
        return tuple(written(who, each, target) for each, target in zip(result, out, strict=True))
    checks.tensors(who, out=out)
    if not can_cast(result.dtype, out.dtype):
        raise TypeError(
            f"{who}: the result of dtype {result.dtype.name} can't be written to a tensor of {out.dtype.name}"
        )
    if out.shape != result.shape:
        if out.numel():
            raise ValueError(
                f"{who}: the result has shape {tuple(result.shape)} but the tensor to write has {tuple(out.shape)}"
            )
        out.resize_(result.shape)
    return out.copy_(result)
