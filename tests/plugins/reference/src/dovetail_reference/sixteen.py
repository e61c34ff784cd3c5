"""16-bit floats: computed in float32, rounded once at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .elementwise import wide

Array = np.ndarray[Any, Any]
Kernel = Callable[[Any, Any, Any], None]


def in_float32(kernel: Kernel) -> Kernel:
    """The kernel on float32 copies of its 16-bit tensors."""

    def widened(outs: Any, ins: Any, args: Any) -> None:
        results = [np.asarray(out) for out in outs]
        copies = [wide_copy(out) for out in results]
        kernel(copies, [None if x is None else wide(np.asarray(x)) for x in ins], args)
        for result, copy in zip(results, copies, strict=True):
            if result is not copy:
                result[...] = copy

    return widened


def wide_copy(out: Array) -> Array:
    """A float32 array like a 16-bit one, with stride 0 where that has it; any other array as it is."""
    if wide(out) is out:
        return out
    own = [1 if stride == 0 else size for size, stride in zip(out.shape, out.strides, strict=True)]
    copy = np.zeros(own, np.float32)
    strides = [0 if stride == 0 else own for stride, own in zip(out.strides, copy.strides, strict=True)]
    return np.lib.stride_tricks.as_strided(copy, out.shape, strides)
