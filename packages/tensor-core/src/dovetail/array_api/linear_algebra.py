"""The linear algebra that is in the namespace itself; the rest is its extension `linalg`."""

from __future__ import annotations

from .. import checks, functional
from .._core import Tensor, get_op
from ._common import promoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

_matmul, _transpose, _vecdot = get_op("matmul"), get_op("transpose"), get_op("linalg_vecdot")


@checks.in_own_name
def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The product of matrices, of which there may be many along the first axes.

    Example:
        >>> matmul(dt.tensor([[1, 2]]), dt.tensor([[3], [4]])).tolist()
        [[11]]
    """
    checks.tensors("matmul", x1=x1, x2=x2)
    return _matmul(*promoted("matmul", x1, x2))


@checks.in_own_name
def matrix_transpose(x: Tensor, /) -> Tensor:
    """A view with the last two axes exchanged.

    Example:
        >>> matrix_transpose(dt.zeros(4, 2, 3)).shape
        dovetail.Size([4, 3, 2])
    """
    checks.tensors("matrix_transpose", x=x)
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: x must have at least 2 dims, not {x.ndim}")
    return _transpose(x, -2, -1)


@checks.in_own_name
def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum of products over several axes of both tensors.

    Args:
        x1, x2: the tensors.
        axes: how many of the last axes of `x1` go with the first of `x2`; or the axes of each.

    Example:
        >>> tensordot(dt.tensor([1, 2]), dt.tensor([3, 4]), axes=1).item()
        11
    """
    checks.tensors("tensordot", x1=x1, x2=x2)
    first, second = promoted("tensordot", x1, x2)
    return functional.join.tensordot(first, second, axes)


@checks.in_own_name
def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The sum of products along an axis, those of `x1` conjugated.

    Args:
        x1, x2: the tensors, of one size along the axis and broadcast along the others.
        axis: along which, counted from the end.

    Example:
        >>> vecdot(dt.tensor([1j, 2.0]), dt.tensor([1j, 1.0])).item()
        (3+0j)
    """
    checks.tensors("vecdot", x1=x1, x2=x2)
    if not -min(x1.ndim, x2.ndim) <= axis < 0:
        raise ValueError(f"vecdot: axis {axis} must be from -{min(x1.ndim, x2.ndim)} to -1")
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(f"vecdot: x1 has size {x1.shape[axis]} along axis {axis}, x2 has {x2.shape[axis]}")
    return _vecdot(*promoted("vecdot", x1, x2), dim=axis)
