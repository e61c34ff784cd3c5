"""Pooling, with the indices on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail import checks

Sizes = int | Sequence[int]

avg_pool1d = dt.avg_pool1d
avg_pool2d = dt.avg_pool2d
avg_pool3d = dt.avg_pool3d


def _sizes(who: str, input: dt.Tensor, output_size: Any, dims: int) -> list[int]:
    """One size for each spatial dim; one int stands for all, None keeps a dim's."""
    checks.tensors(who, input=input)
    wanted = [output_size] * dims if output_size is None or isinstance(output_size, int) else list(output_size)
    if len(wanted) != dims:
        raise ValueError(f"{who}: output_size must be an int or have {dims} entries, got {checks.shown(output_size)}")
    own = input.shape[input.ndim - dims :]
    return [int(n if size is None else size) for n, size in zip(own, wanted, strict=True)]


def _adaptive(run: Callable[..., Any], dims: int, text: str) -> Callable[..., Any]:
    def adaptive_pool(input: dt.Tensor, output_size: Any) -> Any:
        return run(input, _sizes(run.__name__, input, output_size, dims))

    adaptive_pool.__name__ = adaptive_pool.__qualname__ = run.__name__
    adaptive_pool.__doc__ = text
    return checks.in_own_name(adaptive_pool)


_MEAN = "The mean of windows that divide the input into ``output_size`` parts; None keeps a dim."
_MOST = (
    "The largest value of windows that divide the input into ``output_size`` parts, and its place; None keeps a dim."
)
adaptive_avg_pool1d = _adaptive(dt.adaptive_avg_pool1d, 1, _MEAN)
adaptive_avg_pool2d = _adaptive(dt.adaptive_avg_pool2d, 2, _MEAN)
adaptive_avg_pool3d = _adaptive(dt.adaptive_avg_pool3d, 3, _MEAN)
adaptive_max_pool1d_with_indices = _adaptive(dt.adaptive_max_pool1d, 1, _MOST)
adaptive_max_pool2d_with_indices = _adaptive(dt.adaptive_max_pool2d, 2, _MOST)
adaptive_max_pool3d_with_indices = _adaptive(dt.adaptive_max_pool3d, 3, _MOST)


def _max_pool(plain: Callable[..., Any], with_indices: Callable[..., Any], text: str) -> Callable[..., Any]:
    def max_pool(
        input: dt.Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        try:
            run = with_indices if return_indices else plain
            return run(input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)
        except Exception as error:
            checks.speak_as(plain.__name__, error)
            raise

    max_pool.__name__ = max_pool.__qualname__ = plain.__name__
    max_pool.__doc__ = text
    return max_pool


max_pool1d_with_indices = dt.max_pool1d_with_indices
max_pool2d_with_indices = dt.max_pool2d_with_indices
max_pool3d_with_indices = dt.max_pool3d_with_indices
max_pool1d = _max_pool(dt.max_pool1d, max_pool1d_with_indices, "The largest value of every window; see MaxPool1d.")
max_pool2d = _max_pool(dt.max_pool2d, max_pool2d_with_indices, "The largest value of every window; see MaxPool2d.")
max_pool3d = _max_pool(dt.max_pool3d, max_pool3d_with_indices, "The largest value of every window; see MaxPool3d.")


@checks.in_own_name
def adaptive_max_pool1d(input: dt.Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest value of windows that divide the input into ``output_size`` parts."""
    values, indices = adaptive_max_pool1d_with_indices(input, output_size)
    return (values, indices) if return_indices else values


@checks.in_own_name
def adaptive_max_pool2d(input: dt.Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """As adaptive_max_pool1d, over two spatial dims."""
    values, indices = adaptive_max_pool2d_with_indices(input, output_size)
    return (values, indices) if return_indices else values


@checks.in_own_name
def adaptive_max_pool3d(input: dt.Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """As adaptive_max_pool1d, over three spatial dims."""
    values, indices = adaptive_max_pool3d_with_indices(input, output_size)
    return (values, indices) if return_indices else values
