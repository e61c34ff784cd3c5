"""Low-rank factorisations of large matrices, by products with random ones.

Source: Halko, Martinsson and Tropp, "Finding structure with randomness", arXiv:0909.4061.
"""

from __future__ import annotations

import dovetail as dt

from . import checks, linalg
from ._core import Tensor

__all__ = ["pca_lowrank", "svd_lowrank"]

_MOST_ITERATIONS = 1000  # a few are enough


@checks.in_own_name
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Singular vectors and values of a matrix that is close to one of rank q.

        A - M ~ U diag(S) V^H

    Args:
        A: of shape (*, m, n).
        q: a slightly overestimated rank; there are no more than the smaller of m and n.
        niter: how often the columns that the result is made of are multiplied by the matrix and made orthonormal.
        M: subtracted first; broadcasts to A's shape.

    Returns:
        U of shape (*, m, q), S (*, q) and V (*, n, q). They depend on the default generator.

    Example:
        >>> A = dt.ones(20, 1) @ dt.arange(10.0).reshape(1, 10)
        >>> U, S, V = dt.svd_lowrank(A, q=2)
        >>> dt.allclose(U @ dt.diag(S) @ V.T, A, atol=1e-4)
        True
    """
    checks.tensors("svd_lowrank", A=A, **({} if M is None else {"M": M}))
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    checks.integers("svd_lowrank", q=q)
    q = min(q, *A.shape[-2:])
    _check("svd_lowrank", A, q, niter)
    return _svd(A if M is None else A - M.broadcast_to(A.shape), q, niter)


@checks.in_own_name
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """The principal components of samples, those that vary most.

    Args:
        A: a sample in every row, of shape (*, m, n).
        q: how many components; at most the smaller of m and n, and by default no more than 6.
        center: subtract the samples' mean; else they are taken as having none.
        niter: see `dt.svd_lowrank`.

    Returns:
        U, S and V as those of `dt.svd_lowrank`: V's columns are the directions, `A @ V` the samples in them, and
        S ** 2 / (m - 1) the variances.

    Example:
        >>> A = dt.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
        >>> U, S, V = dt.pca_lowrank(A, q=1)
        >>> [round(abs(x), 4) for x in V.flatten().tolist()], round(S.item(), 4)
        ([1.0, 0.0], 2.8284)
    """
    checks.tensors("pca_lowrank", A=A)
    q = min(6, *A.shape[-2:]) if q is None else q
    _check("pca_lowrank", A, q, niter)
    return _svd(A - A.mean((-2,), keepdim=True) if center else A, q, niter)


def _check(who: str, A: Tensor, q: int, niter: int) -> None:
    if A.ndim < 2:
        raise ValueError(f"{who}: A must be of matrices, got shape {tuple(A.shape)}")
    if not (A.is_floating_point() or A.is_complex()):
        raise TypeError(f"{who}: A must be floating-point or complex, got {A.dtype.name}; convert with .float()")
    checks.integers(who, q=q, niter=niter)
    if not 0 <= q <= min(A.shape[-2:]):
        raise ValueError(f"{who}: q must be from 0 to {min(A.shape[-2:])}, got {q}")
    if not 0 <= niter <= _MOST_ITERATIONS:
        raise ValueError(f"{who}: niter must be from 0 to {_MOST_ITERATIONS}, got {niter}")


def _svd(A: Tensor, q: int, niter: int) -> tuple[Tensor, Tensor, Tensor]:
    wide = A.shape[-2] < A.shape[-1]
    tall = A.mH if wide else A
    directions = dt.randn(tall.shape[-1], q, dtype=A.dtype, device=A.device)
    Q = linalg.qr(tall @ directions)[0]
    for _ in range(niter):
        Q = linalg.qr(tall.mH @ Q)[0]
        Q = linalg.qr(tall @ Q)[0]
    U, S, Vh = linalg.svd(Q.mH @ tall, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)
