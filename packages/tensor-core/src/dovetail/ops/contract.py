"""Products of matrices and vectors written in terms of the primitive ones."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import _is_wrapped_number, get_op
from dovetail.ops import op
from dovetail.ops._common import expand, in_float, promoted, shape_text, wrap_dim, wrap_dims
from dovetail.ops._linalg import NOT_INVERTIBLE, check

_cross_product = get_op("cross_product")


def _scaled(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else x * factor


def _combined(name: str, self: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * self + alpha * product; what beta = 0 leaves out does not count even where it is NaN."""
    product = _scaled(product, alpha)
    shape = dt.broadcast_shapes(self.shape, product.shape)
    if tuple(shape) != tuple(product.shape):
        raise ValueError(
            f"{name}: self of shape {shape_text(self.shape)} does not broadcast to {shape_text(product.shape)}"
        )
    return product if beta == 0 else _scaled(self, beta) + product


def _dims(name: str, **tensors: tuple[Tensor, int]) -> None:
    for argument, (tensor, ndim) in tensors.items():
        if tensor.ndim != ndim:
            kind = {1: "a vector", 2: "a matrix", 3: "a batch of matrices"}[ndim]
            raise ValueError(f"{name}: {argument} must be {kind}, got shape {shape_text(tensor.shape)}")


