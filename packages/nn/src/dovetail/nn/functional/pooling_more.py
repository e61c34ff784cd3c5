"""Pooling by norms, with random windows, and its partial inverse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import as_given, batched, of_floats, shape_text, spread
from .pooling import Sizes

AVERAGES = {1: dt.avg_pool1d, 2: dt.avg_pool2d, 3: dt.avg_pool3d}
LARGEST = {1: dt.max_pool1d, 2: dt.max_pool2d, 3: dt.max_pool3d}


def named(name: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name a function that is made for each number of dims, and let its refusals begin with that name."""

    def dress(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__name__ = function.__qualname__ = name
        function.__doc__ = text
        return checks.in_own_name(function, name)

    return dress


# ---- by norms -----------------------------------------------------------------------------------------------------


@op("lp_pool(Tensor input, float norm_type, int[] kernel_size, int[] stride=[], bool ceil_mode=False) -> Tensor")
@of_floats
def lp_pool(
    input: dt.Tensor, norm_type: float, kernel_size: Sequence[int], stride: Sequence[int], ceil_mode: bool
) -> dt.Tensor:
    """The p-norm of every window, over as many dims as the kernel has sizes.

        out = (Σ x^p)^(1/p)

    Args:
        norm_type: p; infinity takes the largest absolute value.
        kernel_size, stride, ceil_mode: as avg_pool's.

    Example:
        >>> dt.lp_pool(dt.tensor([[[3.0, 4.0]]]), 2.0, [2]).tolist()
        [[[5.0]]]
    """
    dims = len(kernel_size)
    if dims not in AVERAGES:
        raise ValueError(f"lp_pool: expected 1 to 3 kernel sizes, got {dims}")
    if norm_type == 0:
        raise ValueError("lp_pool: norm_type must not be 0")
    step = list(stride) or list(kernel_size)
    if math.isinf(norm_type):
        most = LARGEST[dims]
        x = input.abs() if norm_type > 0 else -input.abs()
        most_of = most(x, kernel_size, step, [0] * dims, [1] * dims, ceil_mode)
        return most_of if norm_type > 0 else -most_of
    mean = AVERAGES[dims](input.pow(norm_type), kernel_size, step, [0] * dims, ceil_mode)
    return (mean.clamp(min=0) * math.prod(kernel_size)).pow(1 / norm_type)


def _lp_pool(dims: int) -> Callable[..., dt.Tensor]:
    name = f"lp_pool{dims}d"

    @named(name, f"The p-norm of every window over {dims} spatial dims: ``(Σ x^p)^(1/p)``; see LPPool{dims}d.")
    def pool(
        input: dt.Tensor,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> dt.Tensor:
        checks.tensors(name, input=input)
        checks.numbers(name, norm_type=norm_type)
        checks.ints(name, kernel_size=kernel_size)
        kernel = spread(name, "kernel_size", kernel_size, dims)
        step = [] if stride is None else spread(name, "stride", stride, dims)
        return lp_pool(input, norm_type, kernel, step, ceil_mode)

    return pool


lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pool, (1, 2, 3))


# ---- with random windows ------------------------------------------------------------------------------------------


@op(
    "fractional_max_pool(Tensor input, int[] kernel_size, int[] output_size, Tensor random_samples) "
    "-> (Tensor values, Tensor indices)",
    kernel=True,
)
def fractional_max_pool(
    input: dt.Tensor, kernel_size: Sequence[int], output_size: Sequence[int], random_samples: dt.Tensor
) -> tuple[dt.Tensor, dt.Tensor]:
    """The largest value of windows whose places are drawn at random, evenly over the input.

    Args:
        input: ``(N, C, *)`` with two or three spatial dims.
        kernel_size, output_size: for each of them.
        random_samples: in [0, 1), ``(N, C, dims)``: where the windows of each dim begin.

    Returns:
        The values, and where in its plane each is.

    Source: Graham, "Fractional Max-Pooling", arXiv:1412.6071.

    Example:
        >>> image = dt.arange(4.0).reshape(1, 1, 2, 2)
        >>> values, places = dt.fractional_max_pool(image, [2, 2], [1, 1], dt.zeros(1, 1, 2))
        >>> values.item(), places.item()
        (3.0, 3)
    """
    dims = len(kernel_size)
    who = "fractional_max_pool"
    x = batched(who, dims, input)
    for size, kernel, wanted in zip(x.shape[2:], kernel_size, output_size, strict=True):
        if kernel < 1 or wanted < 1 or wanted + kernel - 1 > size:
            raise ValueError(
                f"{who}: {wanted} windows of {kernel} do not fit into size {size} (input of shape {shape_text(input)})"
            )
    planes = x.shape[:2]
    if tuple(random_samples.shape) != (*planes, dims):
        raise ValueError(
            f"{who}: expected random samples of shape {(*planes, dims)}, got {tuple(random_samples.shape)}"
        )
    places = dt.zeros([1] * x.ndim, dtype=dt.int64, device=x.device)
    for dim, (kernel, wanted) in enumerate(zip(kernel_size, output_size, strict=True)):
        at = 2 + 2 * dim  # each dim before has become two: windows, and their elements
        size = x.shape[at]
        rows = _starts(random_samples.select(-1, dim), size, kernel, wanted).unsqueeze(-1)
        rows = (rows + dt.arange(kernel, device=x.device)).reshape(*planes, wanted * kernel)
        index = rows.reshape([*planes, *[1] * (at - 2), wanted * kernel, *[1] * (x.ndim - at - 1)])
        x = x.gather(at, index.expand([*x.shape[:at], wanted * kernel, *x.shape[at + 1 :]]))
        places = places * size + index
        x = x.unflatten(at, (wanted, kernel))
        places = places.unflatten(at, (wanted, kernel))
        if dim + 1 < dims:
            places = places.reshape([*places.shape[: at + 2], *[1] * (x.ndim - at - 2)])
    order = [0, 1, *range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2)]
    x = x.permute(order).flatten(2 + dims)
    places = places.expand([*planes, *places.shape[2:]]).permute(order).flatten(2 + dims).expand(x.shape)
    values, chosen = dt.max(x, -1)
    indices = places.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)
    return as_given(values, input, dims), as_given(indices, input, dims)


