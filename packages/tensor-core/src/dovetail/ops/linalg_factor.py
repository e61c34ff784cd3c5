"""Factorisations: Cholesky, LU, LDL, QR."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import shape_text, short
from dovetail.ops._linalg import (
    NOT_POSITIVE_DEFINITE,
    ZERO_BLOCK,
    ZERO_PIVOT,
    adjoint,
    check,
    getrf,
    identity_like,
    lower_unit,
    need_matrices,
    need_pivoting,
    need_square,
    pivots_to_order,
    potrf,
    refuse_matrix,
    solve_triangular,
)
from dovetail.ops._linalg import (
    upper as upper_of,
)

hetrf, hetrs = get_op("linalg_hetrf"), get_op("linalg_hetrs")
geqrf, householder_product = get_op("geqrf"), get_op("linalg_householder_product")


@op("linalg_check(Tensor info, str name, str words, str shape) -> Tensor", internal=True, non_differentiable=True)
def linalg_check(info: Tensor, name: str, words: str, shape: str) -> Tensor:
    """LAPACK's verdicts on a batch of matrices, which must all be 0: else `dt.linalg.LinAlgError` for the first other.

    Args:
        info: the verdicts, one for each matrix.
        name: who speaks.
        words: what a positive verdict means; `{0}` stands for it.
        shape: of the batch, to be shown.

    Example:
        >>> dt._core.get_op("linalg_check")(dt.tensor([0, 0], dtype=dt.int32), "solve", "no", "(2, 3, 3)").tolist()
        [0, 0]
    """
    if info.dtype != dt.int32:
        raise TypeError(f"linalg_check: info must have dtype int32, got {short(info.dtype)}")
    refuse_matrix(name, info, words, shape)
    return info.clone()


# ---- Cholesky --------------------------------------------------------------------------------------------------


def _cholesky(name: str, A: Tensor, upper: bool) -> Tensor:
    need_square(name, A)
    L, info = potrf(A, upper)
    check(name, info, NOT_POSITIVE_DEFINITE, A)
    return L


@op("linalg_cholesky(Tensor A, *, bool upper=False) -> Tensor", internal=True, out=True)
def linalg_cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The Cholesky factor of positive-definite matrices.

        A = L L^H,  L lower triangular with a positive diagonal

    Args:
        A: of shape (*, n, n), symmetric or Hermitian; only one triangle is read.
        upper: give the upper triangular L^H instead, and read the upper triangle.

    Raises:
        LinAlgError: a matrix is not positive-definite.

    Example:
        >>> dt.linalg.cholesky(dt.tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    return _cholesky("linalg_cholesky", A, upper)


@op(
    "linalg_cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)",
    internal=True,
    out=True,
)
def linalg_cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """The Cholesky factor, and whether there was one, without looking.

    Args:
        A: of shape (*, n, n); see `dt.linalg.cholesky`.
        upper: give the upper factor.
        check_errors: look all the same, and raise LinAlgError.

    Returns:
        L, and `info`: 0, or the order of the leading minor that is not positive-definite.

    Example:
        >>> dt.linalg.cholesky_ex(dt.tensor([[1.0, 2.0], [2.0, 1.0]])).info.item()
        2
    """
    need_square("linalg_cholesky_ex", A)
    L, info = potrf(A, upper)
    if check_errors:
        check("linalg_cholesky_ex", info, NOT_POSITIVE_DEFINITE, A)
    return L, info


@op("cholesky(Tensor self, bool upper=False) -> Tensor", method=True, out=True)
def cholesky(self: Tensor, upper: bool = False) -> Tensor:
    """The Cholesky factor of positive-definite matrices: `dt.linalg.cholesky`.

        self = L L^H

    Args:
        self: of shape (*, n, n), symmetric or Hermitian.
        upper: give the upper triangular L^H instead.

    Example:
        >>> dt.cholesky(dt.tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    return _cholesky("cholesky", self, upper)


@op("cholesky_solve(Tensor self, Tensor L, bool upper=False) -> Tensor", method=True, out=True)
def cholesky_solve(self: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The solution of A X = B, given the Cholesky factor of A.

        out = (L L^H)^-1 self

    Args:
        self: B, of shape (*, n, k).
        L: of shape (*, n, n), lower triangular; only that triangle is read.
        upper: L is upper triangular, and A = L^H L.

    Example:
        >>> L = dt.tensor([[2.0, 0.0], [1.0, 2.0]])
        >>> dt.cholesky_solve(dt.tensor([[4.0], [7.0]]), L).tolist()
        [[0.375], [1.25]]
    """
    need_matrices("cholesky_solve", self, "B")
    need_square("cholesky_solve", L, "L")
    if upper:
        return solve_triangular(L, solve_triangular(adjoint(L), self, upper=False), upper=True)
    return solve_triangular(adjoint(L), solve_triangular(L, self, upper=False), upper=True)


@op("cholesky_inverse(Tensor self, bool upper=False) -> Tensor", method=True, out=True)
def cholesky_inverse(self: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A, given its Cholesky factor.

        out = (L L^H)^-1

    Args:
        self: L, of shape (*, n, n), lower triangular.
        upper: self is upper triangular, and A = L^H L.

    Example:
        >>> dt.cholesky_inverse(dt.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.25, 0.0], [0.0, 0.0625]]
    """
    need_square("cholesky_inverse", self, "L")
    return cholesky_solve(identity_like(self), self, upper)


# ---- LU --------------------------------------------------------------------------------------------------------


@op(
    "linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> "
    "(Tensor LU, Tensor pivots, Tensor info)",
    internal=True,
    out=True,
)
def linalg_lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> tuple[Tensor, ...]:
    """The LU factorisation in one matrix, and whether a pivot is 0, without looking.

        A = P L U

    Args:
        A: of shape (*, m, n).
        pivot: must be True: there is none without pivoting on the CPU.
        check_errors: look all the same, and raise LinAlgError.

    Returns:
        LU; `pivots`, counted from 1; `info`: 0, or the place of the first pivot that is 0.

    Example:
        >>> LU, pivots, info = dt.linalg.lu_factor_ex(dt.tensor([[1.0, 2.0], [4.0, 4.0]]))
        >>> LU.tolist(), pivots.tolist(), info.item()
        ([[4.0, 4.0], [0.25, 1.0]], [2, 2], 0)
    """
    need_pivoting("linalg_lu_factor_ex", pivot)
    LU, pivots, info = getrf(A)
    if check_errors:
        check("linalg_lu_factor_ex", info, ZERO_PIVOT, A)
    return LU, pivots, info


@op("linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", internal=True, out=True)
def linalg_lu_factor(A: Tensor, *, pivot: bool = True) -> tuple[Tensor, Tensor]:
    """The LU factorisation in one matrix, as `dt.linalg.lu_solve` takes it.

        A = P L U

    Args:
        A: of shape (*, m, n).
        pivot: must be True: there is none without pivoting on the CPU.

    Returns:
        LU, which is U with L below it; `pivots`: the row, counted from 1, that each row was exchanged with.

    Raises:
        LinAlgError: U has a 0 on its diagonal.

    Example:
        >>> LU, pivots = dt.linalg.lu_factor(dt.tensor([[1.0, 2.0], [4.0, 4.0]]))
        >>> LU.tolist(), pivots.tolist()
        ([[4.0, 4.0], [0.25, 1.0]], [2, 2])
    """
    need_pivoting("linalg_lu_factor", pivot)
    LU, pivots, info = getrf(A)
    check("linalg_lu_factor", info, ZERO_PIVOT, A)
    return LU, pivots


def _permutation(LU: Tensor, pivots: Tensor) -> Tensor:
    """P of A = P L U."""
    m = LU.shape[-2]
    order = pivots_to_order(pivots, m)
    return (dt.arange(m, device=LU.device).unsqueeze(-1) == order.unsqueeze(-2)).to(LU.dtype)


@op("linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", internal=True, out=True)
def linalg_lu(A: Tensor, *, pivot: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """The LU factorisation with partial pivoting.

        A = P L U

    Args:
        A: of shape (*, m, n).
        pivot: must be True: there is none without pivoting on the CPU.

    Returns:
        P, a permutation; L, lower triangular with ones on its diagonal; U, upper triangular.

    Example:
        >>> P, L, U = dt.linalg.lu(dt.tensor([[1.0, 2.0], [4.0, 4.0]]))
        >>> L.tolist(), U.tolist()
        ([[1.0, 0.0], [0.25, 1.0]], [[4.0, 4.0], [0.0, 1.0]])
    """
    need_pivoting("linalg_lu", pivot)
    LU, pivots, _ = getrf(A)
    return _permutation(LU.detach(), pivots), lower_unit(LU), upper_of(LU)


@op(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> "
    "(Tensor P, Tensor L, Tensor U)",
    out=True,
)
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """The three factors that `dt.linalg.lu_factor` keeps in one matrix.

    Args:
        LU_data: of shape (*, m, n).
        LU_pivots: of shape (*, min(m, n)).
        unpack_data: give L and U; they are empty otherwise.
        unpack_pivots: give P; it is empty otherwise.

    Example:
        >>> P, L, U = dt.lu_unpack(*dt.linalg.lu_factor(dt.tensor([[1.0, 2.0], [4.0, 4.0]])))
        >>> (P @ L @ U).tolist()
        [[1.0, 2.0], [4.0, 4.0]]
    """
    need_matrices("lu_unpack", LU_data, "LU_data")
    if LU_pivots.dtype != dt.int32:
        raise TypeError(f"lu_unpack: LU_pivots must have dtype int32, got {short(LU_pivots.dtype)}")
    if tuple(LU_pivots.shape) != (*LU_data.shape[:-2], min(LU_data.shape[-2:])):
        raise ValueError(
            "lu_unpack: LU_pivots must hold a pivot for every row or column, got shapes "
            f"{shape_text(LU_data.shape)} and {shape_text(LU_pivots.shape)}"
        )
    nothing = dt.empty((0,), dtype=LU_data.dtype, device=LU_data.device)
    P = _permutation(LU_data.detach(), LU_pivots) if unpack_pivots else nothing
    if not unpack_data:
        return P, nothing, nothing.clone()
    return P, lower_unit(LU_data), upper_of(LU_data)


# ---- LDL -------------------------------------------------------------------------------------------------------


@op(
    "linalg_ldl_factor_ex(Tensor A, *, bool hermitian=False, bool check_errors=False) -> "
    "(Tensor LD, Tensor pivots, Tensor info)",
    internal=True,
    out=True,
)
def linalg_ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> tuple[Tensor, ...]:
    """The LDL factorisation, and whether D has a block that is 0, without looking.

    Args:
        A: of shape (*, n, n); the lower triangle is read.
        hermitian: A is Hermitian; by default symmetric, also where it is complex.
        check_errors: look all the same, and raise LinAlgError.

    Example:
        >>> dt.linalg.ldl_factor_ex(dt.tensor([[2.0, 4.0], [4.0, 9.0]])).info.item()
        0
    """
    need_square("linalg_ldl_factor_ex", A)
    LD, pivots, info = hetrf(A, hermitian)
    if check_errors:
        check("linalg_ldl_factor_ex", info, ZERO_BLOCK, A)
    return LD, pivots, info


@op(
    "linalg_ldl_factor(Tensor A, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)",
    internal=True,
    out=True,
)
def linalg_ldl_factor(A: Tensor, *, hermitian: bool = False) -> tuple[Tensor, Tensor]:
    """The LDL factorisation of symmetric or Hermitian matrices, as `dt.linalg.ldl_solve` takes it.

        A = L D L^T,  or with hermitian=True  A = L D L^H

    Args:
        A: of shape (*, n, n); the lower triangle is read.
        hermitian: A is Hermitian; by default symmetric, also where it is complex.

    Raises:
        LinAlgError: a block of D is 0.

    Example:
        >>> A = dt.tensor([[2.0, 4.0], [4.0, 9.0]])
        >>> LD, pivots = dt.linalg.ldl_factor(A)
        >>> dt.allclose(A @ dt.linalg.ldl_solve(LD, pivots, dt.ones(2, 1)), dt.ones(2, 1))
        True
    """
    need_square("linalg_ldl_factor", A)
    LD, pivots, info = hetrf(A, hermitian)
    check("linalg_ldl_factor", info, ZERO_BLOCK, A)
    return LD, pivots


@op(
    "linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor",
    internal=True,
    out=True,
)
def linalg_ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """The solution of A X = B, given the LDL factorisation of A.

    Args:
        LD, pivots: what `dt.linalg.ldl_factor` gave.
        B: of shape (*, n, k); batch dims broadcast.
        hermitian: as it was given to `ldl_factor`.

    Example:
        >>> LD, pivots = dt.linalg.ldl_factor(dt.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> dt.linalg.ldl_solve(LD, pivots, dt.ones(2, 1)).tolist()
        [[0.5], [0.25]]
    """
    return hetrs(LD, pivots, B, hermitian)


# ---- QR --------------------------------------------------------------------------------------------------------


def _qr(name: str, A: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    need_matrices(name, A)
    m, n = A.shape[-2:]
    k = min(m, n)
    a, tau = geqrf(A)
    if mode == "r":
        return dt.empty((0,), dtype=A.dtype, device=A.device), a[..., :k, :].triu()
    if mode == "reduced":
        return householder_product(a[..., :k], tau), a[..., :k, :].triu()
    columns = (
        a[..., :m] if n >= m else dt.cat([a, dt.zeros((*A.shape[:-1], m - n), dtype=A.dtype, device=A.device)], -1)
    )
    return householder_product(columns, tau), a.triu()


@op("linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", internal=True, out=True)
def linalg_qr(A: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """The QR factorisation: Q has orthonormal columns, R is upper triangular.

        A = Q R

    Args:
        A: of shape (*, m, n).
        mode: "reduced": Q of shape (*, m, k), R of shape (*, k, n) with k = min(m, n). "complete": Q of shape
            (*, m, m), R of shape (*, m, n). "r": only the reduced R; Q is empty.

    Example:
        >>> Q, R = dt.linalg.qr(dt.tensor([[3.0, 1.0], [4.0, 2.0]]))
        >>> dt.allclose(Q @ R, dt.tensor([[3.0, 1.0], [4.0, 2.0]]))
        True
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"linalg_qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    return _qr("linalg_qr", A, mode)


@op("qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)", method=True, out=True)
def qr(self: Tensor, some: bool = True) -> tuple[Tensor, Tensor]:
    """The QR factorisation: `dt.linalg.qr`.

    Args:
        self: of shape (*, m, n).
        some: give the reduced factors; False gives the complete ones.

    Example:
        >>> Q, R = dt.qr(dt.eye(2) * 2)
        >>> dt.allclose(Q @ R, dt.eye(2) * 2)
        True
    """
    need_matrices("qr", self, "self")
    return tuple(get_op("linalg_qr")(self, "reduced" if some else "complete"))


@op("orgqr(Tensor self, Tensor input2) -> Tensor", method=True, out=True)
def orgqr(self: Tensor, input2: Tensor) -> Tensor:
    """The first columns of a product of Householder matrices: `dt.linalg.householder_product`.

    Args:
        self: of shape (*, m, n), as `dt.geqrf` gives it.
        input2: tau, of shape (*, k).

    Example:
        >>> A = dt.tensor([[3.0, 1.0], [4.0, 2.0]])
        >>> dt.allclose(dt.orgqr(*dt.geqrf(A)), dt.linalg.qr(A).Q)
        True
    """
    return householder_product(self, input2)
