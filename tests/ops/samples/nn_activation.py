"""Activation functions of nn, and its dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

import dovetail.nn.functional  # noqa: F401  (registers the ops)
from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    FLOATS,
    INTS,
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

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(x * beta > threshold, x, np.log1p(np.exp(np.minimum(x * beta, threshold))) / beta)


def negative(x: Any, value: Any) -> Any:
    return np.where(x > 0, x, value)


# By op: the options to call it with, and the formula.
TABLE: dict[str, tuple[list[tuple[Any, ...]], Callable[..., Any]]] = {
    "leaky_relu": ([(), (0.3,)], lambda x, slope=0.01: negative(x, slope * x)),
    "elu": ([(), (0.5,)], lambda x, alpha=1.0: negative(x, alpha * np.expm1(np.minimum(x, 0)))),
    "celu": ([(), (0.5,)], lambda x, alpha=1.0: negative(x, alpha * np.expm1(np.minimum(x, 0) / alpha))),
    "selu": ([()], lambda x: SCALE * negative(x, ALPHA * np.expm1(np.minimum(x, 0)))),
    "softplus": ([(), (2.0, 3.0)], softplus),
    "logsigmoid": ([()], lambda x: scipy.special.log_expit(x)),
    "hardsigmoid": ([()], lambda x: np.clip(x + 3, 0, 6) / 6),
    "hardswish": ([()], lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "mish": ([()], lambda x: x * np.tanh(softplus(x))),
    "softsign": ([()], lambda x: x / (1 + np.abs(x))),
    "tanhshrink": ([()], lambda x: x - np.tanh(x)),
    "softshrink": ([(), (1.5,)], lambda x, by=0.5: np.sign(x) * np.maximum(np.abs(x) - by, 0)),
    "hardshrink": ([(), (1.5,)], lambda x, by=0.5: np.where(np.abs(x) <= by, 0, x)),
    "rrelu": ([(), (0.25, 0.5)], lambda x, low=1 / 8, high=1 / 3: negative(x, (low + high) / 2 * x)),
}
# These give integers for integers, and take their options without fractions there.
EXACT: dict[str, tuple[list[tuple[Any, ...]], Callable[..., Any]]] = {
    "hardtanh": ([(), (-2.0, 3.0), (0.0, 0.5)], lambda x, low=-1.0, high=1.0: np.clip(x, low, high)),
    "relu6": ([()], lambda x: np.clip(x, 0, 6)),
    "threshold": ([(1.0, 2.0)], lambda x, limit, value: np.where(x <= limit, value, x)),
}
OF_INTEGERS: dict[str, list[tuple[float, ...]]] = {
    "hardtanh": [(0, 2), (0.9, 3.7)],
    "relu6": [()],
    "threshold": [(1, 7), (1.9, 2.2)],
}


def tolerances(dtype: str) -> dict[str, Any]:
    return {} if dtype in SIXTEENS else {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-11}


@samples_for(*TABLE)
def functions(op: str) -> Iterator[Sample]:
    rng, (options, formula) = rng_for(op), TABLE[op]
    for args in options:
        for dtype in ALL_FLOATS:
            for shape in SHAPES:
                x = T(make(rng, shape, dtype))
                yield Sample((x, *args), lambda x, *rest: formula(wide(x), *rest), **tolerances(dtype))
            for layout in LAYOUTS:
                x = T(make(rng, (3, 4), dtype), layout)
                yield Sample((x, *args), lambda x, *rest: formula(wide(x), *rest), **tolerances(dtype))
        far = T(np.array([30.0, -30.0, 1e3, -1e3, np.nan], np.float64))
        yield Sample((far, *args), lambda x, *rest: formula(x, *rest), rtol=1e-11)


@samples_for(*EXACT)
def of_any_number(op: str) -> Iterator[Sample]:
    rng, (options, formula) = rng_for(op), EXACT[op]
    for args in options:
        for dtype in FLOATS:
            for shape in SHAPES:
                yield Sample((T(make(rng, shape, dtype)), *args), formula)
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (3, 4), dtype), layout), *args), formula)


@samples_for(*OF_INTEGERS)
def of_integers(op: str) -> Iterator[Sample]:
    rng, formula = rng_for(op), EXACT[op][1]
    for args in OF_INTEGERS[op]:
        for dtype in ALL_INTS:
            for layout in LAYOUTS:
                x = T(make(rng, (3, 4), dtype), layout)
                yield Sample(
                    (x, *args),
                    lambda x, *rest: formula(x, *(int(number) for number in rest)).astype(x.dtype),
                    dtype=dtype,
                )
            yield Sample((T(make(rng, (0, 2), dtype)), *args), lambda x, *_: x, dtype=dtype)
    if op != "relu6":
        signed = T(np.array([-5, -2, -1, 0, 4], np.int16))
        yield Sample((signed, -2, 1), lambda x, low, high: formula(x, low, high).astype(x.dtype), dtype="int16")
    yield Sample((T(np.array([np.nan, 8.0])), *OF_INTEGERS[op][0]), lambda x, *rest: formula(x, *rest))  # NaN stays


@samples_for("softsign", "tanhshrink")
def of_other_numbers(op: str) -> Iterator[Sample]:
    """Integers become floats."""
    rng, (_, formula) = rng_for(op), TABLE[op]
    for dtype in ALL_INTS:
        x = T(make(rng, (3, 4), dtype))
        yield Sample((x,), lambda x: formula(x.astype(np.float64)), dtype="float32", rtol=1e-5, atol=1e-6)


@samples_for("prelu")
def with_weights(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def formula(x: Any, weight: Any) -> Any:
        weight = wide(weight).reshape([-1] + [1] * max(x.ndim - 2, 0) if x.ndim else [])
        return negative(wide(x), wide(x) * weight)

    for dtype in ALL_FLOATS:
        for shape, count in (((), 1), ((7,), 1), ((3, 4), 1), ((3, 4), 4), ((2, 3, 4), 3), ((2, 0, 3), 1)):
            x, weight = T(make(rng, shape, dtype)), T(make(rng, (count,), dtype, 0, 1))
            yield Sample((x, weight), formula, **tolerances(dtype))


@samples_for("glu")
def gated(op: str) -> Iterator[Sample]:
    def formula(x: Any, dim: int = -1) -> Any:
        a, b = np.split(wide(x), 2, dim)
        return a * scipy.special.expit(b)

    for dtype in ALL_FLOATS:
        for shape, args in (((4,), ()), ((3, 4), (1,)), ((2, 3, 4), (0,)), ((2, 4, 3), (-2,))):
            yield Sample((T(make(rng_for(op), shape, dtype)), *args), formula, **tolerances(dtype))


@samples_for("alpha_dropout", "feature_alpha_dropout")
def dropped(op: str) -> Iterator[Sample]:
    for dtype in FLOATS:
        for shape in ((3, 4), (2, 3, 4)):
            x = T(make(rng_for(op), shape, dtype))
            yield Sample((x,), lambda x: x)
            yield Sample((x, 0.5, False), lambda x, *_: x)
            yield Sample((x, 1.0, True), lambda x, *_: x * 0)
    for dtype in (*INTS, "bool", *COMPLEXES):  # nothing is done to them
        yield Sample((T(make(rng_for(op), (3, 4), dtype)), 0.5, False), lambda x, *_: x, dtype=dtype)


@samples_for("gumbel_softmax")
def relaxed(op: str) -> Iterator[Sample]:
    """A draw of several classes sums to 1."""
    for dtype in FLOATS:
        yield Sample((T(make(rng_for(op), (3, 4), dtype)),), lambda x: x, compare=sums_to_one)


def sums_to_one(found: Any, wanted: Any) -> None:
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


FLOATING = (*(set(TABLE) - {"softsign", "tanhshrink"}), "glu", "prelu")


@errors_for(*FLOATING)
def refuses_others(op: str) -> Iterator[ErrorSample]:
    more = (T(np.ones(1, np.float32)),) if op == "prelu" else ()
    for dtype in (*INTS, "bool", *COMPLEXES):
        match = f"^{op}: expected a floating-point tensor, got {dtype}"
        yield ErrorSample((T(np.ones(2, dtype)), *more), TypeError, match)


@errors_for(*EXACT, "softsign", "tanhshrink", "alpha_dropout", "feature_alpha_dropout")
def refuses_some(op: str) -> Iterator[ErrorSample]:
    args = {"threshold": (1, 2), "alpha_dropout": (0.5, True), "feature_alpha_dropout": (0.5, True)}.get(op, ())
    refused = ("bool", *COMPLEXES) if op in TABLE or op in EXACT else (*INTS, "bool", *COMPLEXES)
    for dtype in refused:
        yield ErrorSample((T(np.ones((2, 2), dtype)), *args), TypeError, f"^{op}: expected a .*, got {dtype}")


@errors_for("threshold", "hardtanh")
def refuses_numbers(op: str) -> Iterator[ErrorSample]:
    for args in ((300, 301), (-1, 301), (0, float("nan"))):
        yield ErrorSample((T(np.ones(2, np.uint8)), *args), ValueError, f"^{op}: .* is no number of .* uint8")


X = T(np.ones((3, 5), np.float32))


@errors_for(
    "glu",
    "prelu",
    "celu",
    "softshrink",
    "hardtanh",
    "rrelu",
    "gumbel_softmax",
    "alpha_dropout",
    "feature_alpha_dropout",
)
def refuses_options(op: str) -> Iterator[ErrorSample]:
    calls: dict[str, tuple[tuple[Any, ...], str]] = {
        "glu": ((X,), r"even size, got shape \(3, 5\)"),
        "prelu": ((X, T(np.ones(4, np.float32))), r"4 weights for an input of shape \(3, 5\)"),
        "celu": ((X, 0.0), "alpha must not be 0"),
        "softshrink": ((X, -1.0), "lambd must be >= 0, got -1"),
        "hardtanh": ((X, 1.0, -2.0), "min_val must not be above max_val, got 1.* and -2"),
        "rrelu": ((X, 0.5, 0.25), "lower must be at most upper, got 0.5 and 0.25"),
        "gumbel_softmax": ((X, 0.0), "tau must be positive, got 0"),
        "alpha_dropout": ((X, 1.5, False), r"p must be in \[0, 1\], got 1.5"),
        "feature_alpha_dropout": ((X, 1.5, True), r"p must be in \[0, 1\], got 1.5"),
    }
    args, match = calls[op]
    yield ErrorSample(args, ValueError, f"^{op}: .*{match}")
