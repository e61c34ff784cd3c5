"""What a node keeps for its backward, as attributes of the node: `_saved_<name>` and `_raw_saved_<name>`."""

from __future__ import annotations

import dovetail as dt

from . import _engine
from ._engine import Node

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = ["install"]


def _names(node: Node) -> list[tuple[int, str]]:
    """The op's arguments and results by the engine's numbers."""
    op = dt._core.get_op(node._op_name())
    results = [name or "result" for name in op.returns or ()] or ["result"]
    return [*enumerate(arg.name for arg in op.args), *enumerate(results, _engine.RESULT)]


def _getattr(node: Node, attribute: str) -> Any:
    """What of the call the node keeps: tensors (as they were; an error where they were freed or written since), lists
    of them, and arguments that are no tensors."""
    raw, _, name = attribute.rpartition("_saved_")
    if raw not in ("", "_raw") or not name:
        raise AttributeError(f"{node.name()!r} object has no attribute {attribute!r}")
    parts = _engine.saved_parts(node)
    attributes = _engine.saved_attributes(node)
    kept = {number for number, _ in parts} | set(attributes)
    named = {known: number for number, known in (_names(node) if kept else []) if number in kept}
    if name not in named or (raw and named[name] in attributes):
        raise AttributeError(
            f"{node.name()!r} object has no attribute {attribute!r}; it keeps {', '.join(named) or 'nothing'}"
        )
    number = named[name]
    if number in attributes:
        return attributes[number]
    of = _engine.raw_saved if raw else _engine.saved_tensor
    found = [of(node, index) for which, index in parts if which == number]
    return tuple(found) if _is_list(node, number) else found[0]


def _is_list(node: Node, number: int) -> bool:
    return number < _engine.RESULT and "[]" in str(dt._core.get_op(node._op_name()).args[number].type)


def _dir(node: Node) -> list[str]:
    kept = {number for number, _ in _engine.saved_parts(node)} | set(_engine.saved_attributes(node))
    names = [f"_saved_{name}" for number, name in (_names(node) if kept else []) if number in kept]
    return [*object.__dir__(node), *names]


def install() -> None:
    """Put the attributes on Node."""
    Node.__getattr__ = _getattr  # type: ignore[attr-defined]
    Node.__dir__ = _dir  # type: ignore[assignment,method-assign]
