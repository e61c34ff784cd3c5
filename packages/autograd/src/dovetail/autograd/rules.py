"""Derivatives of ops, written in Python."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor, checks

from . import _engine

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, overload

    Rule = Callable[..., Any]

__all__ = [
    "RuleContext",
    "backward_by",
    "forward_by",
    "has_derivative",
    "refuse_vjp",
    "register_jvp",
    "register_vjp",
]


class RuleContext:
    """What a rule sees of the call.

    Attributes:
        args: the op's arguments in the schema's order; a tensor that was not saved is None.
        outputs: its results, likewise.
        needs_input_grad: for every argument, whether a gradient is wanted.
    """

    __slots__ = ("args", "needs_input_grad", "outputs")
    args: tuple[Any, ...]
    outputs: tuple[Tensor | None, ...]
    needs_input_grad: tuple[bool, ...]

    def __init__(
        self, args: tuple[Any, ...], outputs: tuple[Tensor | None, ...], needs_input_grad: tuple[bool, ...]
    ) -> None:
        self.args, self.outputs, self.needs_input_grad = args, outputs, needs_input_grad


_EVERYTHING = (1 << 64) - 1


def _mask(op: Any, saves: Sequence[str] | None) -> int:
    """Names of arguments and results as the engine's set of positions."""
    if saves is None:
        return _EVERYTHING
    names = [arg.name for arg in op.args]
    results = [name or "result" for name in op.returns] or ["result"]
    mask = 0
    for name in saves:
        if name in names:
            mask |= 1 << names.index(name)
        elif name in results:
            mask |= 1 << (_engine.RESULT + results.index(name))
        else:
            raise ValueError(
                f"register_vjp: {op.name} has no argument or result {name!r}; it has {', '.join((*names, *results))}"
            )
    return mask


if TYPE_CHECKING:

    @overload
    def register_vjp(op_name: str, rule: Rule, *, saves: Sequence[str] | None = None) -> Rule: ...
    @overload
    def register_vjp(
        op_name: str, rule: None = None, *, saves: Sequence[str] | None = None
    ) -> Callable[[Rule], Rule]: ...


def register_vjp(op_name: str, rule: Rule | None = None, *, saves: Sequence[str] | None = None) -> Any:
    """Give an op a derivative, in place of the one it had, or of its decomposition. A decorator too.

    Args:
        op_name: the op's name in the registry.
        rule: called as `rule(ctx, *grads)` with a `RuleContext` and the gradient of every result. It returns the
            gradient of every argument in the schema's order, None where there is none; trailing ones may be left out,
            and a single gradient need not be a tuple. Written in ops, it can itself be differentiated.
        saves: the names of the arguments and results (`"result"`) that the rule looks at; by default all are kept.

    Example:
        >>> from dovetail.ops import op
        >>> @op("clipped_cube(Tensor self) -> Tensor")
        ... def clipped_cube(self):
        ...     return (self**3).clamp(-1, 1)
        >>> @dt.autograd.register_vjp("clipped_cube", saves=("self",))
        ... def clipped_cube_vjp(ctx, gradient):
        ...     return gradient * 3 * ctx.args[0] ** 2
    """
    if rule is None:
        return lambda function: register_vjp(op_name, function, saves=saves)
    op = dt._core.get_op(op_name)

    def call(args: Any, outputs: Any, needs: Any, gradients: Any) -> tuple[Any, ...]:
        returned = rule(RuleContext(args, outputs, needs), *gradients)
        return tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)

    _engine.register_rule(op_name, call, _mask(op, saves))
    return rule


@checks.in_own_name
def refuse_vjp(op_name: str) -> None:
    """Declare that an op has no derivative, in place of the one it had, or of its decomposition.

    The op runs as ever, and its results remember that they depend on its arguments: a backward that reaches them raises
    NotImplementedError, and so does a forward derivative. (An op marked `non_differentiable` gives constants: gradients
    end there without a word.)

    Example:
        >>> from dovetail.ops import op
        >>> @op("checksum(Tensor self) -> Tensor")
        ... def checksum(self):
        ...     return (self * 7919 % 1).sum()
        >>> dt.autograd.refuse_vjp("checksum")
        >>> checksum(dt.ones(3, requires_grad=True)).backward()
        Traceback (most recent call last):
        NotImplementedError: backward: no derivative for checksum; call it on detach()ed tensors, ...
    """
    if not isinstance(op_name, str):
        raise TypeError(f"refuse_vjp: op_name must be a str, got {checks.shown(op_name)}")
    _engine.refuse(op_name)


def backward_by(op_name: str) -> str:
    """How an op's gradient is had: by its own "rule", by its "decomposition", or not: it is "refused", marked
    "non_differentiable", or has "none", and is refused too.

    Example:
        >>> [dt.autograd.backward_by(name) for name in ("exp", "std", "geqrf", "argmax")]
        ['rule', 'decomposition', 'refused', 'non_differentiable']
    """
    return _engine.backward_by(op_name)


@checks.in_own_name
def has_derivative(op_name: str) -> bool:
    """Whether an op has a derivative of its own; without one, its decomposition is differentiated.

    Example:
        >>> dt.autograd.has_derivative("exp")
        True
    """
    if not isinstance(op_name, str):
        raise TypeError(f"has_derivative: op_name must be a str, got {checks.shown(op_name)}")
    return _engine.has_rule(op_name)


def register_jvp(op_name: str, rule: Rule | None = None) -> Any:
    """Give an op a forward derivative, in place of the one it had. A decorator too.

    Args:
        op_name: the op's name in the registry.
        rule: called as `rule(ctx, *tangents)` with a `RuleContext` that has all arguments and results, and the tangent
            of every argument in the schema's order (None for a constant, and for what is no tensor). It returns the
            tangent of every result, None for zero; a single one need not be a tuple.

    Example:
        >>> from dovetail.ops import op
        >>> @op("tripled(Tensor self) -> Tensor")
        ... def tripled(self):
        ...     return self * 3
        >>> @dt.autograd.register_jvp("tripled")
        ... def tripled_jvp(ctx, tangent):
        ...     return tangent * 3
        >>> dt.func.jvp(tripled, (dt.tensor(1.0),), (dt.tensor(2.0),))[1].item()
        6.0
    """
    if rule is None:
        return lambda function: register_jvp(op_name, function)
    dt._core.get_op(op_name)

    def call(args: Any, outputs: Any, tangents: Any) -> tuple[Any, ...]:
        needs = tuple(t is not None for t in tangents)
        returned = rule(RuleContext(args, outputs, needs), *tangents)
        return tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)

    _engine.register_forward(op_name, call)
    return rule


def forward_by(op_name: str) -> str:
    """How an op's forward derivative is had: by its own "rule", as a "linear" op, from its vjp as a "diagonal" one, by
    its "decomposition", by a "double vjp", or not at all ("none").

    Example:
        >>> dt.autograd.forward_by("exp"), dt.autograd.forward_by("sum"), dt.autograd.forward_by("std")
        ('diagonal', 'linear', 'decomposition')
    """
    return _engine.forward_by(op_name)
