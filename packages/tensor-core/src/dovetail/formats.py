"""Layouts and memory formats: how a tensor's elements lie in memory, by PyTorch's names.

Every tensor is strided. `dt.contiguous_format` is row-major order; `dt.channels_last` has the channels of an
(N, C, H, W) tensor side by side, `dt.channels_last_3d` those of (N, C, D, H, W). Results of ops are contiguous unless a
format is asked for.
"""

from __future__ import annotations

from ._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


__all__ = [
    "as_format",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "is_in_format",
    "layout",
    "memory_format",
    "preserve_format",
    "strided",
]


class _Named:
    """One of a few values known by name, the same object in every process."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"dovetail.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class layout(_Named):
    """How a tensor keeps its elements: `dt.strided` is the only one."""


class memory_format(_Named):
    """In which order the dims of a tensor lie in memory.

    Example:
        >>> x = dt.zeros(1, 2, 3, 4).contiguous(memory_format=dt.channels_last)
        >>> x.stride()
        (24, 1, 8, 2)
        >>> x.is_contiguous(), x.is_contiguous(memory_format=dt.channels_last)
        (False, True)
    """


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

# The number of dims that a format is of.
_DIMS = {channels_last: 4, channels_last_3d: 5}


def check(who: str, value: Any) -> None:
    """Refuse what is no memory format."""
    if not isinstance(value, memory_format):
        raise TypeError(f"{who}: memory_format must be one such as dovetail.channels_last, got {value!r}")


def is_in_format(x: Tensor, wanted: memory_format) -> bool:
    """Whether the elements lie in the order of a format, without gaps.

    Example:
        >>> dt.formats.is_in_format(dt.zeros(1, 1, 2, 2), dt.channels_last)
        True
    """
    check("is_contiguous", wanted)
    if wanted is preserve_format:
        raise ValueError("is_contiguous: preserve_format is no order of its own")
    if wanted is contiguous_format:
        return x.is_contiguous()
    return x.ndim == _DIMS[wanted] and x.movedim(1, -1).is_contiguous()


def as_format(who: str, x: Tensor, wanted: memory_format) -> Tensor:
    """The tensor with its elements in the order of a format: itself where they are.

    Example:
        >>> dt.formats.as_format("example", dt.zeros(1, 2, 3, 4), dt.channels_last).stride()
        (24, 1, 8, 2)
    """
    check(who, wanted)
    if wanted is preserve_format:
        return x
    if wanted is contiguous_format:
        return _contiguous(x)
    if x.ndim != _DIMS[wanted]:
        raise ValueError(f"{who}: {wanted!r} is for {_DIMS[wanted]} dims, got shape {tuple(x.shape)}")
    return x if is_in_format(x, wanted) else _contiguous(x.movedim(1, -1)).movedim(-1, 1)


def ignore_layout(who: str, keywords: dict[str, Any]) -> None:
    """Take `layout` and `pin_memory` out of keywords; both have one meaning only."""
    kept = keywords.pop("layout", None)
    if kept is not None and kept is not strided:
        raise TypeError(f"{who}: layout must be dovetail.strided, got {kept!r}")
    pinned = keywords.pop("pin_memory", None)
    if pinned is not None and type(pinned) is not bool:
        raise TypeError(f"{who}: pin_memory must be a bool, got {pinned!r}")


_contiguous = get_op("contiguous")
