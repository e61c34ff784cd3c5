"""Modules that hold modules."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self

import dovetail as dt  # noqa: F401  (for the examples)
from dovetail import checks

from .module import Module
from .parameter_containers import ParameterDict as ParameterDict
from .parameter_containers import ParameterList as ParameterList
from .parameter_containers import _position


def _module(owner: Module, module: Any) -> Module:
    if not isinstance(module, Module):
        raise TypeError(f"{type(owner).__name__}: expected a Module, got {checks.shown(module)}")
    return module


def _sequential(sign: str, other: Any) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(f"Sequential: {sign} takes another Sequential, got {checks.shown(other)}")
    return other


def _times(times: Any) -> int:
    checks.integers("Sequential", times=times)
    if times <= 0:
        raise ValueError(f"Sequential: can be repeated 1 time or more, got {times}")
    return operator.index(times)


class Sequential(Module):
    """Modules one after the other: each gets what the one before it gave.

    Args:
        args: modules, or one ordered dict of them by name.

    Example:
        >>> net = Sequential(dt.nn.Linear(4, 3), dt.nn.ReLU(), dt.nn.Linear(3, 2))
        >>> net(dt.zeros(1, 4)).shape
        dovetail.Size([1, 2])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        pairs: Iterable[tuple[str, Any]] = (
            args[0].items()
            if len(args) == 1 and isinstance(args[0], Mapping)
            else ((str(i), m) for i, m in enumerate(args))
        )
        for name, module in pairs:
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return list(self._modules.values())[_position("Sequential", index, len(self))]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[_position("Sequential", index, len(self))], module)

    def __delitem__(self, index: int | slice) -> None:
        keep = list(self._modules.values())
        if not isinstance(index, slice):
            index = _position("Sequential", index, len(keep))
        del keep[index]
        self._renumber(keep)

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        self._modules = {str(i): m for i, m in enumerate(modules)}

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_sequential("+", other))

    def __iadd__(self, other: Sequential) -> Self:
        return self.extend(list(_sequential("+=", other)))

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*list(self) * _times(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (_times(times) - 1))

    def pop(self, index: int | slice = -1) -> Any:
        """Take a module out."""
        module = self[index]
        del self[index]
        return module

    @checks.in_class_name
    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    @checks.in_class_name
    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    @checks.in_class_name
    def insert(self, index: int, module: Module) -> Self:
        """Put a module before position ``index``."""
        modules = list(self._modules.values())
        if not -len(modules) <= operator.index(index) <= len(modules):
            raise IndexError(f"Sequential: index {index} is out of range for {len(modules)} entries")
        modules.insert(index, _module(self, module))
        self._renumber(modules)
        return self


class ModuleList(Module):
    """A list whose modules are registered.

    Example:
        >>> layers = ModuleList(dt.nn.Linear(2, 2) for _ in range(3))
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[str(_position("ModuleList", index, len(self)))]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(_position("ModuleList", index, len(self))), module)

    def __delitem__(self, index: int | slice) -> None:
        keep = list(self)
        if not isinstance(index, slice):
            index = _position("ModuleList", index, len(keep))
        del keep[index]
        self._modules = {str(i): m for i, m in enumerate(keep)}

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    @checks.in_class_name
    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    @checks.in_class_name
    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    @checks.in_class_name
    def insert(self, index: int, module: Module) -> None:
        """Put a module before position ``index``."""
        modules = list(self)
        modules.insert(index, _module(self, module))
        self._modules = {str(i): m for i, m in enumerate(modules)}

    def pop(self, index: int | slice = -1) -> Any:
        """Take a module out."""
        module = self[index]
        del self[index]
        return module

    def __repr__(self) -> str:
        """Equal neighbours are shown once: ``(0-2): 3 x Linear(...)``."""
        runs: list[tuple[int, str]] = []  # where each begins
        for at, module in enumerate(self):
            text = repr(module)
            if not runs or runs[-1][1] != text:
                runs.append((at, text))
        if not runs:
            return f"{self._get_name()}()"
        ends = [at for at, _ in runs[1:]] + [len(self)]
        lines = []
        for (begin, text), end in zip(runs, ends, strict=True):
            count = end - begin
            head = f"({begin})" if count == 1 else f"({begin}-{end - 1})"
            times = "" if count == 1 else f"{count} x "
            body = text.replace("\n", "\n  ")
            lines.append(f"{head}: {times}{body}")
        body = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {body}\n)"


class ModuleDict(Module):
    """A dict whose modules are registered under its keys.

    Example:
        >>> acts = ModuleDict({"relu": dt.nn.ReLU()})
        >>> acts["tanh"] = dt.nn.Tanh()
        >>> list(acts.keys())
        ['relu', 'tanh']
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        """The keys, in the order in which they were added."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()  # type: ignore[return-value]

    def items(self) -> ItemsView[str, Module]:
        """Keys and modules."""
        return self._modules.items()  # type: ignore[return-value]

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out."""
        return self._modules.pop(key)  # type: ignore[return-value]

    @checks.in_class_name
    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add or replace modules."""
        for key, module in modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules:
            self[key] = module
