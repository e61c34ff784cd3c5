"""Derivatives of systems of equations, inverses, determinants and the matrix exponential."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op

from ._algebra import adjoint, as_diagonal, diagonal, solved, times_inverse, total

_getrf, _matrix_exp, _pinv = get_op("linalg_getrf"), get_op("matrix_exp"), get_op("linalg_pinv")
_lu_solve, _gesdd = get_op("linalg_lu_solve"), get_op("linalg_gesdd")


def linalg_inv_ex_vjp(c: Any, g: Tensor | None, _info: None) -> Any:
    if g is None:
        return None
    turned = adjoint(c.outputs[0])
    return -(turned @ g @ turned)


def linalg_inv_ex_jvp(c: Any, t: Tensor | None, *_: None) -> Any:
    X = c.outputs[0]
    return (None if t is None else -(X @ t @ X)), None


# ---- systems ---------------------------------------------------------------------------------------------------


def _is_vector(A: Tensor, B: Tensor) -> bool:
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(B.shape) == tuple(A.shape[:-1]))


def linalg_solve_ex_vjp(c: Any, g: Tensor | None, _info: None) -> Any:
    if g is None:
        return None
    A, B, left, _ = c.args
    X = c.outputs[0]
    vector = _is_vector(A, B)
    if vector:
        g, X = g.unsqueeze(-1), X.unsqueeze(-1)
    g_B = solved(adjoint(A), g) if left else times_inverse(g, adjoint(A))
    g_A = None
    if c.needs_input_grad[0]:
        g_A = -(g_B @ adjoint(X) if left else adjoint(X) @ g_B)
    return g_A, (g_B.squeeze(-1) if vector else g_B)


def linalg_solve_ex_jvp(c: Any, t_A: Tensor | None, t_B: Tensor | None, *_: None) -> Any:
    A, B, left, _ = c.args
    X = c.outputs[0]
    vector = _is_vector(A, B)
    if vector:
        X, t_B = X.unsqueeze(-1), None if t_B is None else t_B.unsqueeze(-1)
    right = dt.zeros_like(X) if t_B is None else t_B
    if t_A is not None:
        right = right - (t_A @ X if left else X @ t_A)
    found = solved(A, right) if left else times_inverse(right, A)
    return (found.squeeze(-1) if vector else found), None


# ---- determinants ----------------------------------------------------------------------------------------------


def _times_identity(x: Tensor, like: Tensor) -> Tensor:
    """x times the identity, for each matrix of a batch."""
    return as_diagonal(x.unsqueeze(-1).expand(like.shape[:-1]))


def linalg_det_vjp(c: Any, g: Tensor) -> Any:
    """conj(det) A^-H g. Where A is singular, a pivot of 0 is moved by a rounding error, which is as good a limit."""
    A, det = c.args[0], c.outputs[0]
    if A.numel() == 0:
        return dt.zeros_like(A)
    if dt.is_grad_enabled():
        if _nearly_singular(A):
            return g[..., None, None] * _cofactors(A)
        scale = g * (det.conj() if det.dtype.is_complex else det)
        return solved(adjoint(A), _times_identity(scale, A))
    LU, pivots, _ = _getrf(A)
    pivot = diagonal(LU)
    moved = dt.where(pivot == 0, dt.finfo(LU.dtype).eps, 0.0).to(LU.dtype)
    exchanged = pivots != dt.arange(1, A.shape[-1] + 1, dtype=dt.int32, device=A.device)
    det = (pivot + moved).prod(-1) * (1 - 2 * (exchanged.sum(-1) % 2)).to(LU.dtype)
    scale = g * (det.conj() if det.dtype.is_complex else det)
    return _lu_solve(LU + as_diagonal(moved), pivots, _times_identity(scale, A), adjoint=True)


def _nearly_singular(A: Tensor) -> bool:
    """Whether A^-1 det is no good to go on with; a tensor without values (in a transform) counts as regular."""
    try:
        pivot = diagonal(_getrf(A.detach())[0]).abs()
        return bool((pivot.amin(-1) <= dt.finfo(pivot.dtype).eps ** 0.25 * pivot.amax(-1)).any())
    except RuntimeError:
        return False


def _cofactors(A: Tensor) -> Tensor:
    """conj(det) A^-H, also of matrices with singular values of 0, and as good to differentiate: with the k smallest
    raised by the largest, s, B = A + s U V^H is regular, and det A = det B det(1 - s V^H B^-1 U) for all A."""
    U, S, Vh, _ = _gesdd(A.detach(), False, True)
    tiny = dt.finfo(S.dtype).eps ** 0.25 * S[..., :1]
    k = max(1, int((tiny >= S).sum(-1).amax().item()))
    s = dt.where(S[..., :1] > 0, S[..., :1], 1.0)[..., None].to(A.dtype)
    u, v = U[..., -k:], Vh[..., -k:, :]
    B = A + s * (u @ v)
    right, left = solved(B, u), times_inverse(v, B)
    inverse = solved(B, dt.eye(A.shape[-1], dtype=A.dtype, device=A.device).expand(A.shape))
    small, adjugate = _det_and_adjugate(dt.eye(k, dtype=A.dtype, device=A.device) - s * (v @ right))
    scale = dt.linalg.det(B)[..., None, None]
    return adjoint(scale * (small * inverse + s * (right @ adjugate @ left)))


def _det_and_adjugate(M: Tensor) -> tuple[Tensor, Tensor]:
    """Both as polynomials of M (by Faddeev and LeVerrier), which have all their derivatives also where M is 0."""
    n = M.shape[-1]
    one = dt.eye(n, dtype=M.dtype, device=M.device)
    adjugate = one.expand(M.shape)
    for k in range(1, n):
        product = M @ adjugate
        adjugate = product - one * (diagonal(product).sum(-1)[..., None, None] / k)
    det = diagonal(M @ adjugate).sum(-1)[..., None, None] / n
    return (det, adjugate) if n % 2 else (-det, -adjugate)


def linalg_det_jvp(c: Any, t: Tensor | None) -> Any:
    A, det = c.args[0], c.outputs[0]
    if t is None:
        return None
    if A.numel() and _nearly_singular(A):
        return (_cofactors(A).conj() * t).sum((-2, -1))
    return det * diagonal(solved(A, t)).sum(-1)


def linalg_slogdet_vjp(c: Any, g_sign: Tensor | None, g_log: Tensor | None) -> Any:
    A, sign = c.args[0], c.outputs[0]
    g: Tensor | None = g_log
    if A.dtype.is_complex:
        real = dt.zeros_like(dt.real(sign)) if g_log is None else g_log
        turn = dt.zeros_like(real) if g_sign is None else dt.imag(g_sign * sign.conj())
        g = dt.complex(real, turn)
    if g is None:
        return dt.zeros_like(A)
    return solved(adjoint(A), _times_identity(g, A))


def linalg_slogdet_jvp(c: Any, t: Tensor | None) -> Any:
    if t is None:
        return None, None
    rate = diagonal(solved(c.args[0], t)).sum(-1)
    if not rate.dtype.is_complex:
        return None, rate
    turn = dt.imag(rate)
    return c.outputs[0] * dt.complex(dt.zeros_like(turn), turn), dt.real(rate)


# ---- pseudoinverses and least squares --------------------------------------------------------------------------


def _pinv_gradient(g: Tensor, P: Tensor, A: Tensor) -> Tensor:
    """For P the pseudoinverse of A, with products as small as can be."""
    P_adjoint, g_adjoint = adjoint(P), adjoint(g)
    if A.shape[-2] <= A.shape[-1]:
        K = g_adjoint @ P
        K_P = K @ P_adjoint
        return -adjoint(P @ K) + K_P - A @ (P @ K_P) + (P_adjoint @ P) @ (g_adjoint - K @ A)
    K = P @ g_adjoint
    P_K = P_adjoint @ K
    return -adjoint(K @ P) + ((g_adjoint - A @ K) @ P) @ P_adjoint + P_K - (P_K @ P) @ A


def linalg_pinv_vjp(c: Any, g: Tensor) -> Any:
    return _pinv_gradient(g, c.outputs[0], c.args[0])


def linalg_pinv_jvp(c: Any, t: Tensor | None, *_: Any) -> Any:
    if t is None:
        return None
    A, P = c.args[0], c.outputs[0]
    P_adjoint, t_adjoint = adjoint(P), adjoint(t)
    left = P @ (P_adjoint @ t_adjoint)
    right = (t_adjoint @ P_adjoint) @ P
    return -(P @ t @ P) + left - (left @ A) @ P + right - P @ (A @ right)


def linalg_gels_vjp(c: Any, g: Tensor | None, _rank: None, g_values: Tensor | None, _info: None) -> Any:
    """X = A^+ B, and A's singular values."""
    A, B, rcond = c.args[:3]
    g_A = g_B = None
    if g_values is not None and g_values.shape[-1] > 0:
        U, _, Vh, _ = _gesdd(A, False, True)
        g_A = (U * g_values.unsqueeze(-2)) @ Vh
    if g is not None:
        P = _pinv(A, rtol=rcond)
        g_B = adjoint(P) @ g
        g_A = total(g_A, _pinv_gradient(g @ adjoint(B), P, A) if c.needs_input_grad[0] else None)
    return g_A, g_B


# ---- the exponential -------------------------------------------------------------------------------------------


def _derivative_of_exp(A: Tensor, along: Tensor) -> Tensor:
    """The upper right part of exp([[A, along], [0, A]])."""
    n = A.shape[-1]
    upper = dt.cat([A, along], -1)
    lower = dt.cat([dt.zeros_like(A), A], -1)
    return _matrix_exp(dt.cat([upper, lower], -2))[..., :n, n:]


def matrix_exp_vjp(c: Any, g: Tensor) -> Any:
    return _derivative_of_exp(adjoint(c.args[0]), g)


def matrix_exp_jvp(c: Any, t: Tensor | None) -> Any:
    return None if t is None else _derivative_of_exp(c.args[0], t)
