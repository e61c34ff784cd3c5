"""Anomaly mode: where a NaN, or an error in a backward, came from."""

from __future__ import annotations

import os
import traceback
import warnings
from types import TracebackType

import dovetail as dt
from dovetail import Tensor

from . import _engine

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

_LIBRARY = os.path.dirname(os.path.abspath(dt.__file__))
_HERE = os.path.dirname(os.path.abspath(__file__))


class _State:
    """What anomaly mode is set to, and the first NaN of a forward since it was turned on."""

    enabled = False
    check_nan = True
    first_nan: str | None = None


def _user_line(stack: list[traceback.FrameSummary]) -> str:
    """The innermost line that is not the library's."""
    for frame in reversed(stack):
        if not frame.filename.startswith((_LIBRARY + os.sep, _HERE + os.sep)):
            return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
    return "an unknown place"


def _has_nan(tensors: tuple[Tensor | None, ...]) -> bool:
    with dt.no_grad():
        return any(bool(dt.isnan(t).any()) for t in tensors if t is not None and t.dtype.is_floating_point)


def _recorded(node: _engine.Node, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
    stack = list(traceback.extract_stack())[:-1]
    node.metadata["traceback_"] = traceback.format_list(stack)
    node.metadata["line"] = _user_line(stack)
    if _State.check_nan and _State.first_nan is None and _has_nan(outputs) and not _has_nan(inputs):
        _State.first_nan = f"the forward of {node.name()}, at {node.metadata['line']}"


def _ran(node: _engine.Node, gradients: tuple[Tensor | None, ...]) -> None:
    if not _State.check_nan:
        return
    for i, gradient in enumerate(gradients):
        if gradient is None or not _has_nan((gradient,)):
            continue
        text = f"Function '{node.name()}' returned nan values in its {i}th output."
        if "line" in node.metadata:
            text += f" Its forward was at {node.metadata['line']}."
        if _State.first_nan is not None:
            text += f" The first NaN came from {_State.first_nan}."
        raise RuntimeError(text)


def _failed(node: _engine.Node) -> None:
    stack = "".join(node.metadata.get("traceback_", ["  recorded while anomaly mode was off\n"]))
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{stack}", stacklevel=1
    )


class set_detect_anomaly:
    """Turn anomaly mode on or off: at once, and until the end of a `with` where there is one.

    In anomaly mode every operation remembers the line that called it. A backward that makes a NaN is an error that
    names this line, and the one where the first NaN of the forward was made; an error inside a backward is followed by
    a warning with the traceback of the forward. All this is slow, so it is for finding mistakes.

    Args:
        mode: whether it is on.
        check_nan: look for NaN.

    Example:
        >>> x = dt.tensor([0.0], requires_grad=True)
        >>> with dt.autograd.set_detect_anomaly(True):
        ...     (x.sqrt() * x.sqrt() * 0).sum().backward()
        Traceback (most recent call last):
        ...
        RuntimeError: backward: Function 'SqrtBackward0' returned nan values in its 0th output...
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_State.enabled, _State.check_nan)
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(*self._before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly mode (see `set_detect_anomaly`) until the end of a `with`.

    Args:
        check_nan: look for NaN.

    Example:
        >>> with dt.autograd.detect_anomaly():
        ...     dt.autograd.is_anomaly_enabled()
        True
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)


def _set(mode: bool, check_nan: bool) -> None:
    _engine.install_watcher(_recorded, _ran, _failed)
    _State.enabled, _State.check_nan, _State.first_nan = bool(mode), bool(check_nan), None
    _engine.watch(_State.enabled)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on.

    Example:
        >>> dt.autograd.is_anomaly_enabled()
        False
    """
    return _State.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks for NaN.

    Example:
        >>> dt.autograd.is_anomaly_check_nan_enabled()
        True
    """
    return _State.check_nan