def _starts(sample: dt.Tensor, size: int, kernel: int, count: int) -> dt.Tensor:
    """Where the windows of every plane begin along a dim: their distances follow from the sample."""
    last = dt.full([*sample.shape, 1], size - kernel, dtype=dt.int64, device=sample.device)
    if count == 1:
        return last
    alpha = (size - kernel) / (count - 1)
    steps = dt.arange(count - 1, device=sample.device).to(sample.dtype)
    begin = sample.unsqueeze(-1)
    rows = ((steps + begin) * alpha).to(dt.int64) - (begin * alpha).to(dt.int64)
    return dt.cat([rows, last], -1)


def _fractional(dims: int, indices: bool) -> Callable[..., Any]:
    name = f"fractional_max_pool{dims}d" + "_with_indices" * indices
    more = ", and its place" * indices

    @named(name, f"The largest value of every random window{more}; see FractionalMaxPool{dims}d.")
    def pool(
        input: dt.Tensor,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: dt.Tensor | None = None,
    ) -> Any:
        checks.tensors(name, input=input)
        kernel = spread(name, "kernel_size", kernel_size, dims)
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{name}: give output_size or output_ratio, one of them; got {checks.shown(output_size)} and "
                f"{checks.shown(output_ratio)}"
            )
        own = input.shape[input.ndim - dims :]
        if output_size is not None:
            wanted = spread(name, "output_size", output_size, dims)
        else:
            ratios = spread(name, "output_ratio", output_ratio, dims)
            wanted = [int(size * ratio) for size, ratio in zip(own, ratios, strict=True)]
        samples = _random_samples
        if samples is None:
            planes = batched(name, dims, input).shape[:2]
            samples = dt.rand([*planes, dims], dtype=input.dtype, device=input.device)
        if dims == 2:  # PyTorch's samples of images begin with the last dim's, those of volumes with the first's
            samples = samples.flip(-1)
        values, places = fractional_max_pool(input, kernel, wanted, samples)
        return (values, places) if indices or return_indices else values

    return pool


fractional_max_pool2d, fractional_max_pool3d = (_fractional(dims, False) for dims in (2, 3))
fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices = (_fractional(dims, True) for dims in (2, 3))


# ---- the partial inverse ------------------------------------------------------------------------------------------


@op("max_unpool(Tensor input, Tensor indices, int[] output_size) -> Tensor")
def max_unpool(input: dt.Tensor, indices: dt.Tensor, output_size: Sequence[int]) -> dt.Tensor:
    """Values put back where max-pooling found them; zero elsewhere.

    Args:
        input: ``(N, C, *)`` or ``(C, *)``.
        indices: of that shape, where each value goes in its plane.
        output_size: the plane's sizes.

    Example:
        >>> dt.max_unpool(dt.tensor([[[5.0, 7.0]]]), dt.tensor([[[1, 2]]]), [4]).tolist()
        [[[0.0, 5.0, 7.0, 0.0]]]
    """
    dims = len(output_size)
    who = "max_unpool"
    if indices.shape != input.shape:
        raise ValueError(f"{who}: input {shape_text(input)} and indices {shape_text(indices)} must have one shape")
    if input.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{who}: expected an input (N, C, *) with {dims} spatial dims, got shape {shape_text(input)}")
    planes = input.shape[: input.ndim - dims]
    flat = dt.zeros([*planes, math.prod(output_size)], dtype=input.dtype, device=input.device)
    return flat.scatter(-1, indices.flatten(-dims), input.flatten(-dims)).reshape([*planes, *output_size])


def _unpool(dims: int) -> Callable[..., dt.Tensor]:
    name = f"max_unpool{dims}d"

    @named(name, f"Values put back where max-pooling found them, over {dims} spatial dims; see MaxUnpool{dims}d.")
    def unpool(
        input: dt.Tensor,
        indices: dt.Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: Sequence[int] | None = None,
    ) -> dt.Tensor:
        checks.tensors(name, input=input, indices=indices)
        kernel = spread(name, "kernel_size", kernel_size, dims)
        step = kernel if stride is None else spread(name, "stride", stride, dims)
        around = spread(name, "padding", padding, dims)
        if input.ndim not in (dims + 1, dims + 2):
            raise ValueError(
                f"{name}: expected an input (N, C, *) with {dims} spatial dims, got shape {shape_text(input)}"
            )
        usual = [
            (size - 1) * move + length - 2 * pad
            for size, move, length, pad in zip(input.shape[-dims:], step, kernel, around, strict=True)
        ]
        wanted = usual if output_size is None else list(output_size)[-dims:]
        for dim, (most, move) in enumerate(zip(usual, step, strict=True)):
            if len(wanted) != dims or not most - move < wanted[dim] < most + move:
                raise ValueError(
                    f"{name}: output_size {tuple(wanted)} cannot be had: dim {dim} can be {most - move + 1} to "
                    f"{most + move - 1}"
                )
        return max_unpool(input, indices, wanted)

    return unpool


max_unpool1d, max_unpool2d, max_unpool3d = map(_unpool, (1, 2, 3))
