"""Anomaly mode: where a NaN, or an error in a backward, came from."""

from __future__ import annotations

import os
import traceback
import warnings
from types import TracebackType
from typing import ClassVar

import dovetail as dt
from dovetail import Tensor

from . import _engine

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

_LIBRARY = os.path.dirname(os.path.abspath(dt.__file__))
_HERE = os.path.dirname(os.path.abspath(__file__))


class _State:
    """What anomaly mode is set to, and the first bad values of a forward since it was turned on."""

    enabled = False
    check_nan = True
    check_inf = False
    check_forward = False
    first: ClassVar[dict[str, str]] = {}  # "NaN" or "Inf" -> where it came from


_BAD = {"NaN": dt.isnan, "Inf": dt.isinf}


def _user_line(stack: list[traceback.FrameSummary]) -> str:
    """The innermost line that is not the library's."""
    for frame in reversed(stack):
        if not frame.filename.startswith((_LIBRARY + os.sep, _HERE + os.sep)):
            return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
    return "an unknown place"


def _has(kind: str, tensors: tuple[Tensor | None, ...]) -> bool:
    with dt.no_grad():
        return any(
            bool(_BAD[kind](t).any())
            for t in tensors
            if t is not None and (t.dtype.is_floating_point or t.dtype.is_complex)
        )


def _kinds() -> list[str]:
    """What is an error."""
    return [kind for kind, on in (("NaN", _State.check_nan), ("Inf", _State.check_inf)) if on]


def _recorded(node: _engine.Node, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
    stack = list(traceback.extract_stack())[:-1]
    node.metadata["traceback_"] = traceback.format_list(stack)
    node.metadata["line"] = _user_line(stack)
    if not _kinds():
        return
    for kind in _BAD:
        if kind in _State.first or not _has(kind, outputs):
            continue
        # Where an input has it already and nothing recorded made it, it was in the data.
        made = not _has(kind, inputs)
        what = "the forward of" if made else "an input of"
        _State.first[kind] = f"{what} {node.name()}, at {node.metadata['line']}"
        if _State.check_forward and kind in _kinds():
            did = f"returned {kind}" if made else f"was given {kind}, which no recorded operation had made"
            raise RuntimeError(f"{node._op_name()}: {did}, at {node.metadata['line']}{_earlier(kind)}")


def _earlier(kind: str) -> str:
    """The other kind's first place, which may be this one's reason: inf - inf is NaN."""
    text = ""
    for other, place in _State.first.items():
        if other == kind:
            break
        text += f". Before it the first {other} came from {place}"
    return text


def _ran(node: _engine.Node, gradients: tuple[Tensor | None, ...]) -> None:
    for kind in _kinds():
        for i, gradient in enumerate(gradients):
            if gradient is None or not _has(kind, (gradient,)):
                continue
            text = f"Function '{node.name()}' returned {kind.lower()} values in its {i}th output."
            if "line" in node.metadata:
                text += f" Its forward was at {node.metadata['line']}."
            for first, place in _State.first.items():
                text += f" The first {first} came from {place}."
            raise RuntimeError(text)


def _failed(node: _engine.Node) -> None:
    stack = "".join(node.metadata.get("traceback_", ["  recorded while anomaly mode was off\n"]))
    warnings.warn(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{stack}", stacklevel=1
    )


class set_detect_anomaly:
    """Turn anomaly mode on or off: at once, and until the end of a `with` where there is one.

    In anomaly mode every operation remembers the line that called it. A backward that makes a NaN is an error that
    names this line, and those where the first NaN and the first Inf of the forward were made; an error inside a
    backward is followed by a warning with the traceback of the forward.
    All this is slow, so it is for finding mistakes.

    Args:
        mode: whether it is on.
        check_nan: a NaN is an error.
        check_inf: so is an Inf.
        check_forward: also in a forward, at the first operation whose result has one. Operations that are recorded
            are looked at; by default a forward may make a NaN, as long as none reaches a gradient.

    Example:
        >>> x = dt.tensor([0.0], requires_grad=True)
        >>> with dt.autograd.set_detect_anomaly(True):
        ...     (x.sqrt() * x.sqrt() * 0).sum().backward()
        Traceback (most recent call last):
        ...
        RuntimeError: backward: Function 'SqrtBackward0' returned nan values in its 0th output...
    """

    def __init__(
        self, mode: bool, check_nan: bool = True, *, check_inf: bool = False, check_forward: bool = False
    ) -> None:
        self._before = (_State.enabled, _State.check_nan, _State.check_inf, _State.check_forward)
        _set(mode, check_nan, check_inf, check_forward)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _set(*self._before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly mode (see `set_detect_anomaly`) until the end of a `with`.

    Args:
        check_nan, check_inf, check_forward: as for `set_detect_anomaly`.

    Example:
        >>> x = dt.tensor([0.0, 1.0], requires_grad=True)
        >>> with dt.autograd.detect_anomaly(check_inf=True, check_forward=True):
        ...     y = (x + 1).log()
        ...     z = x.log()
        Traceback (most recent call last):
        ...
        RuntimeError: log: returned Inf, at ...
    """

    def __init__(self, check_nan: bool = True, *, check_inf: bool = False, check_forward: bool = False) -> None:
        super().__init__(True, check_nan, check_inf=check_inf, check_forward=check_forward)


def _set(mode: bool, check_nan: bool, check_inf: bool, check_forward: bool) -> None:
    _engine.install_watcher(_recorded, _ran, _failed)
    _State.enabled, _State.check_nan = bool(mode), bool(check_nan)
    _State.check_inf, _State.check_forward = bool(check_inf), bool(check_forward)
    _State.first.clear()
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
