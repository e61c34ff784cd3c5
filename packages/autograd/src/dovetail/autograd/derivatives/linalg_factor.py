"""Derivatives of factorisations and of triangular systems.

Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation (2008); Seeger et
al., Auto-differentiating linear algebra (2017).
"""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op

from ._algebra import adjoint, as_diagonal, diagonal, solve_triangular, total

_pivots_to_order, _gather = get_op("linalg_pivots_to_order"), get_op("gather")


def _lower_half(x: Tensor) -> Tensor:
    """The lower triangle, of its diagonal one half."""
    return x.tril(-1) + 0.5 * as_diagonal(diagonal(x))


def linalg_potrf_vjp(c: Any, g: Tensor | None, _info: None) -> Any:
    """A's gradient is made Hermitian, as A is."""
    if g is None:
        return None
    L, upper = c.outputs[0], c.args[1]
    if upper:
        L, g = adjoint(L), adjoint(g)
    phi = _lower_half(adjoint(L) @ g.tril())
    inner = 0.5 * (phi + adjoint(phi))
    left = solve_triangular(adjoint(L), inner, upper=True)
    return solve_triangular(L, left, upper=False, left=False)


# ---- triangular systems ----------------------------------------------------------------------------------------


def linalg_solve_triangular_vjp(c: Any, g: Tensor) -> Any:
    A, _, upper, left, unitriangular = c.args
    (X,) = c.outputs
    g_B = solve_triangular(adjoint(A), g, upper=not upper, left=left, unitriangular=unitriangular)
    if not c.needs_input_grad[0]:
        return None, g_B
    g_A = -(g_B @ adjoint(X) if left else adjoint(X) @ g_B)
    off = int(unitriangular)
    return (g_A.triu(off) if upper else g_A.tril(-off)), g_B


# ---- LU --------------------------------------------------------------------------------------------------------


def _unpivoted(x: Tensor, pivots: Tensor) -> Tensor:
    """P x, P being the permutation of A = P L U."""
    order = dt.argsort(_pivots_to_order(pivots, x.shape[-2]), -1)
    return _gather(x, -2, order.unsqueeze(-1).expand(x.shape))


def linalg_getrf_vjp(c: Any, g: Tensor | None, _pivots: None, _info: None) -> Any:
    if g is None:
        return None
    LU, pivots, _ = c.outputs
    m, n = LU.shape[-2:]
    k = min(m, n)
    square, g_L, g_U = LU[..., :k, :k], g[..., :k, :k].tril(-1), g[..., :k, :k].triu()
    L_adjoint, U_adjoint = adjoint(square.tril(-1)), adjoint(square.triu())
    more = None
    if m > n:  # L's lower part is A's, times U^-1
        below = LU[..., k:, :]
        more = solve_triangular(U_adjoint, g[..., k:, :], upper=False, left=False)
        g_U = g_U - (adjoint(below) @ more).triu()
    elif n > m:  # U's right part is L^-1 times A's
        beside = LU[..., k:]
        more = solve_triangular(L_adjoint, g[..., k:], upper=True, unitriangular=True)
        g_L = g_L - (more @ adjoint(beside)).tril(-1)
    # L has ones on its diagonal, which the packed triangle leaves out.
    inner = (L_adjoint @ g_L + g_L).tril(-1) + (g_U @ U_adjoint).triu()
    inner = solve_triangular(U_adjoint, inner, upper=False, left=False)
    g_A = solve_triangular(L_adjoint, inner, upper=True, unitriangular=True)
    if more is not None:
        g_A = dt.cat([g_A, more], -2 if m > n else -1)
    return _unpivoted(g_A, pivots)


# ---- QR --------------------------------------------------------------------------------------------------------


def _check_mode(mode: str, m: int, n: int) -> None:
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")


