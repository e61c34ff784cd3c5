"""Images: shuffled channels and pixels, other sizes, samples at points."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import dovetail.nn.functional  # noqa: F401  (registers the ops)
from tests.ops.framework import FLOATS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

TOLERANCES = {"float32": {"rtol": 3e-5, "atol": 3e-6}, "float64": {"rtol": 1e-10, "atol": 1e-11}}


def shuffled(x: Any, r: int) -> Any:
    *batch, channels, height, width = x.shape
    out = np.zeros((*batch, channels // r**2, height * r, width * r), x.dtype)
    for c, i, j in np.ndindex(channels // r**2, r, r):
        out[..., c, i::r, j::r] = x[..., c * r * r + i * r + j, :, :]
    return out


def unshuffled(x: Any, r: int) -> Any:
    parts = [x[..., c, i::r, j::r] for c in range(x.shape[-3]) for i in range(r) for j in range(r)]
    return np.stack(parts, -3)


REARRANGED: dict[str, tuple[tuple[tuple[int, ...], ...], Callable[..., Any]]] = {
    "pixel_shuffle": (((8, 2, 3), (2, 4, 3, 2), (1, 2, 4, 1, 2)), shuffled),
    "pixel_unshuffle": (((1, 2, 4), (2, 2, 4, 2)), unshuffled),
    "channel_shuffle": (((1, 6, 2), (2, 4, 2, 2)), lambda x, g: x[:, np.arange(x.shape[1]).reshape(g, -1).T.ravel()]),
}


@samples_for(*REARRANGED)
def rearranged(op: str) -> Iterator[Sample]:
    shapes, reference = REARRANGED[op]
    for dtype in (*FLOATS, "int64", "bool"):
        for shape in shapes:
            yield Sample((T(make(rng_for(op), shape, dtype)), 2), reference)


# ---- sizes ---------------------------------------------------------------------------------------------------------


def weights(op: str, size: int, target: int, factor: float | None, corners: bool, mode: str = "bilinear") -> Any:
    """The matrix that resizing along a dim is."""
    scale = 1 / factor if factor else size / target
    if corners:
        scale = (size - 1) / (target - 1) if target > 1 else 0.0
    matrix = np.zeros((target, size))
    for i in range(target):
        at = i * scale if corners else (i + 0.5) * scale - 0.5
        if op == "resize_smooth":
            matrix[i] = smooth(scale * (i + 0.5), max(scale, 1.0), size, mode)
            continue
        taps = [(0, 1 - (max(at, 0) % 1)), (1, max(at, 0) % 1)]
        if op == "resize_cubic":
            taps = [(k, keys(at % 1 - k, -0.75)) for k in range(-1, 3)]
        low = int(np.floor(at if op == "resize_cubic" else max(at, 0)))
        for k, weight in taps:
            matrix[i, np.clip(low + k, 0, size - 1)] += weight
    return matrix


def keys(x: float, a: float) -> float:
    d = abs(x)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def smooth(centre: float, wide: float, size: int, mode: str) -> Any:
    shape: Any = {
        "bilinear": lambda x: max(0.0, 1 - abs(x)),
        "bicubic": lambda x: keys(x, -0.5),
        "lanczos": lambda x: np.sinc(x) * np.sinc(x / 3) if abs(x) < 3 else 0.0,
    }[mode]
    reach = {"bilinear": 1, "bicubic": 2, "lanczos": 3}[mode] * wide
    first, last = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)
    row = np.array([shape((j - centre + 0.5) / wide) if first <= j < last else 0.0 for j in range(size)])
    return row / row.sum()


@samples_for("resize_linear", "resize_cubic", "resize_smooth")
def resized(op: str) -> Iterator[Sample]:
    def reference(x: Any, dim: int, size: int, *options: Any) -> Any:
        mode, factor, corners = options if op == "resize_smooth" else ("bilinear", *options)
        matrix = weights(op, x.shape[dim], size, factor, corners, mode)
        return np.moveaxis(np.moveaxis(wide(x), dim, -1) @ matrix.T, -1, dim)

    modes: list[tuple[Any, ...]] = [(m,) for m in ("bilinear", "bicubic", "lanczos")] if op == "resize_smooth" else [()]
    for dtype in FLOATS:
        for shape, dim in (((5,), 0), ((2, 7, 3), 1), ((2, 3, 6), -1)):
            for size, mode in itertools.product((1, 4, 11), modes):
                x = T(make(rng_for(op), shape, dtype))
                for factor, corners in ((None, False), (None, True), (size / shape[dim] * 1.05, False)):
                    yield Sample((x, dim, size, *mode, factor, corners), reference, **TOLERANCES[dtype])


@samples_for("resize_nearest")
def repeated(op: str) -> Iterator[Sample]:
    def reference(x: Any, dim: int, size: int, factor: float | None, exact: bool) -> Any:
        scale = np.float32(1 / factor if factor else x.shape[dim] / size)
        steps = np.arange(size, dtype=np.float32) + np.float32(0.5 * exact)
        return np.take(x, np.minimum(np.floor(steps * scale).astype(int), x.shape[dim] - 1), dim)

    for dtype in (*FLOATS, "uint8", "bool"):
        for shape, dim in (((5,), 0), ((2, 7, 3), 1)):
            for size, exact in itertools.product((1, 4, 11), (False, True)):
                x = T(make(rng_for(op), shape, dtype))
                yield Sample((x, dim, size, None, exact), reference)
                yield Sample((x, dim, size, size / shape[dim] * 1.05, exact), reference)


@samples_for("resize_grad")
def resize_gradients(op: str) -> Iterator[Sample]:
    def reference(grad: Any, dim: int, size: int, mode: str, factor: float | None, option: bool) -> Any:
        wanted = grad.shape[dim]
        if mode == "nearest":
            scale = np.float32(1 / factor if factor else size / wanted)
            rows = np.floor((np.arange(wanted, dtype=np.float32) + np.float32(0.5 * option)) * scale).astype(int)
            matrix = np.eye(size)[np.minimum(rows, size - 1)]
        else:
            matrix = weights(f"resize_{mode}", size, wanted, factor, option)
        return np.moveaxis(np.moveaxis(wide(grad), dim, -1) @ matrix, -1, dim)

    for dtype in FLOATS:
        for shape, dim in (((5,), 0), ((2, 7, 3), 1), ((2, 3, 6), -1)):
            for size, mode in itertools.product((1, 4, 11), ("nearest", "linear", "cubic")):
                grad = T(make(rng_for(op), shape, dtype))
                for factor, option in ((None, False), (None, True), (shape[dim] / size * 1.05, False)):
                    yield Sample((grad, dim, size, mode, factor, option), reference, **TOLERANCES[dtype])


# ---- samples at points ---------------------------------------------------------------------------------------------


@samples_for("affine_grid_of")
def grids(op: str) -> Iterator[Sample]:
    def reference(theta: Any, size: Any, corners: bool) -> Any:
        lines = [
            (np.linspace(-1, 1, n) if corners else (2 * np.arange(n) + 1) / n - 1) if n > 1 else np.zeros(n)
            for n in size[2:]
        ]
        mesh = np.meshgrid(*lines, indexing="ij")[::-1]
        points = np.stack([*mesh, np.ones(size[2:])], -1)
        return np.stack([points @ matrix.T for matrix in wide(theta)])

    for dtype in FLOATS:
        for size in ([2, 3, 2, 4], [1, 1, 3, 1], [2, 1, 2, 3, 2]):
            theta = T(make(rng_for(op), (size[0], len(size) - 2, len(size) - 1), dtype))
            for corners in (False, True):
                yield Sample((theta, size, corners), reference, **TOLERANCES[dtype])


def reflect(x: float, low: float, high: float) -> float:
    if high == low:
        return 0.0
    away = abs(x - low)
    flips, extra = int(away // (high - low)), away % (high - low)
    return low + extra if flips % 2 == 0 else high - extra


def inside(x: float, size: int, padding: str, corners: bool) -> float:
    if padding == "reflection":
        x = reflect(x, 0.0, size - 1.0) if corners else reflect(x, -0.5, size - 0.5)
    return x if padding == "zeros" else min(max(x, 0.0), size - 1.0)


def taps(x: float, size: int, mode: str, padding: str, corners: bool) -> list[tuple[int, float]]:
    """Which pixels of a dim a point is made of, and how much of each."""
    x = (x + 1) / 2 * (size - 1) if corners else ((x + 1) * size - 1) / 2
    low = int(np.floor(x))
    if mode == "bicubic":
        found = [
            (int(np.floor(inside(low + k, size, padding, corners))), keys(x - low - k, -0.75)) for k in range(-1, 3)
        ]
    else:
        x = inside(x, size, padding, corners)
        low = int(np.floor(x))
        found = [(int(np.round(x)), 1.0)] if mode == "nearest" else [(low, 1 - (x - low)), (low + 1, x - low)]
    return [(i, weight) for i, weight in found if 0 <= i < size]


def corners_of(
    grid: Any, sizes: Any, mode: str, padding: str, corners: bool
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...], float]]:
    """Where each point is among the samples, a pixel that it is made of, and how much of that."""
    for at in np.ndindex(*grid.shape[:-1]):
        points = wide(grid)[at][::-1]
        each = [taps(float(p), n, mode, padding, corners) for p, n in zip(points, sizes, strict=True)]
        for combination in itertools.product(*each):
            weight = float(np.prod([w for _, w in combination]))
            yield (at[0], slice(None), *at[1:]), (at[0], slice(None), *[i for i, _ in combination]), weight


def sample_at(x: Any, grid: Any, mode: str, padding: str, corners: bool) -> Any:
    out = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for at, pixel, weight in corners_of(grid, x.shape[2:], mode, padding, corners):
        out[at] += weight * wide(x)[pixel]
    return out


def sampled_pixels(grad: Any, grid: Any, sizes: Any, mode: str, padding: str, corners: bool) -> Any:
    out = np.zeros((*grad.shape[:2], *sizes))
    for at, pixel, weight in corners_of(grid, sizes, mode, padding, corners):
        out[pixel] += weight * wide(grad)[at]
    return out


def sampled_points(grad: Any, x: Any, grid: Any, mode: str, padding: str, corners: bool) -> Any:
    """By differences, of points that no kink is near."""
    out, step = np.zeros(grid.shape), 1e-6
    for dim in range(grid.shape[-1]):
        moved = step * np.eye(grid.shape[-1])[dim]
        after, before = (sample_at(x, wide(grid) + way * moved, mode, padding, corners) for way in (1, -1))
        out[..., dim] = (wide(grad) * (after - before)).sum(1) / (2 * step)
    return out


GRIDS = (((2, 2, 3, 4), (2, 3, 2, 2)), ((1, 1, 2, 3, 2), (1, 2, 2, 1, 3)))


@samples_for("grid_sample_input_grad", "grid_sample_grid_grad")
def sample_gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype, (shape, points) in itertools.product(FLOATS, GRIDS):
        modes = ("bilinear", "nearest", "bicubic")[: 3 if len(shape) == 4 else 2]
        for mode, padding, corners in itertools.product(modes, ("zeros", "border", "reflection"), (False, True)):
            x, grid = T(make(rng, shape, dtype)), T(make(rng, points, dtype, -1.4, 1.4))
            grad = T(make(rng, (*shape[:2], *points[1:-1]), dtype))
            if op == "grid_sample_input_grad":
                args = (grad, grid, shape[2:], mode, padding, corners)
                yield Sample(args, sampled_pixels, **TOLERANCES[dtype])
            else:
                yield Sample((grad, x, grid, mode, padding, corners), sampled_points, rtol=2e-4, atol=2e-5)


@samples_for("grid_sample")
def sampled(op: str) -> Iterator[Sample]:
    reference = sample_at
    for dtype in FLOATS:
        for shape, points in GRIDS:
            modes = ("bilinear", "nearest", "bicubic")[: 3 if len(shape) == 4 else 2]
            for mode, padding, corners in itertools.product(modes, ("zeros", "border", "reflection"), (False, True)):
                x, grid = T(make(rng_for(op), shape, dtype)), T(make(rng_for(op), points, dtype, -1.4, 1.4))
                yield Sample((x, grid, mode, padding, corners), reference, **TOLERANCES[dtype])


# ---- what is refused -----------------------------------------------------------------------------------------------

X, GRID = T(np.ones((1, 3, 3, 4), np.float32)), T(np.zeros((1, 2, 2, 2), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], str]]] = {
    "pixel_shuffle": [((X, 2), r"upscale_factor² must divide the 3 channels, got a factor of 2")],
    "pixel_unshuffle": [((X, 2), "downscale_factor must divide height and width, got 2, 3 and 4")],
    "channel_shuffle": [((X, 2), "groups must divide the 3 channels, got 2")],
    "affine_grid_of": [((GRID, [1, 1, 2, 2]), r"theta must have shape \(1, 2, 3\)")],
    "grid_sample": [
        ((X, GRID, "linear"), "mode must be 'bilinear', 'nearest' or 'bicubic', got 'linear'"),
        ((X, GRID, "bilinear", "same"), "padding_mode must be"),
        ((X, X), r"got \(1, 3, 3, 4\) and \(1, 3, 3, 4\)"),
    ],
    "resize_smooth": [((X, 2, 3, "nearest"), "mode must be 'bilinear', 'bicubic' or 'lanczos', got 'nearest'")],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, match in REFUSED[op]:
        yield ErrorSample(args, ValueError, f"^{op}: .*{match}")
