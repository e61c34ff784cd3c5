"""Systems of equations, inverses, determinants, least squares."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import shape_text, wrap_dims
from dovetail.ops._linalg import (
    NO_FULL_RANK,
    NOT_INVERTIBLE,
    NOT_SOLVABLE,
    adjoint,
    check,
    epsilon,
    gels,
    getrf,
    identity_like,
    is_vector,
    need_lapack,
    need_matrices,
    need_square,
    real_dtype,
    solve_factored,
    solve_triangular,
)

inv_ex, solve_ex = get_op("linalg_inv_ex"), get_op("linalg_solve_ex")

# ---- systems ---------------------------------------------------------------------------------------------------


@op(
    "linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)",
    internal=True,
    out=True,
)
def linalg_solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """The solution of square systems, and whether there is one, without looking.

    Args:
        A, B, left: as for `dt.linalg.solve`.
        check_errors: look all the same, and raise LinAlgError.

    Returns:
        X, and `info`: 0, or the place of the first pivot that is 0.

    Example:
        >>> dt.linalg.solve_ex(dt.zeros(2, 2), dt.ones(2)).info.item()
        1
    """
    need_square("linalg_solve_ex", A)
    need_lapack("linalg_solve_ex", A)
    vector = is_vector(A, B)
    if vector and not left:
        raise ValueError(
            "linalg_solve_ex: left=False needs matrices as the right-hand side, got vectors of shape "
            f"{shape_text(B.shape)}"
        )
    right = B.unsqueeze(-1) if vector else B
    if not left:
        right = right.mT
    if right.ndim < 2 or right.shape[-2] != A.shape[-1]:
        equation = "AX = B" if left else "XA = B"
        raise ValueError(
            f"linalg_solve_ex: Incompatible shapes of A and B for the equation {equation}: "
            f"{shape_text(A.shape)} and {shape_text(B.shape)}"
        )
    LU, pivots, info = getrf(A if left else A.mT)
    if check_errors:
        check("linalg_solve_ex", info, NOT_SOLVABLE, A)
    X = solve_factored(LU, pivots, right)
    if not left:
        X = X.mT
    return (X.squeeze(-1) if vector else X), info


@op("linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", internal=True, out=True)
def linalg_solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution of square systems of equations.

        A X = B,  or with left=False  X A = B

    Args:
        A: of shape (*, n, n).
        B: of shape (*, n, k), or (*, k, n) with left=False; or vectors of shape (n,), or (*, n) with A's batch dims.
            Batch dims broadcast.

    Raises:
        LinAlgError: a matrix is singular.

    Example:
        >>> A = dt.tensor([[2.0, 0.0], [0.0, 4.0]])
        >>> dt.linalg.solve(A, dt.tensor([2.0, 8.0])).tolist()
        [1.0, 2.0]
    """
    X, info = solve_ex(A, B, left=left)
    check("linalg_solve", info, NOT_SOLVABLE, A)
    return X


