"""Derivatives of eigenvalues and singular values.

Eigenvectors and singular vectors are unique up to factors of magnitude 1. Where these are more than signs (complex
matrices), a function that depends on them has no derivative, and is refused.
"""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op

from ._algebra import adjoint, as_diagonal, diagonal, of_dtype, skew, solved, total

_heevd, _geev, _gesdd = get_op("linalg_heevd"), get_op("linalg_geev"), get_op("linalg_gesdd")


def _differences(x: Tensor) -> Tensor:
    """x_j - x_i, and 1 on the diagonal."""
    return x.unsqueeze(-2) - x.unsqueeze(-1) + dt.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def _off_diagonal(x: Tensor) -> Tensor:
    return x - as_diagonal(diagonal(x))


def _refuse_gauge(name: str, turns: Tensor, size: Tensor) -> None:
    """Refuse a gradient that depends on the free factors: `turns` is the derivative by them."""
    try:
        depends = bool((dt.abs(turns) > 1e-2 * (1 + dt.abs(size).amax())).any()) if turns.numel() else False
    except RuntimeError:  # values of a transform can't be looked at
        return
    if depends:
        raise RuntimeError(
            f"{name}: the vectors in the complex case are specified up to multiplication by e^(i phi). "
            "The specified loss function depends on this quantity, so it is ill-defined."
        )


# ---- Hermitian matrices ----------------------------------------------------------------------------------------


def linalg_heevd_vjp(c: Any, g_w: Tensor | None, g_V: Tensor | None, _info: None) -> Any:
    """A's gradient is made Hermitian, as A is."""
    w, V = c.outputs[:2]
    if g_w is None and g_V is None:
        return None
    if V.ndim < 2:
        V, g_V = _heevd(c.args[0], c.args[1], True)[1], None
    if g_V is None:
        assert g_w is not None
        return (V * g_w.unsqueeze(-2)) @ adjoint(V)
    inner = adjoint(V) @ g_V
    if V.dtype.is_complex:
        _refuse_gauge("linalg.eigh", dt.imag(diagonal(inner)), g_V)
    inner = 0.5 * _off_diagonal(skew(inner)) / _differences(w)
    if g_w is not None:
        inner = inner + as_diagonal(g_w)
    return V @ inner @ adjoint(V)


# ---- general matrices ------------------------------------------------------------------------------------------


def linalg_geev_vjp(c: Any, g_w: Tensor | None, g_V: Tensor | None, _info: None) -> Any:
    A, (w, V) = c.args[0], c.outputs[:2]
    if g_w is None and g_V is None:
        return None
    if V.ndim < 2:
        w, V, _ = _geev(A, True)
        g_V = None
    V_adjoint = adjoint(V)
    if g_V is None:
        assert g_w is not None
        return of_dtype(solved(V_adjoint, g_w.unsqueeze(-1) * V_adjoint), A)
    inner = V_adjoint @ g_V
    turns = dt.imag(diagonal(inner))
    _refuse_gauge("linalg.eig", turns, g_V)
    # The vectors keep their norms.
    inner = inner - (V_adjoint @ V) * dt.real(diagonal(inner)).unsqueeze(-2).to(V.dtype)
    inner = _off_diagonal(inner) / _differences(w).conj()
    if g_w is not None:
        inner = inner + as_diagonal(g_w)
    return of_dtype(solved(V_adjoint, inner @ V_adjoint), A)


# ---- singular values -------------------------------------------------------------------------------------------


def linalg_gesdd_vjp(c: Any, g_U: Tensor | None, g_S: Tensor | None, g_Vh: Tensor | None, _info: None) -> Any:
    U, S, Vh = c.outputs[:3]
    if g_U is None and g_S is None and g_Vh is None:
        return None
    if U.ndim < 2:
        U, _, Vh, _ = _gesdd(c.args[0], False, True)
        g_U = g_Vh = None
    k = S.shape[-1]
    U, Vh = U[..., :k], Vh[..., :k, :]  # what lies beyond is arbitrary, and so are its gradients
    g_U = None if g_U is None else g_U[..., :k]
    g_Vh = None if g_Vh is None else g_Vh[..., :k, :]
    if g_U is None and g_Vh is None:
        assert g_S is not None
        return (U * g_S.unsqueeze(-2)) @ Vh
    return _svd_gradient(g_U, g_S, g_Vh, U, S, Vh)


def _svd_gradient(
    g_U: Tensor | None, g_S: Tensor | None, g_Vh: Tensor | None, U: Tensor, S: Tensor, Vh: Tensor
) -> Tensor:
    turn_U = None if g_U is None else skew(adjoint(U) @ g_U)
    turn_V = None if g_Vh is None else skew(Vh @ adjoint(g_Vh))
    if U.dtype.is_complex:
        both = total(turn_U, turn_V)
        assert both is not None
        _refuse_gauge("linalg.svd", dt.imag(diagonal(both)), both)
    column, row = S.unsqueeze(-1), S.unsqueeze(-2)
    gaps = _differences(S * S)
    inner = None
    if turn_U is not None:
        inner = _off_diagonal(turn_U) * row / gaps
        if U.dtype.is_complex:
            inner = inner + as_diagonal(diagonal(turn_U) / (2 * S))
    if turn_V is not None:
        inner = total(inner, column * _off_diagonal(turn_V) / gaps)
    if g_S is not None:
        inner = total(inner, as_diagonal(g_S).to(U.dtype))
    assert inner is not None
    found = U @ inner @ Vh
    if g_U is not None and U.shape[-2] > S.shape[-1]:
        scaled = g_U / row
        found = found + (scaled - U @ (adjoint(U) @ scaled)) @ Vh
    if g_Vh is not None and Vh.shape[-1] > S.shape[-1]:
        scaled = g_Vh / column
        found = found + U @ (scaled - (scaled @ adjoint(Vh)) @ Vh)
    return found
