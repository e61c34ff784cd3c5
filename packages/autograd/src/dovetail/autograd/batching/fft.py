"""Fourier transforms: the samples are one more dim, which is not transformed."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor

from .registry import op_of, rule


@rule("fft_c2c", "fft_r2c", "fft_c2r")
def _transform(op: Any, b: Any, x: Tensor, dims: Any, *rest: Any) -> Tensor:
    return op(b(x), [b.dim(x, d) for d in dims], *rest)


@rule("fft_lines", "fft_real_lines", "fft_half_lines")
def _lines(op: Any, b: Any, x: Tensor, dim: int, *rest: Any) -> Tensor:
    return op(b(x), b.dim(x, dim), *rest)


@rule("istft")
def _istft(b: Any, x: Tensor, n_fft: int, hop: Any, width: Any, window: Tensor | None, *rest: Any) -> Tensor:
    """It reads its window, to refuse one that leaves a point out."""
    op = op_of("istft")
    if b.maps(window):
        return b.loop(op, (x, n_fft, hop, width, window, *rest))
    inner = b(x)
    signals = op(inner.reshape((-1, *x.shape[-2:])), n_fft, hop, width, window, *rest)
    return signals.reshape((*inner.shape[:-2], signals.shape[-1]))
