"""Tensors as text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from . import _core, checks
from ._core import Tensor

__all__ = ["PrintOptions", "get_printoptions", "printoptions", "set_printoptions", "tensor_text"]


@dataclass
class PrintOptions:
    """How tensors are shown.

    Attributes:
        precision: digits after the point.
        threshold: tensors of more elements are summarised.
        edgeitems: how many elements a summary shows at each end of a dim.
        linewidth: columns before a line is broken.
        sci_mode: whether floats are in scientific notation; None where the values ask for it.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Say how tensors are shown; what is not given stays.

    Args:
        precision: digits after the point.
        threshold: tensors of more elements are summarised.
        edgeitems: how many elements a summary shows at each end of a dim.
        linewidth: columns before a line is broken.
        profile: start from "default", "short" or "full".
        sci_mode: whether floats are in scientific notation; None where the values ask for it.

    Example:
        >>> dt.set_printoptions(precision=2)
        >>> dt.tensor([1 / 3])
        tensor([0.33], shape=(1,), dtype=float32, device=cpu)
        >>> dt.set_printoptions(profile="default")
    """
    global _options
    for name, value in {"precision": precision, "edgeitems": edgeitems, "linewidth": linewidth}.items():
        if value is not None:
            checks.sizes("set_printoptions", **{name: value})
            checks.integers("set_printoptions", **{name: value})
    if isinstance(precision, bool) or (precision is not None and precision > 100):
        raise ValueError(f"set_printoptions: precision must be an int of at most 100, got {precision}")
    if threshold is not None:
        checks.numbers("set_printoptions", threshold=threshold)
    if sci_mode is not None and not isinstance(sci_mode, (bool, int)):
        raise TypeError(f"set_printoptions: sci_mode must be a bool or None, got {checks.shown(sci_mode)}")
    if profile is not None and (not isinstance(profile, str) or profile not in _PROFILES):
        raise ValueError(
            f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {checks.shown(profile)}"
        )
    base = _options if profile is None else _PROFILES[profile]
    whole = {"precision": precision, "edgeitems": edgeitems, "linewidth": linewidth}
    given: dict[str, Any] = {name: int(value) for name, value in whole.items() if value is not None}
    if threshold is not None:
        given["threshold"] = threshold
    _options = replace(base, sci_mode=sci_mode, **given)


def get_printoptions() -> dict[str, Any]:
    """How tensors are shown.

    Example:
        >>> dt.get_printoptions()["precision"]
        4
    """
    return dict(vars(_options))


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Other options inside a `with`. See `dt.set_printoptions`.

    Example:
        >>> with dt.printing.printoptions(precision=1):
        ...     print(dt.tensor(1 / 3))
        tensor(0.3, shape=(), dtype=float32, device=cpu)
    """
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


# ---- numbers ----


class _Numbers:
    """One format for all numbers of a tensor, as narrow as they allow."""

    def __init__(self, values: list[Any], dtype: _core.dtype) -> None:
        self.dtype = dtype
        self.width = 0
        if dtype.is_complex:
            parts = [each.real for each in values], [each.imag for each in values]
            self.real, self.imag = (_Numbers(part, _core.float64) for part in parts)
            return
        if dtype.is_floating_point:
            finite = [abs(each) for each in values if math.isfinite(each) and each != 0]
            self.whole = all(each == math.ceil(each) for each in finite)
            low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
            self.scientific = (
                _options.sci_mode if _options.sci_mode is not None else bool(finite) and _is_wide(low, high, self.whole)
            )
        self.width = max((len(self._one(each)) for each in values), default=0)

    def _one(self, value: Any) -> str:
        if not self.dtype.is_floating_point:
            return str(value)
        if not math.isfinite(value):
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        return f"{value:.0f}." if self.whole else f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        if self.dtype.is_complex:
            sign = "" if str(value.imag).startswith("-") else "+"
            return f"{self.real(value.real)}{sign}{self.imag(value.imag).strip()}j"
        return self._one(value).rjust(self.width)


def _is_wide(low: float, high: float, whole: bool) -> bool:
    """Whether plain notation would hide digits or need many zeros."""
    return high / low > 1000 or high > 1e8 or (low < 1e-4 and not whole)


# ---- tensors ----


def _edges(x: Tensor) -> Tensor:
    """What a summary shows: the corners."""
    n = _options.edgeitems
    for dim in range(x.ndim):
        if x.shape[dim] > 2 * n:
            index = [*range(n), *range(x.shape[dim] - n, x.shape[dim])]
            x = _core.get_op("index_select")(x, dim, _core.tensor(index, dtype=_core.int64, device=x.device))
    return x


def _rows(nested: list[Any], shape: tuple[int, ...], numbers: _Numbers, indent: int, summarise: bool) -> str:
    """The nested lists as text; `shape` is the whole tensor's, of which a summary has the edges only."""
    cut = summarise and shape[0] > 2 * _options.edgeitems
    if len(shape) == 1:
        return _line([numbers(each) for each in nested], numbers, indent, cut)
    rows = [_rows(each, shape[1:], numbers, indent + 1, summarise) for each in nested]
    if cut:
        rows.insert(_options.edgeitems, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(rows) + "]"


def _line(cells: list[str], numbers: _Numbers, indent: int, cut: bool) -> str:
    if cut:
        cells.insert(_options.edgeitems, " ...")
    width = max((len(cell) for cell in cells), default=0) + 2
    per_line = max(1, (_options.linewidth - indent) // width)
    lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _body(x: Tensor, indent: int) -> str:
    if x.numel() == 0:
        return "[]"
    summarise = x.numel() > _options.threshold
    shown = _edges(x) if summarise else x
    nested = shown.tolist()
    numbers = _Numbers(_flat(nested), x.dtype)
    if x.ndim == 0:
        return numbers(nested).strip()
    return _rows(nested, tuple(x.shape), numbers, indent, summarise)


def _flat(nested: Any) -> list[Any]:
    if not isinstance(nested, list):
        return [nested]
    if nested and isinstance(nested[0], list):
        return [value for row in nested for value in _flat(row)]
    return nested


def tensor_text(self: Tensor) -> str:
    """A tensor as text: values (large ones summarised), shape, dtype, device and what there is of a graph.

    Example:
        >>> dt.tensor([[1.0, 2.5]])
        tensor([[1.0000, 2.5000]], shape=(1, 2), dtype=float32, device=cpu)
    """
    name = "tensor" if type(self) is Tensor else type(self).__name__
    prefix = f"{name}("
    facts = [f"shape={tuple(self.shape)}", f"dtype={self.dtype.name}", f"device={self.device}"]
    node = getattr(self, "grad_fn", None)
    if node is not None:
        facts.append(f"grad_fn=<{_node_name(node)}>")
    elif self.requires_grad:
        facts.append("requires_grad=True")
    try:
        body = "<mapped by vmap>" if _core._is_shell(self) else _body(self.detach(), len(prefix))
    except NotImplementedError:  # the backend can't read these elements; the rest can be told
        body = "..."
    return _joined(prefix + body, facts, len(prefix)) + ")"


def _node_name(node: Any) -> str:
    name = getattr(node, "name", None)
    return str(name() if callable(name) else name or type(node).__name__)


def _joined(text: str, facts: list[str], indent: int) -> str:
    """The facts behind the values, on a line of their own where they do not fit."""
    last = text.rpartition("\n")[2]
    suffix = ", ".join(facts)
    if len(last) + len(suffix) + 3 > _options.linewidth and "\n" in text:
        return f"{text},\n{' ' * indent}{suffix}"
    return f"{text}, {suffix}"
