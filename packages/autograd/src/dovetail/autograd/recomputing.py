"""What `checkpoint` does with `use_reentrant=False`: in place of its saved tensors the graph keeps their numbers, and
the function is called again when the first of them is needed."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import enable_grad

from . import _engine
from .function import Function
from .graph import saved_tensors_hooks
from .nests import mapped, tensors_in

__all__ = ["Autocasts", "CheckpointError", "Region", "Settings", "same_random_numbers"]


class CheckpointError(RuntimeError):
    """A function that did something else when it was computed again."""


class _Enough(BaseException):
    """All that was asked for has been computed."""


@dataclass(frozen=True)
class Settings:
    """How a function is to be computed again."""

    preserve_rng_state: bool
    check_metadata: bool
    early_stop: bool
    debug: bool
    contexts: tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


@contextmanager
def same_random_numbers(state: Tensor | None) -> Iterator[None]:
    """The generator as it was then, for a `with`; as it is now, after."""
    if state is None:
        yield
        return
    with dt.random.fork_rng():
        dt.set_rng_state(state)
        yield


class Autocasts:
    """Autocast as it is now; entered again while backward, which turns it off, computes something anew."""

    def __init__(self) -> None:
        self.regions, self.cache_enabled = _engine.enabled_autocasts(), _engine.autocast_cache_enabled()

    @contextmanager
    def again(self) -> Iterator[None]:
        """The same regions, for a `with`."""
        with ExitStack() as scope:
            for device_type, dtype in self.regions:
                scope.enter_context(dt.autocast(device_type, dtype, cache_enabled=self.cache_enabled))
            yield


class _Inputs(Function):
    """Holds tensors as a node does: hooks of an outer scope have them, and writes are noticed."""

    @staticmethod
    def forward(ctx: Any, begin: Tensor, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return dt.empty(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise AssertionError("nobody gets this node's output")


class _Kept:
    """What the graph keeps in place of one tensor."""

    __slots__ = ("__weakref__", "number", "region", "value", "version")

    def __init__(self, region: Region, number: int) -> None:
        self.region, self.number = region, number
        self.value: Tensor | None = None
        self.version = 0


class _AtTheEnd:
    """Lets go, at the end of a backward, of what it computed again and did not free with the graph."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def __del__(self) -> None:
        self.region.forget()


