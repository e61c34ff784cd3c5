"""What several families of composites share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar, cast

import dovetail as dt
from dovetail import Tensor
from dovetail._core import _is_wrapped_number, get_op

expand = get_op("expand")
F = TypeVar("F", bound=Callable[..., Tensor])


def promoted(*tensors: Tensor) -> list[Tensor]:
    """The tensors cast to the dtype in which they meet.

    A composite that mixes its arguments with constants does this first: a Python number that stands for a tensor
    loses its weak dtype in the first op that mixes it with another number.
    """
    return _cast(tensors, dt.result_type(*tensors))


def _cast(tensors: Sequence[Tensor], dtype: dt.dtype) -> list[Tensor]:
    # A number that has the dtype already would stay one, without a copy.
    return [tensor.to(dtype, copy=_is_wrapped_number(tensor)) for tensor in tensors]


def promoted_floating(*tensors: Tensor) -> list[Tensor]:
    """Like `promoted`; integers and bool become the default float."""
    dtype = dt.result_type(*tensors)
    if not dtype.is_floating_point and not dtype.is_complex:
        dtype = dt.get_default_dtype()
    return _cast(tensors, dtype)


def widened(tensor: Tensor) -> Tensor:
    """A tensor of 16-bit floats as float32; any other as it is."""
    return tensor.to(dt.float32) if tensor.dtype in (dt.float16, dt.bfloat16) else tensor


def in_float(fn: F) -> F:
    """Let a composite see 16-bit floats as float32, and round its result once.

    For composites whose intermediate values would overflow 16 bits, or lose their digits there.
    """

    @functools.wraps(fn)
    def wide(*args: Any, **kwargs: Any) -> Tensor:
        dtypes = {arg.dtype for arg in args if isinstance(arg, Tensor) and not _is_wrapped_number(arg)}
        if dtypes not in ({dt.float16}, {dt.bfloat16}):  # a mixture is refused, or promoted, as ever
            return fn(*args, **kwargs)
        wider = [arg.to(dt.float32) if isinstance(arg, Tensor) else arg for arg in args]
        return fn(*wider, **kwargs).to(*dtypes)

    return cast("F", wide)


def refuse_complex(name: str, *tensors: Tensor) -> None:
    """Refuse complex tensors, where there is no meaning for them."""
    for tensor in tensors:
        if tensor.dtype.is_complex:
            raise TypeError(f"{name}: not defined for dtype {short(tensor.dtype)}")


def require_floating(name: str, *tensors: Tensor) -> None:
    """Refuse integer and bool tensors, where PyTorch has no meaning for them."""
    dtype = dt.result_type(*tensors)
    if not dtype.is_floating_point and not dtype.is_complex:
        got = " and ".join(dict.fromkeys(short(tensor.dtype) for tensor in tensors))
        raise TypeError(f"{name}: expected floating-point tensors, got {got}; convert with .float()")


def short(dtype: dt.dtype) -> str:
    """`float32` for `dovetail.float32`."""
    return str(dtype).rpartition(".")[2]


def wrap_dim(name: str, dim: int, ndim: int) -> int:
    """Count a negative dim from the end; a zero-dim tensor has dims 0 and -1."""
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise IndexError(f"{name}: dim {dim} is out of range for {ndim} dims: expected {-bound} to {bound - 1}")
    return dim % bound


def wrap_dims(name: str, dims: Sequence[int], ndim: int) -> list[int]:
    """Wrap several dims, which must differ."""
    wrapped = [wrap_dim(name, dim, ndim) for dim in dims]
    if len(set(wrapped)) != len(wrapped):
        raise ValueError(f"{name}: a dim appears twice in {list(dims)}")
    return wrapped


def refuse(error: type[Exception], name: str, message: str) -> NoReturn:
    raise error(f"{name}: {message}")


def root(value: Tensor) -> Tensor:
    """The square root of a non-negative tensor, with gradient 0 where the value is 0."""
    zero = value == 0
    return dt.where(zero, value, dt.sqrt(dt.where(zero, 1, value)))


def shape_text(shape: Sequence[int]) -> str:
    return str(tuple(shape))


def batched(name: str, spatial: int, input: Tensor) -> Tensor:
    """The input of a convolution or pooling with a batch dim."""
    if input.ndim == spatial + 2:
        return input
    if input.ndim != spatial + 1:
        raise ValueError(
            f"{name}: input must have {spatial + 2} dims (N, C, ...), or {spatial + 1} without a batch, "
            f"got shape {shape_text(input.shape)}"
        )
    return dt.unsqueeze(input, 0)


def spread(name: str, argument: str, values: Sequence[int], spatial: int) -> list[int]:
    """One value for every dim."""
    if len(values) == 1:
        return list(values) * spatial
    if len(values) != spatial:
        raise ValueError(f"{name}: {argument} must be an int or {spatial} of them, got {list(values)}")
    return list(values)
