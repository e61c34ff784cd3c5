"""Pooling by its number of dims, written in Python."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide
from tests.ops.samples.pool import AVERAGES, CASES, DILATED, avg_pool, max_pool

DIMS = (1, 2, 3)


def of_dims(form: str) -> list[str]:
    return [form.format(n) for n in DIMS]


def spatial_of(op: str) -> int:
    return int(next(letter for letter in op if letter.isdigit()))


@samples_for(*of_dims("max_pool{}d"), *of_dims("max_pool{}d_with_indices"))
def max_pools(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    spatial = spatial_of(op)
    both = op.endswith("indices")

    def reference(
        x: Any, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Any:
        lists = [
            (value,) * spatial if isinstance(value, int) else value for value in (kernel, stride, padding, dilation)
        ]
        batched = x if x.ndim == spatial + 2 else x[None]
        values, indices = max_pool(batched, *lists, ceil_mode)
        values, indices = (values, indices) if batched is x else (values[0], indices[0])
        return (values, indices) if both else values

    def sample(x: np.ndarray, *args: Any) -> Sample:
        return Sample((T(x), *args), reference, dtype=(str(x.dtype), "int64") if both else str(x.dtype))

    for dtype in FLOATS:
        for x, *rest in (case for case in (*CASES, DILATED) if len(case[0]) == spatial + 2):
            yield sample(make(rng, x, dtype), *rest)
        x = make(rng, (2, 3, *[6] * spatial), dtype)
        yield sample(x, 2)
        yield sample(x, 3, 1, 1)
        yield sample(x[0], 2)


@samples_for(*of_dims("avg_pool{}d"))
def avg_pools(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    spatial = spatial_of(op)

    def reference(
        x: Any,
        kernel: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        include_pad: bool = True,
        override: Any = None,
    ) -> Any:
        lists = [(value,) * spatial if isinstance(value, int) else value for value in (kernel, stride, padding)]
        batched = x if x.ndim == spatial + 2 else x[None]
        out = avg_pool(batched, *lists, ceil_mode, include_pad, override)
        return out if batched is x else out[0]

    for dtype in FLOATS:
        for x, kernel, stride, padding, _, ceil_mode in (case for case in CASES if len(case[0]) == spatial + 2):
            for include_pad, override in AVERAGES:
                if spatial == 1 and override:
                    continue  # avg_pool1d takes none
                more = () if spatial == 1 else (override,)
                yield Sample(
                    (T(make(rng, x, dtype)), kernel, stride, padding, ceil_mode, include_pad, *more),
                    reference,
                    rtol=1e-5,
                )
        x = make(rng, (2, 3, *[6] * spatial), dtype)
        yield Sample((T(x), 2), reference, rtol=1e-5)
        yield Sample((T(x[0]), 3, 1, 1), reference, rtol=1e-5)


def adaptive(x: np.ndarray, targets: Any) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Every place of the result, and the window of the input that it stands for."""
    sizes = x.shape[x.ndim - len(targets) :]
    for at in product(*(range(n) for n in targets)):
        yield at, tuple(slice(i * n // t, -(-(i + 1) * n // t)) for i, n, t in zip(at, sizes, targets, strict=True))


def adaptive_avg(x: Any, targets: Any) -> Any:
    out = np.zeros((*x.shape[: x.ndim - len(targets)], *targets))
    for at, window in adaptive(x, targets):
        out[(..., *at)] = wide(x)[(..., *window)].mean(tuple(range(-len(targets), 0)))
    return out


def adaptive_max(x: Any, targets: Any) -> Any:
    lead = x.shape[: x.ndim - len(targets)]
    values, indices = np.zeros((*lead, *targets), x.dtype), np.zeros((*lead, *targets), np.int64)
    positions = np.arange(int(np.prod(x.shape[len(lead) :]))).reshape(x.shape[len(lead) :])
    for at, window in adaptive(x, targets):
        flat = x[(..., *window)].reshape(*lead, positions[window].size)
        values[(..., *at)] = flat.max(-1)
        indices[(..., *at)] = positions[window].ravel()[flat.argmax(-1)]
    return values, indices


@samples_for(*of_dims("adaptive_avg_pool{}d"), *of_dims("adaptive_max_pool{}d"))
def adaptive_pools(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    spatial = spatial_of(op)
    largest = "max" in op

    def reference(x: Any, size: Any) -> Any:
        targets = (size,) * spatial if isinstance(size, int) else size
        return adaptive_max(x, targets) if largest else adaptive_avg(x, targets)

    for dtype in FLOATS:
        result = (dtype, "int64") if largest else dtype
        for sizes in ((6, 6, 6), (5, 7, 4)):
            x = make(rng, (2, 3, *sizes[:spatial]), dtype)
            for target in (1, 2, 3, (2, 3, 4)[:spatial], (8, 1, 2)[:spatial]):
                yield Sample((T(x), target), reference, dtype=result, rtol=1e-5)
        yield Sample((T(x[0]), 2), reference, dtype=result, rtol=1e-5)
        yield Sample((T(x[:0]), 2), reference, dtype=result)


def adaptive_avg_grad(grad: Any, sizes: Any) -> Any:
    out = np.zeros((*grad.shape[: grad.ndim - len(sizes)], *sizes))
    for at, window in adaptive(out, grad.shape[grad.ndim - len(sizes) :]):
        count = np.prod([each.stop - each.start for each in window])
        out[(..., *window)] += (wide(grad)[(..., *at)] / count)[(..., *[None] * len(sizes))]
    return out


@samples_for("adaptive_avg_pool_grad")
def adaptive_avg_grads(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in FLOATS:
        for shape, sizes in (((2, 3, 4), (7,)), ((2, 3, 2, 5), (5, 3)), ((3, 2, 1, 2), (4, 3, 5)), ((0, 3, 2), (4,))):
            yield Sample((T(make(rng, shape, dtype)), sizes), adaptive_avg_grad, rtol=1e-5)
    for layout in LAYOUTS:
        yield Sample((T(make(rng, (2, 3, 2, 5), "float32"), layout), (6, 20)), adaptive_avg_grad, rtol=1e-5)


@errors_for("adaptive_avg_pool_grad")
def refuses_input_sizes(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((1, 2, 3), np.float32)), (0,)), ValueError, f"^{op}: input_size")
    yield ErrorSample((T(np.ones((1, 2, 3), np.float32)), (2, 3, 4)), ValueError, f"^{op}: input_size")


@errors_for(*of_dims("max_pool{}d"), *of_dims("avg_pool{}d"))
def refuses_windows(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((1, 2, *[5] * spatial_of(op)), np.float32))
    yield ErrorSample((T(np.ones(5, np.float32)), 2), ValueError, f"^{op}: ")
    yield ErrorSample((x, 0), ValueError, "kernel_size")
    yield ErrorSample((x, 2, 0), ValueError, "stride")
    yield ErrorSample((x, 2, 2, 2), ValueError, "padding")


@errors_for(*of_dims("adaptive_avg_pool{}d"), *of_dims("adaptive_max_pool{}d"))
def refuses_targets(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((1, 2, *[5] * spatial_of(op)), np.float32)), -1), ValueError, f"^{op}: output_size")