@op(
    "linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
    internal=True,
    out=True,
)
def linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The solution of square systems, given the LU factorisation of A.

        A X = B;  X A = B with left=False;  A^H X = B, or X A^H = B, with adjoint=True

    Args:
        LU, pivots: what `dt.linalg.lu_factor` gave, of shapes (*, n, n) and (*, n).
        B: of shape (*, n, k), or (*, k, n) with left=False. Batch dims broadcast.

    Example:
        >>> LU, pivots = dt.linalg.lu_factor(dt.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> dt.linalg.lu_solve(LU, pivots, dt.ones(2, 1)).tolist()
        [[0.5], [0.25]]
    """
    return _lu_solve("linalg_lu_solve", LU, pivots, B, left, adjoint)


def _lu_solve(name: str, LU: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint_of: bool) -> Tensor:
    need_square(name, LU, "LU")
    need_matrices(name, B, "B")
    if pivots.ndim < 1 or pivots.shape[-1] != LU.shape[-1]:
        raise ValueError(
            f"{name}: pivots must hold one pivot for every row of LU, got shapes {shape_text(LU.shape)} and "
            f"{shape_text(pivots.shape)}"
        )
    if B.shape[-2 if left else -1] != LU.shape[-1]:
        raise ValueError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'}: "
            f"{shape_text(LU.shape)} and {shape_text(B.shape)}"
        )
    if left:
        return solve_factored(LU, pivots, B, adjoint_of)
    return adjoint(solve_factored(LU, pivots, adjoint(B), not adjoint_of))


@op("lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor", method=True, out=True)
def lu_solve(self: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The solution of A X = self, given the LU factorisation of A: `dt.linalg.lu_solve`.

    Args:
        self: of shape (*, n, k).
        LU_data, LU_pivots: what `dt.linalg.lu_factor` gave.

    Example:
        >>> LU, pivots = dt.linalg.lu_factor(dt.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> dt.lu_solve(dt.ones(2, 1), LU, pivots).tolist()
        [[0.5], [0.25]]
    """
    return _lu_solve("lu_solve", LU_data, LU_pivots, self, True, False)


@op(
    "triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> "
    "(Tensor solution, Tensor cloned_coefficient)",
    method=True,
    out=True,
)
def triangular_solve(
    self: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> tuple[Tensor, Tensor]:
    """The solution of A X = self for triangular A, and a copy of A: see `dt.linalg.solve_triangular`.

    Args:
        self: of shape (*, n, k).
        A: of shape (*, n, n).
        upper: whether A's upper triangle counts, or its lower one.
        transpose: solve A^T X = self.
        unitriangular: whether the diagonal counts as ones.

    Example:
        >>> A = dt.tensor([[2.0, 0.0], [1.0, 4.0]])
        >>> dt.triangular_solve(dt.tensor([[2.0], [9.0]]), A, upper=False).solution.tolist()
        [[1.0], [2.0]]
    """
    need_matrices("triangular_solve", self, "self")
    need_square("triangular_solve", A)
    turned = A.mT if transpose else A
    return solve_triangular(turned, self, upper=upper != transpose, unitriangular=unitriangular), A.clone()


# ---- inverses --------------------------------------------------------------------------------------------------


@op("linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", internal=True, out=True)
def linalg_inv_ex(A: Tensor, *, check_errors: bool = False) -> tuple[Tensor, Tensor]:
    """The inverse of square matrices, and whether there is one, without looking.

    Args:
        A: of shape (*, n, n).
        check_errors: look all the same, and raise LinAlgError.

    Returns:
        The inverse, and `info`: 0, or the place of the first pivot that is 0.

    Example:
        >>> dt.linalg.inv_ex(dt.zeros(2, 2)).info.item()
        1
    """
    need_square("linalg_inv_ex", A)
    need_lapack("linalg_inv_ex", A)
    LU, pivots, info = getrf(A)
    if check_errors:
        check("linalg_inv_ex", info, NOT_INVERTIBLE, A)
    return solve_factored(LU, pivots, identity_like(A)), info


def _inv(name: str, A: Tensor) -> Tensor:
    inverse, info = inv_ex(A)
    check(name, info, NOT_INVERTIBLE, A)
    return inverse


@op("linalg_inv(Tensor A) -> Tensor", internal=True, out=True)
def linalg_inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.

        A out = out A = I

    To solve a system, `dt.linalg.solve` is faster and more exact.

    Args:
        A: of shape (*, n, n).

    Raises:
        LinAlgError: a matrix is singular.

    Example:
        >>> dt.linalg.inv(dt.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inv("linalg_inv", A)


@op("inverse(Tensor self) -> Tensor", method=True, out=True)
def inverse(self: Tensor) -> Tensor:
    """The inverse of square matrices: `dt.linalg.inv`.

    Example:
        >>> dt.inverse(dt.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inv("inverse", self)


@op("linalg_tensorinv(Tensor A, int ind=2) -> Tensor", internal=True, out=True)
def linalg_tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of a tensor as a map by `dt.tensordot`.

        tensordot(out, A, ind) is the identity

    Args:
        A: its first `ind` dims have as many elements as the others.
        ind: how many dims belong to the one side.

    Example:
        >>> dt.linalg.tensorinv(dt.eye(6).reshape(2, 3, 6)).shape
        dovetail.Size([6, 2, 3])
    """
    if ind <= 0:
        raise ValueError(f"linalg_tensorinv: ind must be positive, got {ind}")
    first, last = list(A.shape[:ind]), list(A.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise ValueError(
            "linalg_tensorinv: the first ind dims must have as many elements as the others, got shape "
            f"{shape_text(A.shape)} with ind = {ind}"
        )
    return _inv("linalg_tensorinv", A.reshape((math.prod(first), math.prod(last)))).reshape(last + first)


@op("linalg_tensorsolve(Tensor A, Tensor B, int[]? dims=None) -> Tensor", internal=True, out=True)
def linalg_tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B.

    Args:
        A: of shape B.shape + X.shape, both of which have as many elements.
        dims: which dims of A are moved to its end before.

    Example:
        >>> dt.linalg.tensorsolve(dt.eye(6).reshape(2, 3, 6), dt.ones(2, 3)).shape
        dovetail.Size([6])
    """
    if dims is not None:
        moved = wrap_dims("linalg_tensorsolve", dims, A.ndim)
        A = A.permute([i for i in range(A.ndim) if i not in moved] + moved)
    shape = list(A.shape[B.ndim :])
    if math.prod(shape) != B.numel() or A.numel() != B.numel() * math.prod(shape):
        raise ValueError(
            "linalg_tensorsolve: A must have as many elements as B, squared, and B's dims in front, got shapes "
            f"{shape_text(A.shape)} and {shape_text(B.shape)}"
        )
    X, info = solve_ex(A.reshape((B.numel(), math.prod(shape))), B.reshape((-1,)))
    check("linalg_tensorsolve", info, NOT_SOLVABLE, A)
    return X.reshape(shape)


# ---- determinants ----------------------------------------------------------------------------------------------


def _diagonal_of_factors(A: Tensor) -> tuple[Tensor, Tensor]:
    """U's diagonal, and P's sign."""
    LU, pivots, _ = getrf(A)
    n = A.shape[-1]
    exchanges = (pivots != dt.arange(1, n + 1, dtype=dt.int32, device=A.device)).sum(-1)
    return LU.diagonal(0, -2, -1), (1 - 2 * (exchanges % 2)).to(A.dtype)


@op("linalg_det(Tensor A) -> Tensor", internal=True, out=True)
def linalg_det(A: Tensor) -> Tensor:
    """The determinant of square matrices.

    It is the product of U's diagonal in the LU factorisation, and of the sign of the exchanges of rows.

    Args:
        A: of shape (*, n, n).

    Example:
        >>> dt.linalg.det(dt.tensor([[2.0, 0.0], [0.0, 4.0]])).item()
        8.0
    """
    need_square("linalg_det", A)
    diagonal, sign = _diagonal_of_factors(A)
    return diagonal.prod(-1) * sign


@op("det(Tensor self) -> Tensor", method=True)
def det(self: Tensor) -> Tensor:
    """The determinant of square matrices: `dt.linalg.det`.

    Example:
        >>> dt.det(dt.tensor([[2.0, 0.0], [0.0, 4.0]])).item()
        8.0
    """
    return get_op("linalg_det")(self)


@op("linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", internal=True, out=True)
def linalg_slogdet(A: Tensor) -> tuple[Tensor, Tensor]:
    """The sign of the determinant, and the logarithm of its magnitude, which can't overflow.

        det(A) = sign * exp(logabsdet)

    Args:
        A: of shape (*, n, n). For complex matrices the sign is a number on the unit circle.

    Example:
        >>> sign, logabsdet = dt.linalg.slogdet(dt.tensor([[0.0, 1.0], [1.0, 0.0]]))
        >>> sign.item(), logabsdet.item()
        (-1.0, 0.0)
    """
    need_square("linalg_slogdet", A)
    diagonal, sign = _diagonal_of_factors(A)
    return dt.sgn(diagonal).prod(-1) * sign, dt.abs(diagonal).log().sum(-1)


@op("slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)", method=True, out=True)
def slogdet(self: Tensor) -> tuple[Tensor, Tensor]:
    """The sign of the determinant, and the logarithm of its magnitude: `dt.linalg.slogdet`.

    Example:
        >>> dt.slogdet(dt.eye(2)).logabsdet.item()
        0.0
    """
    return tuple(get_op("linalg_slogdet")(self))


@op("logdet(Tensor self) -> Tensor", method=True)
def logdet(self: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN for real matrices where it is negative.

    Args:
        self: of shape (*, n, n).

    Example:
        >>> dt.logdet(dt.eye(2)).item()
        0.0
    """
    need_square("logdet", self)
    sign, logabsdet = get_op("linalg_slogdet")(self)
    if self.dtype.is_complex:
        return sign.log() + logabsdet
    return dt.where(sign == -1.0, math.nan, logabsdet)


# ---- least squares ---------------------------------------------------------------------------------------------


@op(
    "linalg_lstsq(Tensor A, Tensor B, float? rcond=None, *, str? driver=None) -> "
    "(Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)",
    internal=True,
    out=True,
)
def linalg_lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Least squares solutions of systems with too few or too many equations.

        X = argmin ||A X - B||

    Args:
        A: of shape (*, m, n).
        B: of shape (*, m, k); or vectors of shape (m,), or (*, m) with A's batch dims.
        rcond: singular values below rcond times the largest count as 0; by default the dtype's epsilon times
            max(m, n).
        driver: LAPACK's routine. "gelsy" (the default) by QR with pivoting; "gels" by QR, for matrices of full rank;
            "gelsd" and "gelss" by singular values.

    Returns:
        The solution; `residuals`, the squared errors, where m > n and A has full rank, by drivers other than gelsy
        (else empty); `rank` (not by gels); `singular_values` (by gelsd and gelss).

    Raises:
        LinAlgError: gels met a matrix without full rank, or the others did not converge.

    Example:
        >>> A, B = dt.tensor([[1.0], [1.0]]), dt.tensor([[1.0], [3.0]])
        >>> dt.allclose(dt.linalg.lstsq(A, B).solution, dt.tensor([[2.0]]))
        True
    """
    need_matrices("linalg_lstsq", A)
    driver = "gelsy" if driver is None else driver
    vector = is_vector(A, B)
    right = B.unsqueeze(-1) if vector else B
    m, n = A.shape[-2:]
    cutoff = epsilon(A) * max(m, n) if rcond is None else rcond
    X, rank, values, info = gels(A, right, cutoff, driver)
    if driver == "gels":
        check("linalg_lstsq", info, NO_FULL_RANK, A)
    residuals = dt.empty((0,), dtype=real_dtype(A), device=A.device)
    full_rank = m > n and (driver == "gels" or (driver != "gelsy" and bool((rank == n).all())))
    if full_rank:
        error = dt.abs(A @ X - right)
        residuals = (error * error).sum(-2)
    if driver == "gels":
        rank = dt.empty((0,), dtype=dt.int64, device=A.device)
    if driver in ("gels", "gelsy"):
        values = dt.empty((0,), dtype=real_dtype(A), device=A.device)
    return (X.squeeze(-1) if vector else X), residuals, rank, values
