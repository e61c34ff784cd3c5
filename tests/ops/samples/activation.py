"""Activation functions and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

from tests.ops.framework import (
    ALL_FLOATS,
    COMPLEXES,
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


def normal_cdf(x: Any) -> Any:
    return scipy.special.ndtr(x)


def normal_pdf(x: Any) -> Any:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def inner(x: Any) -> Any:
    return np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)


def gelu(x: Any, *, approximate: str = "none") -> Any:
    x = wide(x)
    return x * normal_cdf(x) if approximate == "none" else 0.5 * x * (1 + np.tanh(inner(x)))


def gelu_grad(grad: Any, x: Any, *, approximate: str = "none") -> Any:
    grad, x = wide(grad), wide(x)
    if approximate == "none":
        return grad * (normal_cdf(x) + x * normal_pdf(x))
    t = np.tanh(inner(x))
    slope = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    return grad * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * slope)


def silu_grad(grad: Any, x: Any) -> Any:
    s = scipy.special.expit(wide(x))
    return wide(grad) * s * (1 + wide(x) * (1 - s))


FUNCTIONS: dict[str, Callable[..., Any]] = {"gelu": gelu, "silu": lambda x: wide(x) * scipy.special.expit(wide(x))}
GRADIENTS: dict[str, Callable[..., Any]] = {
    "gelu_grad": gelu_grad,
    "silu_grad": silu_grad,
    "sigmoid_grad": lambda grad, y: wide(grad) * wide(y) * (1 - wide(y)),
    "tanh_grad": lambda grad, y: wide(grad) * (1 - wide(y) ** 2),
    "relu_grad": lambda grad, y: np.where(y > 0, wide(grad), 0),
}
KWARGS: dict[str, tuple[dict[str, Any], ...]] = {
    "gelu": ({}, {"approximate": "tanh"}),
    "gelu_grad": ({}, {"approximate": "tanh"}),
}


def tolerances(dtype: str) -> dict[str, Any]:
    if dtype in SIXTEENS:
        return {}
    return {"rtol": 1e-5, "atol": 4e-6} if dtype in ("float32", "complex64") else {"rtol": 1e-11, "atol": 1e-13}


@samples_for(*FUNCTIONS)
def functions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for kwargs in KWARGS.get(op, ({},)):
        for dtype in ALL_FLOATS:
            for shape in (*SHAPES, (1031,)):
                yield Sample((T(make(rng, shape, dtype)),), FUNCTIONS[op], kwargs, **tolerances(dtype))
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (3, 4), dtype), layout),), FUNCTIONS[op], kwargs, **tolerances(dtype))
            far = np.array([30.0, -30.0, 0.0, np.nan, 1e3, -1e3]).astype(dtype)
            yield Sample((T(far),), FUNCTIONS[op], kwargs, **tolerances(dtype))


@samples_for("silu")
def of_complex(op: str) -> Iterator[Sample]:
    for dtype in COMPLEXES:
        x = T(make(rng_for(op), (3, 4), dtype))
        yield Sample((x,), lambda x: wide(x) / (1 + np.exp(-wide(x))), **tolerances(dtype))


@samples_for(*GRADIENTS)
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    low, high = {"sigmoid_grad": (0, 1), "tanh_grad": (-1, 1)}.get(op, (-4, 4))
    for kwargs in KWARGS.get(op, ({},)):
        for dtype in ALL_FLOATS:
            for shape in (*SHAPES, (1031,)):
                args = (T(make(rng, shape, dtype)), T(make(rng, shape, dtype, low, high)))
                yield Sample(args, GRADIENTS[op], kwargs, **tolerances(dtype))
            for layout in LAYOUTS:
                args = (T(make(rng, (3, 4), dtype), layout), T(make(rng, (3, 4), dtype, low, high)))
                yield Sample(args, GRADIENTS[op], kwargs, **tolerances(dtype))


@errors_for("gelu")
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        yield ErrorSample((T(np.ones(2, dtype)),), TypeError, f"^{op}: expected a floating-point dtype, got {dtype}")


@errors_for("gelu", "silu")
def refuses_integers(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones(2, np.int64)),), TypeError, f"^{op}: expected a floating-point dtype, got int64")


@errors_for("gelu")
def refuses_approximations(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (T(np.ones(2, np.float32)),),
        ValueError,
        "^gelu: approximate must be 'none' or 'tanh', got 'erf'",
        {"approximate": "erf"},
    )


@errors_for(*GRADIENTS)
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (T(np.ones(2, np.float32)), T(np.ones(3, np.float32))), ValueError, rf"^{op}: .*\(2,\) and \(3,\)"
    )
