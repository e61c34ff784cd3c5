"""Eigenvalues, singular values, and what follows from them."""

from __future__ import annotations

import math

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import short
from dovetail.ops._linalg import (
    NO_EIGENVALUES,
    NO_SINGULAR_VALUES,
    LinAlgError,
    adjoint,
    check,
    epsilon,
    geev,
    gesdd,
    heevd,
    need_lapack,
    need_matrices,
    need_square,
    real_dtype,
    singular_values,
)

# ---- eigenvalues -----------------------------------------------------------------------------------------------


def _reads_upper(name: str, UPLO: str) -> bool:
    if UPLO not in ("L", "U", "l", "u"):
        raise ValueError(f"{name}: UPLO must be 'L' or 'U', got {UPLO!r}")
    return UPLO in "Uu"


@op("linalg_eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", internal=True, out=True)
def linalg_eigh(A: Tensor, UPLO: str = "L") -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and orthonormal eigenvectors of symmetric or Hermitian matrices.

        A = V diag(w) V^H

    Eigenvectors are unique up to a factor of magnitude 1: what is differentiated must not depend on it. Gradients
    through them are finite only where the eigenvalues differ.

    Args:
        A: of shape (*, n, n).
        UPLO: which triangle is read, "L" or "U".

    Raises:
        LinAlgError: an element is not finite, or the iteration did not converge.

    Example:
        >>> w, V = dt.linalg.eigh(dt.tensor([[2.0, 0.0], [0.0, 1.0]]))
        >>> w.tolist()
        [1.0, 2.0]
    """
    need_square("linalg_eigh", A)
    values, vectors, info = heevd(A, _reads_upper("linalg_eigh", UPLO))
    check("linalg_eigh", info, NO_EIGENVALUES, A)
    return values, vectors


@op("linalg_eigvalsh(Tensor A, str UPLO='L') -> Tensor", internal=True, out=True)
def linalg_eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric or Hermitian matrices, ascending.

    Args:
        A: of shape (*, n, n).
        UPLO: which triangle is read, "L" or "U".

    Example:
        >>> dt.linalg.eigvalsh(dt.tensor([[2.0, 0.0], [0.0, 1.0]])).tolist()
        [1.0, 2.0]
    """
    need_square("linalg_eigvalsh", A)
    values, _, info = heevd(A, _reads_upper("linalg_eigvalsh", UPLO), False)
    check("linalg_eigvalsh", info, NO_EIGENVALUES, A)
    return values


