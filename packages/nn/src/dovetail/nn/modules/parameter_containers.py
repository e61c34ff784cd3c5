"""Containers whose tensors are parameters."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import dovetail as dt
from dovetail import checks

from .module import Module

_NOTHING: Any = object()


def _position(who: str, index: Any, length: int) -> int:
    checks.integers(who, index=index)
    at = operator.index(index)
    if not -length <= at < length:
        raise IndexError(f"{who}: index {at} is out of range for {length} entries")
    return at % length


class _Holder(Module):
    """Values under names: tensors as parameters, others beside them."""

    _values: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        # What is there, in order; a parameter's value is read from where the module keeps it.
        self._values = {}

    def _put(self, name: str, value: Any) -> None:
        if isinstance(value, dt.Tensor):
            from ..parameter import Parameter

            if name not in self._parameters:
                self._check_name(name, "parameter")
            self._parameters[name] = value if isinstance(value, Parameter) else Parameter(value)
            self._values[name] = None
        else:
            self._parameters.pop(name, None)
            self._values[name] = value

    def _get(self, name: str) -> Any:
        return self._parameters[name] if name in self._parameters else self._values[name]

    def _drop(self, name: str) -> Any:
        value = self._get(name)
        self._parameters.pop(name, None)
        del self._values[name]
        return value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._values.pop(name, None)

    def __repr__(self) -> str:
        lines = []
        for name in self._values:
            value = self._get(name)
            if isinstance(value, dt.Tensor):
                size = "x".join(map(str, value.shape))
                lines.append(f"({name}): Parameter containing: [{value.dtype} of size {size}]")
            elif isinstance(value, Module):
                text = repr(value).replace("\n", "\n  ")
                lines.append(f"({name}): {text}")
            else:
                lines.append(f"({name}): Object of type: {type(value).__name__}")
        body = "".join(f"\n    {line}" for line in lines)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


class ParameterList(_Holder):
    """A list whose tensors are registered as parameters; other values are kept as they are.

    Args:
        values: what to begin with.

    Example:
        >>> weights = ParameterList([dt.ones(2), dt.ones(3)])
        >>> [tuple(w.shape) for w in weights]
        [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return (self._get(name) for name in list(self._values))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._get(str(_position("ParameterList", index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(str(_position("ParameterList", index, len(self))), value)

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    @checks.in_class_name
    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._put(str(len(self)), value)
        return self

    @checks.in_class_name
    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end."""
        if isinstance(values, dt.Tensor) or not isinstance(values, Iterable):
            raise TypeError(f"ParameterList: extend takes an iterable of values, got {checks.shown(values)}")
        for value in values:
            self.append(value)
        return self


Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]


class ParameterDict(_Holder):
    """A dict whose tensors are registered as parameters under its keys; other values are kept as they are.

    Args:
        values: what to begin with, a mapping or pairs.
        parameters: PyTorch's word for it.

    Example:
        >>> weights = ParameterDict({"left": dt.ones(2), "right": dt.ones(3)})
        >>> sorted(name for name, _ in weights.named_parameters())
        ['left', 'right']
    """

    def __init__(self, values: Pairs | None = None, *, parameters: Pairs | None = None) -> None:
        super().__init__()
        self.update(values or {}, parameters=parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            raise KeyError(key)
        return self._get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: a key must be a string, got {checks.shown(key)}")
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self._drop(key)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._values))

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __or__(self, other: ParameterDict) -> ParameterDict:
        copy = self.copy()
        copy.update(other.items())
        return copy

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        copy = ParameterDict(other.items())
        copy.update(self.items())
        return copy

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other.items())
        return self

    def copy(self) -> ParameterDict:
        """Another one with the same values."""
        return ParameterDict(self.items())

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, which gets this one if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or a default if it is not there."""
        return self._get(key) if key in self._values else default

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        """Take a value out; a default if it is not there, else KeyError."""
        if key not in self and default is not _NOTHING:
            return default
        return self._drop(key)

    def popitem(self) -> tuple[str, Any]:
        """Take out the last pair."""
        if not self._values:
            raise KeyError("ParameterDict: popitem of an empty dict")
        key = next(reversed(self._values))
        return key, self._drop(key)

    def clear(self) -> None:
        """Take all out."""
        for key in list(self._values):
            self._drop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Another one with these keys and one value for all."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> Iterable[str]:
        """The keys, in the order in which they were added."""
        return self._values.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return [self._get(key) for key in self._values]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Keys and values."""
        return [(key, self._get(key)) for key in self._values]

    @checks.in_class_name
    def update(self, values: Pairs = (), *, parameters: Pairs | None = None) -> None:
        """Add or replace values; ``parameters`` is PyTorch's word for them."""
        for given in (values, parameters or ()):
            for key, value in given.items() if isinstance(given, (Mapping, ParameterDict)) else given:
                self[key] = value