def linalg_qr_vjp(c: Any, g_Q: Tensor | None, g_R: Tensor | None) -> Any:
    Q, R = c.outputs
    if g_Q is None and g_R is None:
        return None
    m = Q.shape[-2] if Q.ndim > 1 else R.shape[-2]
    n = R.shape[-1]
    _check_mode(c.args[1], m, n)
    if m >= n:
        return _tall_qr_vjp(g_Q, g_R, Q, R)
    # A = [A1 A2] = Q [X Y]: X is the R of A1, and Y = Q^H A2.
    X, Y = R[..., :m], R[..., m:]
    g_X = None
    if g_R is not None:
        g_X, g_Y = g_R[..., :m], g_R[..., m:]
        g_Q = total(g_Q, Q @ Y @ adjoint(g_Y))
    else:
        g_Y = dt.zeros_like(Y)
    return dt.cat([_tall_qr_vjp(g_Q, g_X, Q, X), Q @ g_Y], -1)


def _tall_qr_vjp(g_Q: Tensor | None, g_R: Tensor | None, Q: Tensor, R: Tensor) -> Tensor:
    M = None if g_R is None else g_R.triu() @ adjoint(R)
    if g_Q is not None:
        M = total(M, -(adjoint(Q) @ g_Q))
    assert M is not None
    half = adjoint(_lower_half(adjoint(M)))  # the upper triangle, of its diagonal one half
    right = Q @ (half + adjoint(half))
    if g_Q is not None:
        right = right + g_Q
    return solve_triangular(adjoint(R), right, upper=False, left=False)


def linalg_qr_jvp(c: Any, t: Tensor | None, _mode: None = None) -> Any:
    Q, R = c.outputs
    if t is None:
        return None, None
    m, n = t.shape[-2:]
    _check_mode(c.args[1], m, n)
    k = min(m, n)
    X = R[..., :k]
    scaled = solve_triangular(X, t[..., :k], upper=True, left=False)
    M = adjoint(Q) @ scaled
    lower = M.tril(-1)
    turn = lower - adjoint(lower)
    if M.dtype.is_complex:  # R's diagonal stays real
        imaginary = dt.imag(diagonal(M))
        turn = turn + as_diagonal(dt.complex(dt.zeros_like(imaginary), imaginary))
    t_Q = Q @ turn + scaled - Q @ M
    t_R = adjoint(Q) @ t - turn @ R
    return t_Q, t_R.triu()


# ---- Householder matrices --------------------------------------------------------------------------------------


def linalg_householder_product_vjp(c: Any, g: Tensor) -> Any:
    """Backwards through the products H_i W, with W_i the product of H_i and those behind it."""
    A, tau = c.args
    m, n = A.shape[-2:]
    k = tau.shape[-1]
    W = dt.eye(m, n, dtype=A.dtype, device=A.device).expand(A.shape)
    units, behind = [], []
    below = A[..., :k].tril(-1) + dt.eye(m, k, dtype=A.dtype, device=A.device)
    for i in reversed(range(k)):
        v = below[..., i : i + 1]
        units.append(v)
        behind.append(W)
        W = W - tau[..., i, None, None] * (v @ (adjoint(v) @ W))
    g_columns, g_taus = [], []
    for i, v, W in zip(range(k), reversed(units), reversed(behind), strict=True):
        factor = tau[..., i, None, None]
        row = adjoint(v) @ W
        g_taus.append(-(adjoint(v) @ g @ adjoint(row))[..., 0])
        g_columns.append(-(_conj(factor) * (g @ adjoint(row)) + factor * (W @ (adjoint(g) @ v))))
        g = g - _conj(factor) * (v @ (adjoint(v) @ g))
    if k == 0:
        return dt.zeros_like(A), dt.zeros_like(tau)
    g_A = dt.cat(g_columns, -1).tril(-1)
    if n > k:
        g_A = dt.cat([g_A, dt.zeros((*A.shape[:-1], n - k), dtype=A.dtype, device=A.device)], -1)
    return g_A, dt.cat(g_taus, -1)


def _conj(x: Tensor) -> Tensor:
    return x.conj() if x.dtype.is_complex else x
