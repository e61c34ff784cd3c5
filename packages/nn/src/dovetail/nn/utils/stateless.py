"""Calling a module with other tensors in place of its parameters and buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dovetail import Tensor, checks

if TYPE_CHECKING:
    from ..modules.module import Module

__all__ = ["functional_call", "replaced"]

Tensors = Mapping[str, Tensor]


def _merged(tensors: Tensors | Sequence[Tensors]) -> dict[str, Tensor]:
    if isinstance(tensors, Mapping):
        return dict(tensors)
    if not isinstance(tensors, (list, tuple)) or not all(isinstance(part, Mapping) for part in tensors):
        raise TypeError(
            f"functional_call: parameter_and_buffer_dicts must be a dict or several, got {checks.shown(tensors)}"
        )
    merged: dict[str, Tensor] = {}
    for part in tensors:
        repeated = merged.keys() & part.keys()
        if repeated:
            raise ValueError(f"functional_call: {sorted(repeated)} appear in several of the dictionaries")
        merged.update(part)
    return merged


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Every name of a parameter or buffer, also of one that has several, with the dict that holds it and its key."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for members in (part._parameters, part._buffers):
            for name, value in members.items():
                if value is not None:
                    found[f"{path}.{name}" if path else name] = (members, name)
    return found


def _chosen(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> list[tuple[Any, str, Tensor]]:
    places = _places(module)
    unexpected = sorted(given.keys() - places.keys())
    if unexpected:
        raise RuntimeError(f"functional_call: {type(module).__name__} has no {', '.join(unexpected)}")
    for name, t in given.items():
        if not isinstance(t, Tensor):
            raise TypeError(f"functional_call: {name} must be a Tensor, got {type(t).__name__}")
    by_object = _by_object(places, given) if tie_weights else {}
    chosen, missing = [], []
    for name, (members, key) in places.items():
        replacement = given.get(name, by_object.get(id(members[key])))
        if replacement is None:
            missing.append(name)
        else:
            chosen.append((members, key, replacement))
    if strict and missing:
        raise RuntimeError(
            f"functional_call: {', '.join(missing)} of {type(module).__name__} are missing (strict=True)"
        )
    return chosen


def _by_object(places: dict[str, tuple[dict[str, Any], str]], given: dict[str, Tensor]) -> dict[int, Tensor]:
    """What takes the place of each of the module's tensors, which may have several names."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, t in given.items():
        members, key = places[name]
        first, other = found.setdefault(id(members[key]), (name, t))
        if other is not t:
            raise ValueError(
                f"functional_call: {first} and {name} are one tensor of the module, and are given two; give one, or "
                "say tie_weights=False"
            )
    return {place: t for place, (_, t) in found.items()}


@contextmanager
def replaced(
    module: Module, tensors: Tensors | Sequence[Tensors], tie_weights: bool = True, strict: bool = False
) -> Iterator[None]:
    """Have other tensors in a module for a scope."""
    chosen = _chosen(module, _merged(tensors), tie_weights, strict)
    before = [members[key] for members, key, _ in chosen]
    for members, key, t in chosen:
        members[key] = t
    try:
        yield
    finally:
        for (members, key, _), old in zip(chosen, before, strict=True):
            members[key] = old


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers; `dt.func.functional_call` is this.

    Args:
        module: what to call.
        parameter_and_buffer_dicts: tensors by name, or several such dicts. What is not named stays as it is.
        args: the module's argument, or a tuple of them.
        kwargs: its keyword arguments.
        tie_weights: a parameter that the module has under several names is replaced under all of them.
        strict: every parameter and buffer must be named.

    Raises RuntimeError for a name that the module does not have (also where strict is False, so that no misspelt name
    is ignored), ValueError for one that is given twice, or for two tensors where the module has one under two names.

    Example:
        >>> layer = dt.nn.Linear(2, 1)
        >>> weights = {"weight": dt.ones(1, 2), "bias": dt.zeros(1)}
        >>> dt.nn.utils.functional_call(layer, weights, dt.tensor([3.0, 4.0])).tolist()
        [7.0]
    """
    given = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, parameter_and_buffer_dicts, tie_weights, strict):
        return module(*given, **(kwargs or {}))
