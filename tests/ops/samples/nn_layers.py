"""What nn's layers are made of beside activations and losses: norms, pooling, sliding blocks, distances."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

import dovetail.nn.functional  # noqa: F401  (registers the ops)
from tests.ops.framework import FLOATS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

TOLERANCES = {"float32": {"rtol": 3e-5, "atol": 3e-6}, "float64": {"rtol": 1e-10, "atol": 1e-11}}


# ---- norms -------------------------------------------------------------------------------------------------------


@samples_for("local_response_norm", "cross_map_lrn")
def across_channels(op: str) -> Iterator[Sample]:
    def reference(x: Any, size: int, alpha: float, beta: float, k: float) -> Any:
        squares, channels = wide(x) ** 2, x.shape[1]
        total = np.zeros_like(squares)
        before, after = (size // 2, (size - 1) // 2) if op == "local_response_norm" else ((size - 1) // 2,) * 2
        for c in range(channels):
            total[:, c] = squares[:, max(0, c - before) : c + after + 1].sum(1)
            if op == "cross_map_lrn" and c > before:
                total[:, c] += squares[:, 0]  # PyTorch's sums keep it
        return wide(x) / (k + alpha / size * total) ** beta

    for dtype in FLOATS:
        for shape in ((2, 5, 3, 2),) if op == "cross_map_lrn" else ((2, 5, 3), (2, 5, 3, 2), (1, 4, 2, 2, 2)):
            for size in (1, 3, 4):
                yield Sample((T(make(rng_for(op), shape, dtype)), size, 0.3, 0.6, 1.5), reference, **TOLERANCES[dtype])


# ---- pooling -----------------------------------------------------------------------------------------------------


def windows(size: int, kernel: int, step: int) -> list[range]:
    return [range(i, i + kernel) for i in range(0, size - kernel + 1, step)]


@samples_for("lp_pool")
def norms(op: str) -> Iterator[Sample]:
    def reference(x: Any, p: float, kernel: Any, stride: Any) -> Any:
        step = stride or kernel
        of_dims = [windows(size, k, s) for size, k, s in zip(x.shape[2:], kernel, step, strict=True)]
        out = np.zeros((*x.shape[:2], *map(len, of_dims)))
        for at in np.ndindex(*out.shape[2:]):
            block = wide(x)[np.ix_(range(x.shape[0]), range(x.shape[1]), *[w[i] for w, i in zip(of_dims, at)])]
            block = np.abs(block).reshape(*x.shape[:2], -1)
            value = block.max(-1) if np.isinf(p) else (block**p).sum(-1) ** (1 / p)
            out[(slice(None), slice(None), *at)] = value
        return out

    for dtype in FLOATS:
        for shape, kernel, stride in (
            ((2, 2, 7), [2], []),
            ((1, 2, 5, 4), [2, 3], [1, 1]),
            ((1, 1, 4, 3, 4), [2] * 3, []),
        ):
            for p in (1.0, 2.0, 3.0, float("inf")):
                x = T(make(rng_for(op), shape, dtype, 0.1, 3))
                yield Sample((x, p, kernel, stride), reference, **TOLERANCES[dtype])


@samples_for("fractional_max_pool")
def random_windows(op: str) -> Iterator[Sample]:
    def starts(sample: float, size: int, kernel: int, count: int) -> list[int]:
        alpha = (size - kernel) / max(count - 1, 1)
        return [int((i + sample) * alpha) - int(sample * alpha) for i in range(count - 1)] + [size - kernel]

    def reference(x: Any, kernel: Any, wanted: Any, samples: Any) -> Any:
        values = np.zeros((*x.shape[:2], *wanted), x.dtype)
        places = np.zeros(values.shape, np.int64)
        for n, c in np.ndindex(*x.shape[:2]):
            begins = [starts(*each) for each in zip(samples[n, c], x.shape[2:], kernel, wanted, strict=True)]
            for at in np.ndindex(*wanted):
                cells = itertools.product(*[range(b[i], b[i] + k) for b, i, k in zip(begins, at, kernel, strict=True)])
                best = max(cells, key=lambda cell: x[(n, c, *cell)])
                values[(n, c, *at)] = x[(n, c, *best)]
                places[(n, c, *at)] = np.ravel_multi_index(best, x.shape[2:])
        return values, places

    for dtype in FLOATS:
        for shape, kernel, wanted in (((2, 2, 6, 5), [2, 3], [3, 2]), ((1, 2, 4, 5, 4), [2, 2, 2], [2, 1, 3])):
            x = T(make(rng_for(op), shape, dtype))
            samples = T(make(rng_for(op), (*shape[:2], len(kernel)), dtype, 0, 0.99))
            yield Sample((x, kernel, wanted, samples), reference, dtype=(dtype, "int64"))


@samples_for("max_unpool")
def unpooled(op: str) -> Iterator[Sample]:
    def reference(x: Any, places: Any, sizes: Any) -> Any:
        planes = x.shape[: x.ndim - len(sizes)]
        out = np.zeros((*planes, int(np.prod(sizes))), x.dtype)
        np.put_along_axis(out, places.reshape(*planes, -1), x.reshape(*planes, -1), -1)
        return out.reshape(*planes, *sizes)

    for dtype in (*FLOATS, "int64"):
        for shape, sizes in (((2, 3), [6]), ((2, 2, 2, 2), [4, 3]), ((1, 2, 1, 2, 2), [2, 3, 4])):
            count, spatial = int(np.prod(sizes)), shape[-len(sizes) :]
            rng = rng_for(op)
            planes = int(np.prod(shape[: -len(sizes)]))
            places = np.stack([rng.permutation(count)[: int(np.prod(spatial))] for _ in range(planes)])
            yield Sample((T(make(rng, shape, dtype)), T(places.reshape(shape)), sizes), reference)


# ---- sliding blocks ----------------------------------------------------------------------------------------------


def blocks(shape: Any, kernel: Any, gap: Any, pad: Any, step: Any) -> Iterator[tuple[int, int, int, int]]:
    """Row and column of every element of every block, and where it goes."""
    rows, columns = ((shape[i] + 2 * pad[i] - gap[i] * (kernel[i] - 1) - 1) // step[i] + 1 for i in range(2))
    for (i, j), (b, a) in itertools.product(np.ndindex(*kernel), np.ndindex(rows, columns)):
        yield b * step[0] + i * gap[0] - pad[0], a * step[1] + j * gap[1] - pad[1], i * kernel[1] + j, b * columns + a


def unfolded(x: Any, *options: Any) -> Any:
    batch = x if x.ndim == 4 else x[None]
    cells = list(blocks(batch.shape[2:], *options))
    area, count = max(c[2] for c in cells) + 1, max(c[3] for c in cells) + 1
    out = np.zeros((*batch.shape[:2], area, count), x.dtype)
    for row, column, k, b in cells:
        if 0 <= row < batch.shape[2] and 0 <= column < batch.shape[3]:
            out[:, :, k, b] = batch[:, :, row, column]
    out = out.reshape(batch.shape[0], -1, count)
    return out if x.ndim == 4 else out[0]


def folded(x: Any, sizes: Any, kernel: Any, *options: Any) -> Any:
    batch = x if x.ndim == 3 else x[None]
    parts = batch.reshape(batch.shape[0], -1, kernel[0] * kernel[1], batch.shape[-1])
    out = np.zeros((*parts.shape[:2], *sizes), x.dtype)
    for row, column, k, b in blocks(sizes, kernel, *options):
        if 0 <= row < sizes[0] and 0 <= column < sizes[1]:
            out[:, :, row, column] += parts[:, :, k, b]
    return out if x.ndim == 3 else out[0]


OPTIONS = (((2, 2), (1, 1), (0, 0), (1, 1)), ((2, 3), (2, 1), (1, 2), (2, 1)))


@samples_for("im2col", "col2im")
def sliding(op: str) -> Iterator[Sample]:
    for dtype in (*FLOATS, "int64"):
        for options in OPTIONS:
            for shape in ((2, 2, 4, 5), (2, 4, 5)):
                x = make(rng_for(op), shape, dtype)
                if op == "im2col":
                    yield Sample((T(x), *options), unfolded, rtol=1e-5)
                else:
                    columns = make(rng_for(op), unfolded(x, *options).shape, dtype)
                    yield Sample((T(columns), (4, 5), *options), folded, rtol=1e-5)


# ---- products and distances --------------------------------------------------------------------------------------


@samples_for("bilinear")
def forms(op: str) -> Iterator[Sample]:
    def reference(a: Any, b: Any, w: Any, bias: Any = 0) -> Any:
        return np.einsum("...i,kij,...j->...k", wide(a), wide(w), wide(b)) + wide(bias)

    for dtype in FLOATS:
        for batch in ((), (5,), (2, 3)):
            shapes = ((*batch, 3), (*batch, 4), (2, 3, 4), (2,))
            args = tuple(T(make(rng_for(op + str(i)), shape, dtype)) for i, shape in enumerate(shapes))
            yield Sample(args, reference, **TOLERANCES[dtype])
            yield Sample(args[:3], reference, **TOLERANCES[dtype])


@samples_for("conv_tbc")
def over_time(op: str) -> Iterator[Sample]:
    def reference(x: Any, w: Any, bias: Any, pad: int) -> Any:
        x = np.pad(wide(x), ((pad, pad), (0, 0), (0, 0)))
        steps = len(x) - len(w) + 1
        return sum(x[k : k + steps] @ wide(w)[k] for k in range(len(w))) + wide(bias)

    for dtype in FLOATS:
        for pad in (0, 2):
            args = tuple(T(make(rng_for(op + str(s)), s, dtype)) for s in ((5, 2, 3), (3, 3, 4), (4,)))
            yield Sample((*args, pad), reference, **TOLERANCES[dtype])


@samples_for("normalize")
def lengths(op: str) -> Iterator[Sample]:
    def reference(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
        return wide(x) / np.maximum((np.abs(wide(x)) ** p).sum(dim, keepdims=True) ** (1 / p), eps)

    for dtype in FLOATS:
        for shape, args in (((3, 4), ()), ((2, 3, 4), (1.0, -1)), ((3,), (3.0, 0)), ((2, 3), (2.0, 1, 100.0))):
            yield Sample((T(make(rng_for(op), shape, dtype)), *args), reference, **TOLERANCES[dtype])


@samples_for("pdist")
def pairs(op: str) -> Iterator[Sample]:
    def reference(x: Any, p: float = 2.0) -> Any:
        x = wide(x)
        found = [(np.abs(x[i] - x[j]) ** p).sum() ** (1 / p) for i in range(len(x)) for j in range(i + 1, len(x))]
        return np.array(found)

    for dtype in FLOATS:
        for shape, args in (((4, 3), ()), ((5, 2), (1.0,)), ((3, 4), (3.0,)), ((1, 2), ()), ((0, 2), ())):
            yield Sample((T(make(rng_for(op), shape, dtype)), *args), reference, **TOLERANCES[dtype])


# ---- what is refused ---------------------------------------------------------------------------------------------

X = T(np.ones((2, 4, 3), np.float32))
IMAGE = T(np.ones((1, 2, 4, 4), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], str]]] = {
    "local_response_norm": [((X, 0), "size must be positive, got 0")],
    "cross_map_lrn": [((X, 1), r"expected an input \(N, C, H, W\), got shape \(2, 4, 3\)")],
    "lp_pool": [((X, 0.0, [2]), "norm_type must not be 0")],
    "fractional_max_pool": [((IMAGE, [3, 3], [3, 3], T(np.zeros((1, 2, 2)))), "3 windows of 3 do not fit into size 4")],
    "max_unpool": [((X, T(np.zeros((2, 4), np.int64)), [6]), r"input \(2, 4, 3\) and indices \(2, 4\)")],
    "im2col": [((IMAGE, [5, 5]), r"blocks of \(5, 5\)"), ((IMAGE, [0, 1]), "must be positive")],
    "col2im": [((X, [4, 4], [2, 2]), r"an input of shape \(2, 4, 3\) does not fit output_size \(4, 4\)")],
    "pdist": [((X,), r"expected a matrix \(N, D\), got shape \(2, 4, 3\)")],
    "bilinear": [((X, X, X), "do not fit a weight")],
    "conv_tbc": [((X, X, X), "expected shapes")],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, match in REFUSED[op]:
        yield ErrorSample(args, ValueError, f"^{op}: .*{match}")