class Region:
    """One call of a checkpointed function."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], settings: Settings
    ) -> None:
        self.function, self.settings = function, settings
        given = (args, kwargs)
        self.inputs: Any = _Inputs.apply(dt.empty(0, requires_grad=True), *tensors_in(given)).grad_fn
        self.form = mapped(given, lambda t: None)
        self.is_tensor = mapped(given, lambda t: _Tensor)
        self.rng_state = dt.get_rng_state() if settings.preserve_rng_state else None
        self.autocasts = Autocasts()
        self.saved: list[tuple[weakref.ref[_Kept], dict[str, Any]]] = []
        self.lock = threading.RLock()
        self.log = _Log() if settings.debug else None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function, of which the graph keeps numbers."""
        with ExitStack() as scope:
            scope.enter_context(self.settings.contexts[0])
            if self.log is not None:
                scope.enter_context(self.log)
            scope.enter_context(saved_tensors_hooks(self._pack, lambda kept: kept.region._unpack(kept)))
            return self.function(*args, **kwargs)

    def _pack(self, t: Tensor) -> _Kept:
        kept = _Kept(self, len(self.saved))
        self.saved.append((weakref.ref(kept), _metadata(t)))
        return kept

    def _unpack(self, kept: _Kept) -> Tensor:
        with self.lock:
            if kept.value is None:
                self._compute_again()
                with contextlib.suppress(RuntimeError):  # outside of a backward
                    _engine.run_notes()[self] = _AtTheEnd(self)
            value = kept.value
            assert value is not None
            if value._version != kept.version:
                raise RuntimeError(
                    f"checkpoint: one of the variables needed for gradient computation has been modified by an inplace "
                    f"operation: tensor {kept.number} that the function saved, a {value.dtype.name} tensor of shape "
                    f"{tuple(value.shape)}; clone() it before it is written"
                )
            return value

    def forget(self) -> None:
        """Let go of what was computed again."""
        with self.lock:
            for reference, _ in self.saved:
                if (kept := reference()) is not None:
                    kept.value = None

    def _compute_again(self) -> None:
        count = 0

        def keep(t: Tensor) -> Tensor:
            nonlocal count
            if count < len(self.saved):
                self._take(count, t)
            count += 1
            if count == len(self.saved) and self.settings.early_stop:
                raise _Enough
            return t.detach()

        log = _Log() if self.log is not None else None
        try:
            with ExitStack() as scope:
                scope.enter_context(same_random_numbers(self.rng_state))
                scope.enter_context(self.autocasts.again())
                scope.enter_context(self.settings.contexts[1])
                scope.enter_context(enable_grad())
                if log is not None:
                    scope.enter_context(log)
                args, kwargs = self._arguments()
                scope.enter_context(saved_tensors_hooks(keep, lambda t: t))
                self.function(*args, **kwargs)
        except _Enough:
            return
        except CheckpointError as error:
            self._tell(error, log)
            raise
        if count != len(self.saved):
            wrong = CheckpointError(
                f"checkpoint: the function saved {len(self.saved)} tensors in forward, and {count} when it was "
                "computed again; it must do the same both times" + ("" if log else "; debug=True lists its operations")
            )
            self._tell(wrong, log)
            raise wrong

    def _arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        tensors = iter(self.inputs.saved_tensors)
        return _filled(self.form, self.is_tensor, tensors)

    def _take(self, number: int, t: Tensor) -> None:
        """Take a tensor that the second call saved for that of the first."""
        reference, was = self.saved[number]
        now = _metadata(t)
        if self.settings.check_metadata and was != now:
            raise CheckpointError(
                f"checkpoint: tensor {number} that the function saved was {_told(was)} in forward, and is {_told(now)} "
                "now that it is computed again; it must do the same both times"
            )
        if (kept := reference()) is not None:
            kept.value = t.detach()
            kept.version = kept.value._version

    def _tell(self, error: CheckpointError, log: _Log | None) -> None:
        if log is not None and self.log is not None:
            error.args = (f"{error}\nIn forward it called:\n{self.log}\nComputed again it called:\n{log}",)


class _Tensor:
    """Stands for a tensor among arguments."""


def _filled(form: Any, is_tensor: Any, tensors: Iterator[Tensor]) -> Any:
    """The arguments, their tensors put back."""
    from .nests import flattened, rebuilt

    leaves = zip(flattened(form), flattened(is_tensor), strict=True)
    return rebuilt(form, iter([next(tensors) if mark is _Tensor else leaf for leaf, mark in leaves]))


def _metadata(t: Tensor) -> dict[str, Any]:
    return {"shape": tuple(t.shape), "dtype": t.dtype, "device": t.device}


def _told(metadata: dict[str, Any]) -> str:
    return f"a {metadata['dtype'].name} tensor of shape {metadata['shape']} on {metadata['device']}"


class _Log:
    """The ops that a function calls."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._scope: AbstractContextManager[None] | None = None

    def _call(self, op: Any, args: tuple[Any, ...], out: tuple[Any, ...] | None) -> Any:
        self.lines.append(f"  {op.name}({', '.join(checks.shown(arg) for arg in args)})")
        return op.call(args, out)

    def __enter__(self) -> None:
        self._scope = dt.layers.intercept(self._call)
        self._scope.__enter__()

    def __exit__(self, *error: Any) -> None:
        assert self._scope is not None
        self._scope.__exit__(*error)

    def __str__(self) -> str:
        return "\n".join(self.lines)
