"""Rearranging channels and pixels, and sampling images at points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import of_floats, require_floating, shape_text


@op("pixel_shuffle(Tensor input, int upscale_factor) -> Tensor")
def pixel_shuffle(input: dt.Tensor, upscale_factor: int) -> dt.Tensor:
    """Channels become pixels: ``(*, C · r², H, W)`` to ``(*, C, H · r, W · r)``.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution", arXiv:1609.05158.

    Example:
        >>> dt.pixel_shuffle(dt.arange(4.0).reshape(1, 4, 1, 1), 2).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """
    r = upscale_factor
    if input.ndim < 3:
        raise ValueError(f"pixel_shuffle: expected an input (*, C, H, W), got shape {shape_text(input)}")
    *batch, channels, height, width = input.shape
    if r < 1 or channels % (r * r):
        raise ValueError(f"pixel_shuffle: upscale_factor² must divide the {channels} channels, got a factor of {r}")
    n = len(batch)
    x = input.reshape([*batch, channels // (r * r), r, r, height, width])
    x = x.permute([*range(n), n, n + 3, n + 1, n + 4, n + 2])
    return x.reshape([*batch, channels // (r * r), height * r, width * r])


@op("pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor")
def pixel_unshuffle(input: dt.Tensor, downscale_factor: int) -> dt.Tensor:
    """Pixels become channels: ``(*, C, H · r, W · r)`` to ``(*, C · r², H, W)``; the inverse of pixel_shuffle.

    Example:
        >>> dt.pixel_unshuffle(dt.arange(4.0).reshape(1, 1, 2, 2), 2).flatten().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    r = downscale_factor
    if input.ndim < 3:
        raise ValueError(f"pixel_unshuffle: expected an input (*, C, H, W), got shape {shape_text(input)}")
    *batch, channels, height, width = input.shape
    if r < 1 or height % r or width % r:
        raise ValueError(
            f"pixel_unshuffle: downscale_factor must divide height and width, got {r}, {height} and {width}"
        )
    n = len(batch)
    x = input.reshape([*batch, channels, height // r, r, width // r, r])
    x = x.permute([*range(n), n, n + 2, n + 4, n + 1, n + 3])
    return x.reshape([*batch, channels * r * r, height // r, width // r])


@op("channel_shuffle(Tensor input, int groups) -> Tensor")
def channel_shuffle(input: dt.Tensor, groups: int) -> dt.Tensor:
    """Channels of ``(N, C, *)`` dealt from groups in turn: channel ``j`` of group ``i`` becomes ``j · groups + i``.

    Source: Zhang et al., "ShuffleNet", arXiv:1707.01083.

    Example:
        >>> dt.channel_shuffle(dt.arange(4.0).reshape(1, 4, 1), 2).flatten().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    if input.ndim < 3:
        raise ValueError(f"channel_shuffle: expected an input (N, C, *), got shape {shape_text(input)}")
    if groups < 1 or input.shape[1] % groups:
        raise ValueError(f"channel_shuffle: groups must divide the {input.shape[1]} channels, got {groups}")
    return input.unflatten(1, (groups, input.shape[1] // groups)).transpose(1, 2).flatten(1, 2)


native_channel_shuffle = channel_shuffle


# ---- sampling -----------------------------------------------------------------------------------------------------


@op("affine_grid_of(Tensor theta, int[] size, bool align_corners=False) -> Tensor")
@of_floats
def affine_grid_of(theta: dt.Tensor, size: Sequence[int], align_corners: bool) -> dt.Tensor:
    """The points of a grid under affine maps; see nn.functional.affine_grid.

    Example:
        >>> dt.affine_grid_of(dt.tensor([[[1.0, 0, 0], [0, 1, 0]]]), [1, 1, 1, 2]).tolist()
        [[[[-0.5, 0.0], [0.5, 0.0]]]]
    """
    dims = len(size) - 2
    if dims not in (2, 3) or min(size) < 1:
        raise ValueError(f"affine_grid_of: size must be 4 or 5 positive ints (N, C, ...), got {tuple(size)}")
    if tuple(theta.shape) != (size[0], dims, dims + 1):
        raise ValueError(
            f"affine_grid_of: theta must have shape {(size[0], dims, dims + 1)} for size {tuple(size)}, got "
            f"{shape_text(theta)}"
        )
    # The coordinates are those of the last dim first: x, y, z.
    points = [_line(length, align_corners, theta) for length in size[2:]]
    mesh = dt.meshgrid(*points, indexing="ij")[::-1]
    base = dt.stack([*mesh, dt.ones_like(mesh[0])], -1).reshape(-1, dims + 1)
    return (base @ theta.transpose(1, 2)).reshape([size[0], *size[2:], dims])


def _line(length: int, align_corners: bool, like: dt.Tensor) -> dt.Tensor:
    """The centres of pixels from -1 to 1; or, with aligned corners, points that begin and end there."""
    if length <= 1:
        return dt.zeros(length, dtype=like.dtype, device=like.device)
    line = dt.linspace(-1, 1, length, dtype=like.dtype, device=like.device)
    return line if align_corners else line * ((length - 1) / length)


@checks.in_own_name
def affine_grid(theta: dt.Tensor, size: Sequence[int], align_corners: bool | None = None) -> dt.Tensor:
    """Where affine maps take the pixels of an image: a grid for grid_sample.

    Args:
        theta: maps ``(N, 2, 3)`` of images, or ``(N, 3, 4)`` of volumes.
        size: of the images: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        align_corners: whether -1 and 1 are the centres of the outermost pixels, or their outer edges (the default).

    Returns:
        ``(N, H, W, 2)`` or ``(N, D, H, W, 3)``, points (x, y) or (x, y, z).

    Source: Jaderberg et al., "Spatial Transformer Networks", arXiv:1506.02025.

    Example:
        >>> affine_grid(dt.tensor([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2)).tolist()
        [[[[-0.5, 0.0], [0.5, 0.0]]]]
    """
    checks.tensors("affine_grid", theta=theta)
    checks.ints("affine_grid", size=size)
    require_floating("affine_grid", theta)
    return affine_grid_of(theta, list(size), bool(align_corners))


@op(
    "grid_sample(Tensor input, Tensor grid, str mode='bilinear', str padding_mode='zeros', bool? align_corners=None) "
    "-> Tensor",
    kernel=True,
)
@of_floats
def grid_sample(
    input: dt.Tensor, grid: dt.Tensor, mode: str, padding_mode: str, align_corners: bool | None
) -> dt.Tensor:
    """Images at points between their pixels.

    Args:
        input: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        grid: points ``(N, ..., 2)`` (x, y), or ``(N, ..., 3)`` (x, y, z); -1 and 1 are the image's ends.
        mode: "bilinear" (in volumes trilinear), "nearest" or, for images, "bicubic".
        padding_mode: what is outside: "zeros", the "border", or the image's "reflection".
        align_corners: whether the ends are the centres of the outermost pixels, or their outer edges (the default).

    Shape:
        output ``(N, C, ...)``, with the grid's inner dims.

    Source: Jaderberg et al., "Spatial Transformer Networks", arXiv:1506.02025.

    Example:
        >>> image, middle = dt.tensor([[[[1.0, 3.0]]]]), dt.zeros(1, 1, 1, 2)
        >>> dt.grid_sample(image, middle).item()
        2.0
    """
    _check_grid("grid_sample", input.shape, grid, mode, padding_mode)
    taps = _taps(input.shape[2:], grid, mode, padding_mode, bool(align_corners))
    return _weighted_sum(input, [[tap[:2] for tap in along] for along in taps], grid.shape[1:-1])


@op(
    "grid_sample_input_grad(Tensor grad, Tensor grid, int[] input_size, str mode, str padding_mode, "
    "bool? align_corners) -> Tensor",
    internal=True,
    kernel=True,
)
@of_floats
def grid_sample_input_grad(
    grad: dt.Tensor,
    grid: dt.Tensor,
    input_size: Sequence[int],
    mode: str,
    padding_mode: str,
    align_corners: bool | None,
) -> dt.Tensor:
    """The gradient of `grid_sample` with respect to its input, whose spatial sizes are given.

    Example:
        >>> grad = dt._core.get_op("grid_sample_input_grad")
        >>> grad(dt.ones(1, 1, 1, 1), dt.zeros(1, 1, 1, 2), [1, 2], "bilinear", "zeros", None).tolist()
        [[[[0.5, 0.5]]]]
    """
    sizes = list(input_size)
    _check_grid("grid_sample_input_grad", [*grad.shape[:2], *sizes], grid, mode, padding_mode)
    taps = _taps(sizes, grid, mode, padding_mode, bool(align_corners))
    flat = grad.flatten(2)
    total = dt.zeros([*grad.shape[:2], math.prod(sizes)], dtype=grad.dtype, device=grad.device)
    for index, weight in _corners([[tap[:2] for tap in along] for along in taps], sizes):
        index = index.flatten(1).unsqueeze(1).expand(flat.shape)
        total = total.scatter_add(2, index, flat * weight.flatten(1).unsqueeze(1))
    return total.reshape([*grad.shape[:2], *sizes])


@op(
    "grid_sample_grid_grad(Tensor grad, Tensor input, Tensor grid, str mode, str padding_mode, bool? align_corners) "
    "-> Tensor",
    internal=True,
    kernel=True,
)
@of_floats
def grid_sample_grid_grad(
    grad: dt.Tensor, input: dt.Tensor, grid: dt.Tensor, mode: str, padding_mode: str, align_corners: bool | None
) -> dt.Tensor:
    """The gradient of `grid_sample` with respect to its grid: of places outside, 0 where the border stands for them.

    Example:
        >>> grad = dt._core.get_op("grid_sample_grid_grad")
        >>> image, middle = dt.tensor([[[[1.0, 3.0]]]]), dt.zeros(1, 1, 1, 2)
        >>> grad(dt.ones(1, 1, 1, 1), image, middle, "bilinear", "border", None).tolist()
        [[[[2.0, 0.0]]]]
    """
    _check_grid("grid_sample_grid_grad", input.shape, grid, mode, padding_mode)
    taps = _taps(input.shape[2:], grid, mode, padding_mode, bool(align_corners))
    parts = []
    for dim in reversed(range(input.ndim - 2)):  # the grid's first coordinate is that of the last dim
        # The change along a dim is what its taps' slopes, in place of their weights, give.
        changing = [[(tap[0], tap[2 if along == dim else 1]) for tap in taps[along]] for along in range(len(taps))]
        parts.append((grad * _weighted_sum(input, changing, grid.shape[1:-1])).sum(1))
    return dt.stack(parts, -1)


def _check_grid(who: str, shape: Sequence[int], grid: dt.Tensor, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"{who}: mode must be 'bilinear', 'nearest' or 'bicubic', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"{who}: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    dims = len(shape) - 2
    if dims not in (2, 3) or grid.ndim != len(shape) or grid.shape[-1] != dims or grid.shape[0] != shape[0]:
        raise ValueError(
            f"{who}: expected an input (N, C, H, W) and a grid (N, ..., 2), or (N, C, D, H, W) and (N, ..., 3), "
            f"got {tuple(shape)} and {shape_text(grid)}"
        )
    if min(shape[2:]) < 1:
        raise ValueError(f"{who}: expected an input with pixels, got shape {tuple(shape)}")
    if mode == "bicubic" and dims != 2:
        raise ValueError(f"{who}: mode 'bicubic' is for images, got an input of shape {tuple(shape)}")
    require_floating(who, grid)


def _taps(sizes: Sequence[int], grid: dt.Tensor, mode: str, padding_mode: str, corners: bool) -> Any:
    """By dims of the image: the pixels that each point takes its value from, how much of each, and how that changes
    along the grid."""
    result = []
    for dim, size in enumerate(sizes):
        x = _unnormalized(grid.select(-1, len(sizes) - 1 - dim), size, corners)
        scale = (size - 1) / 2 if corners else size / 2
        if mode == "bicubic":
            result.append(_cubic_taps(x, size, padding_mode, corners, scale))
            continue
        slope = _slope(x, size, padding_mode, corners) * scale
        x = _within(x, size, padding_mode, corners)
        result.append(_nearest_taps(x, size) if mode == "nearest" else _linear_taps(x, size, slope))
    return result


def _unnormalized(x: dt.Tensor, size: int, corners: bool) -> dt.Tensor:
    """From [-1, 1] to pixels."""
    return (x + 1) / 2 * (size - 1) if corners else ((x + 1) * size - 1) / 2


def _within(x: dt.Tensor, size: int, padding_mode: str, corners: bool) -> dt.Tensor:
    """Where a place outside the image takes its value from."""
    if padding_mode == "reflection":
        x = _reflected(x, 0.0 if corners else -0.5, size - 1 if corners else size - 0.5)
    return x if padding_mode == "zeros" else x.clamp(0, size - 1)


def _reflected(x: dt.Tensor, low: float, high: float) -> dt.Tensor:
    span = high - low
    if span == 0:
        return x * 0
    away = (x - low).abs()
    flips = (away / span).floor().detach()
    extra = away - flips * span
    return dt.where(flips % 2 == 0, extra + low, span - extra + low)


def _inside(index: dt.Tensor, size: int) -> dt.Tensor:
    return (index >= 0) & (index < size)


def _slope(x: dt.Tensor, size: int, padding_mode: str, corners: bool) -> dt.Tensor:
    """How what `_within` gives changes with the place: 1, -1 where it is mirrored, 0 where it is the border's."""
    x = x.detach()
    slope = dt.ones_like(x)
    if padding_mode == "zeros":
        return slope
    if padding_mode == "reflection":
        low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
        if span == 0:
            return dt.zeros_like(x)
        turns = ((x - low).abs() / span).floor() % 2 == 0
        slope = dt.where((x < low) == turns, -slope, slope)
        x = _reflected(x, low, low + span)
    return dt.where((x > 0) & (x < size - 1), slope, 0)


def _tap(place: dt.Tensor, weight: dt.Tensor | None, slope: dt.Tensor | None, size: int) -> tuple[dt.Tensor, ...]:
    """A pixel that may lie outside: then it is any other, with weight 0."""
    inside = _inside(place, size)
    index = dt.where(inside, place, 0).to(dt.int64)
    kept = inside.to(place.dtype)
    return index, kept if weight is None else weight * kept, dt.zeros_like(kept) if slope is None else slope * kept


def _nearest_taps(x: dt.Tensor, size: int) -> Any:
    return [_tap(dt.round(x.detach()), None, None, size)]


def _linear_taps(x: dt.Tensor, size: int, slope: dt.Tensor) -> Any:
    low = x.detach().floor()
    part = x - low
    return [_tap(low, 1 - part, -slope, size), _tap(low + 1, part, slope, size)]


def _cubic_taps(x: dt.Tensor, size: int, padding_mode: str, corners: bool, scale: float) -> Any:
    low = x.detach().floor()
    part = x - low
    weights, slopes = cubic_weights(part, -0.75), _cubic_slopes(part, -0.75)
    places = [_within(low + i - 1, size, padding_mode, corners).floor() for i in range(4)]
    return [_tap(each, w, s * scale, size) for each, w, s in zip(places, weights, slopes, strict=True)]


def _cubic_slopes(t: dt.Tensor, a: float) -> list[dt.Tensor]:
    """The derivatives of `cubic_weights`."""

    def near(d: dt.Tensor) -> dt.Tensor:
        return (3 * (a + 2) * d - 2 * (a + 3)) * d

    def far(d: dt.Tensor) -> dt.Tensor:
        return (3 * a * d - 10 * a) * d + 8 * a

    return [far(t + 1), near(t), -near(1 - t), -far(2 - t)]


def cubic_weights(t: dt.Tensor, a: float) -> list[dt.Tensor]:
    """The cubic convolution's weights of the four pixels around a place, t behind the second (Keys, 1981)."""

    def near(d: dt.Tensor) -> dt.Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: dt.Tensor) -> dt.Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _corners(taps: Any, sizes: Sequence[int]) -> Any:
    """All combinations of the dims' taps: pixels in the flattened plane, and how much of each."""
    combinations: list[Any] = [(0, None)]
    for size, these in zip(sizes, taps, strict=True):
        combinations = [
            (index * size + place, weight if before is None else before * weight)
            for index, before in combinations
            for place, weight in these
        ]
    return combinations


def _weighted_sum(input: dt.Tensor, taps: Any, points: Sequence[int]) -> dt.Tensor:
    """The sum over all combinations of the dims' taps."""
    flat = input.flatten(2)
    total: Any = None
    for index, weight in _corners(taps, input.shape[2:]):
        index = index.flatten(1).unsqueeze(1)
        picked = flat.gather(2, index.expand(flat.shape[0], flat.shape[1], index.shape[2]))
        picked = picked * weight.flatten(1).unsqueeze(1)
        total = picked if total is None else total + picked
    result: dt.Tensor = total.reshape([*input.shape[:2], *points])
    return result
