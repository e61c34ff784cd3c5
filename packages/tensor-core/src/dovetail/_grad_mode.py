"""Whether operations are recorded for gradients: context managers and decorators over the thread's grad mode."""

from __future__ import annotations

from . import _core, checks
from ._core import is_grad_enabled

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


__all__ = [
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]

_GENERATOR = 0x20  # the code flag of a function with a yield in it


class _Mode:
    """A mode that is entered by `with`, or by calling a function that it decorates."""

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def _again(self) -> _Mode:
        """A fresh one, as a decorated function may call itself."""
        return type(self)()

    def __call__(self, function: Function) -> Function:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _GENERATOR:
            return _in_generator(self._again, function)
        if isinstance(function, type):
            import warnings

            warnings.warn(
                f"{type(self).__name__}: decorating the class {function.__name__} makes a function of it, whose calls "
                "alone are in the mode; decorate its methods",
                FutureWarning,
                stacklevel=2,
            )

        from functools import wraps

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


def _in_generator(mode: Callable[[], _Mode], function: Function) -> Function:
    """A generator function whose body alone runs in the mode: what uses the generator keeps its own."""

    from functools import wraps

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with mode():
            generator = function(*args, **kwargs)
        step, value = generator.send, None
        try:
            while True:
                try:
                    with mode():
                        produced = step(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    value, step = (yield produced), generator.send
                except GeneratorExit:
                    raise
                except BaseException as error:
                    value, step = error, generator.throw
        finally:
            with mode():
                generator.close()

    return wrapper  # type: ignore[return-value]


def _truth(who: str, mode: Any) -> bool:
    try:
        return bool(mode)
    except Exception as error:
        checks.speak_as(who, error, (mode,))
        raise


class no_grad(_Mode):
    """Record nothing for gradients: a context manager and a decorator.

    Example:
        >>> with dt.no_grad():
        ...     dt.is_grad_enabled()
        False
        >>> @dt.no_grad()
        ... def evaluate():
        ...     return dt.is_grad_enabled()
        >>> evaluate()
        False
    """

    _enabled = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        # @dt.no_grad without parentheses
        mode = object.__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self) -> None:
        self._before = _core.set_grad_enabled(self._enabled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.set_grad_enabled(self._before)


class enable_grad(no_grad):
    """Record for gradients again, inside `no_grad`: a context manager and a decorator.

    Example:
        >>> with dt.no_grad(), dt.enable_grad():
        ...     dt.is_grad_enabled()
        True
    """

    _enabled = True


class set_grad_enabled(_Mode):
    """Turn recording for gradients on or off: at once, and until the end of a `with` where there is one.

    Args:
        mode: whether to record.

    Example:
        >>> with dt.set_grad_enabled(False):
        ...     dt.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = _truth("set_grad_enabled", mode)
        self._before = _core.set_grad_enabled(self.mode)

    def __enter__(self) -> None:
        _core.set_grad_enabled(self.mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.set_grad_enabled(self._before)

    def _again(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)

    def __call__(self, function: Function) -> Function:
        # Decorating is no reason to change the mode here and now.
        _core.set_grad_enabled(self._before)
        return super().__call__(function)


class inference_mode(_Mode):
    """Record nothing, and mark what is made as never to be used in recording: a stricter `no_grad`.

    Outside of it, a tensor that was made inside can't be written in place, required gradients of, or saved for a
    backward; a `clone()` of it can. Views of tensors from outside are ordinary tensors.

    Args:
        mode: False leaves everything as it is.

    Example:
        >>> with dt.inference_mode():
        ...     dt.is_inference_mode_enabled()
        True
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.mode = _truth("inference_mode", mode)

    def __enter__(self) -> None:
        self._before = _core.set_inference_mode(self.mode), _core.is_grad_enabled()
        _core.set_grad_enabled(not self.mode and self._before[1])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inference, grad = self._before
        _core.set_inference_mode(inference)
        _core.set_grad_enabled(grad)

    def _again(self) -> inference_mode:
        return inference_mode(self.mode)


def is_inference(input: _core.Tensor) -> bool:
    """Whether a tensor was made in inference mode.

    Example:
        >>> dt.is_inference(dt.ones(2))
        False
    """
    checks.tensors("is_inference", input=input)
    return input._is_inference


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode.

    Example:
        >>> dt.is_inference_mode_enabled()
        False
    """
    return _core.is_inference_mode()
