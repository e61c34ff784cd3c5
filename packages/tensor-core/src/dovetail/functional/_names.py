"""The names that NumPy and the array API standard give to arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "self": "input"}


def with_aliases(function: Function) -> Function:
    """Accept `axis` for `dim`, `keepdims` for `keepdim` and `x` for `input`."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for alias in _ALIASES.keys() & kwargs.keys():
                kwargs[_ALIASES[alias]] = kwargs.pop(alias)
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def given(out: Any) -> dict[str, Any]:
    """`out=` to pass on, where there is one."""
    return {} if out is None else {"out": out}
