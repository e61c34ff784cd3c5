"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import require_floating, shape_text, wrap_dims
from dovetail.ops._linalg import singular_values

_norm = get_op("norm")


@op(
    "linalg_vector_norm(Tensor x, Scalar ord=2, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    internal=True,
    out=True,
)
def linalg_vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
) -> Tensor:
    """The norm of vectors, of any number of dims.

        out = sum(|x| ** ord) ** (1 / ord)

    with ord = inf the largest magnitude, -inf the smallest, and 0 the number of elements that are not 0.

    Args:
        x: of any shape and floating or complex dtype.
        ord: the order, a real number.
        dim: the dims of the vectors; all by default.
        keepdim: keep them with size 1.
        dtype: what to compute in.

    Example:
        >>> dt.linalg.vector_norm(dt.tensor([[3.0, 4.0], [6.0, 8.0]]), dim=1).tolist()
        [5.0, 10.0]
    """
    require_floating("linalg_vector_norm", x)
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"linalg_vector_norm: dtype must be floating or complex, got {dtype}")
    dims = list(range(x.ndim)) if not dim else wrap_dims("linalg_vector_norm", dim, x.ndim)
    if ord == math.inf or ord < 0:
        for each in dims:
            if x.ndim and x.shape[each] == 0:
                raise RuntimeError(
                    f"linalg_vector_norm: the {ord} norm has no value for a dim of no elements, got shape "
                    f"{shape_text(x.shape)}, dim {each}"
                )
    return _norm(x, ord, dim, keepdim, dtype=dtype)


def _pair(name: str, A: Tensor, dim: Sequence[int]) -> tuple[int, int]:
    """The two dims that hold matrices."""
    if A.ndim < 2:
        raise ValueError(f"{name}: The input tensor A must have at least 2 dimensions, got shape {shape_text(A.shape)}")
    if len(dim) != 2:
        raise ValueError(f"{name}: dim must be two dims, got {list(dim)}")
    rows, columns = wrap_dims(name, dim, A.ndim)
    return rows, columns


@op(
    "linalg_matrix_norm(Tensor A, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, DType? dtype=None) -> Tensor",
    internal=True,
    out=True,
)
def linalg_matrix_norm(
    A: Tensor,
    ord: float,
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
) -> Tensor:
    """The norm of matrices, of an order that is a number.

    Args:
        A: of at least two dims, floating or complex.
        ord: 1: the largest sum of a column's magnitudes; -1: the smallest; inf, -inf: of a row's; 2: the largest
            singular value; -2: the smallest.
        dim: the two dims of the matrices.
        keepdim: keep them with size 1.
        dtype: what to compute in.

    Example:
        >>> dt.linalg.matrix_norm(dt.tensor([[1.0, -2.0], [3.0, 4.0]]), 1).item()
        6.0
    """
    require_floating("linalg_matrix_norm", A)
    rows, columns = _pair("linalg_matrix_norm", A, dim)
    A = A if dtype is None else A.to(dtype)
    if abs(ord) == 2:
        S = singular_values("linalg_matrix_norm", dt.movedim(A, [rows, columns], [-2, -1]))
        if S.shape[-1] == 0 and ord == 2:
            found = S.sum(-1)  # nothing has norm 0
        else:
            found = S.amax(-1) if ord > 0 else S.amin(-1)
    elif abs(ord) in (1, math.inf):
        summed, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
        if compared > summed:
            compared -= 1
        sums = dt.abs(A).sum(summed)
        if sums.shape[compared] == 0 and ord > 0:
            found = sums.sum(compared)
        else:
            found = sums.amax(compared) if ord > 0 else sums.amin(compared)
    else:
        raise ValueError(f"linalg_matrix_norm: ord must be 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc', got {ord}")
    return _kept(found, rows, columns) if keepdim else found


def _kept(found: Tensor, rows: int, columns: int) -> Tensor:
    for each in sorted((rows, columns)):
        found = found.unsqueeze(each)
    return found


@op("nuclear_norm(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", out=True)
def nuclear_norm(self: Tensor, dim: Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of matrices.

    Args:
        self: of at least two dims, floating or complex.
        dim: the two dims of the matrices; the last two by default.
        keepdim: keep them with size 1.

    Example:
        >>> dt.nuclear_norm(dt.tensor([[3.0, 0.0], [0.0, -4.0]])).item()
        7.0
    """
    rows, columns = _pair("nuclear_norm", self, (-2, -1) if dim is None else dim)
    found = singular_values("nuclear_norm", dt.movedim(self, [rows, columns], [-2, -1])).sum(-1)
    return _kept(found, rows, columns) if keepdim else found
