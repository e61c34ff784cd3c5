"""Checkpointing: parts of a network that are computed again in backward, in place of keeping what they need."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad, is_grad_enabled, no_grad

from . import _engine
from .engine import backward
from .function import Function
from .recomputing import Autocasts, CheckpointError, Region, Settings, same_random_numbers
from .selective import CheckpointPolicy, SelectiveCheckpointContext, create_selective_checkpoint_contexts

__all__ = [
    "CheckpointError",
    "CheckpointPolicy",
    "SelectiveCheckpointContext",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class _Defaults:
    """What the switches say, for the whole process. None: each call's own argument."""

    early_stop: bool | None = None
    debug: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Say, for what is checkpointed inside a `with`, whether the second call ends as soon as all is there.

    Example:
        >>> with dt.utils.checkpoint.set_checkpoint_early_stop(False):
        ...     y = dt.utils.checkpoint.checkpoint(dt.exp, dt.ones(2, requires_grad=True))
    """
    before, _Defaults.early_stop = _Defaults.early_stop, enable
    try:
        yield
    finally:
        _Defaults.early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Say, for what is checkpointed inside a `with`, whether errors list the operations; None: what each call says.

    Example:
        >>> with dt.utils.checkpoint.set_checkpoint_debug_enabled(True):
        ...     y = dt.utils.checkpoint.checkpoint(dt.exp, dt.ones(2, requires_grad=True))
    """
    before, _Defaults.debug = _Defaults.debug, enabled
    try:
        yield
    finally:
        _Defaults.debug = before


def noop_context_fn() -> Contexts:
    """Contexts that do nothing, for `checkpoint`'s context_fn.

    Example:
        >>> forward, again = dt.utils.checkpoint.noop_context_fn()
        >>> with forward:
        ...     pass
    """
    return nullcontext(), nullcontext()


@checks.in_own_name
def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function, but keep nothing of it for backward: there it is called again.

    That saves memory and costs a second forward. Inside a transform (`dt.func`) the function is simply called.

    Args:
        function: what to call; it must do the same the second time.
        args, kwargs: its arguments.
        use_reentrant: False lets the graph be recorded as ever, and computes its saved tensors again when the first is
            needed. True makes one node of the call, whose backward calls backward: `autograd.grad` and `inputs=` can't
            be used, and at least one of args has to require a gradient. What follows is for False only.
        preserve_rng_state: have the second call draw the same random numbers. For both.
        context_fn: called once; returns the context managers for the first and for the second call.
        determinism_check: "default" compares shape, dtype and device of every tensor; "none" does not.
        debug: have an error say which operations the two calls called.
        early_stop: end the second call as soon as everything is there that backward needs.

    Raises CheckpointError in backward where the function does something else the second time.

    Example:
        >>> x = dt.tensor([0.0, 1.0], requires_grad=True)
        >>> y = dt.autograd.checkpoint(lambda t: t.exp().sin(), x)
        >>> y.sum().backward()
        >>> x.grad.tolist()
        [0.5403023, -2.4783707]
    """
    checks.callables("checkpoint", function=function, context_fn=context_fn)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check must be 'default' or 'none', got {checks.shown(determinism_check)}")
    if use_reentrant:
        if kwargs:
            raise ValueError(f"unexpected keyword arguments with use_reentrant=True: {', '.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError("context_fn and debug are for use_reentrant=False only")
        return _reentrant(function, args, preserve_rng_state)
    debug = debug if _Defaults.debug is None else _Defaults.debug
    early_stop = early_stop if _Defaults.early_stop is None else _Defaults.early_stop
    if not is_grad_enabled() or _engine.any_level():
        return function(*args, **kwargs)
    contexts = context_fn()
    if not isinstance(contexts, tuple) or len(contexts) != 2:
        raise TypeError(f"context_fn must return two context managers, got {checks.shown(contexts)}")
    settings = Settings(preserve_rng_state, determinism_check == "default", early_stop, debug, contexts)
    return Region(function, args, kwargs, settings)(args, kwargs)


@checks.in_own_name
def checkpoint_sequential(
    functions: Sequence[Callable[[Any], Any]],
    segments: int,
    input: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
) -> Any:
    """Call functions one after the other, of which all but the last segment are checkpointed.

    Args:
        functions: a list of functions, or a Sequential.
        segments: into how many parts to divide them.
        input: what the first is given.
        use_reentrant, preserve_rng_state: as for `checkpoint`.

    Example:
        >>> x = dt.tensor([0.5], requires_grad=True)
        >>> dt.autograd.checkpoint_sequential([dt.sin, dt.cos, dt.exp], 2, x).backward()
        >>> x.grad.tolist()
        [-0.9830484]
    """
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    checks.integers("checkpoint_sequential", segments=segments)
    checks.callables("checkpoint_sequential", **{f"functions[{i}]": step for i, step in enumerate(steps)})
    if segments < 1:
        raise ValueError(f"checkpoint_sequential: segments must be at least 1, got {segments}")
    segments = max(min(segments, len(steps)), 1)
    size = max(len(steps) // segments, 1)

    def part(start: int, end: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return run

    for start in range(0, size * (segments - 1), size):
        input = checkpoint(
            part(start, start + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state
        )
    return part(size * (segments - 1), len(steps))(input)


# ---- backward inside backward ----


def _reentrant(function: Callable[..., Any], args: tuple[Any, ...], preserve_rng_state: bool) -> Any:
    if not is_grad_enabled() or _engine.any_level():
        return function(*args)
    if not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
        warnings.warn(
            "checkpoint: None of the inputs have requires_grad=True. Gradients will be None", UserWarning, stacklevel=4
        )
    return _Checkpointed.apply(function, preserve_rng_state, *args)


class _Checkpointed(Function):
    """One node for the whole call."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        ctx.function, ctx.rng_state = function, dt.get_rng_state() if preserve_rng_state else None
        ctx.autocasts = Autocasts()
        ctx.args = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with no_grad():
            return function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if not _engine.run_is_whole():
            raise RuntimeError(
                "checkpoint: with use_reentrant=True neither autograd.grad nor backward(inputs=...) can be used; use "
                "use_reentrant=False, or backward() without inputs"
            )
        args = list(ctx.args)
        for i, t in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[i] = t.detach().requires_grad_(t.requires_grad)
        with same_random_numbers(ctx.rng_state), ctx.autocasts.again(), enable_grad():
            outputs = ctx.function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        ends = [
            (o, g)
            for o, g in zip(outputs, gradients, strict=True)
            if isinstance(o, Tensor) and o.requires_grad and g is not None
        ]
        if not ends:
            raise RuntimeError("checkpoint: none of the outputs requires a gradient, so there is nothing to checkpoint")
        with enable_grad():
            backward([o for o, _ in ends], [g for _, g in ends])
        return None, None, *(arg.grad if isinstance(arg, Tensor) else None for arg in args)
