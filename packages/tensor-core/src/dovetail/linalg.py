"""Linear algebra: factorisations, systems of equations, eigenvalues, norms.

A matrix is the last two dims of a tensor; the dims before them are batches:

    >>> import dovetail as dt
    >>> A = dt.tensor([[4.0, 2.0], [2.0, 5.0]])
    >>> dt.linalg.cholesky(A).tolist()
    [[2.0, 0.0], [1.0, 2.0]]

The work is LAPACK's, on the CPU, for float32, float64, complex64 and complex128; tensors of other devices are copied
there and back. A matrix that can't be factored raises `LinAlgError`; the functions that end in `_ex` say so in a tensor
instead, and don't wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt

from ._core import Op, Tensor, get_op
from .checks import in_own_name
from .functional._names import given
from .ops._linalg import LinAlgError

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


def _op(name: str) -> Op:
    return get_op(f"linalg_{name}")


cholesky, cholesky_ex = _op("cholesky"), _op("cholesky_ex")
lu, lu_factor, lu_factor_ex, lu_solve = _op("lu"), _op("lu_factor"), _op("lu_factor_ex"), _op("lu_solve")
ldl_factor, ldl_factor_ex, ldl_solve = _op("ldl_factor"), _op("ldl_factor_ex"), _op("ldl_solve")
qr, householder_product = _op("qr"), _op("householder_product")
solve, solve_ex, solve_triangular = _op("solve"), _op("solve_ex"), _op("solve_triangular")
inv, inv_ex, pinv = _op("inv"), _op("inv_ex"), _op("pinv")
tensorinv, tensorsolve, lstsq = _op("tensorinv"), _op("tensorsolve"), _op("lstsq")
det, slogdet = _op("det"), _op("slogdet")
eig, eigh, eigvals, eigvalsh = _op("eig"), _op("eigh"), _op("eigvals"), _op("eigvalsh")
svd, svdvals, matrix_rank = _op("svd"), _op("svdvals"), _op("matrix_rank")
vector_norm, vecdot, cross, vander, multi_dot = (
    _op("vector_norm"),
    _op("vecdot"),
    _op("cross"),
    _op("vander"),
    _op("multi_dot"),
)
matmul, matrix_exp, matrix_power = get_op("matmul"), get_op("matrix_exp"), get_op("matrix_power")


@in_own_name
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices: `dt.diagonal` over the last two dims.

    Args:
        A: of at least two dims.
        offset: which diagonal; above the main one it is positive.
        dim1, dim2: the dims of the matrices.

    Example:
        >>> dt.linalg.diagonal(dt.tensor([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    return dt.diagonal(A, offset, dim1, dim2)


def _two_dims(name: str, dim: Any) -> Any:
    if isinstance(dim, int) or len(dim) != 2:
        raise ValueError(f"{name}: dim must be two dims, got {dim!r}")
    return dim


@in_own_name
def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dt.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of matrices.

    Args:
        A: of at least two dims, floating or complex.
        ord: "fro": the square root of the sum of squares; "nuc": the sum of the singular values; 2, -2: the largest
            and the smallest of them; 1, -1: the largest and the smallest sum of a column's magnitudes; inf, -inf: of a
            row's.
        dim: the two dims of the matrices.
        keepdim: keep them with size 1.
        dtype: what to compute in.

    Example:
        >>> dt.linalg.matrix_norm(dt.tensor([[3.0, 0.0], [0.0, 4.0]])).item()
        5.0
    """
    dim = _two_dims("matrix_norm", dim)
    if not isinstance(ord, str):
        return _op("matrix_norm")(A, ord, dim, keepdim, dtype=dtype, **given(out))
    if isinstance(A, Tensor) and A.ndim < 2:
        raise ValueError(f"matrix_norm: The input tensor A must have at least 2 dimensions, got shape {tuple(A.shape)}")
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype, **given(out))
    if ord == "nuc":
        return dt.nuclear_norm(A if dtype is None else A.to(dtype), dim, keepdim, **given(out))
    raise ValueError(f"matrix_norm: ord must be a number, 'fro' or 'nuc', got {ord!r}")


@in_own_name
def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: dt.dtype | None = None,
) -> Tensor:
    """The norm of vectors or matrices.

    Args:
        A: a floating or complex tensor.
        ord: the order. None is the 2-norm of all elements in `dim`, however many dims these are.
        dim: an int: `dt.linalg.vector_norm`; two: `dt.linalg.matrix_norm`. By default, with an order, A must have one
            or two dims, and they are taken.
        keepdim: keep the reduced dims with size 1.
        dtype: what to compute in.

    Example:
        >>> dt.linalg.norm(dt.tensor([[3.0, 0.0], [0.0, 4.0]])).item(), dt.linalg.norm(dt.tensor([3.0, 4.0]), 1).item()
        (5.0, 7.0)
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype, **given(out))
    if dim is None:
        if A.ndim not in (1, 2):
            raise ValueError(
                f"norm: If dim is not specified but ord is, the input must be 1D or 2D, got shape {tuple(A.shape)}"
            )
        matrix = A.ndim == 2
    else:
        matrix = not isinstance(dim, int) and len(dim) == 2
        if not isinstance(dim, int) and len(dim) not in (1, 2):
            raise ValueError(f"norm: If dim is specified with an order, it must be one dim or two, got {dim!r}")
    if matrix:
        dims = (-2, -1) if dim is None or isinstance(dim, int) else dim
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord must be a number for vectors, got {ord!r}")
    return vector_norm(A, ord, dim, keepdim, dtype=dtype, **given(out))


@in_own_name
def cond(A: Tensor, p: float | str | None = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: how much the solution of a system may amplify relative errors.

        out = ||A|| ||A^-1||

    Args:
        A: of shape (*, n, n); with p None, 2 or -2 also of shape (*, m, n).
        p: the norm: an order as for `dt.linalg.matrix_norm`; None is 2. Singular matrices give inf.

    Example:
        >>> dt.linalg.cond(dt.tensor([[4.0, 0.0], [0.0, 2.0]])).item()
        2.0
    """
    if not isinstance(p, str):
        return _op("cond")(A, p, **given(out))
    inverse, info = inv_ex(A)
    singular = info > 0
    inverse = dt.where(singular.unsqueeze(-1).unsqueeze(-1), 0, inverse)  # LAPACK takes no infinities
    return dt.where(singular, float("inf"), matrix_norm(A, p) * matrix_norm(inverse, p), **given(out))
