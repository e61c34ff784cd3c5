"""The names that NumPy and the array API standard give to arguments."""

from __future__ import annotations

from .. import checks

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


_ALIASES = {"axis": "dim", "ddof": "correction", "keepdims": "keepdim", "x": "input", "self": "input"}


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
