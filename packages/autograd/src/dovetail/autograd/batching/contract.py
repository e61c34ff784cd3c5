"""Matrix products. Where only one side is mapped, the samples are rows or columns of one product."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor
from dovetail._core import get_op

from .registry import rule

_bmm, _mm, _mv, _linear = get_op("bmm"), get_op("mm"), get_op("mv"), get_op("linear")


@rule("mm")
def mm(b: Any, x: Tensor, y: Tensor) -> Tensor:
    if not b.maps(y):
        return (
            _mm(b(x).reshape((-1, x.shape[1])), y).reshape((b.size, x.shape[0], y.shape[1]))
            if x.shape[1]
            else (_bmm(b(x), b(y)))
        )
    return _bmm(b(x), b(y))


@rule("bmm")
def _batches(b: Any, x: Tensor, y: Tensor) -> Tensor:
    count = b.size * x.shape[0]
    found = _bmm(b(x).reshape((count, *x.shape[1:])), b(y).reshape((count, *y.shape[1:])))
    return found.reshape((b.size, x.shape[0], x.shape[1], y.shape[2]))


@rule("mv")
def _matrix_vector(b: Any, matrix: Tensor, vector: Tensor) -> Tensor:
    if not b.maps(matrix):
        return _mm(b(vector), matrix.transpose(0, 1))
    return _bmm(b(matrix), b(vector).unsqueeze(2)).squeeze(2)


@rule("dot")
def _dot(b: Any, x: Tensor, y: Tensor) -> Tensor:
    return _bmm(b(x).unsqueeze(1), b(y).unsqueeze(2)).reshape((b.size,))


@rule("linear")
def _affine(b: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if not b.maps(weight) and not b.maps(bias):
        return _linear(b(x), weight, bias)
    if weight.ndim == 1:
        found = _bmm(b(x).reshape((b.size, -1, weight.shape[0])), b(weight).unsqueeze(2)).reshape(
            (b.size, *x.shape[:-1])
        )
    else:
        rows = 1
        for n in x.shape[:-1]:
            rows *= n
        flat = b(x).reshape((b.size, rows, x.shape[-1]))
        found = _bmm(flat, b(weight).transpose(1, 2)).reshape((b.size, *x.shape[:-1], weight.shape[0]))
    return found if bias is None else found + b.with_rank(bias, found.ndim - 1)
