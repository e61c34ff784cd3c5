"""Walking over a module's members, with their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..parameter import Parameter
    from .module import Module


class NamedParameters:
    """An iterator over parameters that also knows their names: ``named()`` gives the pairs instead."""

    def __init__(self, pairs: Iterator[tuple[str, Parameter]]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[Parameter]:
        return self

    def __next__(self) -> Parameter:
        return next(self._pairs)[1]

    def named(self) -> Iterator[tuple[str, Parameter]]:
        return self._pairs


def named_modules(
    module: Module, memo: set[Module], prefix: str, remove_duplicate: bool
) -> Iterator[tuple[str, Module]]:
    if module in memo:
        return
    if remove_duplicate:
        memo.add(module)
    yield prefix, module
    for name, child in module._modules.items():
        if child is not None:
            yield from named_modules(child, memo, join(prefix, name), remove_duplicate)


def named_members(
    module: Module, members: str, prefix: str, recurse: bool, remove_duplicate: bool
) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    modules = named_modules(module, set(), prefix, remove_duplicate) if recurse else iter([(prefix, module)])
    for path, owner in modules:
        for name, value in getattr(owner, members).items():
            if value is None or id(value) in seen:
                continue
            if remove_duplicate:
                seen.add(id(value))
            yield join(path, name), value


def join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
