"""Fourier transforms: the samples are one more dim, which is not transformed."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor

from .registry import rule


@rule("fft_c2c", "fft_r2c", "fft_c2r")
def _transform(op: Any, b: Any, x: Tensor, dims: Any, *rest: Any) -> Tensor:
    return op(b(x), [b.dim(x, d) for d in dims], *rest)