@op("linalg_eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)", internal=True, out=True)
def linalg_eig(A: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of square matrices; both are complex.

        A V = V diag(w)

    Eigenvectors have norm 1 and are unique up to a factor of magnitude 1: what is differentiated must not depend on
    it. Eigenvalues have no order.

    Args:
        A: of shape (*, n, n).

    Raises:
        LinAlgError: an element is not finite, or the iteration did not converge.

    Example:
        >>> w, V = dt.linalg.eig(dt.tensor([[0.0, 1.0], [-1.0, 0.0]]))
        >>> w.tolist()
        [1j, -1j]
    """
    need_square("linalg_eig", A)
    values, vectors, info = geev(A)
    check("linalg_eig", info, NO_EIGENVALUES, A)
    return values, vectors


@op("linalg_eigvals(Tensor A) -> Tensor", internal=True, out=True)
def linalg_eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of square matrices, complex and in no order.

    Args:
        A: of shape (*, n, n).

    Example:
        >>> dt.linalg.eigvals(dt.tensor([[0.0, 1.0], [-1.0, 0.0]])).tolist()
        [1j, -1j]
    """
    need_square("linalg_eigvals", A)
    values, _, info = geev(A, False)
    check("linalg_eigvals", info, NO_EIGENVALUES, A)
    return values


# ---- singular values -------------------------------------------------------------------------------------------


def _need_no_driver(name: str, driver: str | None) -> None:
    if driver is not None:
        raise ValueError(f"{name}: driver= is for CUDA tensors; leave it None, got {driver!r}")


@op(
    "linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)",
    internal=True,
    out=True,
)
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The singular value decomposition.

        A = U diag(S) Vh,  S descending, U and Vh with orthonormal columns and rows

    Singular vectors are unique up to a factor of magnitude 1 of each pair: what is differentiated must not depend on
    it. Gradients through them are finite only where the singular values differ.

    Args:
        A: of shape (*, m, n).
        full_matrices: give U of shape (*, m, m) and Vh of shape (*, n, n); else only the first min(m, n) columns and
            rows.
        driver: must be None on the CPU.

    Raises:
        LinAlgError: an element is not finite, or the iteration did not converge.

    Example:
        >>> U, S, Vh = dt.linalg.svd(dt.tensor([[0.0, 2.0], [1.0, 0.0]]))
        >>> S.tolist()
        [2.0, 1.0]
    """
    need_matrices("linalg_svd", A)
    _need_no_driver("linalg_svd", driver)
    U, S, Vh, info = gesdd(A, full_matrices)
    check("linalg_svd", info, NO_SINGULAR_VALUES, A)
    return U, S, Vh


@op("linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", internal=True, out=True)
def linalg_svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of matrices, descending.

    Args:
        A: of shape (*, m, n).
        driver: must be None on the CPU.

    Example:
        >>> dt.linalg.svdvals(dt.tensor([[0.0, 2.0], [1.0, 0.0]])).tolist()
        [2.0, 1.0]
    """
    _need_no_driver("linalg_svdvals", driver)
    return singular_values("linalg_svdvals", A)


@op(
    "svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)",
    method=True,
    out=True,
)
def svd(self: Tensor, some: bool = True, compute_uv: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """The singular value decomposition, V not transposed: `dt.linalg.svd` gives it as Vh.

        self = U diag(S) V^H

    Args:
        self: of shape (*, m, n).
        some: only the first min(m, n) columns of U and V.
        compute_uv: False gives zeros for U and V.

    Example:
        >>> dt.svd(dt.tensor([[0.0, 2.0], [1.0, 0.0]])).S.tolist()
        [2.0, 1.0]
    """
    need_matrices("svd", self, "self")
    if compute_uv:
        U, S, Vh, info = gesdd(self, not some)
        check("svd", info, NO_SINGULAR_VALUES, self)
        return U, S, adjoint(Vh)
    S = singular_values("svd", self)
    m, n = self.shape[-2:]
    batch = list(self.shape[:-2])
    none = [dt.zeros((*batch, n, n), dtype=self.dtype, device=self.device) for n in (m, n)]
    return none[0], S, none[1]


# ---- rank and pseudoinverse ------------------------------------------------------------------------------------


def _tolerance(name: str, A: Tensor, largest: Tensor, atol: Tensor | None, rtol: Tensor | None) -> Tensor:
    """max(atol, rtol * the largest singular value): below it a singular value counts as 0."""
    for label, given in (("atol", atol), ("rtol", rtol)):
        if given is not None and given.dtype.is_complex:
            raise TypeError(f"{name}: {label} must be real, got {short(given.dtype)}")
    default = epsilon(A) * max(A.shape[-2:])
    absolute = dt.zeros((), dtype=largest.dtype, device=A.device) if atol is None else atol.to(largest.dtype)
    if rtol is not None:
        relative = rtol.to(largest.dtype)
    elif atol is None:
        relative = dt.full((), default, dtype=largest.dtype, device=A.device)
    else:
        relative = dt.where(absolute > 0.0, 0.0, default).to(largest.dtype)
    return dt.maximum(absolute, relative * largest)


def _magnitudes(name: str, A: Tensor, hermitian: bool) -> Tensor:
    if not hermitian:
        return singular_values(name, A)
    need_square(name, A)
    values, _, info = heevd(A, False, False)
    check(name, info, NO_EIGENVALUES, A)
    return dt.abs(values)


@op(
    "linalg_matrix_rank(Tensor A, Tensor? tol=None, bool hermitian=False, *, Tensor? atol=None, Tensor? rtol=None) "
    "-> Tensor",
    internal=True,
    out=True,
    non_differentiable=True,
)
def linalg_matrix_rank(
    A: Tensor,
    tol: Tensor | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | None = None,
    rtol: Tensor | None = None,
) -> Tensor:
    """The number of singular values that are not negligible.

        out = count(S > max(atol, rtol * max(S)))

    Args:
        A: of shape (*, m, n).
        tol: atol with an rtol of 0, as NumPy names it.
        hermitian: A is symmetric or Hermitian: take the magnitudes of its eigenvalues.
        atol, rtol: numbers, or tensors that broadcast with the batch. By default rtol is the dtype's epsilon times
            max(m, n), or 0 where atol is given.

    Example:
        >>> dt.linalg.matrix_rank(dt.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
        1
    """
    if tol is not None:
        atol, rtol = tol, dt.zeros((), device=A.device)
    return _rank("linalg_matrix_rank", A, atol, rtol, hermitian)


def _rank(name: str, A: Tensor, atol: Tensor | None, rtol: Tensor | None, hermitian: bool) -> Tensor:
    need_matrices(name, A)
    need_lapack(name, A)
    S = _magnitudes(name, A, hermitian)
    if S.shape[-1] == 0:
        return S.sum(-1).to(dt.int64)
    least = _tolerance(name, A, S.amax(-1), atol, rtol)
    return (least.unsqueeze(-1) < S).sum(-1)


@op(
    "matrix_rank(Tensor self, Tensor? tol=None, bool symmetric=False) -> Tensor",
    out=True,
    non_differentiable=True,
)
def matrix_rank(self: Tensor, tol: Tensor | None = None, symmetric: bool = False) -> Tensor:
    """The number of singular values that are not negligible: `dt.linalg.matrix_rank`.

    Args:
        self: of shape (*, m, n).
        tol: singular values up to it don't count; by default the largest times the dtype's epsilon times max(m, n).
        symmetric: self is symmetric or Hermitian.

    Example:
        >>> dt.matrix_rank(dt.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
        1
    """
    rtol = None if tol is None else dt.zeros((), device=self.device)
    return _rank("matrix_rank", self, tol, rtol, symmetric)


@op(
    "linalg_pinv(Tensor A, Tensor? rcond=None, bool hermitian=False, *, Tensor? atol=None, Tensor? rtol=None) "
    "-> Tensor",
    internal=True,
    out=True,
)
def linalg_pinv(
    A: Tensor,
    rcond: Tensor | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | None = None,
    rtol: Tensor | None = None,
) -> Tensor:
    """The Moore-Penrose pseudoinverse.

        A out A = A,  out A out = out,  A out and out A Hermitian

    Args:
        A: of shape (*, m, n); the result has shape (*, n, m).
        rcond: rtol, as NumPy names it.
        hermitian: A is symmetric or Hermitian.
        atol, rtol: singular values up to max(atol, rtol * max(S)) count as 0. By default rtol is the dtype's epsilon
            times max(m, n), or 0 where atol is given.

    Example:
        >>> dt.linalg.pinv(dt.tensor([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    return _pinv("linalg_pinv", A, atol, rtol if rcond is None else rcond, hermitian)


def _pinv(name: str, A: Tensor, atol: Tensor | None, rtol: Tensor | None, hermitian: bool) -> Tensor:
    need_matrices(name, A)
    need_lapack(name, A)
    if A.numel() == 0:
        return dt.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), dtype=A.dtype, device=A.device)
    if hermitian:
        need_square(name, A)
        values, V, info = heevd(A)
        check(name, info, NO_EIGENVALUES, A)
        S, left, right = dt.abs(values), V, adjoint(V)
    else:
        left, values, right, info = gesdd(A, False)
        check(name, info, NO_SINGULAR_VALUES, A)
        S = values
    least = _tolerance(name, A, S.amax(-1), atol, rtol).unsqueeze(-1)
    kept = least < S
    inverted = dt.where(kept, 1.0 / dt.where(kept, values, 1.0), 0.0).to(A.dtype)
    return (adjoint(right) * inverted.unsqueeze(-2)) @ adjoint(left)


@op("pinverse(Tensor self, float rcond=1e-15) -> Tensor", method=True)
def pinverse(self: Tensor, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose pseudoinverse: `dt.linalg.pinv` with rtol = rcond.

    Example:
        >>> dt.pinverse(dt.tensor([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    try:
        return get_op("linalg_pinv")(self, rtol=rcond)
    except LinAlgError as error:
        raise LinAlgError(str(error).replace("linalg_pinv", "pinverse", 1)) from None


# ---- norms by singular values ----------------------------------------------------------------------------------


@op("linalg_cond(Tensor A, Scalar? p=None) -> Tensor", internal=True, out=True)
def linalg_cond(A: Tensor, p: float | None = None) -> Tensor:
    """The condition number: how much the solution of a system may amplify relative errors.

        out = ||A|| ||A^-1||

    Args:
        A: of shape (*, n, n); with p None, 2 or -2 also of shape (*, m, n).
        p: the norm: None or 2 (the largest singular value over the smallest), -2 (its inverse), 1, -1, inf, -inf.

    Example:
        >>> dt.linalg.cond(dt.tensor([[4.0, 0.0], [0.0, 2.0]])).item()
        2.0
    """
    need_matrices("linalg_cond", A)
    if A.numel() == 0:
        need_lapack("linalg_cond", A)
        return dt.zeros(A.shape[:-2], dtype=real_dtype(A), device=A.device)
    if p is None or p in (2, -2):
        S = singular_values("linalg_cond", A)
        return S[..., 0] / S[..., -1] if p != -2 else S[..., -1] / S[..., 0]
    need_square("linalg_cond", A)
    norm = get_op("linalg_matrix_norm")
    inverse, info = get_op("linalg_inv_ex")(A)
    inverse = dt.where((info > 0).unsqueeze(-1).unsqueeze(-1), math.inf, inverse)
    return norm(A, p) * norm(inverse, p)
