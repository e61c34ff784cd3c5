"""What the rules of linear algebra share. They follow the conventions of gradients of real functions of complex
numbers: a gradient is the derivative by the real part plus i times that by the imaginary part."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op

solve_triangular, solve_ex = get_op("linalg_solve_triangular"), get_op("linalg_solve_ex")


def adjoint(x: Tensor) -> Tensor:
    """The conjugate transpose; for real matrices a view."""
    return x.mT.conj() if x.dtype.is_complex else x.mT


def diagonal(x: Tensor) -> Tensor:
    return x.diagonal(0, -2, -1)


def as_diagonal(x: Tensor) -> Tensor:
    return dt.diag_embed(x)


def skew(x: Tensor) -> Tensor:
    return x - adjoint(x)


def total(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """The sum of what there is."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def of_dtype(x: Tensor, like: Tensor) -> Tensor:
    """A gradient of a complex result by a real argument is its real part."""
    return dt.real(x) if x.dtype.is_complex and not like.dtype.is_complex else x


def solved(A: Tensor, B: Tensor) -> Tensor:
    """A^-1 B; infinities and NaN where A is singular."""
    return solve_ex(A, B)[0]


def times_inverse(B: Tensor, A: Tensor) -> Tensor:
    """B A^-1."""
    return solve_ex(A, B, left=False)[0]
