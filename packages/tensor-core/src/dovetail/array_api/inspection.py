"""Inspection: what the library can do, and in which data types and on which devices."""

from __future__ import annotations

from .. import _core
from . import constants, data_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["__array_namespace_info__"]

# The data types of the standard; those beyond it, bfloat16 and float16, are the library's own.
_STANDARD = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
_STANDARD += ["float32", "float64", "complex64", "complex128"]
_MAX_DIMENSIONS = 64  # the ABI's DT_MAX_DIMS
_DEFAULT_COMPLEX = {_core.float64: _core.complex128}


class Info:
    """What `__array_namespace_info__` gives."""

    def capabilities(self) -> dict[str, Any]:
        """Which optional parts of the standard hold.

        Example:
            >>> Info().capabilities()["boolean indexing"]
            True
        """
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": _MAX_DIMENSIONS}

    def default_device(self) -> _core.device:
        """Where tensors are made that are told nothing else."""
        return _core.tensor(0).device

    def default_dtypes(self, *, device: Any = None) -> dict[str, _core.dtype]:
        """The dtypes of tensors that are made of Python numbers.

        Example:
            >>> Info().default_dtypes()["integral"]
            dovetail.int64
        """
        floating = _core.get_default_dtype()
        return {
            "real floating": floating,
            "complex floating": _DEFAULT_COMPLEX.get(floating, _core.complex64),
            "integral": _core.int64,
            "indexing": _core.int64,
        }

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, _core.dtype]:
        """The standard's data types, by name; with a kind (see `isdtype`) those of it.

        Example:
            >>> sorted(Info().dtypes(kind="real floating"))
            ['float32', 'float64']
        """
        every = {name: getattr(constants, name) for name in _STANDARD}
        return {name: each for name, each in every.items() if kind is None or data_types.isdtype(each, kind)}

    def devices(self) -> list[_core.device]:
        """The devices that there are."""
        counts = {name: _core.backend_device_count(name) for name in _core.backend_names()}
        return [_core.device(f"{name}:{index}") for name, count in counts.items() for index in range(count)]


def __array_namespace_info__() -> Info:
    """What the library can do, and in which data types and on which devices.

    Example:
        >>> __array_namespace_info__().default_dtypes()["real floating"]
        dovetail.float32
    """
    return Info()
