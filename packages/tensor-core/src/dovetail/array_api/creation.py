"""Creation functions."""

from __future__ import annotations

from .. import _core, checks, constructors, functional, interchange
from .._core import Tensor, get_op
from ._common import shaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace"]
__all__ += ["meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]

_empty, _empty_like = get_op("empty"), get_op("empty_like")
_full, _full_like = get_op("full"), get_op("full_like")
_ones, _ones_like = get_op("ones"), get_op("ones_like")
_zeros, _zeros_like = get_op("zeros"), get_op("zeros_like")
_linspace, _tril, _triu = get_op("linspace"), get_op("tril"), get_op("triu")

_INT64_MAX = 2**63 - 1  # the largest int that ops take as a number


@checks.in_own_name
def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: _core.dtype | None = None,
    device: Any = None,
) -> Tensor:
    """Numbers in steps, up to and without `stop`; none where the step leads away from it.

    Example:
        >>> arange(1, 7, 2).tolist(), arange(7, 1).tolist()
        ([1, 3, 5], [])
    """
    if stop is None:
        start, stop = 0, start
    whole = all(isinstance(each, int) for each in (start, stop, step))
    if step != 0 and (stop - start) * step <= 0:
        return _empty((0,), dtype=dtype or (_core.int64 if whole else None), device=device)
    if whole and dtype is _core.uint64 and max(start, stop) > _INT64_MAX:
        return (
            constructors.arange(len(range(int(start), int(stop), int(step))), dtype=dtype, device=device) * step + start
        )
    return constructors.arange(start, stop, step, dtype=dtype, device=device)


@checks.in_own_name
def asarray(obj: Any, /, *, dtype: _core.dtype | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """Any data as a tensor: `dt.asarray`.

    Args:
        obj: a tensor, a number, nested sequences of them, or what has the buffer protocol, `__array__` or `__dlpack__`.
        dtype: the wanted one.
        device: the wanted one.
        copy: True always copies, False never (ValueError where that is impossible), None where it must.

    Example:
        >>> asarray([1, 2]).tolist()
        [1, 2]
    """
    if device is None and isinstance(obj, Tensor):
        device = obj.device
    return constructors.asarray(obj, dtype=dtype, device=device, copy=copy)


@checks.in_own_name
def empty(shape: int | Sequence[int], *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """A tensor of whatever is in the memory.

    Example:
        >>> empty(3).shape
        dovetail.Size([3])
    """
    return _empty(shaped(shape), dtype=dtype, device=device)


@checks.in_own_name
def empty_like(x: Tensor, /, *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """The same in another tensor's shape, dtype and device.

    Example:
        >>> empty_like(dt.zeros(2)).shape
        dovetail.Size([2])
    """
    return _empty_like(x, dtype=dtype, device=device)


@checks.in_own_name
def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: _core.dtype | None = None, device: Any = None
) -> Tensor:
    """Ones on a diagonal, the k-th above the main one, and zeros.

    Example:
        >>> eye(2, 3, k=1).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    result = _zeros((n_rows, n_rows if n_cols is None else n_cols), dtype=dtype, device=device)
    if -result.shape[0] < k < result.shape[1]:
        result.diagonal(k).fill_(1)
    return result


@checks.in_own_name
def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array: `dt.from_dlpack`.

    Example:
        >>> import numpy as np
        >>> from_dlpack(np.arange(2)).tolist()
        [0, 1]
    """
    return interchange.from_dlpack(x, device=device, copy=copy)


@checks.in_own_name
def full(
    shape: int | Sequence[int], fill_value: complex, *, dtype: _core.dtype | None = None, device: Any = None
) -> Tensor:
    """One number everywhere; its kind decides the dtype where none is given.

    Example:
        >>> full(2, 7).tolist()
        [7, 7]
    """
    if dtype is _core.uint64 and isinstance(fill_value, int) and fill_value > _INT64_MAX:
        return _empty(shaped(shape), dtype=dtype, device=device).copy_(_core.tensor(fill_value, dtype=dtype))
    return _full(shaped(shape), fill_value, dtype=dtype, device=device)


@checks.in_own_name
def full_like(x: Tensor, /, fill_value: complex, *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """The same in another tensor's shape, dtype and device.

    Example:
        >>> full_like(dt.zeros(2), 7).tolist()
        [7.0, 7.0]
    """
    if (dtype or x.dtype) is _core.uint64:  # whose upper half full_like does not take
        return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device or x.device)
    return _full_like(x, fill_value, dtype=dtype, device=device)


@checks.in_own_name
def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: _core.dtype | None = None,
    device: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """Numbers at equal distances, `stop` the last of them or, with `endpoint=False`, the first that is left out.

    Example:
        >>> linspace(0, 1, 5).tolist(), linspace(0, 1, 4, endpoint=False).tolist()
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.25, 0.5, 0.75])
    """
    whole = dtype is not None and not (dtype.is_floating_point or dtype.is_complex)
    start, stop = (float(each) if isinstance(each, int) and not whole else each for each in (start, stop))
    if endpoint:
        return _linspace(start, stop, num, dtype=dtype, device=device)
    return _linspace(start, stop, num + 1, dtype=dtype, device=device)[:num]


@checks.in_own_name
def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid from those along its axes.

    Args:
        arrays: 1-D or zero-dim tensors of one dtype.
        indexing: "xy" lets the first vary along the second axis, "ij" along the first.

    Example:
        >>> [x.tolist() for x in meshgrid(dt.tensor([1, 2]), dt.tensor([3]))]
        [[[1, 2]], [[3, 3]]]
    """
    return list(functional.join.meshgrid(*arrays, indexing=indexing)) if arrays else []


@checks.in_own_name
def ones(shape: int | Sequence[int], *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """Ones.

    Example:
        >>> ones(2).tolist()
        [1.0, 1.0]
    """
    return _ones(shaped(shape), dtype=dtype, device=device)


@checks.in_own_name
def ones_like(x: Tensor, /, *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """Ones in another tensor's shape, dtype and device.

    Example:
        >>> ones_like(dt.tensor([3])).tolist()
        [1]
    """
    return _ones_like(x, dtype=dtype, device=device)


@checks.in_own_name
def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The matrices' lower triangles, up to the k-th diagonal above the main one, and zeros.

    Example:
        >>> tril(dt.ones(2, 2)).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    return _tril(x, k)


@checks.in_own_name
def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The matrices' upper triangles, from the k-th diagonal above the main one, and zeros.

    Example:
        >>> triu(dt.ones(2, 2)).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    return _triu(x, k)


@checks.in_own_name
def zeros(shape: int | Sequence[int], *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """Zeros.

    Example:
        >>> zeros(2).tolist()
        [0.0, 0.0]
    """
    return _zeros(shaped(shape), dtype=dtype, device=device)


@checks.in_own_name
def zeros_like(x: Tensor, /, *, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """Zeros in another tensor's shape, dtype and device.

    Example:
        >>> zeros_like(dt.tensor([3])).tolist()
        [0]
    """
    return _zeros_like(x, dtype=dtype, device=device)
