"""Products of vectors and matrices, powers, and the exponential."""

from __future__ import annotations

from itertools import pairwise

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import shape_text, short, wrap_dim
from dovetail.ops._linalg import need_lapack, need_square, real_dtype

_solve_ex, _matrix_exp = get_op("linalg_solve_ex"), get_op("matrix_exp")


@op("linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", internal=True, out=True)
def linalg_vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The dot products of vectors along a dim, the first of them conjugated.

        out = sum(conj(x) * y)

    Args:
        x, y: of numeric dtypes, in the dtype in which they meet; they broadcast.
        dim: where the vectors lie, in the broadcast shape.

    Raises:
        TypeError: both are bool.
        ValueError: one has no dims, or they do not broadcast.

    Example:
        >>> dt.linalg.vecdot(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), dt.tensor([1.0, 1.0])).tolist()
        [3.0, 7.0]
    """
    if dt.result_type(x, y) == dt.bool:
        raise TypeError("linalg_vecdot: expected tensors of numbers, got bool; convert with .int()")
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(
            f"linalg_vecdot: vectors are needed, got shapes {shape_text(x.shape)} and {shape_text(y.shape)}"
        )
    product = (x.conj() if x.dtype.is_complex else x) * y
    return product.sum(dim, dtype=product.dtype)


@op("linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor", internal=True, out=True)
def linalg_cross(self: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of three elements; batch dims broadcast.

    Args:
        self, other: of as many dims, and of size 3 in `dim`.

    Example:
        >>> dt.linalg.cross(dt.tensor([1, 0, 0]), dt.tensor([0, 1, 0])).tolist()
        [0, 0, 1]
    """
    if self.ndim != other.ndim:
        raise ValueError(
            "linalg_cross: inputs must have the same number of dimensions, got shapes "
            f"{shape_text(self.shape)} and {shape_text(other.shape)}"
        )
    at = wrap_dim("linalg_cross", dim, self.ndim)
    if self.ndim == 0 or self.shape[at] != 3 or other.shape[at] != 3:
        raise ValueError(
            f"linalg_cross: inputs dimension {dim} must have length 3, got shapes "
            f"{shape_text(self.shape)} and {shape_text(other.shape)}"
        )
    return dt.cross(self, other, at)


@op("linalg_vander(Tensor x, int? N=None) -> Tensor", internal=True)
def linalg_vander(x: Tensor, N: int | None = None) -> Tensor:
    """Vandermonde matrices: the powers of vectors, ascending.

        out[..., i, j] = x[..., i] ** j

    Args:
        x: of shape (*, n).
        N: how many powers, at least 2; n by default.

    Example:
        >>> dt.linalg.vander(dt.tensor([2, 3]), N=3).tolist()
        [[1, 2, 4], [1, 3, 9]]
    """
    if x.dtype == dt.bool:
        raise TypeError("linalg_vander: not defined for dtype bool; convert with .to(dt.int64)")
    if x.ndim == 0:
        raise ValueError("linalg_vander: x must have at least one dim, got a zero-dim tensor")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise ValueError(f"linalg_vander: N must be greater than 1, got {count}")
    dtype = dt.promote_types(x.dtype, dt.int64) if not (x.dtype.is_floating_point or x.dtype.is_complex) else x.dtype
    x = x.to(dtype).unsqueeze(-1)
    ones = dt.ones_like(x)
    return dt.cat([ones, dt.cumprod(x.expand((*x.shape[:-1], count - 1)), -1)], -1)


# ---- chains ----------------------------------------------------------------------------------------------------


def _best_splits(sizes: list[int]) -> list[list[int]]:
    """Where to split each run of matrices so that the number of multiplications is least: matrix i has shape
    (sizes[i], sizes[i + 1])."""
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


