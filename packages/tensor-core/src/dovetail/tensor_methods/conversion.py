"""Other dtypes, other devices, other kinds of text."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor, device, dtype, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_cast = get_op("cast")
_clone = get_op("clone")
_to_device = get_op("to_device")


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype or on another device; itself where nothing changes.

    Forms:
        `to(dtype)`, `to(device)`, `to(device, dtype)`, `to(other)` for another tensor's dtype and device, each with
        `non_blocking=False, copy=False`. `copy=True` always copies. `memory_format=` orders the elements in memory.

    Example:
        >>> dt.tensor([1, 2]).to(dt.float32).tolist()
        [1.0, 2.0]
    """
    try:
        if len(args) == 1 and type(args[0]) is dtype and not kwargs:  # the commonest form
            wanted = args[0]
            return self if self.dtype is wanted else _cast(self, wanted)
        wanted = kwargs.pop("memory_format", None)
        place, kind, copy = _target(args, kwargs)
        result = self
        if place is not None and device(place) != self.device:
            result = _to_device(result, place)
        if kind is not None and kind is not result.dtype:
            result = _cast(result, kind)
        result = _clone(self) if copy and result is self else result
        return result if wanted is None else _in_format(result, wanted)
    except Exception as error:
        checks.speak_as("to", error, args, kwargs)
        raise


def _in_format(x: Tensor, wanted: Any) -> Tensor:
    from ..formats import as_format

    return as_format("to", x, wanted)


def _target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """Where to, as what, and whether to copy in any case."""
    options: dict[str, Any] = {"dtype": None, "device": None, "non_blocking": False, "copy": False, "other": None}
    for name in kwargs:
        if name not in options:
            raise TypeError(f"to: unexpected keyword argument {name!r}")
    options.update(kwargs)
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        options["other"] = rest.pop(0)
    elif rest and isinstance(rest[0], (str, device, int)) and not isinstance(rest[0], bool):
        options["device"] = rest.pop(0)
        if rest and isinstance(rest[0], (dtype, type(None))):
            options["dtype"] = rest.pop(0)
    elif rest and isinstance(rest[0], (dtype, type)):
        options["dtype"] = rest.pop(0)
    elif rest and rest[0] is None:
        rest.pop(0)
        if rest and isinstance(rest[0], (dtype, type(None))):
            options["dtype"] = rest.pop(0)
    elif rest:
        raise TypeError(f"to: expected a dtype, a device or a Tensor, got {type(rest[0]).__name__} {rest[0]!r}")
    for name, value in zip(("non_blocking", "copy"), rest, strict=False):
        options[name] = value
    if len(rest) > 2:
        raise TypeError(f"to: takes a device and a dtype or a Tensor, non_blocking and copy, got {len(args)} arguments")
    if options["other"] is not None:
        options["device"], options["dtype"] = options["other"].device, options["other"].dtype
    kind = options["dtype"]
    if isinstance(kind, type):
        if kind not in _BUILTINS:
            raise TypeError(f"to: expected a dtype, got {kind!r}")
        kind = _BUILTINS[kind]()
    return options["device"], kind, bool(options["copy"])


# What Python's own types mean as a dtype.
_BUILTINS: dict[type, Callable[[], _core.dtype]] = {
    float: _core.get_default_dtype,
    int: lambda: _core.int64,
    bool: lambda: _core.bool,
}


@checks.in_own_name
def cpu(self: Tensor) -> Tensor:
    """The tensor on the CPU; itself where it is there.

    Example:
        >>> dt.tensor([1]).cpu().device.type
        'cpu'
    """
    return to(self, "cpu")


@checks.in_own_name
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """The tensor on a CUDA device, the current one by default."""
    if device is None:
        return to(self, "cuda")
    return to(self, f"cuda:{device}" if isinstance(device, int) else device)


