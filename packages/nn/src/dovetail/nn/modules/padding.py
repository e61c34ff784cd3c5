"""Padding layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .module import Module

Amounts = int | Sequence[int]


class _Pad(Module):
    """Padding of the last ``dims`` dims: amounts before and after each, the last dim's first."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Amounts) -> None:
        super().__init__()
        who = type(self).__name__
        checks.ints(who, padding=padding)
        given: Any = padding if isinstance(padding, (list, tuple)) else (padding,) * (2 * self.dims)
        amounts: tuple[int, ...] = tuple(given)
        if len(amounts) != 2 * self.dims:
            raise ValueError(f"{who}: padding must be an int or {2 * self.dims} of them, got {checks.shown(padding)}")
        self.padding = amounts

    def _check(self, input: dt.Tensor) -> None:
        if not isinstance(input, dt.Tensor):
            raise TypeError(f"{type(self).__name__}: input must be a Tensor, got {checks.shown(input)}")
        if self.mode != "constant" and input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected an input of {self.dims + 1} or {self.dims + 2} dims, "
                f"got shape {tuple(input.shape)}"
            )

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        self._check(input)
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Amounts, value: float) -> None:
        super().__init__(padding)
        checks.numbers(type(self).__name__, value=value)
        self.value = value

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        self._check(input)
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Amounts) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


class _CircularPad(_Pad):
    mode = "circular"


class ConstantPad1d(_ConstantPad):
    """Pad with a value.

    Args:
        padding: an int for all sides, or (left, right).
        value: of the padding.

    Shape:
        input ``(N, C, W)`` or ``(C, W)``; output alike, each dim longer by both its amounts.

    Example:
        >>> ConstantPad1d(1, 5.0)(dt.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[5.0, 1.0, 2.0, 3.0, 5.0]]
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """As ConstantPad1d, over two dims: ``padding`` is an int, or (left, right, top, bottom).

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> ConstantPad2d(1, 5.0)(dt.zeros(1, 3, 3)).shape
        dovetail.Size([1, 5, 5])
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """As ConstantPad1d, over three dims: ``padding`` is an int, or (left, right, top, bottom, front, back).

    Shape:
        input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> ConstantPad3d(1, 5.0)(dt.zeros(1, 3, 3, 3)).shape
        dovetail.Size([1, 5, 5, 5])
    """

    dims = 3


class ZeroPad1d(_ZeroPad):
    """Pad with zeros.

    Args:
        padding: an int for all sides, or (left, right).

    Shape:
        input ``(N, C, W)`` or ``(C, W)``; output alike, each dim longer by both its amounts.

    Example:
        >>> ZeroPad1d(1)(dt.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[0.0, 1.0, 2.0, 3.0, 0.0]]
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """As ZeroPad1d, over two dims: ``padding`` is an int, or (left, right, top, bottom).

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> ZeroPad2d(1)(dt.zeros(1, 3, 3)).shape
        dovetail.Size([1, 5, 5])
    """

    dims = 2


class ZeroPad3d(_ZeroPad):
    """As ZeroPad1d, over three dims: ``padding`` is an int, or (left, right, top, bottom, front, back).

    Shape:
        input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> ZeroPad3d(1)(dt.zeros(1, 3, 3, 3)).shape
        dovetail.Size([1, 5, 5, 5])
    """

    dims = 3


class ReflectionPad1d(_ReflectionPad):
    """Pad with the input's mirror image: ``b a | a b`` without the edge itself.

    Args:
        padding: an int for all sides, or (left, right); each less than the dim's size.

    Shape:
        input ``(N, C, W)`` or ``(C, W)``; output alike, each dim longer by both its amounts.

    Example:
        >>> ReflectionPad1d(1)(dt.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[2.0, 1.0, 2.0, 3.0, 2.0]]
    """

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """As ReflectionPad1d, over two dims: ``padding`` is an int, or (left, right, top, bottom).

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> ReflectionPad2d(1)(dt.zeros(1, 3, 3)).shape
        dovetail.Size([1, 5, 5])
    """

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """As ReflectionPad1d, over three dims: ``padding`` is an int, or (left, right, top, bottom, front, back).

    Shape:
        input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> ReflectionPad3d(1)(dt.zeros(1, 3, 3, 3)).shape
        dovetail.Size([1, 5, 5, 5])
    """

    dims = 3


class ReplicationPad1d(_ReplicationPad):
    """Pad with the input's edges.

    Args:
        padding: an int for all sides, or (left, right).

    Shape:
        input ``(N, C, W)`` or ``(C, W)``; output alike, each dim longer by both its amounts.

    Example:
        >>> ReplicationPad1d(1)(dt.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[1.0, 1.0, 2.0, 3.0, 3.0]]
    """

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """As ReplicationPad1d, over two dims: ``padding`` is an int, or (left, right, top, bottom).

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> ReplicationPad2d(1)(dt.zeros(1, 3, 3)).shape
        dovetail.Size([1, 5, 5])
    """

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """As ReplicationPad1d, over three dims: ``padding`` is an int, or (left, right, top, bottom, front, back).

    Shape:
        input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> ReplicationPad3d(1)(dt.zeros(1, 3, 3, 3)).shape
        dovetail.Size([1, 5, 5, 5])
    """

    dims = 3


class CircularPad1d(_CircularPad):
    """Pad with the input's other end, as if it were a ring.

    Args:
        padding: an int for all sides, or (left, right); each at most the dim's size.

    Shape:
        input ``(N, C, W)`` or ``(C, W)``; output alike, each dim longer by both its amounts.

    Example:
        >>> CircularPad1d(1)(dt.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[3.0, 1.0, 2.0, 3.0, 1.0]]
    """

    dims = 1


class CircularPad2d(_CircularPad):
    """As CircularPad1d, over two dims: ``padding`` is an int, or (left, right, top, bottom).

    Shape:
        input ``(N, C, H, W)`` or ``(C, H, W)``.

    Example:
        >>> CircularPad2d(1)(dt.zeros(1, 3, 3)).shape
        dovetail.Size([1, 5, 5])
    """

    dims = 2


class CircularPad3d(_CircularPad):
    """As CircularPad1d, over three dims: ``padding`` is an int, or (left, right, top, bottom, front, back).

    Shape:
        input ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Example:
        >>> CircularPad3d(1)(dt.zeros(1, 3, 3, 3)).shape
        dovetail.Size([1, 5, 5, 5])
    """

    dims = 3