@op(
    "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
@in_float
def baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Multiply batches of matrices and add.

        out = beta * self + alpha * (batch1 @ batch2)

    Shapes: batch1 (B, M, K), batch2 (B, K, N), self broadcast to (B, M, N).

    Example:
        >>> dt.baddbmm(dt.ones(1, 1, 1), dt.ones(1, 1, 2), dt.ones(1, 2, 1)).item()
        3.0
    """
    _dims("baddbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    return _combined("baddbmm", self, dt.bmm(batch1, batch2), beta, alpha)


@op(
    "addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
@in_float
def addbmm(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Multiply batches of matrices, sum over the batch, and add.

        out = beta * self + alpha * sum(batch1[i] @ batch2[i])

    Shapes: batch1 (B, M, K), batch2 (B, K, N), self broadcast to (M, N).

    Example:
        >>> dt.addbmm(dt.ones(1, 1), dt.ones(2, 1, 1), dt.ones(2, 1, 1)).item()
        3.0
    """
    _dims("addbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    return _combined("addbmm", self, dt.sum(dt.bmm(batch1, batch2), [0]), beta, alpha)


@op(
    "addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
@in_float
def addmv(self: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Multiply a matrix with a vector and add.

        out = beta * self + alpha * (mat @ vec)

    Shapes: mat (N, M), vec (M,), self broadcast to (N,).

    Example:
        >>> dt.addmv(dt.ones(1), dt.ones(1, 2), dt.ones(2)).tolist()
        [3.0]
    """
    _dims("addmv", mat=(mat, 2), vec=(vec, 1))
    return _combined("addmv", self, dt.mv(mat, vec), beta, alpha)


@op(
    "addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
def addr(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Add the outer product of two vectors.

        out = beta * self + alpha * outer(vec1, vec2)

    Shapes: vec1 (N,), vec2 (M,), self broadcast to (N, M).

    Example:
        >>> dt.addr(dt.zeros(1, 2), dt.tensor([2.0]), dt.tensor([1.0, 3.0])).tolist()
        [[2.0, 6.0]]
    """
    _dims("addr", vec1=(vec1, 1), vec2=(vec2, 1))
    return _combined("addr", self, dt.outer(vec1, vec2), beta, alpha)


@op("outer(Tensor self, Tensor vec2) -> Tensor", method=True, out=True, alias=("ger",))
def outer(self: Tensor, vec2: Tensor) -> Tensor:
    """The outer product of two vectors.

        out[i, j] = self[i] * vec2[j]

    Example:
        >>> dt.outer(dt.tensor([1, 2]), dt.tensor([3, 4])).tolist()
        [[3, 4], [6, 8]]
    """
    _dims("outer", self=(self, 1), vec2=(vec2, 1))
    return dt.unsqueeze(self, 1) * vec2


@op("inner(Tensor self, Tensor other) -> Tensor", method=True, out=True)
def inner(self: Tensor, other: Tensor) -> Tensor:
    """Sum of products over the last dims.

        out[i..., j...] = sum_k(self[i..., k] * other[j..., k])

    A zero-dim tensor multiplies the other.

    Example:
        >>> dt.inner(dt.tensor([1, 2]), dt.tensor([3, 4])).item()
        11
    """
    if self.ndim == 0 or other.ndim == 0:
        return self * other
    if self.shape[-1] != other.shape[-1]:
        raise ValueError(
            f"inner: the last dims must be equal, got shapes {shape_text(self.shape)} and {shape_text(other.shape)}"
        )
    return dt.tensordot(self, other, dims=([-1], [-1]))


@op("vdot(Tensor self, Tensor other) -> Tensor", method=True, out=True)
def vdot(self: Tensor, other: Tensor) -> Tensor:
    """The dot product of two vectors, the first one conjugated (which leaves real ones as they are).

    Example:
        >>> dt.vdot(dt.tensor([1, 2]), dt.tensor([3, 4])).item()
        11
    """
    return dt.dot(dt.conj(self) if self.dtype.is_complex else self, other)


@op("kron(Tensor self, Tensor other) -> Tensor", method=True, out=True)
def kron(self: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of the first tensor times the whole second.

    Example:
        >>> dt.kron(dt.tensor([1, 2]), dt.tensor([1, 10])).tolist()
        [1, 10, 2, 20]
    """
    ndim = max(self.ndim, other.ndim)
    a = [1] * (ndim - self.ndim) + list(self.shape)
    b = [1] * (ndim - other.ndim) + list(other.shape)
    left = dt.reshape(self, [n for size in a for n in (size, 1)])
    right = dt.reshape(other, [n for size in b for n in (1, size)])
    return dt.reshape(left * right, [m * n for m, n in zip(a, b, strict=True)])


@op("tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor")
def tensordot(self: Tensor, other: Tensor, dims_self: Sequence[int], dims_other: Sequence[int]) -> Tensor:
    """Sum of products over pairs of dims: `dt.tensordot(a, b, dims)`.

    Args:
        dims: an int n pairs the last n dims of `a` with the first n of `b`; or two lists of dims.

    Example:
        >>> dt.tensordot(dt.ones(2, 3), dt.ones(3, 4), dims=1).shape
        dovetail.Size([2, 4])
    """
    if len(dims_self) != len(dims_other):
        raise ValueError(f"tensordot: as many dims of both, got {list(dims_self)} and {list(dims_other)}")
    if dims_self and 0 in (self.ndim, other.ndim):
        raise ValueError("tensordot: a zero-dim tensor has no dims to pair")
    ours = wrap_dims("tensordot", dims_self, self.ndim)
    theirs = wrap_dims("tensordot", dims_other, other.ndim)
    for a, b in zip(ours, theirs, strict=True):
        if self.shape[a] != other.shape[b]:
            raise ValueError(
                f"tensordot: dim {a} of size {self.shape[a]} is paired with dim {b} of size {other.shape[b]}"
            )
    rows = [i for i in range(self.ndim) if i not in ours]
    columns = [i for i in range(other.ndim) if i not in theirs]
    inner_size = 1
    for a in ours:
        inner_size *= self.shape[a]
    shape = [self.shape[i] for i in rows] + [other.shape[i] for i in columns]
    left = dt.reshape(dt.permute(self, rows + ours), [_product(self, rows), inner_size])
    right = dt.reshape(dt.permute(other, theirs + columns), [inner_size, _product(other, columns)])
    return dt.reshape(dt.mm(left, right), shape)


def _product(x: Tensor, dims: Sequence[int]) -> int:
    size = 1
    for dim in dims:
        size *= x.shape[dim]
    return size


@op("matrix_power(Tensor self, int n) -> Tensor", method=True, out=True)
def matrix_power(self: Tensor, n: int) -> Tensor:
    """Square matrices multiplied with themselves; n = 0 gives the identity, a negative n powers of the inverse.

    Args:
        n: the exponent.

    Example:
        >>> dt.matrix_power(dt.tensor([[1.0, 1.0], [0.0, 1.0]]), 3).tolist()
        [[1.0, 3.0], [0.0, 1.0]]
    """
    if self.ndim < 2 or self.shape[-1] != self.shape[-2]:
        raise ValueError(f"matrix_power: expected square matrices, got shape {shape_text(self.shape)}")
    if n < 0:
        self, info = get_op("linalg_inv_ex")(self)
        check("matrix_power", info, NOT_INVERTIBLE, self)
        n = -n
    if n == 0:
        return dt.clone(expand(dt.eye(self.shape[-1], dtype=self.dtype, device=self.device), self.shape))
    power, out = self, None
    while n > 1:
        if n & 1:
            out = power if out is None else dt.matmul(out, power)
        power = dt.matmul(power, power)
        n >>= 1
    if out is None:
        return dt.clone(power) if power is self else power
    return dt.matmul(out, power)


@op("cross(Tensor self, Tensor other, int? dim=None) -> Tensor", method=True, out=True)
def cross(self: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product of vectors of three elements.

    Args:
        dim: where the three elements lie; by default the first dim of size 3.

    Example:
        >>> dt.cross(dt.tensor([1, 0, 0]), dt.tensor([0, 1, 0])).tolist()
        [0, 0, 1]
    """
    if self.dtype != other.dtype or _is_wrapped_number(self) or _is_wrapped_number(other):
        self, other = promoted(self, other)
    if self.shape != other.shape:
        self, other = dt.broadcast_tensors(self, other)
    if dim is None:
        dim = next((i for i, size in enumerate(self.shape) if size == 3), None)
        if dim is None:
            raise ValueError(f"cross: no dim of size 3 in shape {shape_text(self.shape)}")
    dim = wrap_dim("cross", dim, self.ndim)
    if self.ndim == 0 or self.shape[dim] != 3:
        raise ValueError(f"cross: dim {dim} must have size 3, got shape {shape_text(self.shape)}")
    return _cross_product(self, other, dim)


@op("cross_product(Tensor self, Tensor other, int dim) -> Tensor", internal=True, kernel=True)
def cross_product(self: Tensor, other: Tensor, dim: int) -> Tensor:
    """The cross product of tensors of one shape, whose vectors lie along a dim of size 3: see `dt.cross`.

    Example:
        >>> dt._core.get_op("cross_product")(dt.tensor([1, 0, 0]), dt.tensor([0, 1, 0]), 0).tolist()
        [0, 0, 1]
    """
    if self.ndim == 0 or self.shape != other.shape or self.shape[dim] != 3:
        raise ValueError("cross_product: expected two tensors of one shape, of size 3 in dim")

    def turned(x: Tensor, by: int) -> Tensor:
        return dt.roll(x, [by], [dim])

    return turned(self, -1) * turned(other, -2) - turned(self, -2) * turned(other, -1)
