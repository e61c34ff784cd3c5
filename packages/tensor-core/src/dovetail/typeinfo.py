"""The limits of the dtypes: `dt.finfo` and `dt.iinfo`."""

from __future__ import annotations

import builtins

from . import _core

__all__ = ["finfo", "iinfo"]

# mantissa bits (without the leading one), largest exponent
_FLOATS = {"float16": (10, 15), "bfloat16": (7, 127), "float32": (23, 127), "float64": (52, 1023)}
_REAL = {"complex64": "float32", "complex128": "float64"}
_RESOLUTION = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-6, "float64": 1e-15}


class finfo:
    """The limits of a floating-point dtype; of a complex one those of its parts.

    Attributes:
        bits: how many bits a number has.
        eps: the distance from 1 to the next larger number.
        max, min: the largest finite number and the lowest.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: about how precise decimal digits are.
        dtype: the dtype's name.

    Example:
        >>> dt.finfo(dt.float32).eps
        1.1920928955078125e-07
    """

    def __init__(self, type: _core.dtype | None = None) -> None:
        dtype = _core.get_default_dtype() if type is None else type
        if not isinstance(dtype, _core.dtype):
            raise TypeError(f"finfo: expected a dtype, got {dtype!r}")
        name = _REAL.get(dtype.name, dtype.name)
        if name not in _FLOATS:
            raise TypeError(f"finfo: {dtype.name} is no floating-point dtype; use iinfo")
        mantissa, exponent = _FLOATS[name]
        self.dtype = name
        self.bits = 8 * getattr(_core, name).itemsize
        self.eps = 2.0**-mantissa
        self.max = (2.0 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        self.resolution = _RESOLUTION[name]

    def __repr__(self) -> str:
        shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{each}={getattr(self, each):g}' for each in shown)}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((finfo, self.dtype))


class iinfo:
    """The limits of an integer dtype.

    Attributes:
        bits: how many bits a number has.
        max, min: the largest number and the lowest.
        dtype: the dtype's name.

    Example:
        >>> dt.iinfo(dt.int8).max
        127
    """

    def __init__(self, type: _core.dtype) -> None:
        if not isinstance(type, _core.dtype):
            raise TypeError(f"iinfo: expected a dtype, got {type!r}")
        if type.is_floating_point or type.is_complex or type.name == "bool":
            raise TypeError(f"iinfo: {type.name} is no integer dtype" + ("; use finfo" if type.name != "bool" else ""))
        self.dtype = type.name
        self.bits = 8 * type.itemsize
        values = builtins.int(self.bits) - builtins.int(type.is_signed)
        self.max = 2**values - 1
        self.min = -(2**values) if type.is_signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((iinfo, self.dtype))
