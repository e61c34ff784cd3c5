"""Reductions that give one tensor over all elements, or two along a dim."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, dtype, get_op
from ._names import given, with_aliases

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


__all__ = ["frobenius_norm", "max", "median", "min", "nanmedian", "norm", "std", "std_mean", "var", "var_mean"]

_amax, _amin = get_op("amax"), get_op("amin")
_max_dim, _min_dim = get_op("max_dim"), get_op("min_dim")
_maximum, _minimum = get_op("maximum"), get_op("minimum")
_median, _median_dim = get_op("median"), get_op("median_dim")
_nanmedian, _nanmedian_dim = get_op("nanmedian"), get_op("nanmedian_dim")
_norm = get_op("norm")
_std, _std_mean, _var, _var_mean = get_op("std"), get_op("std_mean"), get_op("var"), get_op("var_mean")


@with_aliases
def max(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """The largest element; NaN wins.

    Forms:
        `max(x)`: of all elements, a zero-dim tensor.
        `max(x, dim, keepdim=False)`: along a dim: (values, indices).
        `max(x, other)`: element by element, `dt.maximum`.

    Example:
        >>> x = dt.tensor([[1, 5], [7, 2]])
        >>> dt.max(x).item()
        7
        >>> dt.max(x, 1).values.tolist()
        [5, 7]
    """
    other = dim if isinstance(dim, Tensor) else other
    if isinstance(other, Tensor):
        return _maximum(input, other, **given(out))
    if dim is None:
        return _everything("max", _amax, input, keepdim, out)
    return _max_dim(input, dim, keepdim, **given(out))


@with_aliases
def min(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out: Any = None,
) -> Any:
    """The smallest element; NaN wins.

    Forms:
        `min(x)`: of all elements, a zero-dim tensor.
        `min(x, dim, keepdim=False)`: along a dim: (values, indices).
        `min(x, other)`: element by element, `dt.minimum`.

    Example:
        >>> x = dt.tensor([[1, 5], [7, 2]])
        >>> dt.min(x).item()
        1
        >>> dt.min(x, 1).indices.tolist()
        [0, 1]
    """
    other = dim if isinstance(dim, Tensor) else other
    if isinstance(other, Tensor):
        return _minimum(input, other, **given(out))
    if dim is None:
        return _everything("min", _amin, input, keepdim, out)
    return _min_dim(input, dim, keepdim, **given(out))


def _everything(name: str, op: Any, input: Tensor, keepdim: bool, out: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(input).__name__}")
    if input.numel() == 0:
        raise ValueError(f"{name}: a tensor of shape {tuple(input.shape)} has no elements; give a dim of another size")
    return op(input, None, keepdim, **given(out))


@with_aliases
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The median, of an even number of elements the lower of the middle two; NaN if there is one.

    Forms:
        `median(x)`: of all elements, a zero-dim tensor.
        `median(x, dim, keepdim=False)`: along a dim: (values, indices).

    Example:
        >>> dt.median(dt.tensor([3.0, 1.0, 2.0])).item()
        2.0
    """
    return checks.written("median", _median(input) if dim is None else _median_dim(input, dim, keepdim), out)


@with_aliases
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The median of what is not NaN, in the forms of `dt.median`.

    Example:
        >>> dt.nanmedian(dt.tensor([3.0, dt.nan, 1.0])).item()
        1.0
    """
    return checks.written("nanmedian", _nanmedian(input) if dim is None else _nanmedian_dim(input, dim, keepdim), out)


# ---- variance, in PyTorch's older form (unbiased) and its newer one (correction) ----


def _spread(
    op: Any,
    input: Tensor,
    dim: Any,
    unbiased: bool | None,
    keepdim: bool,
    correction: float | None,
    out: Any = None,
    dtype: dtype | None = None,
) -> Any:
    if dtype is not None:
        checks.tensors(op.name, input=input)
        input = input.to(_core.dtype(dtype))
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(
                f"{op.name}: give either unbiased or correction, got {checks.shown(unbiased)} and "
                f"{checks.shown(correction)}"
            )
        correction = int(unbiased)
    return op(input, dim, correction=1 if correction is None else correction, keepdim=keepdim, **given(out))


@with_aliases
def std(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
) -> Tensor:
    """The standard deviation over the given dims, or over all.

        out = sqrt(sum((x - mean(x)) ** 2) / max(0, N - correction))

    Args:
        dim: the dims to reduce; all by default.
        unbiased: True is correction 1, False is 0.
        keepdim: keep the reduced dims with size 1.
        correction: 1 by default; NumPy's `ddof`.
        dtype: what to cast to before.

    Example:
        >>> dt.std(dt.tensor([1.0, 2.0, 3.0])).item()
        1.0
    """
    return _spread(_std, input, dim, unbiased, keepdim, correction, out, dtype)


@with_aliases
def var(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
) -> Tensor:
    """The variance over the given dims, or over all.

        out = sum((x - mean(x)) ** 2) / max(0, N - correction)

    Args:
        dim: the dims to reduce; all by default.
        unbiased: True is correction 1, False is 0.
        keepdim: keep the reduced dims with size 1.
        correction: 1 by default; NumPy's `ddof`.
        dtype: what to cast to before.

    Example:
        >>> dt.var(dt.tensor([1.0, 2.0, 3.0])).item()
        1.0
    """
    return _spread(_var, input, dim, unbiased, keepdim, correction, out, dtype)


@with_aliases
def std_mean(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean. See `dt.std`.

    Example:
        >>> deviation, mean = dt.std_mean(dt.tensor([1.0, 2.0, 3.0]))
        >>> deviation.item(), mean.item()
        (1.0, 2.0)
    """
    return _spread(_std_mean, input, dim, unbiased, keepdim, correction)


@with_aliases
def var_mean(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean. See `dt.var`.

    Example:
        >>> variance, mean = dt.var_mean(dt.tensor([1.0, 2.0, 3.0]))
        >>> variance.item(), mean.item()
        (1.0, 2.0)
    """
    return _spread(_var_mean, input, dim, unbiased, keepdim, correction)


# ---- norms ----


@with_aliases
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtype | None = None,
) -> Tensor:
    """The p-norm of vectors.

        out = sum(|x| ** p) ** (1 / p)

    Args:
        p: a number, inf or -inf; "fro" (the default) and None are 2; "nuc" is the sum of a matrix's singular values.
        dim: the dims to reduce; all by default.
        keepdim: keep the reduced dims with size 1.
        dtype: what to cast to before.

    Example:
        >>> dt.norm(dt.tensor([3.0, 4.0])).item()
        5.0
    """
    if isinstance(p, str) and p == "nuc":
        return get_op("nuclear_norm")(input if dtype is None else input.to(dtype), dim, keepdim, **given(out))
    if isinstance(p, str) and p != "fro":
        raise ValueError(f'norm: p must be a number, "fro" or "nuc", got {p!r}')
    order = 2 if p is None or isinstance(p, str) else p
    return _norm(input, order, dim, keepdim, dtype=dtype, **given(out))


@with_aliases
def frobenius_norm(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The square root of the sum of squares: `dt.norm` with p = 2.

    Example:
        >>> dt.frobenius_norm(dt.tensor([[3.0], [4.0]])).item()
        5.0
    """
    return _norm(input, 2, dim, keepdim, **given(out))
