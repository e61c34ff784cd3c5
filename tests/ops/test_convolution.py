"""Convolutions that take ways of their own: 3 x 3 filters in float32, with an error bound, and one filter a channel."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import dovetail as dt

convolution = dt._core.get_op("convolution")
input_grad = dt._core.get_op("convolution_input_grad")
weight_grad = dt._core.get_op("convolution_weight_grad")

EPS = 2.0**-24

# batch, channels, filters, height, width, padding, groups
SHAPES = (
    (1, 16, 16, 8, 8, 1, 1),
    (2, 17, 40, 13, 11, 1, 1),
    (3, 33, 24, 7, 18, 0, 1),
    (2, 48, 32, 10, 9, 2, 2),
    (1, 20, 16, 12, 5, 3, 1),
    (2, 64, 64, 9, 4, (0, 2), 1),
    (30, 32, 16, 4, 4, 1, 1),
    (1, 300, 48, 16, 12, 1, 1),
    (1, 16, 16, 3, 90, 1, 1),
    (9, 16, 32, 28, 28, 1, 1),
)
VALUES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "of one sign": lambda rng, shape: rng.random(shape) + 0.1,
    "equal": lambda _, shape: np.full(shape, 0.7371),
    "outliers": lambda rng, shape: np.where(rng.random(shape) < 0.005, 1e4, 1.0) * rng.standard_normal(shape),
}


def array(tensor: Any) -> np.ndarray:
    return np.from_dlpack(tensor.contiguous())


def both(x: np.ndarray) -> tuple[Any, Any]:
    """x in float32 and in float64, with the same values."""
    single = np.ascontiguousarray(x, np.float32)
    return dt.from_dlpack(single), dt.from_dlpack(single.astype(np.float64))


def norms(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.asarray(np.sqrt(np.sum(np.square(x), axes)))


def tile_norms(source: np.ndarray, padding: tuple[int, int], height: int, width: int) -> np.ndarray:
    """For each of height x width results, the norm of the 6 x 6 elements of all channels behind its tile of 4 x 4."""
    squares = np.square(source).sum(1)
    down, across = -(-height // 4), -(-width // 4)
    edges = [(p, 4 * n + 6) for p, n in zip(padding, (down, across), strict=True)]
    padded = np.pad(squares, [(0, 0), *edges])
    sums = sliding_window_view(padded, (6, 6), (1, 2))[:, : 4 * down : 4, : 4 * across : 4].sum((-1, -2))
    return np.sqrt(np.repeat(np.repeat(sums, 4, 1), 4, 2)[:, :height, :width])


def rules(padding: Any, groups: int) -> tuple[Any, ...]:
    return (1, 1), (padding if isinstance(padding, tuple) else (padding, padding)), (1, 1), groups


def operands(shape: Any, x_values: Any, w_values: Any) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    batch, channels, filters, height, width, padding, groups = shape
    rng = np.random.default_rng(0)
    args = rules(padding, groups)
    out = [n + 2 * p - 2 for n, p in zip((height, width), args[1], strict=True)]
    x = both(x_values(rng, (batch, channels, height, width)))
    weight = both(w_values(rng, (filters, channels // groups, 3, 3)))
    grad = both(w_values(rng, (batch, filters, *out)))
    return x, weight, grad, args


@pytest.mark.parametrize("weights", VALUES)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_errors_are_within_the_bound(shape: Any, values: str, weights: str) -> None:
    x, weight, grad, args = operands(shape, VALUES[values], VALUES[weights])
    groups, padding = args[3], args[1]
    of_group = [[np.split(array(a[1]), groups, axis)[g] for g in range(groups)] for a, axis in ((x, 1), (weight, 0))]

    results, exact = (array(convolution(a, w, None, *args)) for a, w in zip(x, weight, strict=True))
    bound = [
        norms(w, (1, 2, 3))[None, :, None, None] * tile_norms(a, padding, *results.shape[2:])[:, None]
        for a, w in zip(*of_group, strict=True)
    ]
    assert np.all(np.abs(results - exact) <= 64 * EPS * np.concatenate(bound, 1))

    results, exact = (array(input_grad(g, w, x[0].shape, *args)) for g, w in zip(grad, weight, strict=True))
    turned = (2 - padding[0], 2 - padding[1])
    grads = np.split(array(grad[1]), groups, 1)
    bound = []
    for g, w in zip(grads, of_group[1], strict=True):
        near = norms(g, (1, 2, 3))[:, None, None]  # where tiles begin inside of the gradient: that of the whole
        tiles = near if min(turned) < 0 else tile_norms(g, turned, *results.shape[2:])
        bound.append(norms(w, (0, 2, 3))[None, :, None, None] * tiles[:, None])
    assert np.all(np.abs(results - exact) <= 64 * EPS * np.concatenate(bound, 1))

    results, exact = (array(weight_grad(g, a, weight[0].shape, *args)) for g, a in zip(grad, x, strict=True))
    count = shape[0] * -(-grad[0].shape[2] // 4) * -(-grad[0].shape[3] // 4)
    bound = [
        norms(g, (0, 2, 3))[:, None, None, None] * norms(a, (0, 2, 3))[None, :, None, None]
        for g, a in zip(grads, of_group[0], strict=True)
    ]
    assert np.all(np.abs(results - exact) <= (128 + count / 4) * EPS * np.concatenate(bound, 0))


@pytest.mark.parametrize("images, channels, size", [(2, 64, 32), (2, 128, 16), (2, 256, 8), (16, 512, 4)])
def test_errors_of_many_channels_in_the_mean(images: int, channels: int, size: int) -> None:
    shape = (images, channels, channels, size, size, 1, 1)
    x, weight, grad, args = operands(shape, VALUES["normal"], VALUES["normal"])
    pairs = [
        [convolution(a, w, None, *args) for a, w in zip(x, weight, strict=True)],
        [input_grad(g, w, x[0].shape, *args) for g, w in zip(grad, weight, strict=True)],
        [weight_grad(g, a, weight[0].shape, *args) for g, a in zip(grad, x, strict=True)],
    ]
    for results, exact in ((array(a), array(b)) for a, b in pairs):
        assert norms(results - exact, (0, 1, 2, 3)) <= 16 * EPS * norms(exact, (0, 1, 2, 3))


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1], SHAPES[3]], ids=str)
def test_strides_and_biases(shape: Any) -> None:
    x, weight, grad, args = operands(shape, VALUES["normal"], VALUES["normal"])
    bias = dt.arange(shape[2], dtype=dt.float32)
    plain = convolution(x[0], weight[0], bias, *args)
    without = array(convolution(x[0], weight[0], None, *args))
    assert np.allclose(array(plain), without + array(bias)[:, None, None], 1e-6)

    def apart(t: Any) -> Any:  # the same values, channels last, with gaps between
        wide = dt.zeros(*t.shape[:1], *t.shape[2:], 2 * t.shape[1])
        wide[..., ::2] = t.permute(0, 2, 3, 1)
        return wide[..., ::2].permute(0, 3, 1, 2)

    assert np.array_equal(array(convolution(apart(x[0]), apart(weight[0]), bias, *args)), array(plain))
    one, two = (input_grad(f(grad[0]), f(weight[0]), x[0].shape, *args) for f in (apart, lambda t: t))
    assert np.array_equal(array(one), array(two))
    one, two = (weight_grad(f(grad[0]), f(x[0]), weight[0].shape, *args) for f in (apart, lambda t: t))
    assert np.array_equal(array(one), array(two))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_where_it_belongs(value: float) -> None:
    x, weight, grad, args = operands((2, 20, 32, 12, 13, 1, 1), VALUES["normal"], VALUES["normal"])
    x[0][1, 3, 5, 6] = x[1][1, 3, 5, 6] = float(np.float32(value))
    grad[0][0, 3, 5, 6] = grad[1][0, 3, 5, 6] = float(np.float32(value))
    calls = (
        lambda i: convolution(x[i], weight[i], None, *args),
        lambda i: input_grad(grad[i], weight[i], x[i].shape, *args),
        lambda i: weight_grad(grad[i], x[i], weight[i].shape, *args),
    )
    for call in calls:
        with np.errstate(over="ignore", invalid="ignore"):
            wanted = array(call(1)).astype(np.float32)
            found = array(call(0))
        assert 0 < np.count_nonzero(~np.isfinite(wanted)) < wanted.size / 2
        assert np.array_equal(np.isfinite(found), np.isfinite(wanted))
        if call is not calls[2]:  # whose plain sums multiply what they leave out by zero
            assert np.array_equal(np.isnan(found), np.isnan(wanted))


@pytest.mark.parametrize("kernel", [3, 5])
def test_an_infinity_at_the_edge_of_a_plane_reaches_only_its_taps(kernel: int) -> None:
    x, grad = np.ones((1, 8, 11, 13)), np.ones((1, 8, 11, 13))
    x[0, 2, 4, 12] = x[0, 5, 0, 0] = np.inf
    args = ((1, 1), (kernel // 2, kernel // 2), (1, 1), 8)
    single, double = (
        array(weight_grad(g, a, (8, 1, kernel, kernel), *args)) for g, a in zip(both(grad), both(x), strict=True)
    )
    assert np.isinf(double[2]).any() and np.isfinite(double[2]).any() and not np.isnan(double).any()
    assert np.isfinite(double[2, 0, :, 0]).all()  # the first column of taps never reads the last one of the plane
    assert np.array_equal(single, double)


MORE = (
    (2, 64, 160, 40, 40, 1, 1),
    (1, 512, 512, 8, 8, 1, 1),
    (16, 128, 32, 30, 30, 1, 1),
    (1, 256, 40, 4, 4, 1, 1),
    (3, 40, 40, 13, 17, 1, 40),
)
BITS = """
import sys
import numpy as np
import dovetail as dt
from tests.ops.test_convolution import MORE, SHAPES, VALUES, convolution, input_grad, operands, weight_grad
for threads in map(int, sys.argv[1:]):
    dt.set_num_threads(threads)
    for shape in SHAPES + MORE:
        x, weight, grad, args = operands(shape, VALUES["normal"], VALUES["normal"])
        sys.stdout.buffer.write(np.from_dlpack(convolution(x[0], weight[0], None, *args)).tobytes())
        sys.stdout.buffer.write(np.from_dlpack(input_grad(grad[0], weight[0], x[0].shape, *args)).tobytes())
        sys.stdout.buffer.write(np.from_dlpack(weight_grad(grad[0], x[0], weight[0].shape, *args)).tobytes())
"""


def bits(isa: str, *threads: int) -> bytes:
    environment = {**os.environ, "DOVETAIL_ISA": isa, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", BITS, *map(str, threads)]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


def test_bits_do_not_depend_on_threads_or_on_avx512() -> None:
    found = bits("v4", 1, 2, 4, 8)
    quarter = len(found) // 4
    assert quarter > 0
    assert all(found[i * quarter : (i + 1) * quarter] == found[:quarter] for i in range(1, 4))
    assert bits("v3", 1) == found[:quarter]
