"""The map behind ``parametrizations.orthogonal``."""

from __future__ import annotations

import dovetail as dt

from ..modules.module import Module

maps = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    base: dt.Tensor

    def __init__(self, weight: dt.Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError(
                f"orthogonal: 'householder' needs a real weight, got {weight.dtype}; use 'matrix_exp' or 'cayley'"
            )
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: dt.Tensor) -> dt.Tensor:
        transposed = x.shape[-2] < x.shape[-1]
        tall = x.mT if transposed else x
        q = _householder(tall) if self.orthogonal_map == "householder" else _exponential(tall, self.orthogonal_map)
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if transposed else q

    def right_inverse(self, q: dt.Tensor) -> dt.Tensor:
        if q.shape != self.shape:
            raise ValueError(f"orthogonal: expected a tensor of shape {tuple(self.shape)}, got shape {tuple(q.shape)}")
        with dt.no_grad():
            transposed = q.shape[-2] < q.shape[-1]
            tall = q.mT if transposed else q
            if not self.use_trivialization:
                return self._reflectors(tall, transposed)
            self.base = _completed(tall)
            # Minus the identity is where all maps give the identity: its diagonal holds householder's signs.
            start = dt.zeros_like(q)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return start

    def _reflectors(self, tall: dt.Tensor, transposed: bool) -> dt.Tensor:
        """The original whose householder product is this matrix, made orthogonal."""
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                f"orthogonal: {self.orthogonal_map!r} has no inverse with use_trivialization=False, so its tensor "
                "can't be assigned to"
            )
        a, tau = dt.geqrf(tall)
        signs = a.diagonal(dim1=-2, dim2=-1).sign()
        a.diagonal(dim1=-2, dim2=-1).copy_(dt.where(tau == 0, -signs, signs))
        return a.mT if transposed else a


def _exponential(x: dt.Tensor, how: str) -> dt.Tensor:
    """exp(A), or (1 - A/2)⁻¹ (1 + A/2), of the skew matrix A with this lower triangle; its first columns."""
    n, k = x.shape[-2], x.shape[-1]
    x = x.tril()
    if n != k:
        x = dt.cat([x, dt.zeros([*x.shape[:-1], n - k], dtype=x.dtype, device=x.device)], dim=-1)
    a = x - x.mH
    if how == "matrix_exp":
        q = dt.matrix_exp(a)
    else:
        identity = dt.eye(n, dtype=a.dtype, device=a.device)
        q = dt.linalg.solve(identity - a / 2, identity + a / 2)
    return q[..., :k] if n != k else q


def _householder(x: dt.Tensor) -> dt.Tensor:
    """The product of the reflectors below the diagonal, with the diagonal's signs."""
    a = x.tril(-1)
    tau = 2.0 / (1.0 + (a * a).sum(-2))
    q = dt.linalg.householder_product(a, tau)
    signs = x.diagonal(dim1=-2, dim2=-1).detach().to(dt.int32).to(x.dtype)
    return q * signs.unsqueeze(-2)


def _completed(q: dt.Tensor) -> dt.Tensor:
    """A square orthogonal matrix that begins with these columns, made orthogonal where they are not."""
    n, k = q.shape[-2], q.shape[-1]
    if n == k:
        return q.clone() if _is_orthogonal(q) else _made_orthogonal(q)
    more = dt.randn(*q.shape[:-1], n - k, dtype=q.dtype, device=q.device)
    return _made_orthogonal(dt.cat([q, more], dim=-1))


def _made_orthogonal(a: dt.Tensor) -> dt.Tensor:
    q, r = dt.linalg.qr(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(q: dt.Tensor) -> bool:
    n, k = q.shape[-2], q.shape[-1]
    identity = dt.eye(k, dtype=q.dtype, device=q.device)
    eps = 10 * n * dt.finfo(q.dtype).eps
    return bool(dt.allclose(q.mH @ q, identity, atol=eps))
