"""PyTorch's older names of a tensor's type: `dt.FloatTensor`, `dt.LongTensor` and the others.

They make tensors of one dtype on the CPU, and `isinstance` knows them; `dt.tensor` and `dt.empty` with `dtype=` say the
same more plainly.
"""

from __future__ import annotations

from typing import Any

from . import _core, checks
from ._core import Size, Tensor, get_op

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
]


class TensorType(type):
    """The type of these names: what they say about a tensor follows from its dtype."""

    dtype: _core.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.device.type == "cpu"

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        try:
            device = keywords.pop("device", None)
            if keywords:
                raise TypeError(f"{cls.__name__}: unexpected keyword argument {next(iter(keywords))!r}")
            return cls._make(args, device)
        except Exception as error:
            checks.speak_as(cls.__name__, error, args)
            raise

    def _make(cls, args: tuple[Any, ...], device: Any) -> Tensor:
        if device is not None and _core.device(device).type != "cpu":
            raise ValueError(f"{cls.__name__}: is a type of the CPU, got device {device}; use empty() or tensor()")
        if len(args) == 1 and not _is_size(args[0]):
            return cls._of_data(args[0])
        if not all(map(_is_size, args)):
            raise TypeError(f"{cls.__name__}: expected sizes, or one sequence of data, got {checks.shown(args)}")
        return get_op("empty")(list(args) if args else [0], dtype=cls.dtype, device="cpu")

    def _of_data(cls, data: Any) -> Tensor:
        if isinstance(data, Size):
            return get_op("empty")(data, dtype=cls.dtype, device="cpu")
        if isinstance(data, Tensor):
            if not cls.__instancecheck__(data):
                raise TypeError(
                    f"{cls.__name__}: expected a tensor of {cls.dtype.name} on the CPU, got one of {data.dtype.name} "
                    f"on {data.device}; use .to()"
                )
            return data.detach()
        if not (hasattr(data, "__len__") or hasattr(data, "__array__")) or isinstance(data, (str, bytes, dict, set)):
            raise TypeError(f"{cls.__name__}: data must be a sequence, got {checks.shown(data)}")
        plain = list(data) if isinstance(data, range) else data
        result = _core.tensor(plain, device="cpu")
        return result if result.dtype is cls.dtype else result.to(cls.dtype)


def _is_size(value: Any) -> bool:
    """Whether this is one number, not a container that may hold one."""
    return hasattr(value, "__index__") and not hasattr(value, "__len__") and not isinstance(value, bool)


def _named(name: str, dtype: _core.dtype) -> Any:
    doc = f"""Tensors of {dtype.name} on the CPU: `{name}(2, 3)` is uninitialised, `{name}(data)` holds data.

    Example:
        >>> dt.{name}([1, 0]).dtype
        dovetail.{dtype.name}
    """
    return TensorType(name, (), {"dtype": dtype, "__doc__": doc, "__module__": "dovetail"})


FloatTensor = _named("FloatTensor", _core.float32)
DoubleTensor = _named("DoubleTensor", _core.float64)
HalfTensor = _named("HalfTensor", _core.float16)
BFloat16Tensor = _named("BFloat16Tensor", _core.bfloat16)
ByteTensor = _named("ByteTensor", _core.uint8)
CharTensor = _named("CharTensor", _core.int8)
ShortTensor = _named("ShortTensor", _core.int16)
IntTensor = _named("IntTensor", _core.int32)
LongTensor = _named("LongTensor", _core.int64)
BoolTensor = _named("BoolTensor", _core.bool)
