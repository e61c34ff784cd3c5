"""What PyTorch's older programs call, with what to use instead.

The names of a tensor's type, `dt.FloatTensor`, `dt.LongTensor` and the others, make tensors of one dtype on the CPU,
and `isinstance` knows them; `dt.tensor` and `dt.empty` with `dtype=` say the same more plainly.
"""

from __future__ import annotations

import builtins
import math
import warnings
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
    "chain_matmul",
    "lu",
    "range",
    "set_default_tensor_type",
    "typename",
]

_empty = get_op("empty")


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
        return made(cls.__name__, args, cls.dtype, _core.device("cpu"))


def made(who: str, args: tuple[Any, ...], dtype: _core.dtype, device: _core.device) -> Tensor:
    """A tensor of sizes, uninitialised, or of data."""
    if len(args) == 1 and not _is_size(args[0]):
        return _of_data(who, args[0], dtype, device)
    if not all(map(_is_size, args)):
        raise TypeError(f"{who}: expected sizes, or one sequence of data, got {checks.shown(args)}")
    return _empty(list(args) if args else [0], dtype=dtype, device=device)


def _of_data(who: str, data: Any, dtype: _core.dtype, device: _core.device) -> Tensor:
    if isinstance(data, Size):
        return _empty(data, dtype=dtype, device=device)
    if isinstance(data, Tensor):
        if data.dtype is not dtype or data.device != device:
            place = "the CPU" if device.type == "cpu" else device
            raise TypeError(
                f"{who}: expected a tensor of {dtype.name} on {place}, got one of {data.dtype.name} on {data.device}; "
                "use .to()"
            )
        return data.detach()
    if not (hasattr(data, "__len__") or hasattr(data, "__array__")) or isinstance(data, (str, bytes, dict, set)):
        raise TypeError(f"{who}: data must be a sequence, got {checks.shown(data)}")
    # As it is first: integers of a wider kind wrap around in a narrower one.
    result = _core.tensor(list(data) if isinstance(data, builtins.range) else data, device=device)
    return result if result.dtype is dtype else result.to(dtype)


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


# ---- functions ----


def _deprecated(what: str, instead: str) -> None:
    warnings.warn(f"{what} is deprecated, as in PyTorch; use {instead} instead", stacklevel=4)


@checks.in_own_name
def chain_matmul(*matrices: Any, out: Tensor | None = None) -> Tensor:
    """The product of several matrices: `dt.linalg.multi_dot`, which takes them as a list. Deprecated.

    Example, in today's form:
        >>> dt.linalg.multi_dot([dt.ones(2, 3), dt.ones(3, 1), dt.ones(1, 2)]).tolist()
        [[3.0, 3.0], [3.0, 3.0]]
    """
    _deprecated("chain_matmul", "linalg.multi_dot")
    given = list(matrices[0]) if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else list(matrices)
    if not given:
        raise ValueError("chain_matmul: expected at least one matrix")
    for each in given:
        checks.tensors("chain_matmul", matrices=each)
        if each.ndim != 2:
            raise ValueError(f"chain_matmul: expected matrices, got shape {tuple(each.shape)}")
    product = given[0] if len(given) == 1 else get_op("linalg_multi_dot")(given)
    return checks.written("chain_matmul", product, out)


@checks.in_own_name
def range(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    out: Tensor | None = None,
    dtype: _core.dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` up to, and with, `end`: `dt.arange` leaves the end out. Deprecated.

    Args:
        start, end: the ends; `range(n)` starts from 0.
        step: not 0.
        dtype: the default float unless given.

    Example, in today's form:
        >>> dt.arange(1, 2.5, 0.5).tolist()
        [1.0, 1.5, 2.0]
    """
    _deprecated("range", "arange")
    start, end = (0, start) if end is None else (start, end)
    checks.numbers("range", start=start, end=end, step=step)
    numbers: list[Any] = [start, end, step]
    start, end, step = (each.item() if isinstance(each, Tensor) else each for each in numbers)
    if not all(map(math.isfinite, (start, end, step))):
        raise ValueError(f"range: expected finite numbers, got {start}, {end} and {step}")
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"range: steps of {step} do not lead from {start} to {end}")
    dtype = dtype or (out.dtype if out is not None else _core.get_default_dtype())
    steps = get_op("arange")(0, math.floor((end - start) / step) + 1, 1, dtype=_core.int64, device=device)
    exact = all(isinstance(each, int) for each in (start, step))
    values = steps * step + start if exact else steps.to(_core.float64) * step + start
    result = checks.written("range", values.to(dtype), out)
    return result.requires_grad_() if requires_grad else result


@checks.in_own_name
def lu(
    A: Tensor, pivot: bool = True, get_infos: bool = False, out: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, ...]:
    """The LU factorisation in one tensor, and its pivots: `dt.linalg.lu_factor`, and `lu_factor_ex` with the verdicts.

    Deprecated.

    Example, in today's form:
        >>> factors, pivots = dt.linalg.lu_factor(dt.eye(2) * 2)
        >>> factors.tolist(), pivots.tolist()
        ([[2.0, 0.0], [0.0, 2.0]], [1, 2])
    """
    _deprecated("lu", "linalg.lu_factor or linalg.lu_factor_ex")
    if get_infos:
        result = get_op("linalg_lu_factor_ex")(A, pivot=pivot)
    else:
        result = get_op("linalg_lu_factor")(A, pivot=pivot)
    return tuple(result) if out is None else checks.written("lu", tuple(result), out)


def set_default_tensor_type(t: Any) -> None:
    """Let tensors be made of the dtype and on the device that an older name of a type stands for.

    `dt.set_default_dtype` and `dt.set_default_device` say the same more plainly.

    Args:
        t: a floating-point type of this module, or its name: "torch.FloatTensor", "torch.cuda.HalfTensor".

    Example:
        >>> dt.set_default_tensor_type(dt.DoubleTensor)
        >>> dt.ones(1).dtype
        dovetail.float64
        >>> dt.set_default_tensor_type("torch.FloatTensor")
    """
    *modules, name = (t if isinstance(t, str) else getattr(t, "__name__", "")).split(".")
    kind, device = globals().get(name), modules[-1] if modules[1:] else "cpu"
    if not isinstance(kind, TensorType) or not kind.dtype.is_floating_point:
        raise TypeError(
            f"set_default_tensor_type: expected a floating-point type such as dt.FloatTensor or its name, got "
            f"{checks.shown(t)}"
        )
    try:
        _core.set_default_device(None if device == "cpu" else device)
    except Exception as error:
        checks.speak_as("set_default_tensor_type", error)
        raise
    _core.set_default_dtype(kind.dtype)


def typename(obj: Any) -> str:
    """The older name of a tensor's type; of another object its class's name.

    Example:
        >>> dt.typename(dt.ones(1)), dt.typename(1.5)
        ('dovetail.FloatTensor', 'float')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    cls = obj if isinstance(obj, type) else type(obj)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