@checks.in_own_name
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in another's dtype.

    Example:
        >>> dt.tensor([1]).type_as(dt.ones(1)).dtype
        dovetail.float32
    """
    checks.tensors("type_as", other=other)
    return to(self, other.dtype)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The tensor in a dtype; without one the name of its type.

    Example:
        >>> dt.tensor([1]).type()
        'dovetail.LongTensor'
        >>> dt.tensor([1]).type(dt.float32).tolist()
        [1.0]
    """
    if dtype is None:
        return f"dovetail.{_LEGACY[self.dtype.name]}"
    if isinstance(dtype, type):  # dt.FloatTensor and the like
        dtype = getattr(dtype, "dtype", dtype)
    if isinstance(dtype, str):
        names = {legacy: name for name, legacy in _LEGACY.items()}
        name = names.get(dtype.rpartition(".")[2], dtype.rpartition(".")[2])
        found = getattr(_core, name, None)
        if not isinstance(found, _core.dtype):
            raise ValueError(f"type: there is no dtype {dtype!r}")
        dtype = found
    return to(self, dtype)


_LEGACY = {
    "float32": "FloatTensor",
    "float64": "DoubleTensor",
    "float16": "HalfTensor",
    "bfloat16": "BFloat16Tensor",
    "int8": "CharTensor",
    "int16": "ShortTensor",
    "int32": "IntTensor",
    "int64": "LongTensor",
    "uint8": "ByteTensor",
    "uint16": "UInt16Tensor",
    "uint32": "UInt32Tensor",
    "uint64": "UInt64Tensor",
    "bool": "BoolTensor",
    "complex64": "ComplexFloatTensor",
    "complex128": "ComplexDoubleTensor",
}


def _to_named(name: str, wanted: _core.dtype) -> Any:
    def convert(self: Tensor) -> Tensor:
        try:
            return self if self.dtype is wanted else _cast(self, wanted)
        except Exception as error:
            checks.speak_as(name, error)
            raise

    convert.__name__ = name
    convert.__qualname__ = f"Tensor.{name}"
    convert.__doc__ = f"The tensor as {wanted.name}; itself where it is so already."
    return convert


_SHORT = {
    "float": _core.float32,
    "double": _core.float64,
    "half": _core.float16,
    "bfloat16": _core.bfloat16,
    "char": _core.int8,
    "short": _core.int16,
    "int": _core.int32,
    "long": _core.int64,
    "byte": _core.uint8,
    "bool": _core.bool,
    "cfloat": _core.complex64,
    "cdouble": _core.complex128,
}


def chalf(self: Tensor) -> Tensor:
    """Refuses: there is no complex dtype of 16-bit parts. `cfloat()` is the smallest.

    Example:
        >>> try:
        ...     dt.ones(1).chalf()
        ... except TypeError as error:
        ...     print(str(error)[:25])
        chalf: there is no comple
    """
    raise TypeError("chalf: there is no complex dtype of 16-bit parts; use cfloat()")


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: memory of the CPU is not pinned.

    Example:
        >>> dt.tensor([1]).pin_memory().tolist()
        [1]
    """
    return self


def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is pinned: never, on the CPU.

    Example:
        >>> dt.tensor([1]).is_pinned()
        False
    """
    return False


def __repr__(self: Tensor) -> str:
    from ..printing import tensor_text

    return tensor_text(self)


def __format__(self: Tensor, spec: str) -> str:
    """A zero-dim tensor formats as its number does, also without a spec: `f"{loss}"`."""
    if self.ndim == 0:
        try:
            return format(self.item(), spec)
        except RuntimeError:  # mapped by vmap, it stands for many numbers
            if spec:
                raise
    return object.__format__(self, spec)


METHODS: dict[str, Any] = {
    "to": to,
    "cpu": cpu,
    "cuda": cuda,
    "chalf": chalf,
    "type": checks.in_own_name(type_, "type"),
    "type_as": type_as,
    "pin_memory": pin_memory,
    "is_pinned": is_pinned,
    "__repr__": __repr__,
    "__str__": __repr__,
    "__format__": __format__,
    **{name: _to_named(name, wanted) for name, wanted in _SHORT.items()},
}
