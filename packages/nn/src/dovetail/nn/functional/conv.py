"""Convolutions: the core's, and the one over (time, batch, channels)."""

from __future__ import annotations

import dovetail as dt
from dovetail.ops import op

from ._common import shape_text

conv1d = dt.conv1d
conv2d = dt.conv2d
conv3d = dt.conv3d
conv_transpose1d = dt.conv_transpose1d
conv_transpose2d = dt.conv_transpose2d
conv_transpose3d = dt.conv_transpose3d


@op("conv_tbc(Tensor input, Tensor weight, Tensor bias, int pad=0) -> Tensor")
def conv_tbc(input: dt.Tensor, weight: dt.Tensor, bias: dt.Tensor, pad: int) -> dt.Tensor:
    """Cross-correlation over sequences that lie as (time, batch, channels).

        out[t, n, o] = bias[o] + Σ_k Σ_c input[t + k - pad, n, c] · weight[k, c, o]

    Shape:
        input ``(T, N, C)``, weight ``(K, C, O)``, bias ``(O,)``.

    Example:
        >>> dt.conv_tbc(dt.ones(5, 2, 3), dt.ones(3, 3, 4), dt.zeros(4)).shape
        dovetail.Size([3, 2, 4])
    """
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise ValueError(
            f"conv_tbc: expected shapes (T, N, C), (K, C, O) and (O,), got {shape_text(input)}, {shape_text(weight)} "
            f"and {shape_text(bias)}"
        )
    return dt.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)
