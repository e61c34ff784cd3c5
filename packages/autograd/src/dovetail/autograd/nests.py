"""Nests of values: tuples, named tuples, lists and dicts, of any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dovetail import Tensor

__all__ = ["flattened", "is_nest", "leaves_beside", "mapped", "rebuilt", "tensors_in"]


def is_nest(value: Any) -> bool:
    """Whether a value has parts of its own (a Size is a plain value)."""
    return isinstance(value, (dict, list)) or (isinstance(value, tuple) and type(value).__name__ != "Size")


def _parts(nest: Any) -> list[Any]:
    return list(nest.values()) if isinstance(nest, dict) else list(nest)


def _like(nest: Any, parts: list[Any]) -> Any:
    if isinstance(nest, dict):
        keyed = zip(nest, parts, strict=True)
        return type(nest)(keyed) if type(nest).__module__ == "collections" and not _has_default(nest) else dict(keyed)
    if hasattr(nest, "_fields"):
        return type(nest)(*parts)
    if isinstance(nest, tuple) and hasattr(type(nest), "n_sequence_fields"):  # what ops with named results return
        return type(nest)(parts)
    return type(nest)(parts)


def _has_default(nest: Any) -> bool:
    return hasattr(nest, "default_factory")


def flattened(nest: Any) -> list[Any]:
    """The leaves of a nest, in order.

    Example:
        >>> from dovetail.autograd.nests import flattened
        >>> flattened({"a": [1, 2], "b": (3,)})
        [1, 2, 3]
    """
    leaves: list[Any] = []
    _gather(nest, leaves)
    return leaves


def _gather(nest: Any, leaves: list[Any]) -> None:
    if isinstance(nest, Tensor) or not is_nest(nest):
        leaves.append(nest)
        return
    for part in nest.values() if isinstance(nest, dict) else nest:
        _gather(part, leaves)


def rebuilt(nest: Any, leaves: Iterator[Any]) -> Any:
    """A nest of the same form with other leaves, taken in order."""
    if isinstance(nest, Tensor) or not is_nest(nest):
        return next(leaves)
    return _like(nest, [rebuilt(part, leaves) for part in _parts(nest)])


def mapped(nest: Any, function: Callable[[Any], Any]) -> Any:
    """The nest with a function applied to its tensors; other leaves stay.

    Example:
        >>> from dovetail.autograd.nests import mapped
        >>> mapped([dt.tensor(2.0), "x"], lambda t: t.item())
        [2.0, 'x']
    """
    if isinstance(nest, Tensor):
        return function(nest)
    return _like(nest, [mapped(part, function) for part in _parts(nest)]) if is_nest(nest) else nest


def tensors_in(nest: Any) -> list[Tensor]:
    """The tensors of a nest, in order."""
    return [leaf for leaf in flattened(nest) if isinstance(leaf, Tensor)]


def leaves_beside(prefix: Any, nest: Any, what: str) -> list[Any]:
    """For every leaf of `nest` the leaf of `prefix` that stands for it: prefix has the same form, or ends earlier.

    Raises ValueError, beginning with `what`, where the forms differ.

    Example:
        >>> from dovetail.autograd.nests import leaves_beside
        >>> leaves_beside((0, None), ("x", ["y", "z"]), "in_dims")
        [0, None, None]
    """
    if not is_nest(prefix):
        return [prefix] * len(flattened(nest))
    same = is_nest(nest) and isinstance(nest, dict) == isinstance(prefix, dict) and len(prefix) == len(nest)
    if not same or (isinstance(prefix, dict) and set(prefix) != set(nest)):
        raise ValueError(f"{what}: {prefix!r} does not have the form of the values that it is for")
    pairs = [(prefix[key], nest[key]) for key in nest] if isinstance(nest, dict) else zip(prefix, nest, strict=True)
    return [leaf for p, n in pairs for leaf in leaves_beside(p, n, what)]
