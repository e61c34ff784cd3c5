"""In-place methods that call a Python function for every element."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


@checks.in_own_name
def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace every element by a Python function of it; returns self. An op is faster by far.

    Example:
        >>> dt.tensor([1.0, 2.0]).apply_(lambda value: value * 10).tolist()
        [10.0, 20.0]
    """
    return _replaced("apply_", self, callable)


@checks.in_own_name
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace every element by a Python function of it and another tensor's, of the same dtype; returns self.

    Example:
        >>> dt.tensor([1.0, 2.0]).map_(dt.tensor([3.0, 4.0]), lambda a, b: a * b).tolist()
        [3.0, 8.0]
    """
    checks.tensors("map_", tensor=tensor)
    return _replaced("map_", self, callable, tensor=tensor)


@checks.in_own_name
def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replace every element by a Python function of it and two other tensors', of the same dtype; returns self.

    Example:
        >>> x = dt.tensor([1.0, 2.0])
        >>> x.map2_(x, x, lambda a, b, c: a + b + c).tolist()
        [3.0, 6.0]
    """
    checks.tensors("map2_", x=x, y=y)
    return _replaced("map2_", self, callable, x=x, y=y)


def _replaced(who: str, self: Tensor, callable: Callable[..., Any], **others: Tensor) -> Tensor:
    checks.callables(who, callable=callable)
    for name, each in {"the tensor": self, **others}.items():
        if each.requires_grad:
            raise RuntimeError(f"{who}: {name} requires gradients, which a Python function has none of; detach() it")
        if each.dtype is not self.dtype:
            raise TypeError(f"{who}: {name} must be of {self.dtype.name}, got {each.dtype.name}")
    lines = [self.reshape(-1).tolist(), *(each.expand(self.shape).reshape(-1).tolist() for each in others.values())]
    kind, wide = _number(who, self.dtype)
    values = [kind(callable(*each)) for each in zip(*lines, strict=True)]
    return self.copy_(_core.tensor(values, dtype=wide, device=self.device).reshape(self.shape))


def _number(who: str, dtype: _core.dtype) -> tuple[Callable[[Any], Any], _core.dtype]:
    """How a function's result is read, and a dtype that holds it."""
    kind: Any = complex if dtype.is_complex else float if dtype.is_floating_point else int
    if dtype is _core.bool:
        return bool, dtype
    if kind is not int:

        def number(value: Any) -> Any:
            if isinstance(value, (str, bytes)):
                raise TypeError(f"{who}: the function must give numbers, got {checks.shown(value)}")
            return kind(value)

        return number, _core.complex128 if dtype.is_complex else _core.float64
    most = 2 ** (8 * dtype.itemsize - dtype.is_signed) - 1

    def integer(value: Any) -> int:
        if isinstance(value, (str, bytes)) or not -most - 1 <= value <= most:
            raise ValueError(
                f"{who}: the function must give numbers that {dtype.name} holds, got {checks.shown(value)}"
            )
        return int(value) % 2**64 if dtype is _core.uint64 else int(value)  # negative ones wrap around

    return integer, dtype if dtype is _core.uint64 else _core.int64


METHODS: dict[str, Any] = {"apply_": apply_, "map_": map_, "map2_": map2_}
