"""Matrix products, convolution and pooling, by loops over the positions of the kernel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def bmm(outs: Any, ins: Any, args: Any) -> None:
    np.asarray(outs[0])[...] = np.matmul(np.asarray(ins[0]), np.asarray(ins[1]))


# ---- convolution --------------------------------------------------------------------------------------------


def taps(
    kernel: Sequence[int], out: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Every position in the kernel, and the part of the padded input that it meets."""
    for tap in itertools.product(*[range(k) for k in kernel]):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        yield tap, tuple(slice(s, s + (n - 1) * p + 1, p) for s, n, p in zip(starts, out, stride, strict=True))


def padded(x: Array, padding: Sequence[int]) -> Array:
    return np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])


def cropped(x: Array, padding: Sequence[int]) -> Array:
    return x[(slice(None), slice(None), *[slice(p, n - p) for p, n in zip(padding, x.shape[2:], strict=True)])]


def grouped(x: Array, axis: int, groups: int) -> list[Array]:
    return np.split(x, groups, axis=axis)


def convolution(outs: Any, ins: Any, args: Any) -> None:
    out, x, weight = np.asarray(outs[0]), np.asarray(ins[0]), np.asarray(ins[1])
    _, _, _, stride, padding, dilation, groups = args
    x = padded(x, padding)
    out[...] = 0
    pairs = zip(grouped(out, 1, groups), grouped(x, 1, groups), grouped(weight, 0, groups), strict=True)
    for y, a, w in pairs:
        for tap, window in taps(weight.shape[2:], out.shape[2:], stride, dilation):
            y += np.einsum(
                "nc...,oc->no...", a[(slice(None), slice(None), *window)], w[(slice(None), slice(None), *tap)]
            )
    if ins[2] is not None:
        out += np.asarray(ins[2]).reshape(-1, *[1] * len(stride))


def convolution_input_grad(outs: Any, ins: Any, args: Any) -> None:
    out, grad, weight = np.asarray(outs[0]), np.asarray(ins[0]), np.asarray(ins[1])
    _, _, _, stride, padding, dilation, groups = args
    full = np.zeros_like(padded(out, padding))
    pairs = zip(grouped(full, 1, groups), grouped(grad, 1, groups), grouped(weight, 0, groups), strict=True)
    for x, g, w in pairs:
        for tap, window in taps(weight.shape[2:], grad.shape[2:], stride, dilation):
            part = np.einsum("no...,oc->nc...", g, w[(slice(None), slice(None), *tap)])
            x[(slice(None), slice(None), *window)] += part
    out[...] = cropped(full, padding)


def convolution_weight_grad(outs: Any, ins: Any, args: Any) -> None:
    out, grad, x = np.asarray(outs[0]), np.asarray(ins[0]), np.asarray(ins[1])
    _, _, _, stride, padding, dilation, groups = args
    x = padded(x, padding)
    pairs = zip(grouped(out, 0, groups), grouped(grad, 1, groups), grouped(x, 1, groups), strict=True)
    for w, g, a in pairs:
        for tap, window in taps(out.shape[2:], grad.shape[2:], stride, dilation):
            seen = a[(slice(None), slice(None), *window)]
            rest = [0, *range(2, g.ndim)]
            w[(slice(None), slice(None), *tap)] = np.tensordot(g, seen, (rest, rest))


# ---- pooling ------------------------------------------------------------------------------------------------


def spans(size: int, kernel: int, stride: int, padding: int, dilation: int, count: int) -> list[list[int]]:
    """For every output position along one dim, the input positions that its window meets."""
    starts = [i * stride - padding for i in range(count)]
    return [[p for p in range(s, s + kernel * dilation, dilation) if 0 <= p < size] for s in starts]


def max_pool(outs: Any, ins: Any, args: Any) -> None:
    values, indices, x = np.asarray(outs[0]), np.asarray(outs[1]), np.asarray(ins[0])
    _, kernel, stride, padding, dilation, _ = args
    sizes, places = x.shape[2:], values.shape[2:]
    dims = [spans(n, *options) for n, *options in zip(sizes, kernel, stride, padding, dilation, places, strict=True)]
    plane = np.arange(np.prod(sizes, dtype=np.int64)).reshape(sizes)
    for at in itertools.product(*[range(n) for n in places]):
        window = np.ix_(*[dims[d][i] for d, i in enumerate(at)])
        seen = x[(slice(None), slice(None), *window)].reshape(*x.shape[:2], plane[window].size)
        best = np.argmax(seen, axis=-1)
        values[(slice(None), slice(None), *at)] = np.take_along_axis(seen, best[..., None], -1)[..., 0]
        indices[(slice(None), slice(None), *at)] = plane[window].ravel()[best]


def divisors(
    sizes: Sequence[int],
    places: Sequence[int],
    kernel: Any,
    stride: Any,
    padding: Any,
    include_pad: bool,
    override: Any,
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], float]]:
    """Every output position, the input that its window meets, and what the sum is divided by."""
    for at in itertools.product(*[range(n) for n in places]):
        window, count = [], 1
        for d, i in enumerate(at):
            start = i * stride[d] - padding[d]
            end = min(start + kernel[d], sizes[d] + padding[d])
            inside = slice(max(start, 0), max(min(end, sizes[d]), 0))
            count *= end - start if include_pad else max(inside.stop - inside.start, 0)
            window.append(inside)
        yield at, tuple(window), override or count


def avg_pool(outs: Any, ins: Any, args: Any) -> None:
    out, x = np.asarray(outs[0]), np.asarray(ins[0])
    _, kernel, stride, padding, _, include_pad, override = args
    every = (slice(None), slice(None))
    for at, window, by in divisors(x.shape[2:], out.shape[2:], kernel, stride, padding, include_pad, override):
        with np.errstate(all="ignore"):
            out[(*every, *at)] = x[(*every, *window)].sum(axis=tuple(range(2, x.ndim))) / by


def avg_pool_grad(outs: Any, ins: Any, args: Any) -> None:
    out, grad = np.asarray(outs[0]), np.asarray(ins[0])
    _, _, kernel, stride, padding, _, include_pad, override = args
    out[...] = 0
    every = (slice(None), slice(None))
    for at, window, by in divisors(out.shape[2:], grad.shape[2:], kernel, stride, padding, include_pad, override):
        share = grad[(*every, *at)] / by
        out[(*every, *window)] += share.reshape(*share.shape, *[1] * len(at))


KERNELS = {
    "bmm": bmm,
    "convolution": convolution,
    "convolution_input_grad": convolution_input_grad,
    "convolution_weight_grad": convolution_weight_grad,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "avg_pool_grad": avg_pool_grad,
}
