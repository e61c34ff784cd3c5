"""Functions that make tensors and take several forms of arguments."""

from __future__ import annotations

from . import _core, checks
from ._core import Generator, Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


__all__ = ["arange", "asarray", "bernoulli", "empty_strided", "normal", "randint", "randint_like", "scalar_tensor"]

_arange = get_op("arange")
_bernoulli = get_op("bernoulli")
_normal = get_op("normal")
_randint = get_op("randint")
_randint_like = get_op("randint_like")
_randn = get_op("randn")


def _ignore_layout(who: str, layout: Any, pin_memory: Any) -> None:
    """What PyTorch's factories take besides; both have one meaning only."""
    from .formats import ignore_layout

    ignore_layout(who, {"layout": layout, "pin_memory": pin_memory})


def _out(out: Tensor | None) -> dict[str, Tensor]:
    return {} if out is None else {"out": out}


def arange(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    out: Tensor | None = None,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from `start` up to, and without, `end`, in steps.

        out[i] = start + i * step

    Args:
        start: the first number; `arange(n)` starts from 0.
        end: where to stop.
        step: not 0.
        dtype: int64 if all three are integers, else the default float.

    Example:
        >>> dt.arange(3).tolist()
        [0, 1, 2]
        >>> dt.arange(1, 2, 0.5).tolist()
        [1.0, 1.5]
    """
    if layout is not None or pin_memory:
        _ignore_layout("arange", layout, pin_memory)
    if end is None:
        start, end = 0, start
    return _arange(start, end, step, dtype=dtype, device=device, requires_grad=requires_grad, **_out(out))


@checks.in_own_name
def asarray(
    obj: Any,
    *,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Any data as a tensor.

    Args:
        obj: a tensor, a number, nested sequences of them, or what has the buffer protocol or `__array__`.
        copy: True always copies, False never (ValueError where that is impossible), None where it must.

    Example:
        >>> dt.asarray([1, 2]).tolist()
        [1, 2]
    """
    if copy:
        result = _core.tensor(obj, dtype=dtype, device=device)
    else:
        result = _core.as_tensor(obj, dtype, device)
        if copy is False and not _shares(result, obj):
            raise ValueError("asarray: copy=False, but the data can't be taken without copying it")
    if requires_grad:
        result = result.detach() if result is obj else result
        result.requires_grad = True
    return result


def _shares(result: Tensor, obj: Any) -> bool:
    if isinstance(obj, Tensor):
        return result._storage_ptr() == obj._storage_ptr()
    interface = getattr(obj, "__array_interface__", None)
    if interface is not None:
        return bool(interface["data"][0] == result.data_ptr())
    try:
        view = memoryview(obj)
    except TypeError:
        return False
    return view.nbytes == 0 or _core.as_tensor(view).data_ptr() == result.data_ptr()


@checks.in_own_name
def scalar_tensor(
    s: float,
    *,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A zero-dim tensor of a number, in the default float unless `dtype` says otherwise.

    Example:
        >>> dt.scalar_tensor(2).item()
        2.0
    """
    if layout is not None or pin_memory:
        _ignore_layout("scalar_tensor", layout, pin_memory)
    return _core.tensor(s, dtype=dtype or _core.get_default_dtype(), device=device, requires_grad=requires_grad)


@checks.in_own_name
def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """An uninitialised tensor with given strides (in elements), in just enough memory.

    Example:
        >>> dt.empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """
    if layout is not None or pin_memory:
        _ignore_layout("empty_strided", layout, pin_memory)
    for name, value in (("size", size), ("stride", stride)):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"empty_strided: {name} must be a list or tuple of ints, got {checks.shown(value)}")
    checks.sizes("empty_strided", size=size, stride=stride)
    if len(size) != len(stride):
        raise ValueError(f"empty_strided: size and stride must be of one length, got {len(size)} and {len(stride)}")
    room = 0 if 0 in size else 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    result = get_op("empty")([room], dtype=dtype, device=device).as_strided(size, stride).detach()
    if requires_grad:
        result.requires_grad = True
    return result


# ---- random numbers ----


@checks.in_own_name
def randint(
    low: int = 0,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Random integers from `low` (0 by default) up to, and without, `high`: `randint(low, high, size)`.

    Args:
        size: the result's shape.
        generator: where the numbers come from; `dt.default_generator` by default.
        dtype: int64 by default.

    Example:
        >>> x = dt.randint(10, (2, 3))
        >>> x.shape, (x >= 0).all().item() and (x < 10).all().item()
        (dovetail.Size([2, 3]), True)
    """
    if layout is not None or pin_memory:
        _ignore_layout("randint", layout, pin_memory)
    if high is None or not isinstance(high, int):
        if high is not None:
            size = high
        low, high = 0, low
    if size is None:
        raise TypeError("randint: size is missing; call randint(high, size) or randint(low, high, size)")
    result = _randint(
        low, high, size, generator=generator, dtype=dtype or _core.int64, device=device, requires_grad=requires_grad
    )
    return checks.written("randint", result, out)


@checks.in_own_name
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Random integers in a tensor's shape, dtype and device: `randint_like(x, high)` or `(x, low, high)`.

    Example:
        >>> dt.randint_like(dt.ones(2), 5).shape
        dovetail.Size([2])
    """
    if layout is not None or pin_memory:
        _ignore_layout("randint_like", layout, pin_memory)
    if high is None:
        low, high = 0, low
    return _randint_like(input, low, high, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


@checks.in_own_name
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Ones and zeros: each element of `input` is the probability of a one, or `p` is that of all of them.

    Example:
        >>> dt.bernoulli(dt.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0]
    """
    if p is not None:
        if not 0 <= p <= 1:
            raise ValueError(f"bernoulli: p must be between 0 and 1, got {p}")
        floating = input.dtype if input.dtype.is_floating_point else _core.get_default_dtype()
        chances = get_op("full_like")(input, p, dtype=floating)
        result = _bernoulli(chances, generator=generator).to(input.dtype)
    else:
        result = _bernoulli(input, generator=generator)
    return checks.written("bernoulli", result, out)


@checks.in_own_name
def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: _core.dtype | None = None,
    device: _core.device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers from normal distributions.

    Args:
        mean, std: tensors, broadcast together, one distribution for each pair; or numbers, with `size`.
        size: the result's shape where both are numbers.
        generator: where the numbers come from; `dt.default_generator` by default.

    Example:
        >>> dt.normal(0.0, 1.0, (2, 3)).shape
        dovetail.Size([2, 3])
        >>> dt.normal(dt.tensor([1.0, 2.0]), 0.0).tolist()
        [1.0, 2.0]
    """
    if layout is not None or pin_memory:
        _ignore_layout("normal", layout, pin_memory)
    if not isinstance(std, Tensor) and std < 0:
        raise ValueError(f"normal: std must not be negative, got {std}")
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None:
            tensor = next(value for value in (mean, std) if isinstance(value, Tensor))
            raise TypeError(
                f"normal: size goes with numbers, got {size} beside a tensor, which has shape {tuple(tensor.shape)}"
            )
        result = _normal(mean, std, generator=generator)
    elif size is None:
        raise TypeError("normal: size is missing: normal(mean, std, size)")
    else:
        result = _randn(size, generator=generator, dtype=dtype, device=device) * std + mean
    if out is not None:
        return checks.written("normal", result, out)
    if requires_grad:
        result.requires_grad = True
    return result
