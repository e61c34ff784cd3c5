"""The gradients of nn's activation functions, and prelu with weights that broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import expit

from tests.ops.framework import (
    ALL_FLOATS,
    LAYOUTS,
    SHAPES,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def mish_slope(x: Any) -> Any:
    t = np.tanh(softplus(x))
    return t + x * expit(x) * (1 - t**2)


def elu_slope(x: Any, negative: float, positive: float, rate: float) -> Any:
    return np.where(x > 0, positive, negative * rate * np.exp(np.minimum(x, 0) * rate))


# By op: the numbers to call it with, and the slope.
TABLE: dict[str, tuple[list[tuple[float, ...]], Callable[..., Any]]] = {
    "hardtanh_grad": ([(-1.0, 1.0), (-2.0, 3.0)], lambda x, low, high: (x > low) & (x < high)),
    "hardsigmoid_grad": ([()], lambda x: ((x > -3) & (x < 3)) / 6),
    "hardswish_grad": ([()], lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5))),
    "leaky_relu_grad": ([(0.01,), (0.3,)], lambda x, slope: np.where(x > 0, 1, slope)),
    "threshold_grad": ([(1.0,), (-0.5,)], lambda x, limit: ~(x <= limit)),
    "shrink_grad": ([(0.5,), (1.5,)], lambda x, by: ~(np.abs(x) <= by)),
    "elu_grad": ([(1.0, 1.0, 1.0), (0.5, 2.0, 3.0)], elu_slope),
    "softplus_grad": ([(1.0, 20.0), (2.0, 3.0)], lambda x, beta, top: np.where(x * beta > top, 1, expit(x * beta))),
    "logsigmoid_grad": ([()], lambda x: expit(-x)),
    "mish_grad": ([()], mish_slope),
    "softsign_grad": ([()], lambda x: 1 / (1 + np.abs(x)) ** 2),
    "tanhshrink_grad": ([()], lambda x: np.tanh(x) ** 2),
}
FAR = [30.0, -30.0, 19.0, 21.0, 0.0, 3.0, -3.0, 1.0, 0.5, 1.5, 300.0, -300.0]


def tolerances(dtype: str) -> dict[str, Any]:
    return {} if dtype in SIXTEENS else {"rtol": 1e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-11}


@samples_for(*TABLE)
def gradients(op: str) -> Iterator[Sample]:
    rng, (options, slope) = rng_for(op), TABLE[op]

    def formula(grad: Any, x: Any, *numbers: float) -> Any:
        return wide(grad) * slope(wide(x), *numbers)

    for numbers in options:
        for dtype in ALL_FLOATS:
            for shape in (*SHAPES, (1031,)):
                grad, x = T(make(rng, shape, dtype)), T(make(rng, shape, dtype, -4, 4))
                yield Sample((grad, x, *numbers), formula, **tolerances(dtype))
            for layout in LAYOUTS:
                grad, x = T(make(rng, (3, 4), dtype), layout), T(make(rng, (3, 4), dtype, -4, 4))
                yield Sample((grad, x, *numbers), formula, **tolerances(dtype))
            far = np.array(FAR).astype(dtype)
            yield Sample((T(make(rng, far.shape, dtype)), T(far), *numbers), formula, **tolerances(dtype))


# ---- prelu -------------------------------------------------------------------------------------------------------

WEIGHTED = (((7,), (1,)), ((3, 4), (4,)), ((2, 3, 4), (3, 1)), ((3, 1, 5), (4, 1)), ((2, 0), (1,)))
PRELU: dict[str, Callable[..., Any]] = {
    "prelu_of": lambda x, weight: np.where(wide(x) > 0, wide(x), wide(x) * wide(weight)),
    "prelu_grad": lambda grad, x, weight: wide(grad) * np.where(wide(x) > 0, 1, wide(weight)),
    "prelu_weight_grad": lambda grad, x: wide(grad) * np.where(wide(x) > 0, 0, wide(x)),
}


@samples_for(*PRELU)
def with_weights(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in ALL_FLOATS:
        for shape, of_weight in (
            ((7,), (1,)),
            ((3, 4), (4,)),
            ((2, 3, 4), (3, 1)),
            ((3, 1, 5), (4, 1)),
            ((2, 0), (1,)),
        ):
            for layout in ("contiguous", *LAYOUTS) if shape == (3, 4) else ("contiguous",):
                grad, x = (T(make(rng, shape, dtype), layout) for _ in range(2))
                weight = T(make(rng, of_weight, dtype))
                args = {"prelu_of": (x, weight), "prelu_grad": (grad, x, weight), "prelu_weight_grad": (grad, x)}[op]
                yield Sample(args, PRELU[op], **tolerances(dtype))


@samples_for("huber_of")
def hubers(op: str) -> Iterator[Sample]:
    def reference(x: Any, target: Any, delta: float, scale: float) -> Any:
        d = np.abs(wide(x) - wide(target))
        return scale * np.where(d <= delta, d * d / 2, delta * (d - delta / 2))

    rng = rng_for(op)
    for dtype in ALL_FLOATS:
        for a, b in (((7,), (7,)), ((3, 4), (4,)), ((2, 0), (2, 0))):
            for numbers in ((1.0, 1.0), (0.25, 4.0)):
                yield Sample((T(make(rng, a, dtype)), T(make(rng, b, dtype)), *numbers), reference, **tolerances(dtype))


@errors_for(*TABLE, *PRELU, "huber_of")
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    if op == "huber_of":
        wrong = (T(np.ones(2, np.float32)), T(np.ones(3, np.float32)), 1.0, 1.0)
        yield ErrorSample(wrong, ValueError, rf"^{op}: .*\(2,\) and \(3,\)")
        return
    numbers = TABLE[op][0][0] if op in TABLE else (T(np.ones(1, np.float32)),) if op == "prelu_grad" else ()
    args = (T(np.ones(2, np.float32)), T(np.ones(3, np.float32)), *numbers)
    yield ErrorSample(args, ValueError, rf"^{op}: .*\(2,\) and \(3,\)")
