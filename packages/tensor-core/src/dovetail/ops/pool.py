"""Pooling in one to three dims, over the primitives for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import batched, expand, spread

avg_pool = get_op("avg_pool")
max_pool = get_op("max_pool")


def _window(
    name: str, spatial: int, kernel_size: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> tuple[list[int], list[int], list[int]]:
    kernel = spread(name, "kernel_size", kernel_size, spatial)
    step = spread(name, "stride", stride, spatial) if stride else kernel
    return kernel, step, spread(name, "padding", padding, spatial)


def _max_pool(
    spatial: int,
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    name = f"max_pool{spatial}d"
    batch = batched(name, spatial, x)
    window = _window(name, spatial, kernel_size, stride, padding)
    gaps = spread(name, "dilation", dilation, spatial)
    values, indices = max_pool(batch, *window, gaps, ceil_mode)
    return (values, indices) if batch is x else (dt.squeeze(values, [0]), dt.squeeze(indices, [0]))


def _avg_pool(
    spatial: int,
    x: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    name = f"avg_pool{spatial}d"
    batch = batched(name, spatial, x)
    window = _window(name, spatial, kernel_size, stride, padding)
    if divisor_override == 0:
        raise ValueError(f"{name}: divisor_override must not be zero, got {divisor_override}")
    out = avg_pool(batch, *window, ceil_mode, count_include_pad, divisor_override)
    return out if batch is x else dt.squeeze(out, [0])


# ---- adaptive pooling: the window of output i of n is [floor(i * size / n), ceil((i + 1) * size / n)) ----


def _targets(name: str, spatial: int, x: Tensor, output_size: Sequence[int]) -> list[int]:
    targets = spread(name, "output_size", output_size, spatial)
    if min(targets) < 0:
        raise ValueError(f"{name}: output_size must not be negative, got {targets}")
    if max(targets) > _MOST_WINDOWS:
        raise ValueError(
            f"{name}: output_size {targets} asks for more windows than there can be ({_MOST_WINDOWS} a dim)"
        )
    return targets


_MOST_WINDOWS = 2**24  # each has its own list entry


def _edges(size: int, parts: int) -> list[tuple[int, int]]:
    return [(i * size // parts, -(-(i + 1) * size // parts)) for i in range(parts)]


def _adaptive_avg_pool(spatial: int, x: Tensor, output_size: Sequence[int]) -> Tensor:
    name = f"adaptive_avg_pool{spatial}d"
    targets = _targets(name, spatial, x, output_size)
    out = batched(name, spatial, x)
    sizes = out.shape[2:]
    if all(parts and size % parts == 0 for size, parts in zip(sizes, targets, strict=True)):
        kernel = [size // parts for size, parts in zip(sizes, targets, strict=True)]
        out = avg_pool(out, kernel, kernel, [0] * spatial, False, True, None)
    else:
        # A window is a product of intervals, so the dims are averaged one after the other.
        for dim, parts in enumerate(targets, start=2):
            out = _averaged(out, dim, parts)
    return out if x.ndim == spatial + 2 else dt.squeeze(out, [0])


def _averaged(x: Tensor, dim: int, parts: int) -> Tensor:
    if parts == 0:
        return dt.narrow(x, dim, 0, 0)
    means = [dt.mean(dt.narrow(x, dim, begin, end - begin), [dim], True) for begin, end in _edges(x.shape[dim], parts)]
    return dt.cat(means, dim)


def _adaptive_max_pool(spatial: int, x: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    name = f"adaptive_max_pool{spatial}d"
    targets = _targets(name, spatial, x, output_size)
    out = batched(name, spatial, x)
    sizes = list(out.shape[2:])
    positions = dt.reshape(dt.arange(math.prod(sizes), device=x.device), sizes)
    # Every dim is spread into (outputs, window); windows shorter than the longest repeat their last element.
    for k, (size, parts) in enumerate(zip(sizes, targets, strict=True)):
        edges = _edges(size, parts)
        length = max((end - begin for begin, end in edges), default=1)
        flat = [min(begin + j, end - 1) for begin, end in edges for j in range(length)]
        index = dt.tensor(flat, dtype=dt.int64, device=x.device)
        out = dt.unflatten(dt.index_select(out, 2 + 2 * k, index), 2 + 2 * k, (parts, length))
        positions = dt.unflatten(dt.index_select(positions, 2 * k, index), 2 * k, (parts, length))
    outputs, windows = range(0, 2 * spatial, 2), range(1, 2 * spatial, 2)
    order = [0, 1, *(2 + i for i in outputs), *(2 + i for i in windows)]
    out = dt.flatten(dt.permute(out, order), 2 + spatial)
    positions = dt.flatten(dt.permute(positions, [*outputs, *windows]), spatial)
    values, chosen = dt.max(out, -1)
    indices = dt.squeeze(dt.gather(expand(positions, out.shape), -1, dt.unsqueeze(chosen, -1)), [-1])
    if x.ndim == spatial + 2:
        return values, indices
    return dt.squeeze(values, [0]), dt.squeeze(indices, [0])


@op(
    "max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], "
    "int[1] dilation=[1], bool ceil_mode=False) -> (Tensor values, Tensor indices)"
)
def max_pool1d_with_indices(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    """The largest element of every window over signals, and where it is in the flattened input plane.

    See `dt.max_pool1d`.

    Example:
        >>> values, indices = dt.max_pool1d_with_indices(dt.arange(2.0).reshape(1, 1, 2), 2)
        >>> values.item(), indices.item()
        (1.0, 1)
    """
    return _max_pool(1, self, kernel_size, stride, padding, dilation, ceil_mode)


@op(
    "max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], "
    "int[1] dilation=[1], bool ceil_mode=False) -> Tensor"
)
def max_pool1d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """The largest element of every window over signals.

        size of the result = (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down

    Args:
        kernel_size: the window's.
        stride: how far it moves; its size by default.
        padding: -inf around the input, at most half of the window.
        dilation: the distance between the window's elements.
        ceil_mode: round the result's size up instead.

    Shapes: (N, C, L), or (C, L) without a batch.

    Example:
        >>> dt.max_pool1d(dt.ones(1, 1, 4), 2).shape
        dovetail.Size([1, 1, 2])
    """
    return _max_pool(1, self, kernel_size, stride, padding, dilation, ceil_mode)[0]


@op(
    "max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], "
    "int[2] dilation=[1, 1], bool ceil_mode=False) -> (Tensor values, Tensor indices)"
)
def max_pool2d_with_indices(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    """The largest element of every window over images, and where it is in the flattened input plane.

    See `dt.max_pool2d`.

    Example:
        >>> values, indices = dt.max_pool2d_with_indices(dt.arange(4.0).reshape(1, 1, 2, 2), 2)
        >>> values.item(), indices.item()
        (3.0, 3)
    """
    return _max_pool(2, self, kernel_size, stride, padding, dilation, ceil_mode)


@op(
    "max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], "
    "int[2] dilation=[1, 1], bool ceil_mode=False) -> Tensor"
)
def max_pool2d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """The largest element of every window over images.

        size of the result = (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down

    Args:
        kernel_size: the window's.
        stride: how far it moves; its size by default.
        padding: -inf around the input, at most half of the window.
        dilation: the distance between the window's elements.
        ceil_mode: round the result's size up instead.

    Shapes: (N, C, H, W), or (C, H, W) without a batch.

    Example:
        >>> dt.max_pool2d(dt.ones(1, 1, 4, 4), 2).shape
        dovetail.Size([1, 1, 2, 2])
    """
    return _max_pool(2, self, kernel_size, stride, padding, dilation, ceil_mode)[0]


@op(
    "max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], "
    "int[3] dilation=[1, 1, 1], bool ceil_mode=False) -> (Tensor values, Tensor indices)"
)
def max_pool3d_with_indices(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    """The largest element of every window over volumes, and where it is in the flattened input plane.

    See `dt.max_pool3d`.

    Example:
        >>> values, indices = dt.max_pool3d_with_indices(dt.arange(8.0).reshape(1, 1, 2, 2, 2), 2)
        >>> values.item(), indices.item()
        (7.0, 7)
    """
    return _max_pool(3, self, kernel_size, stride, padding, dilation, ceil_mode)


@op(
    "max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], "
    "int[3] dilation=[1, 1, 1], bool ceil_mode=False) -> Tensor"
)
def max_pool3d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """The largest element of every window over volumes.

        size of the result = (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down

    Args:
        kernel_size: the window's.
        stride: how far it moves; its size by default.
        padding: -inf around the input, at most half of the window.
        dilation: the distance between the window's elements.
        ceil_mode: round the result's size up instead.

    Shapes: (N, C, D, H, W), or (C, D, H, W) without a batch.

    Example:
        >>> dt.max_pool3d(dt.ones(1, 1, 4, 4, 4), 2).shape
        dovetail.Size([1, 1, 2, 2, 2])
    """
    return _max_pool(3, self, kernel_size, stride, padding, dilation, ceil_mode)[0]


@op(
    "avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], bool ceil_mode=False, "
    "bool count_include_pad=True) -> Tensor"
)
def avg_pool1d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Tensor:
    """The mean of every window over signals. See `dt.avg_pool2d`.

    Shapes: (N, C, L), or (C, L) without a batch.

    Example:
        >>> dt.avg_pool1d(dt.tensor([[[1.0, 3.0]]]), 2).tolist()
        [[[2.0]]]
    """
    return _avg_pool(1, self, kernel_size, stride, padding, ceil_mode, count_include_pad)


@op(
    "avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=[0, 0], "
    "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor"
)
def avg_pool2d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """The mean of every window over images.

        size of the result = (size + 2 * padding - kernel_size) / stride + 1, rounded down

    Args:
        kernel_size: the window's.
        stride: how far it moves; its size by default.
        padding: zeros around the input, at most half of the window.
        ceil_mode: round the result's size up instead.
        count_include_pad: divide by the window's whole size, its padding included.
        divisor_override: divide by this instead.

    Shapes: (N, C, H, W), or (C, H, W) without a batch.

    Example:
        >>> dt.avg_pool2d(dt.ones(1, 1, 4, 4), 2).shape
        dovetail.Size([1, 1, 2, 2])
    """
    return _avg_pool(2, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op(
    "avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=[0, 0, 0], "
    "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor"
)
def avg_pool3d(
    self: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """The mean of every window over volumes.

        size of the result = (size + 2 * padding - kernel_size) / stride + 1, rounded down

    Args:
        kernel_size: the window's.
        stride: how far it moves; its size by default.
        padding: zeros around the input, at most half of the window.
        ceil_mode: round the result's size up instead.
        count_include_pad: divide by the window's whole size, its padding included.
        divisor_override: divide by this instead.

    Shapes: (N, C, D, H, W), or (C, D, H, W) without a batch.

    Example:
        >>> dt.avg_pool3d(dt.ones(1, 1, 4, 4, 4), 2).shape
        dovetail.Size([1, 1, 2, 2, 2])
    """
    return _avg_pool(3, self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@op("adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor", kernel=True)
def adaptive_avg_pool1d(self: Tensor, output_size: Sequence[int]) -> Tensor:
    """The means of windows over signals that give a wanted size.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, L) or (C, L) to the same with output_size.

    Example:
        >>> dt.adaptive_avg_pool1d(dt.ones(1, 1, 5), 2).shape
        dovetail.Size([1, 1, 2])
    """
    return _adaptive_avg_pool(1, self, output_size)


@op("adaptive_avg_pool_grad(Tensor grad, int[] input_size) -> Tensor", internal=True, kernel=True)
def adaptive_avg_pool_grad(grad: Tensor, input_size: Sequence[int]) -> Tensor:
    """The gradient of adaptive average pooling with respect to its input, whose spatial sizes are given.

    Example:
        >>> dt._core.get_op("adaptive_avg_pool_grad")(dt.ones(1, 1, 2), [3]).tolist()
        [[[0.5, 1.0, 0.5]]]
    """
    for dim, size in enumerate(input_size, start=grad.ndim - len(input_size)):
        shares = [
            dt.constant_pad_nd(dt.full([end - begin], 1 / (end - begin), dtype=grad.dtype), [begin, size - end])
            for begin, end in _edges(size, grad.shape[dim])
        ]
        weights = dt.stack(shares).to(grad.device) if shares else dt.zeros(0, size, dtype=grad.dtype)
        grad = dt.transpose(dt.matmul(dt.transpose(grad, dim, -1), weights.to(grad.device)), dim, -1)
    return grad


@op("adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor values, Tensor indices)", kernel=True)
def adaptive_max_pool1d(self: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The largest elements of windows over signals that give a wanted size, and where they are in the flattened plane.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, L) or (C, L) to the same with output_size.

    Example:
        >>> dt.adaptive_max_pool1d(dt.ones(1, 1, 5), 2).values.shape
        dovetail.Size([1, 1, 2])
    """
    return _adaptive_max_pool(1, self, output_size)


@op("adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor", kernel=True)
def adaptive_avg_pool2d(self: Tensor, output_size: Sequence[int]) -> Tensor:
    """The means of windows over images that give a wanted size.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, H, W) or (C, H, W) to the same with output_size.

    Example:
        >>> dt.adaptive_avg_pool2d(dt.ones(1, 1, 5, 5), 2).shape
        dovetail.Size([1, 1, 2, 2])
    """
    return _adaptive_avg_pool(2, self, output_size)


@op("adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor values, Tensor indices)", kernel=True)
def adaptive_max_pool2d(self: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The largest elements of windows over images that give a wanted size, and where they are in the flattened plane.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, H, W) or (C, H, W) to the same with output_size.

    Example:
        >>> dt.adaptive_max_pool2d(dt.ones(1, 1, 5, 5), 2).values.shape
        dovetail.Size([1, 1, 2, 2])
    """
    return _adaptive_max_pool(2, self, output_size)


@op("adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor", kernel=True)
def adaptive_avg_pool3d(self: Tensor, output_size: Sequence[int]) -> Tensor:
    """The means of windows over volumes that give a wanted size.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with output_size.

    Example:
        >>> dt.adaptive_avg_pool3d(dt.ones(1, 1, 5, 5, 5), 2).shape
        dovetail.Size([1, 1, 2, 2, 2])
    """
    return _adaptive_avg_pool(3, self, output_size)


@op("adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor values, Tensor indices)", kernel=True)
def adaptive_max_pool3d(self: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The largest elements of windows over volumes that give a wanted size, and where they are in the flattened plane.

    Window i of n along a dim goes from floor(i * size / n) to ceil((i + 1) * size / n).

    Shapes: (N, C, D, H, W) or (C, D, H, W) to the same with output_size.

    Example:
        >>> dt.adaptive_max_pool3d(dt.ones(1, 1, 5, 5, 5), 2).values.shape
        dovetail.Size([1, 1, 2, 2, 2])
    """
    return _adaptive_max_pool(3, self, output_size)
