"""What the categories share: operands of one dtype, reductions, functions that are an op under another signature."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor
from .data_types import result_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_PAGES = "https://data-apis.org/array-api/2024.12/API_specification/generated/array_api"


def promoted(who: str, *operands: Any) -> list[Tensor]:
    """Tensors and Python numbers, as tensors of the dtype that the standard gives to them together.

    The rank plays no part, unlike in PyTorch's promotion.
    """
    given = [each for each in operands if isinstance(each, Tensor)]
    if not given:
        raise TypeError(f"{who}: expected at least one Tensor, got {', '.join(map(checks.shown, operands))}")
    for each in operands:
        if not isinstance(each, (Tensor, int, float, complex)):
            raise TypeError(f"{who}: expected Tensors and Python numbers, got {checks.shown(each)}")
    first = given[0]
    if len(given) == len(operands) and all(each.dtype is first.dtype for each in given):
        return given
    try:
        dtype = result_type(*operands)
    except TypeError as error:
        checks.speak_as(who, error)
        raise
    return [
        (each if each.dtype is dtype else each.to(dtype))
        if isinstance(each, Tensor)
        else _of_number(who, each, dtype, first.device)
        for each in operands
    ]


def _of_number(who: str, number: complex, dtype: _core.dtype, device: _core.device) -> Tensor:
    if isinstance(number, int) and number < 0 and not dtype.is_signed:  # which PyTorch lets wrap around
        raise OverflowError(f"{who}: {number} does not fit in {dtype.name}")
    return _core.tensor(number, dtype=dtype, device=device)


def described(function: Callable[..., Any], name: str, of: str) -> Callable[..., Any]:
    """Give a function that was made by another its name and documentation."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The standard's [{name}]({_PAGES}.{name}.html): `dt.{of}` under its signature."
    return function


def unary(name: str, op: str = "") -> Callable[[Tensor], Tensor]:
    """A function of one tensor that is an op of ours."""
    call = _core.get_op(op or name)

    def function(x: Tensor, /) -> Tensor:
        return call(x)

    return described(function, name, op or name)


def binary(name: str, op: str = "") -> Callable[[Any, Any], Tensor]:
    """A function of two tensors, or a tensor and a Python number, that is an op of ours."""
    call = _core.get_op(op or name)

    def function(x1: Tensor | complex, x2: Tensor | complex, /) -> Tensor:
        if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype is x2.dtype:  # the commonest case
            return call(x1, x2)
        return call(*promoted(name, x1, x2))

    return described(function, name, op or name)


def reduced(op: Any, x: Tensor, axis: int | Sequence[int] | None, keepdims: bool, **options: Any) -> Tensor:
    """A reduction by an op of ours. With `axis=()` every element is reduced by itself; in PyTorch that means all."""
    if isinstance(axis, (tuple, list)) and not axis:
        x, axis, keepdims = x.unsqueeze(-1), -1, False
    return op(x, axis, keepdim=keepdims, **options)


def accumulator(x: Tensor) -> _core.dtype:
    """The dtype of sums and products where none is asked for: integers get 64 bits and keep their sign."""
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return x.dtype
    return _core.int64 if x.dtype.is_signed or x.dtype is _core.bool else _core.uint64


def shaped(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape as a tuple."""
    return (shape,) if isinstance(shape, int) else tuple(shape)
