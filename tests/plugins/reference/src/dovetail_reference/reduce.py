"""Reductions and scans.

A reduction's output has the input's dims, with stride 0 on those that are reduced: that is how its kernel knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def reduction(fn: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    def kernel(outs: Any, ins: Any, args: Any) -> None:
        out, x = np.asarray(outs[0]), np.asarray(ins[0])
        axes = tuple(i for i in range(x.ndim) if out.strides[i] == 0)
        kept = tuple(slice(0, 1) if i in axes else slice(None) for i in range(x.ndim))
        with np.errstate(all="ignore"):
            out[kept] = fn(x, axis=axes, keepdims=True) if axes else x.astype(out.dtype)

    return kernel


def place(fn: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    """argmax and argmin: the first NaN, else the first of the extreme values."""

    def kernel(outs: Any, ins: Any, args: Any) -> None:
        out, x = np.asarray(outs[0]), np.asarray(ins[0])
        dim = args[1]
        out[...] = np.reshape(fn(x, axis=None if dim is None or x.ndim == 0 else dim), out.shape)

    return kernel


def scan(fn: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    def kernel(outs: Any, ins: Any, args: Any) -> None:
        out, x = np.asarray(outs[0]), np.asarray(ins[0])
        with np.errstate(all="ignore"):
            out[...] = fn(x, axis=args[1], dtype=out.dtype) if x.ndim else x

    return kernel


KERNELS = {
    "sum": reduction(np.sum),
    "prod": reduction(np.prod),
    "amax": reduction(np.max),
    "amin": reduction(np.min),
    "any": reduction(np.any),
    "all": reduction(np.all),
    "argmax": place(np.argmax),
    "argmin": place(np.argmin),
    "cumsum": scan(np.cumsum),
    "cumprod": scan(np.cumprod),
}
