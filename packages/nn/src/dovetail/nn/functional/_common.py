"""What several families of functions share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import dovetail as dt
from dovetail import checks
from dovetail.ops import Op, get_op

F = TypeVar("F", bound=Callable[..., Any])
SIXTEEN = (dt.float16, dt.bfloat16)


def of_floats(function: F) -> F:
    """For the decomposition of an op of floating-point tensors: refuse others as its first tensor, and compute 16-bit
    ones in float32, rounding the result once."""
    return _rounded_once(function, require_floating)


def of_floats_and_complex(function: F) -> F:
    """As `of_floats`, of complex tensors too."""
    return _rounded_once(function, require_inexact)


def _rounded_once(function: F, require: Callable[[str, dt.Tensor], None]) -> F:
    name = function.__name__.removesuffix("_op")

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if isinstance(args[0], dt.Tensor) else next(arg for arg in args if isinstance(arg, dt.Tensor))
        require(name, first)
        dtype = first.dtype
        if dtype not in SIXTEEN:
            return function(*args, **kwargs)
        floats = {arg.dtype for arg in args if isinstance(arg, dt.Tensor) and arg.is_floating_point() and arg.ndim}
        if floats > {dtype}:
            return function(*args, **kwargs)
        widened = [
            arg.to(dt.float32) if isinstance(arg, dt.Tensor) and arg.is_floating_point() else arg for arg in args
        ]
        return function(*widened, **kwargs).to(dtype)

    return cast("F", checked)


def in_core(function: Callable[..., Any]) -> Op:
    """The core's op of that name, for a function that says what it takes and no more."""
    return get_op(function.__name__)


def takes_input(function: F) -> F:
    """For a function over ops: its `self` may be called `input`, as an op's may."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if "input" in kwargs and not args:
            kwargs["self"] = kwargs.pop("input")
        return function(*args, **kwargs)

    return cast("F", called)


def require_floating(name: str, tensor: dt.Tensor) -> None:
    """Refuse integer, bool and complex tensors."""
    if not tensor.is_floating_point():
        raise TypeError(f"{name}: expected a floating-point tensor, got {dtype_name(tensor)}; convert with .float()")


def require_inexact(name: str, tensor: dt.Tensor) -> None:
    """Refuse integer and bool tensors."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise TypeError(
            f"{name}: expected a floating-point or complex tensor, got {dtype_name(tensor)}; convert with .float()"
        )


def of_real_numbers(function: Callable[[dt.Tensor], dt.Tensor]) -> Callable[[dt.Tensor], dt.Tensor]:
    """For the decomposition of an op of one tensor: as `of_floats`, and integers become the default dtype."""
    inner, name = of_floats(function), function.__name__.removesuffix("_op")

    @functools.wraps(function)
    def checked(self: dt.Tensor) -> dt.Tensor:
        if self.dtype == dt.bool or self.is_complex():
            raise TypeError(f"{name}: expected a tensor of real numbers, got {dtype_name(self)}")
        return inner(self if self.is_floating_point() else self.to(dt.get_default_dtype()))

    return checked


def dtype_name(tensor: dt.Tensor) -> str:
    """`float32` for `dovetail.float32`."""
    return str(tensor.dtype).rpartition(".")[2]


def shape_text(tensor: dt.Tensor) -> str:
    return str(tuple(tensor.shape))


def wrapped(name: str, dim: int, input: dt.Tensor) -> int:
    """A dim of a tensor, counted from the front."""
    if not -input.ndim <= dim < input.ndim:
        raise IndexError(f"{name}: dim {dim} is out of range for an input of shape {shape_text(input)}")
    return dim % input.ndim


def spread(name: str, what: str, values: Any, dims: int) -> list[Any]:
    """One value for each of `dims` spatial dims; one stands for all."""
    entries = list(values) if isinstance(values, (list, tuple)) else [values]
    if len(entries) == 1:
        return entries * dims
    if len(entries) != dims:
        raise ValueError(f"{name}: {what} must be one number or {dims} of them, got {tuple(entries)}")
    return entries


def batched(name: str, dims: int, input: dt.Tensor) -> dt.Tensor:
    """An input with `dims` spatial dims, with a batch dim put before the channels where it has none."""
    if input.ndim == dims + 2:
        return input
    if input.ndim != dims + 1:
        raise ValueError(
            f"{name}: input must have {dims + 2} dims (N, C, ...), or {dims + 1} without a batch, "
            f"got shape {shape_text(input)}"
        )
    return input.unsqueeze(0)


def as_given(result: dt.Tensor, given: dt.Tensor, dims: int) -> dt.Tensor:
    """The result without the batch dim that `batched` put there."""
    return result if given.ndim == dims + 2 else result.squeeze(0)


def with_inplace(op: Op) -> Callable[..., dt.Tensor]:
    """An op that has an in-place form, as a function that takes `inplace` behind its other arguments."""
    from inspect import Parameter, Signature

    options = [arg for arg in op.args[1:] if not arg.keyword_only]
    in_place = getattr(dt.Tensor, f"{op.name}_")

    def function(input: dt.Tensor, *args: Any, **kwargs: Any) -> dt.Tensor:
        if len(args) > len(options):
            args, kwargs["inplace"] = args[:-1], args[-1]
        overwrite = kwargs.pop("inplace", False)
        if not isinstance(overwrite, (bool, int)):
            raise TypeError(f"{op.name}: inplace must be a bool, got {checks.shown(overwrite)}")
        return in_place(input, *args, **kwargs) if overwrite else op(input, *args, **kwargs)

    either = Parameter.POSITIONAL_OR_KEYWORD
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc + "\nWith `inplace=True` the result overwrites the input.\n"
    function.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter("input", either)]
        + [Parameter(a.name, either, default=a.default if a.has_default else Parameter.empty) for a in options]
        + [Parameter("inplace", either, default=False)]
    )
    return function


def in_place_of(op: Op) -> Callable[..., dt.Tensor]:
    """The function that overwrites its input: `relu_` for `relu`."""
    in_place = getattr(dt.Tensor, f"{op.name}_")

    def function(input: dt.Tensor, *args: Any, **kwargs: Any) -> dt.Tensor:
        return in_place(input, *args, **kwargs)

    function.__name__ = function.__qualname__ = f"{op.name}_"
    function.__doc__ = f"As `{op.name}`; the result overwrites the input."
    return function
