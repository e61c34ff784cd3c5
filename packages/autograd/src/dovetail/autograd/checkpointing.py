"""Checkpointing: parts of a network that are computed again in backward, in place of keeping what they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad, is_grad_enabled

from .graph import saved_tensors_hooks

__all__ = ["checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """A function that did something else when it was computed again."""


class _Region:
    """One call of a checkpointed function. In place of its saved tensors the graph keeps their numbers."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], rng: bool) -> None:
        self.call = (function, args, kwargs)
        self.rng_state = dt.get_rng_state() if rng else None
        self.shapes: list[tuple[Any, ...]] = []
        self.again: dict[int, Tensor] = {}

    def pack(self, t: Tensor) -> int:
        self.shapes.append((tuple(t.shape), t.dtype))
        return len(self.shapes) - 1

    def unpack(self, number: int) -> Tensor:
        if number not in self.again:
            self.compute_again()
        return self.again.pop(number)

    def compute_again(self) -> None:
        function, args, kwargs = self.call
        found: list[Tensor] = []

        def keep(t: Tensor) -> Tensor:
            found.append(t.detach())
            return found[-1]

        with _same_random_numbers(self.rng_state), enable_grad(), saved_tensors_hooks(keep, lambda t: t):
            function(*args, **kwargs)
        if [(tuple(t.shape), t.dtype) for t in found] != self.shapes:
            raise CheckpointError(
                f"checkpoint: the function saved {len(self.shapes)} tensors in forward, and {len(found)} (or others) "
                "when it was computed again; it must do the same both times"
            )
        self.again = dict(enumerate(found))


@contextmanager
def _same_random_numbers(state: Tensor | None) -> Iterator[None]:
    """The generator as it was then, for a `with`; as it is now, after."""
    if state is None:
        yield
        return
    with dt.random.fork_rng():
        dt.set_rng_state(state)
        yield


@checks.in_own_name
def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function, but keep nothing of it for backward: there it is called again.

    That saves memory and costs a second forward.

    Args:
        function: what to call; it must do the same the second time.
        args, kwargs: its arguments.
        use_reentrant: of PyTorch's two ways only the newer one is offered, so this has to be False.
        preserve_rng_state: have the second call draw the same random numbers.

    Example:
        >>> x = dt.tensor([0.0, 1.0], requires_grad=True)
        >>> y = dt.autograd.checkpoint(lambda t: t.exp().sin(), x)
        >>> y.sum().backward()
        >>> x.grad.tolist()
        [0.5403023, -2.4783707]
    """
    checks.callables("checkpoint", function=function)
    if use_reentrant:
        raise ValueError(
            f"checkpoint: use_reentrant must be False, which does more than True, got {checks.shown(use_reentrant)}"
        )
    if not is_grad_enabled():
        return function(*args, **kwargs)
    region = _Region(function, args, kwargs, preserve_rng_state)
    with saved_tensors_hooks(region.pack, region.unpack):
        return function(*args, **kwargs)


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

    def run(start: int, end: int, value: Any) -> Any:
        for step in steps[start:end]:
            value = step(value)
        return value

    for start in range(0, size * (segments - 1), size):
        input = checkpoint(
            run, start, start + size, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state
        )
    return run(size * (segments - 1), len(steps), input)
