"""What the families of linear algebra share: checks, LAPACK's verdicts, and the words for them."""

from __future__ import annotations

from typing import NoReturn

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops._common import shape_text, short

potrf, getrf = get_op("linalg_potrf"), get_op("linalg_getrf")
solve_triangular = get_op("linalg_solve_triangular")
heevd, geev, gesdd, gels = (get_op(f"linalg_{name}") for name in ("heevd", "geev", "gesdd", "gels"))
pivots_to_order = get_op("linalg_pivots_to_order")
gather, expand = get_op("gather"), get_op("expand")

NOT_FINITE = -1  # the verdict on a matrix with infinities or NaN


class LinAlgError(RuntimeError):
    """A matrix does not have what the computation needs: it is singular, not positive-definite, or not finite.

    Example:
        >>> try:
        ...     dt.linalg.inv(dt.zeros(2, 2))
        ... except dt.linalg.LinAlgError as error:
        ...     print(str(error).partition(",")[0])
        linalg_inv: The diagonal element 1 is zero
    """


LinAlgError.__module__ = "dovetail.linalg"

# What a positive verdict means.
NOT_POSITIVE_DEFINITE = (
    "The factorization could not be completed because the input is not positive-definite "
    "(the leading minor of order {0} is not positive-definite)."
)
NOT_INVERTIBLE = (
    "The diagonal element {0} is zero, the inversion could not be completed because the input matrix is singular."
)
NOT_SOLVABLE = "The solver failed because the input matrix is singular."
ZERO_PIVOT = (
    "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the "
    "factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
)
ZERO_BLOCK = (
    "The diagonal element {0} of D is zero and using it on ldl_solve would result in a division by zero; "
    "linalg.ldl_factor_ex(A) factorizes all the same."
)
NO_EIGENVALUES = (
    "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues "
    "(error code: {0})."
)
NO_SINGULAR_VALUES = (
    "The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated singular "
    "values (error code: {0})."
)
NO_FULL_RANK = (
    "The least squares solution could not be computed because the input matrix does not have full rank "
    "(error code: {0})."
)
NON_FINITE = "The algorithm failed to converge because the input matrix contained non-finite values."


def check(name: str, info: Tensor, words: str, A: Tensor) -> None:
    """Raise LinAlgError for the first matrix of the batch A of which LAPACK said no."""
    get_op("linalg_check")(info, name, words, shape_text(A.shape))


def refuse_matrix(name: str, info: Tensor, words: str, shape: str) -> None:
    """What `check` does with plain tensors."""
    if not info.numel() or not (info != 0).any():
        return
    flat = info.reshape((-1,)).tolist()
    place = next(i for i, verdict in enumerate(flat) if verdict)
    said = NON_FINITE if flat[place] == NOT_FINITE else words.format(flat[place])
    where = f"(Batch element {place}): " if info.ndim else ""
    raise LinAlgError(f"{name}: {where}{said} (input of shape {shape})")


# ---- checks ----------------------------------------------------------------------------------------------------


def need_matrices(name: str, A: Tensor, argument: str = "A") -> None:
    if A.ndim < 2:
        raise ValueError(
            f"{name}: The input tensor {argument} must have at least 2 dimensions, got shape {shape_text(A.shape)}"
        )


def need_square(name: str, A: Tensor, argument: str = "A") -> None:
    need_matrices(name, A, argument)
    if A.shape[-1] != A.shape[-2]:
        raise ValueError(
            f"{name}: {argument} must be batches of square matrices, but they are "
            f"{A.shape[-2]} by {A.shape[-1]} matrices"
        )


def need_lapack(name: str, A: Tensor, argument: str = "A") -> None:
    if A.dtype not in (dt.float32, dt.float64, dt.complex64, dt.complex128):
        bad_dtype(name, A, argument)


def bad_dtype(name: str, A: Tensor, argument: str) -> NoReturn:
    raise TypeError(
        f"{name}: {argument} must have dtype float32, float64, complex64 or complex128, got {short(A.dtype)}"
    )


def need_pivoting(name: str, pivot: bool) -> None:
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU")


def is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether the right-hand side of a system is a vector (one for every matrix), as PyTorch decides it."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


def singular_values(name: str, A: Tensor) -> Tensor:
    """The singular values of matrices, descending."""
    need_matrices(name, A)
    _, S, _, info = gesdd(A, False, False)
    check(name, info, NO_SINGULAR_VALUES, A)
    return S


# ---- small algebra ---------------------------------------------------------------------------------------------


def adjoint(x: Tensor) -> Tensor:
    """The conjugate transpose; for real matrices a view."""
    return x.mT.conj() if x.dtype.is_complex else x.mT


def identity_like(A: Tensor, size: int | None = None) -> Tensor:
    """An identity matrix of A's dtype and order (or another)."""
    return dt.eye(A.shape[-1] if size is None else size, dtype=A.dtype, device=A.device)


def real_dtype(A: Tensor) -> dt.dtype:
    return {dt.complex64: dt.float32, dt.complex128: dt.float64}.get(A.dtype, A.dtype)


def epsilon(A: Tensor) -> float:
    return 2.0**-23 if real_dtype(A) == dt.float32 else 2.0**-52


def permuted_rows(x: Tensor, order: Tensor) -> Tensor:
    """The rows of matrices in another order, which is given for each of them."""
    batch = dt.broadcast_shapes(x.shape[:-2], order.shape[:-1])
    x = expand(x, [*batch, *x.shape[-2:]])
    return gather(x, -2, expand(order.unsqueeze(-1), [*batch, order.shape[-1], x.shape[-1]]))


def inverse_order(order: Tensor) -> Tensor:
    return dt.argsort(order, -1)


def lower_unit(LU: Tensor) -> Tensor:
    """L of a packed factorisation, of shape (*, m, k)."""
    m, n = LU.shape[-2:]
    packed = LU if m >= n else LU[..., :m]
    return packed.tril(-1) + dt.eye(m, min(m, n), dtype=LU.dtype, device=LU.device)


def upper(LU: Tensor) -> Tensor:
    """U of a packed factorisation, of shape (*, k, n)."""
    m, n = LU.shape[-2:]
    return (LU[..., :n, :] if m > n else LU).triu()


def solve_factored(LU: Tensor, pivots: Tensor, B: Tensor, adjoint_of: bool = False) -> Tensor:
    """X with A X = B, or A^H X = B, given A's factors."""
    order = pivots_to_order(pivots, LU.shape[-1])
    if not adjoint_of:
        Y = solve_triangular(LU, permuted_rows(B, order), upper=False, unitriangular=True)
        return solve_triangular(LU, Y, upper=True)
    packed = adjoint(LU)
    Y = solve_triangular(packed, B, upper=False)
    Y = solve_triangular(packed, Y, upper=True, unitriangular=True)
    return permuted_rows(Y, inverse_order(order))
