"""Refusals that Python functions share: what was expected of an argument, and what it was."""

from __future__ import annotations

from collections.abc import Mapping

from ._core import Tensor, can_cast, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


def shown(value: Any) -> str:
    """A value in an error's words, on one line and not too long."""
    if isinstance(value, Tensor):
        return f"a Tensor of shape {tuple(value.shape)}"
    text = _text(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _text(value: Any) -> str:
    if isinstance(value, Tensor):
        return shown(value)
    if type(value) in (list, tuple):
        inside = ", ".join(_text(entry) for entry in value[:8]) + (", ..." if len(value) > 8 else "")
        return f"[{inside}]" if type(value) is list else f"({inside}{',' * (len(value) == 1)})"
    return " ".join(repr(value).split())


def tensors(who: str, **values: Any) -> None:
    """Refuse what is no Tensor."""
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{who}: {name} must be a Tensor, got {shown(value)}")


def numbers(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor a float nor a real tensor of one element."""
    for name, value in values.items():
        one = isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex()
        if not one and not isinstance(value, (int, float)):
            raise TypeError(f"{who}: {name} must be a number, got {shown(value)}")


def integers(who: str, **values: Any) -> None:
    """Refuse what is no int."""
    for name, value in values.items():
        if not hasattr(value, "__index__") or (isinstance(value, Tensor) and not _is_index(value)):
            raise TypeError(f"{who}: {name} must be an int, got {shown(value)}")


def _is_index(value: Any) -> bool:
    if not isinstance(value, Tensor):
        return True
    return value.numel() == 1 and not value.dtype.is_floating_point and not value.dtype.is_complex


def ints(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor ints in a list or tuple."""
    for name, value in values.items():
        entries = value if isinstance(value, (list, tuple)) else [value]
        if not all(isinstance(entry, int) or (hasattr(entry, "__index__") and _is_index(entry)) for entry in entries):
            raise TypeError(f"{who}: {name} must be an int or a tuple of ints, got {shown(value)}")


def sizes(who: str, **values: Any) -> None:
    """Refuse what is neither an int nor ints in a list or tuple, and what is negative."""
    ints(who, **values)
    for name, value in values.items():
        if any(entry < 0 for entry in (value if isinstance(value, (list, tuple)) else [value])):
            raise ValueError(f"{who}: {name} must not be negative, got {shown(value)}")


def callables(who: str, **values: Any) -> None:
    """Refuse what can't be called."""
    for name, value in values.items():
        if not callable(value):
            raise TypeError(f"{who}: {name} must be callable, got {shown(value)}")


def dicts(who: str, **values: Any) -> None:
    """Refuse what is no mapping."""
    for name, value in values.items():
        if not isinstance(value, Mapping):
            raise TypeError(f"{who}: {name} must be a dict, got {shown(value)}")


# ---- Python's own words, and those of what a call is built of ----

# What an error of Python's own becomes; other kinds stay as they are.
_KINDS: dict[type[BaseException], type[Exception]] = {
    kind: kind
    for kind in (TypeError, ValueError, IndexError, RuntimeError, MemoryError, OverflowError, NotImplementedError)
}
_KINDS |= {
    AttributeError: TypeError,
    KeyError: ValueError,
    ZeroDivisionError: ValueError,
    UnicodeEncodeError: ValueError,
}


def in_own_name(function: Function, name: str = "") -> Function:
    """Let a function's refusals begin with its name, whatever part of it refuses; for what need not be fastest."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            speak_as(name or function.__name__, error, args, kwargs)
            raise

    return dressed(wrapper, function)


def in_class_name(method: Function) -> Function:
    """The same for a method: refusals begin with the class's name."""

    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            speak_as((self if isinstance(self, type) else type(self)).__name__, error, args, kwargs)
            raise

    return dressed(wrapper, method)


def class_speaks(cls: type) -> None:
    """Let the refusals of a class's constructor begin with its name; leaves classes of other libraries alone."""
    if cls.__module__.startswith("dovetail.") and "__init__" in vars(cls):
        cls.__init__ = in_class_name(cls.__init__)  # type: ignore[misc]


def dressed(wrapper: Any, function: Function) -> Function:
    """A wrapper that goes by what it wraps."""
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(wrapper, name, getattr(function, name))
    wrapper.__wrapped__ = function
    return wrapper


def speak_as(who: str, error: Exception, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> None:
    """Put a caught error into the caller's name, and say what was given where nobody of ours has said it.

    To be called in an `except` branch that raises the error again; where its kind makes no sense to the caller, the
    right one is raised from here. What a function of the user's raised stays as it is.
    """
    kind, text = _KINDS.get(type(error)), str(error.args[0] if type(error) is KeyError and error.args else error)
    after = text.removeprefix(who)
    named = after != text and not f"_{after[:1] or ':'}".isidentifier()  # the whole of a name
    if kind is None or (named and kind in (type(error), ValueError)) or _others_raised(error.__traceback__):
        return
    speaker, colon, rest = text.partition(": ")
    if kind is not RuntimeError and not (colon and speaker.replace(".", "_").isidentifier()):
        given = [shown(arg) for arg in args] + [f"{name}={shown(value)}" for name, value in (kwargs or {}).items()]
        text = f"{text}; called with ({', '.join(given)})"
    elif _is_op(speaker) or speaker.rstrip("_") == who.rstrip("_"):
        text = rest
    text = f"{who}: {text}"
    if kind is not type(error):
        raise kind(text) from error
    error.args = (text,)


def _is_op(name: str) -> bool:
    if name in ("to", "device", "as_tensor"):  # which ops and other functions call
        return True
    try:
        return bool(get_op(name.rstrip("_")))
    except KeyError:
        return False


_BELOW = ("dovetail", "numpy", "onnx", "onnxruntime", "google", "safetensors")


def _others_raised(traceback: TracebackType | None) -> bool:
    """Whether the error passed through code that is neither ours nor what we are built on."""
    from sys import stdlib_module_names

    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if module not in _BELOW and module not in stdlib_module_names:
            return True
        traceback = traceback.tb_next
    return False


def written(who: str, result: Any, out: Any) -> Any:
    """The result, in `out` where that is given: a tensor of its shape, or without elements, or one for each result."""
    if out is None:
        return result
    if not isinstance(result, Tensor):
        return tuple(written(who, each, target) for each, target in zip(result, out, strict=True))
    tensors(who, out=out)
    if not can_cast(result.dtype, out.dtype):
        raise TypeError(
            f"{who}: the result of dtype {result.dtype.name} can't be written to a tensor of {out.dtype.name}"
        )
    if out.shape != result.shape:
        if out.numel():
            raise ValueError(
                f"{who}: the result has shape {tuple(result.shape)} but the tensor to write has {tuple(out.shape)}"
            )
        out.resize_(result.shape)
    return out.copy_(result)
