"""Operations with a forward and a backward of their own, written in Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from dovetail import Tensor, checks
from dovetail._grad_mode import is_grad_enabled, no_grad

from . import _engine
from .function_levels import apply_at

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What a Function's forward leaves for its backward. Any attribute may be set on it."""

    needs_input_grad: tuple[bool, ...] = ()
    _function: type[Function]
    _to_save: tuple[Tensor | None, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _constant: tuple[Tensor, ...] = ()
    _materialize = True
    _for_forward: tuple[Tensor | None, ...] = ()
    _unrecorded: tuple[Tensor | None, ...] | None = None  # saved tensors where no node keeps them
    _accessed = False

    def __init__(self) -> None:
        self._saved = _engine.SavedList()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (arguments and results, also None) for backward, where `saved_tensors` has them."""
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for jvp, where `saved_tensors` has them; by default it has what is kept for backward."""
        self._for_forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that forward wrote into these arguments; it has to return them."""
        self._check("mark_dirty", tensors)
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that no gradient flows through these results."""
        self._check("mark_non_differentiable", tensors)
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether backward gets zeros (the default) or None for a result that got no gradient."""
        self._materialize = bool(value)

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept. Raises RuntimeError if one was written since, or the graph was freed."""
        if self._unrecorded is not None:
            return self._unrecorded
        if not self._function.clear_saved_tensors_on_access:
            return self._saved.unpack(self._name())
        if self._accessed:
            raise RuntimeError(
                f"{self._name()}: saved_tensors can only be accessed once, as clear_saved_tensors_on_access is True"
            )
        found = self._saved.unpack(self._name())
        self._accessed = True
        self._saved.release()
        return found

    def _check(self, method: str, tensors: tuple[Any, ...]) -> None:
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"{self._function.__name__}: {method} takes Tensors, got {checks.shown(t)}")

    def record(self, args: tuple[Any, ...], output: Any, level: _engine.Level | None = None) -> Any:
        """Record a call at a level (None: ordinary autograd); returns its results."""
        several = isinstance(output, tuple)
        outputs = _engine.record_function(
            self._name(),
            self,
            self._saved,
            args,
            output if several else (output,),
            self._to_save,
            self._dirty,
            self._constant,
            self._materialize,
            level,
        )
        self._to_save = self._dirty = self._constant = ()
        return outputs if several else outputs[0]

    def name(self) -> str:
        """The name of the Function's node."""
        return self._name()

    def _name(self) -> str:
        return self._function.__name__ + "Backward"

    def _run_backward(self, *gradients: Tensor | None) -> Any:
        function = self._function
        own_vjp = function.vjp is not Function.vjp
        if own_vjp and function.backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
                "implement one of them."
            )
        return (function.vjp if own_vjp else function.backward)(self, *gradients)


class Function:
    """A differentiable operation, called as `Name.apply(...)`.

    Subclasses define two static methods, `forward(ctx, *args)` and `backward(ctx, *grads)`, which returns a gradient
    for every argument (None where there is none). Forward may also be written without a context, next to
    `setup_context(ctx, inputs, output)`, and has to be where transforms are to see through it; those may also want
    `jvp(ctx, *tangents)`, and `vmap(info, in_dims, *args)` or `generate_vmap_rule = True`.

    Example:
        >>> class Cube(dt.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     def backward(ctx, gradient):
        ...         (x,) = ctx.saved_tensors
        ...         return gradient * 3 * x**2
        >>> x = dt.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad.item()
        12.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__}: an autograd Function is not instantiated; call {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result: `forward(ctx, *args)`, or `forward(*args)` where there is a setup_context."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Leave on the context what backward needs, where forward takes no context."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient for every argument, given one for every result."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for `backward`."""
        raise NotImplementedError("You must implement either the backward or vjp method.")

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """The tangent of every result, given one (or None) for every argument: for forward-mode derivatives."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function.")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """The results for a batch, and their mapped dims: `in_dims` says which dim of every argument is mapped, and
        `info` has batch_size and randomness."""
        raise NotImplementedError("You must implement the vmap function, or set generate_vmap_rule = True.")

    # Whether vmap maps forward, backward and jvp as they are.
    generate_vmap_rule = False

    # Whether reading ctx.saved_tensors lets go of them, so that a backward can free them one by one.
    clear_saved_tensors_on_access = False

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward, and record that backward computes its gradients.

        Keyword arguments take their places among the positional ones, as backward has a gradient for every argument;
        where there is a setup_context, forward's defaults do so too.
        """
        args = _positional(cls, args, kwargs)
        if _engine.any_level():
            level = _engine.top_level([arg for arg in args if isinstance(arg, Tensor)])
            if level is not None:
                return apply_at(cls, args, level)
        return cls._call(args)[0]

    @classmethod
    def _call(cls, args: tuple[Any, ...]) -> tuple[Any, FunctionCtx, tuple[Tensor | None, ...]]:
        """The results of ordinary autograd, the context, and what it keeps for jvp."""
        ctx = FunctionCtx()
        ctx._function = cls
        ctx.needs_input_grad = tuple(isinstance(arg, Tensor) and arg.requires_grad for arg in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        kept = ctx._for_forward or ctx._to_save
        if not is_grad_enabled() or not any(ctx.needs_input_grad):
            return output, ctx, kept
        return ctx.record(args, output), ctx, kept


@cache
def _forward_of(forward: Callable[..., Any]) -> tuple[inspect.Signature, bool]:
    """The signature of a forward, and whether arguments of it may be left out."""
    signature = inspect.signature(forward)
    return signature, any(p.default is not p.empty for p in signature.parameters.values())


def _positional(cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a call of apply, in forward's order."""
    separate = cls.setup_context is not Function.setup_context
    if not kwargs and not separate:
        return args
    signature, optional = _forward_of(cls.forward)
    if not kwargs and not optional:
        return args
    try:
        bound = signature.bind(*args, **kwargs) if separate else signature.bind(None, *args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.apply: {error}") from None
    if separate:
        bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"{cls.__name__}.apply: forward must take {', '.join(bound.kwargs)} as positional arguments")
    return bound.args if separate else bound.args[1:]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a Function's backward that is not itself recorded: differentiating it is then an error.

    Example:
        >>> class Double(dt.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...
        ...     @staticmethod
        ...     @dt.autograd.once_differentiable
        ...     def backward(ctx, gradient):
        ...         return gradient * 2
    """

    @wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            results = backward(ctx, *gradients)
        if not is_grad_enabled() or not any(isinstance(g, Tensor) and g.requires_grad for g in gradients):
            return results
        message = "trying to differentiate twice a function that was marked with @once_differentiable"
        many = results if isinstance(results, tuple) else (results,)
        refused = tuple(_engine.refuse_backward(r, message) if isinstance(r, Tensor) else r for r in many)
        return refused if isinstance(results, tuple) else refused[0]

    return wrapper
