"""The constants, and the data types by name."""

from math import e, inf, nan, pi

from .._core import (
    bfloat16,
    bool,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

newaxis = None

__all__ = ["e", "inf", "nan", "newaxis", "pi"]
__all__ += ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
__all__ += ["bfloat16", "float16", "float32", "float64", "complex64", "complex128"]
