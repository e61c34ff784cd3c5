"""Statistical functions."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, get_op
from ._common import accumulator, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var"]

_amax, _amin, _mean, _prod, _sum = (get_op(name) for name in ("amax", "amin", "mean", "prod", "sum"))
_cat, _cumprod, _cumsum, _full, _std, _var = (get_op(n) for n in ("cat", "cumprod", "cumsum", "full", "std", "var"))


@checks.in_own_name
def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: _core.dtype | None = None, include_initial: bool = False
) -> Tensor:
    """The product of every element and those before it along an axis.

    Args:
        x: a tensor.
        axis: along which; may be left out where `x` has one.
        dtype: that of the result; by default `x`'s, integers with 64 bits.
        include_initial: begin with 1, the product of nothing.

    Example:
        >>> cumulative_prod(dt.tensor([2, 3, 4]), include_initial=True).tolist()
        [1, 2, 6, 24]
    """
    return _cumulative("cumulative_prod", _cumprod, x, axis, dtype, 1 if include_initial else None)


@checks.in_own_name
def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: _core.dtype | None = None, include_initial: bool = False
) -> Tensor:
    """The sum of every element and those before it along an axis.

    Args:
        x: a tensor.
        axis: along which; may be left out where `x` has one.
        dtype: that of the result; by default `x`'s, integers with 64 bits.
        include_initial: begin with 0, the sum of nothing.

    Example:
        >>> cumulative_sum(dt.tensor([2, 3, 4])).tolist()
        [2, 5, 9]
    """
    return _cumulative("cumulative_sum", _cumsum, x, axis, dtype, 0 if include_initial else None)


def _cumulative(
    who: str, op: Any, x: Tensor, axis: int | None, dtype: _core.dtype | None, initial: int | None
) -> Tensor:
    checks.tensors(who, x=x)
    if x.ndim == 0:
        raise ValueError(f"{who}: a zero-dim tensor has no axis")
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"{who}: axis is missing; x has {x.ndim} dims")
        axis = 0
    result = op(x, axis, dtype=dtype or accumulator(x))
    if initial is None:
        return result
    shape = list(x.shape)
    shape[axis] = 1
    return _cat([_full(shape, initial, dtype=result.dtype, device=x.device), result], axis)


@checks.in_own_name
def max(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The largest element over the given axes, or over all; NaN if there is one.

    Example:
        >>> max(dt.tensor([[1, 2], [3, 4]]), axis=0).tolist()
        [3, 4]
    """
    return reduced(_amax, x, axis, keepdims)


@checks.in_own_name
def mean(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean over the given axes, or over all.

    Example:
        >>> mean(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
        [2.0, 3.0]
    """
    return reduced(_mean, x, axis, keepdims)


@checks.in_own_name
def min(x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The smallest element over the given axes, or over all; NaN if there is one.

    Example:
        >>> min(dt.tensor([[1, 2], [3, 4]]), axis=0).tolist()
        [1, 2]
    """
    return reduced(_amin, x, axis, keepdims)


@checks.in_own_name
def prod(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, dtype: _core.dtype | None = None, keepdims: bool = False
) -> Tensor:
    """The product over the given axes, or over all.

    Args:
        x: a tensor.
        axis: the axes.
        dtype: that of the result; by default `x`'s, integers with 64 bits.
        keepdims: keep the axes with size 1.

    Example:
        >>> prod(dt.tensor([2, 3], dtype=dt.uint8)).dtype
        dovetail.uint64
    """
    return reduced(_prod, x, axis, keepdims, dtype=dtype or accumulator(x))


@checks.in_own_name
def std(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The standard deviation over the given axes, or over all.

        out = sqrt(sum((x - mean(x)) ** 2) / (N - correction))

    Example:
        >>> std(dt.tensor([1.0, 3.0])).item()
        1.0
    """
    return reduced(_std, x, axis, keepdims, correction=correction)


@checks.in_own_name
def sum(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, dtype: _core.dtype | None = None, keepdims: bool = False
) -> Tensor:
    """The sum over the given axes, or over all.

    Args:
        x: a tensor.
        axis: the axes.
        dtype: that of the result; by default `x`'s, integers with 64 bits.
        keepdims: keep the axes with size 1.

    Example:
        >>> sum(dt.tensor([200, 100], dtype=dt.uint8)).item()
        300
    """
    return reduced(_sum, x, axis, keepdims, dtype=dtype or accumulator(x))


@checks.in_own_name
def var(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The variance over the given axes, or over all.

        out = sum((x - mean(x)) ** 2) / (N - correction)

    Example:
        >>> var(dt.tensor([1.0, 3.0])).item()
        1.0
    """
    return reduced(_var, x, axis, keepdims, correction=correction)
