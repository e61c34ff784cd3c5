"""The extension for linear algebra: `dt.linalg` under the standard's signatures."""

from __future__ import annotations

from typing import NamedTuple

from .. import _core, checks
from .. import linalg as _linalg
from .._core import Tensor, get_op
from ._common import accumulator, promoted, reduced
from .linear_algebra import matmul, matrix_transpose, tensordot, vecdot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power"]
__all__ += ["matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot"]
__all__ += ["trace", "vecdot", "vector_norm"]

_diagonal, _outer, _sum = get_op("diagonal"), get_op("outer"), get_op("sum")


class Eigh(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QR(NamedTuple):
    """What `qr` gives."""

    Q: Tensor
    R: Tensor


class Slogdet(NamedTuple):
    """What `slogdet` gives."""

    sign: Tensor
    logabsdet: Tensor


class SVD(NamedTuple):
    """What `svd` gives."""

    U: Tensor
    S: Tensor
    Vh: Tensor


@checks.in_own_name
def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L @ L.mH = x of a Hermitian positive-definite matrix; with `upper` that L.mH.

    Example:
        >>> cholesky(dt.tensor([[4.0]])).item()
        2.0
    """
    return _linalg.cholesky(x, upper=upper)


@checks.in_own_name
def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors along an axis of size 3.

    Example:
        >>> cross(dt.tensor([1, 0, 0]), dt.tensor([0, 1, 0])).tolist()
        [0, 0, 1]
    """
    checks.tensors("cross", x1=x1, x2=x2)
    if not -min(x1.ndim, x2.ndim) <= axis < min(x1.ndim, x2.ndim):
        raise ValueError(f"cross: axis {axis} is out of range for tensors of {x1.ndim} and {x2.ndim} dims")
    return _linalg.cross(*promoted("cross", x1, x2), dim=axis)


@checks.in_own_name
def det(x: Tensor, /) -> Tensor:
    """The determinants of square matrices.

    Example:
        >>> det(dt.tensor([[2.0, 0.0], [1.0, 3.0]])).item()
        6.0
    """
    return _linalg.det(x)


@checks.in_own_name
def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """A view of the matrices' diagonals, of those `offset` above the main one.

    Example:
        >>> diagonal(dt.tensor([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    return _diagonal(x, offset, -2, -1)


@checks.in_own_name
def eigh(x: Tensor, /) -> Eigh:
    """The eigenvalues and eigenvectors of Hermitian matrices, in ascending order.

    Example:
        >>> eigh(dt.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues.tolist()
        [1.0, 2.0]
    """
    return Eigh(*_linalg.eigh(x))


@checks.in_own_name
def eigvalsh(x: Tensor, /) -> Tensor:
    """The eigenvalues of Hermitian matrices, in ascending order.

    Example:
        >>> eigvalsh(dt.tensor([[2.0, 0.0], [0.0, 1.0]])).tolist()
        [1.0, 2.0]
    """
    return _linalg.eigvalsh(x)


@checks.in_own_name
def inv(x: Tensor, /) -> Tensor:
    """The inverses of square matrices.

    Example:
        >>> inv(dt.tensor([[4.0]])).item()
        0.25
    """
    return _linalg.inv(x)


@checks.in_own_name
def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """The norms of matrices.

    Args:
        x: the matrices.
        keepdims: keep the last two axes with size 1.
        ord: "fro", "nuc", 1, -1, 2, -2, inf or -inf; None is "fro".

    Example:
        >>> matrix_norm(dt.tensor([[3.0, 4.0]])).item()
        5.0
    """
    return _linalg.matrix_norm(x, "fro" if ord is None else ord, keepdim=keepdims)


@checks.in_own_name
def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """The n-th power of square matrices; of a negative n that of the inverses.

    Example:
        >>> matrix_power(dt.tensor([[2.0]]), 3).item()
        8.0
    """
    return _linalg.matrix_power(x, n)


@checks.in_own_name
def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The number of singular values that are not 0.

    Args:
        x: the matrices.
        rtol: what is below this part of the largest one counts as 0; by default the larger size times `eps`.

    Example:
        >>> matrix_rank(dt.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
        1
    """
    return _linalg.matrix_rank(x, **({} if rtol is None else {"rtol": rtol}))


@checks.in_own_name
def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The products of all pairs from two vectors.

    Example:
        >>> outer(dt.tensor([1, 2]), dt.tensor([3, 4])).tolist()
        [[3, 4], [6, 8]]
    """
    checks.tensors("outer", x1=x1, x2=x2)
    return _outer(*promoted("outer", x1, x2))


@checks.in_own_name
def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The Moore-Penrose inverses of matrices.

    Args:
        x: the matrices.
        rtol: singular values below this part of the largest count as 0; by default the larger size times `eps`.

    Example:
        >>> pinv(dt.tensor([[2.0], [0.0]])).tolist()
        [[0.5, 0.0]]
    """
    return _linalg.pinv(x, **({} if rtol is None else {"rtol": rtol}))


@checks.in_own_name
def qr(x: Tensor, /, *, mode: str = "reduced") -> QR:
    """An orthonormal Q and an upper triangular R with Q @ R = x.

    Args:
        x: the matrices.
        mode: "reduced" or "complete", in which Q is square.

    Example:
        >>> q, r = qr(dt.tensor([[3.0], [4.0]]))
        >>> (q @ r).tolist()
        [[3.0], [4.0]]
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f'qr: mode must be "reduced" or "complete", got {checks.shown(mode)}')
    return QR(*_linalg.qr(x, mode))


@checks.in_own_name
def slogdet(x: Tensor, /) -> Slogdet:
    """The signs of the determinants of square matrices, and the logarithms of their absolute values.

    Example:
        >>> slogdet(dt.tensor([[-1.0]])).sign.item()
        -1.0
    """
    return Slogdet(*_linalg.slogdet(x))


@checks.in_own_name
def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The x with x1 @ x = x2.

    Args:
        x1: square matrices.
        x2: a vector or matrices; only what has one axis is a vector.

    Example:
        >>> solve(dt.tensor([[2.0]]), dt.tensor([4.0])).tolist()
        [2.0]
    """
    checks.tensors("solve", x1=x1, x2=x2)
    first, second = promoted("solve", x1, x2)
    if second.ndim > 1 and second.shape == first.shape[:-1]:
        second = second.unsqueeze(0)  # PyTorch's solve takes this for many vectors
    return _linalg.solve(first, second)


@checks.in_own_name
def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVD:
    """The singular value decomposition: U, S and Vh with U * S @ Vh = x.

    Example:
        >>> svd(dt.tensor([[0.0, 2.0], [1.0, 0.0]])).S.tolist()
        [2.0, 1.0]
    """
    return SVD(*_linalg.svd(x, full_matrices))


@checks.in_own_name
def svdvals(x: Tensor, /) -> Tensor:
    """The singular values, in descending order.

    Example:
        >>> svdvals(dt.tensor([[0.0, 2.0], [1.0, 0.0]])).tolist()
        [2.0, 1.0]
    """
    return _linalg.svdvals(x)


@checks.in_own_name
def trace(x: Tensor, /, *, offset: int = 0, dtype: _core.dtype | None = None) -> Tensor:
    """The sums of the matrices' diagonals.

    Args:
        x: the matrices.
        offset: how far above the main one.
        dtype: that of the result; by default `x`'s, integers with 64 bits.

    Example:
        >>> trace(dt.tensor([[1, 2], [3, 4]])).item()
        5
    """
    return _sum(_diagonal(x, offset, -2, -1), -1, dtype=dtype or accumulator(x))


@checks.in_own_name
def vector_norm(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """The norms of vectors along the given axes, or of all elements as one.

    Args:
        x: a tensor of floating-point numbers.
        axis: the axes.
        keepdims: keep them with size 1.
        ord: which norm: any number, inf or -inf.

    Example:
        >>> vector_norm(dt.tensor([3.0, 4.0])).item()
        5.0
    """
    return reduced(lambda x, axis, keepdim: _linalg.vector_norm(x, ord, axis, keepdim), x, axis, keepdims)
