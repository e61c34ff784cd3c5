"""The table of batching rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import dovetail as dt
from dovetail import Tensor

from .. import _engine

if TYPE_CHECKING:
    pass

__all__ = ["Rule", "batched_by", "by_loop", "op_of", "register_batching", "rule", "rule_for", "view_rule"]

# A rule is called as rule(b, *args): all of the op's arguments in the schema's order, and the Mapping, which gives a
# tensor's values with the mapped dim in front as `b(t)`. It returns the op's results, the mapped dim in front.
Rule = Callable[..., Any]

_RULES: dict[str, Rule] = {}
_VIEWS: dict[str, Rule] = {}
_LOOPS: set[str] = set()


@cache
def op_of(name: str) -> dt.Op:
    """The op of a name."""
    return dt._core.get_op(name)


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Give ops a batching rule; it gets the op's name first where it serves several: rule(op, b, *args)."""

    def register(function: Rule) -> Rule:
        for name in ops:
            _RULES[name] = function if len(ops) == 1 else _named(function, name)
            _engine.own_batching(name)
        return function

    return register


def _named(function: Rule, name: str) -> Rule:
    return lambda b, *args: function(op_of(name), b, *args)


def view_rule(*ops: str) -> Callable[[Rule], Rule]:
    """The same for ops that make a view: rule(b, view, *args) returns the view of the values, the mapped dim in front.

    `view` is the result as func sees it, for its shape."""

    def register(function: Rule) -> Rule:
        for name in ops:
            _VIEWS[name] = function if len(ops) == 1 else _named(function, name)
            _engine.own_batching(name)
        return function

    return register


def by_loop(*ops: str) -> None:
    """Say that ops run sample by sample although they have a decomposition: it reads values, or writes in place into
    tensors that the samples share."""
    _LOOPS.update(ops)
    for name in ops:
        _engine.own_batching(name)


def register_batching(op_name: str, function: Rule | None = None) -> Any:
    """Give an op a batching rule for vmap, in place of the one it had. A decorator too.

    Args:
        op_name: the op's name in the registry.
        function: called as `function(b, *args)` with all of the op's arguments, of which `b(t)` gives a tensor's values
            with the mapped dim in front (repeated for a tensor that the samples share), `b.maps(t)` whether it is
            mapped and `b.size` the size of the dim. It returns the op's results with the mapped dim in front.

    Example:
        >>> from dovetail.ops import op
        >>> @op("first_row(Tensor self) -> Tensor")
        ... def first_row(self):
        ...     return self[0].clone()
        >>> @dt.autograd.register_batching("first_row")
        ... def first_row_batched(b, x):
        ...     return b(x)[:, 0].clone()
        >>> dt.vmap(dt._core.get_op("first_row"))(dt.ones(2, 3, 4)).shape
        dovetail.Size([2, 4])
    """
    if function is None:
        return lambda given: register_batching(op_name, given)
    op_of(op_name)
    _RULES[op_name] = function
    _engine.own_batching(op_name)
    return function


def rule_for(name: str) -> tuple[str, Rule | None]:
    """How an op is run, and by which function."""
    if name in _RULES:
        return "rule", _RULES[name]
    if name in _VIEWS:
        return "view", _VIEWS[name]
    op = op_of(name)
    if op.form == "elementwise":
        return "elementwise", None
    if op.decomposes and name not in _LOOPS:
        return "decomposition", None
    return "loop", None


def batched_by(name: str) -> str:
    """How vmap runs an op: by its "rule" (also "view"), as "elementwise", by its "decomposition" or by a "loop".

    Example:
        >>> from dovetail.autograd.batching import batched_by
        >>> batched_by("cumsum"), batched_by("exp"), batched_by("std")
        ('rule', 'elementwise', 'decomposition')
    """
    return rule_for(name)[0]


def front(t: Tensor, dim: int) -> Tensor:
    """A tensor with this dim in front."""
    return t if dim == 0 else t.movedim(dim, 0)