@op(
    "ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor",
    method=True,
    out=True,
)
def ormqr(self: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """The product of a matrix and the whole Q of Householder reflections, which `dt.geqrf` gives.

        out = op(Q) input3  or  input3 op(Q),  op(Q) = Q or Q^H

    Args:
        self: the reflections below the diagonal, of shape (*, m, k).
        input2: their factors, of shape (*, min(m, k)) or fewer.
        input3: the other matrix, of shape (*, m, n), or (*, n, m) with `left=False`.
        left: Q stands on the left.
        transpose: take the conjugate transpose of Q.

    Example:
        >>> reflections, tau = dt.geqrf(dt.tensor([[3.0], [4.0]]))
        >>> dt.ormqr(reflections, tau, dt.tensor([[5.0], [0.0]])).tolist()
        [[-3.0], [-4.0]]
    """
    for name, tensor, dims in (("self", self, 2), ("input2", input2, 1), ("input3", input3, 2)):
        if tensor.ndim < dims:
            raise ValueError(f"ormqr: {name} must have at least {dims} dims, got shape {shape_text(tensor.shape)}")
        if tensor.dtype != self.dtype:
            raise TypeError(
                f"ormqr: expected tensors of {short(self.dtype)} as self, got {name} of {short(tensor.dtype)}"
            )
    rows, count = self.shape[-2], input2.shape[-1]
    if count > min(self.shape[-2:]):
        raise ValueError(f"ormqr: {count} factors for reflections of shape {shape_text(self.shape)}")
    if input3.shape[-2 if left else -1] != rows:
        raise ValueError(
            f"ormqr: Q has {rows} rows, which do not fit the other matrix of shape {shape_text(input3.shape)}"
        )
    # A reflection whose factor is 0 leaves everything as it is: with those the product has all columns of Q.
    reflections = dt.constant_pad_nd(self[..., :count], [0, rows - count])
    Q = get_op("linalg_householder_product")(reflections, dt.constant_pad_nd(input2, [0, rows - count]))
    Q = dt.adjoint(Q) if transpose else Q
    return Q @ input3 if left else input3 @ Q


@op("linalg_multi_dot(Tensor[] tensors) -> Tensor", internal=True, out=True)
def linalg_multi_dot(tensors: list[Tensor]) -> Tensor:
    """The product of several matrices, in the order of multiplications that costs least.

    Args:
        tensors: at least two matrices; the first and the last may be vectors, which count as a row and a column.

    Example:
        >>> dt.linalg.multi_dot([dt.ones(2, 3), dt.ones(3, 4), dt.ones(4)]).tolist()
        [12.0, 12.0]
    """
    if len(tensors) < 2:
        raise ValueError(f"linalg_multi_dot: expected at least 2 tensors, got {len(tensors)}")
    first, *middle, last = tensors
    for place, each in enumerate(tensors):
        outer = place in (0, len(tensors) - 1)
        if each.ndim != 2 and not (outer and each.ndim == 1):
            wanted = "1D or 2D" if outer else "2D"
            raise ValueError(f"linalg_multi_dot: tensor {place} must be {wanted}, got shape {shape_text(each.shape)}")
        if each.dtype != first.dtype:
            raise TypeError(
                f"linalg_multi_dot: all tensors must have the same dtype, got {short(first.dtype)} and "
                f"{short(each.dtype)}"
            )
    row, column = first.ndim == 1, last.ndim == 1
    chain = [first.unsqueeze(0) if row else first, *middle, last.unsqueeze(1) if column else last]
    for place, (a, b) in enumerate(pairwise(chain)):
        if a.shape[1] != b.shape[0]:
            raise ValueError(
                f"linalg_multi_dot: tensors {place} and {place + 1} with shapes {shape_text(a.shape)} and "
                f"{shape_text(b.shape)} cannot be multiplied"
            )
    splits = _best_splits([chain[0].shape[0], *(each.shape[1] for each in chain)])

    def product(i: int, j: int) -> Tensor:
        return chain[i] if i == j else dt.mm(product(i, splits[i][j]), product(splits[i][j] + 1, j))

    found = product(0, len(chain) - 1)
    if row:
        found = found.squeeze(0)
    return found.squeeze(-1) if column else found


# ---- the exponential -------------------------------------------------------------------------------------------

# The coefficients of the Pade approximant of exp, and up to which norm it is exact (Higham 2005).
_PADE = {
    7: ([17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0], 3.925724783138660),
    13: (
        [
            64764752532480000.0,
            32382376266240000.0,
            7771770303897600.0,
            1187353796428800.0,
            129060195264000.0,
            10559470521600.0,
            670442572800.0,
            33522128640.0,
            1323241920.0,
            40840800.0,
            960960.0,
            16380.0,
            182.0,
            1.0,
        ],
        5.371920351148152,
    ),
}


def _pade(A: Tensor, c: list[float]) -> Tensor:
    """exp(A) for small A: (V - U)^-1 (V + U), U of the odd powers and V of the even ones."""
    eye = dt.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    A2 = A @ A
    A4 = A2 @ A2
    A6 = A4 @ A2
    if len(c) == 8:
        U = A @ (c[7] * A6 + c[5] * A4 + c[3] * A2 + c[1] * eye)
        V = c[6] * A6 + c[4] * A4 + c[2] * A2 + c[0] * eye
    else:
        high_U = A6 @ (c[13] * A6 + c[11] * A4 + c[9] * A2)
        high_V = A6 @ (c[12] * A6 + c[10] * A4 + c[8] * A2)
        U = A @ (high_U + c[7] * A6 + c[5] * A4 + c[3] * A2 + c[1] * eye)
        V = high_V + c[6] * A6 + c[4] * A4 + c[2] * A2 + c[0] * eye
    return _solve_ex(V - U, V + U)[0]


@op("matrix_exp(Tensor self) -> Tensor", method=True)
def matrix_exp(self: Tensor) -> Tensor:
    """The exponential of square matrices.

        out = I + A + A^2 / 2! + A^3 / 3! + ...

    By scaling and squaring: A is halved until a Pade approximant is exact, and the result squared as often.

    Args:
        self: of shape (*, n, n).

    Example:
        >>> dt.matrix_exp(dt.zeros(2, 2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    need_square("matrix_exp", self)
    if self.dtype in (dt.float16, dt.bfloat16):
        return _matrix_exp(self.to(dt.float32)).to(self.dtype)
    need_lapack("matrix_exp", self, "self")
    if self.numel() == 0:
        return self.clone()
    coefficients, limit = _PADE[7 if real_dtype(self) == dt.float32 else 13]
    norm = dt.abs(self).sum(-2).amax(-1)
    halvings = dt.where(norm.isfinite(), dt.ceil(dt.log2(norm / limit)), 0.0).clamp(min=0.0)
    power = dt.exp2(-halvings).to(self.dtype).unsqueeze(-1).unsqueeze(-1)
    result = _pade(self * power, coefficients)
    for done in range(int(halvings.max().item())):
        again = (halvings > done).unsqueeze(-1).unsqueeze(-1)
        result = dt.where(again, result @ result, result)
    return result
