"""Linear maps."""

from __future__ import annotations

import dovetail as dt
from dovetail.ops import get_op, op

from .lookup import embedding as embedding

linear = get_op("linear")


@op("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor")
def bilinear(input1: dt.Tensor, input2: dt.Tensor, weight: dt.Tensor, bias: dt.Tensor | None) -> dt.Tensor:
    """``y_k = input1 · weight_k · input2 + bias_k``.

    Shape:
        inputs ``(*, in1)`` and ``(*, in2)``, weight ``(out, in1, in2)``, output ``(*, out)``.

    Example:
        >>> bilinear(dt.ones(2, 3), dt.ones(2, 4), dt.ones(5, 3, 4))[0, 0].item()
        12.0
    """
    if weight.ndim != 3 or (*input1.shape[-1:], *input2.shape[-1:]) != tuple(weight.shape[1:]):
        raise ValueError(
            f"bilinear: inputs of shapes {tuple(input1.shape)} and {tuple(input2.shape)} do not fit a weight of shape "
            f"{tuple(weight.shape)} (out, in1, in2)"
        )
    result = dt.einsum("...i,kij,...j->...k", input1, weight, input2)
    return result if bias is None else result + bias
