"""Data types: what may become what, their kinds and limits."""

from __future__ import annotations

from typing import NamedTuple

from .. import _core, checks, typeinfo
from .._core import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_INTEGRAL = ("signed integer", "unsigned integer")
# What a kind of `isdtype` stands for, beside itself.
_KINDS = {"integral": _INTEGRAL, "numeric": (*_INTEGRAL, "real floating", "complex floating")}


def kind_of(dtype: _core.dtype) -> str:
    """The smallest kind that `isdtype` has for a dtype."""
    if dtype is _core.bool:
        return "bool"
    if dtype.is_complex:
        return "complex floating"
    if dtype.is_floating_point:
        return "real floating"
    return "signed integer" if dtype.is_signed else "unsigned integer"


@checks.in_own_name
def astype(x: Tensor, dtype: _core.dtype, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """The tensor in another dtype.

    Args:
        x: a tensor.
        dtype: the wanted one.
        copy: False gives `x` itself where nothing changes.
        device: where the result shall be; where `x` is, by default.

    Raises:
        TypeError: `x` is complex and `dtype` is not; take `real` or `imag`.

    Example:
        >>> astype(dt.tensor([1, 2]), dt.float32).tolist()
        [1.0, 2.0]
    """
    if x.dtype.is_complex and not dtype.is_complex and dtype is not _core.bool:
        raise TypeError(f"astype: {x.dtype.name} does not become {dtype.name}; take real() or imag()")
    return x.to(device or x.device, dtype, copy=copy)


@checks.in_own_name
def can_cast(from_: _core.dtype | Tensor, to: _core.dtype, /) -> bool:
    """Whether promotion leads from a dtype to another.

    Example:
        >>> can_cast(dt.int8, dt.int16), can_cast(dt.int16, dt.int8)
        (True, False)
    """
    source = from_.dtype if isinstance(from_, Tensor) else from_
    if not isinstance(source, _core.dtype) or not isinstance(to, _core.dtype):
        raise TypeError(f"can_cast: expected a dtype or a Tensor and a dtype, got {checks.shown(from_)}, {to!r}")
    try:
        return _core.promote_types(source, to) is to
    except TypeError:
        return False


class FloatInfo(NamedTuple):
    """What the standard's `finfo` tells."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: _core.dtype


class IntegerInfo(NamedTuple):
    """What the standard's `iinfo` tells."""

    bits: int
    max: int
    min: int
    dtype: _core.dtype


@checks.in_own_name
def finfo(type: _core.dtype | Tensor, /) -> FloatInfo:
    """The limits of a floating-point dtype, of a complex one those of its parts.

    Example:
        >>> finfo(dt.float32).bits
        32
    """
    limits = typeinfo.finfo(type.dtype if isinstance(type, Tensor) else type)
    dtype = getattr(_core, limits.dtype)
    return FloatInfo(limits.bits, limits.eps, limits.max, limits.min, limits.smallest_normal, dtype)


@checks.in_own_name
def iinfo(type: _core.dtype | Tensor, /) -> IntegerInfo:
    """The limits of an integer dtype.

    Example:
        >>> iinfo(dt.uint8).max
        255
    """
    limits = typeinfo.iinfo(type.dtype if isinstance(type, Tensor) else type)
    return IntegerInfo(limits.bits, limits.max, limits.min, getattr(_core, limits.dtype))


@checks.in_own_name
def isdtype(dtype: _core.dtype, kind: _core.dtype | str | tuple[_core.dtype | str, ...]) -> bool:
    """Whether a dtype is of a kind.

    Args:
        dtype: a dtype.
        kind: a dtype; "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating" or
            "numeric"; or several of these in a tuple, of which one must hold.

    Example:
        >>> isdtype(dt.int8, "integral"), isdtype(dt.int8, ("bool", dt.float32))
        (True, False)
    """
    if not isinstance(dtype, _core.dtype):
        raise TypeError(f"isdtype: expected a dtype, got {checks.shown(dtype)}")
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, _core.dtype):
        return dtype is kind
    if not isinstance(kind, str):
        raise TypeError(f"isdtype: kind must be a dtype, a str or a tuple of these, got {checks.shown(kind)}")
    if kind not in {"bool", *_INTEGRAL, "real floating", "complex floating", *_KINDS}:
        raise ValueError(f"isdtype: there is no kind {kind!r}")
    return kind_of(dtype) in _KINDS.get(kind, (kind,))


@checks.in_own_name
def result_type(*arrays_and_dtypes: Tensor | _core.dtype | complex) -> _core.dtype:
    """The dtype in which tensors, dtypes and Python numbers meet.

    A zero-dim tensor counts as any other. A Python number counts by its kind alone, and only where its kind is above
    that of the dtypes: float with integers is the default float, complex with floats the complex of their precision.

    Example:
        >>> result_type(dt.int8, dt.int16), result_type(dt.tensor([1.0]), 1j)
        (dovetail.int16, dovetail.complex64)
    """
    dtypes, numbers = [], []
    for each in arrays_and_dtypes:
        if isinstance(each, (Tensor, _core.dtype)):
            dtypes.append(each.dtype if isinstance(each, Tensor) else each)
        elif isinstance(each, (int, float, complex)):
            numbers.append(each)
        else:
            raise TypeError(f"result_type: expected Tensors, dtypes and Python numbers, got {checks.shown(each)}")
    if not dtypes:
        raise TypeError("result_type: expected at least one Tensor or dtype")
    result = dtypes[0]
    for dtype in dtypes[1:]:
        result = _core.promote_types(result, dtype)
    for number in numbers:
        result = _with_number(result, number)
    return result


_COMPLEX = {_core.float64: _core.complex128, _core.complex128: _core.complex128}


def _with_number(dtype: _core.dtype, number: complex) -> _core.dtype:
    if isinstance(number, bool) or dtype.is_complex:
        return dtype
    if isinstance(number, int):
        return _core.int64 if dtype is _core.bool else dtype
    floating = dtype if dtype.is_floating_point else _core.get_default_dtype()
    return floating if isinstance(number, float) else _COMPLEX.get(floating, _core.complex64)
