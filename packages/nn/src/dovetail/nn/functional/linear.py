"""Linear maps and embeddings."""

from __future__ import annotations

import dovetail as dt
from dovetail.ops import get_op, op

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


@op("embedding(Tensor input, Tensor weight, int? padding_idx=None) -> Tensor")
def embedding(input: dt.Tensor, weight: dt.Tensor, padding_idx: int | None) -> dt.Tensor:
    """The rows of a table at these indices.

    Args:
        input: int64 indices of any shape ``(*)``.
        weight: the table, ``(rows, dim)``.
        padding_idx: a row that gets no gradient.

    Returns:
        ``(*, dim)``

    Raises:
        TypeError: where the indices are not integers.
        IndexError: where one is out of range.

    Example:
        >>> embedding(dt.tensor([2, 0]), dt.arange(6.0).reshape(3, 2)).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
    """
    if input.is_floating_point() or input.dtype == dt.bool:
        raise TypeError(f"embedding: expected integer indices, got dtype {input.dtype}")
    if weight.ndim != 2:
        raise ValueError(f"embedding: expected a table of shape (rows, dim), got {tuple(weight.shape)}")
    rows = weight.index_select(0, input.reshape(-1))
    if padding_idx is not None:
        padded = input.reshape(-1, 1) == padding_idx % weight.shape[0]
        rows = dt.where(padded, rows.detach(), rows)
    return rows.reshape([*input.shape, weight.shape[1]])
