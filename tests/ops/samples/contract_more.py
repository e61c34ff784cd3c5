"""Products written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, ErrorSample, Refusal, Sample, T, errors_for, make, rng_for, samples_for, wide

NEAR: dict[str, Any] = {"rtol": 1e-5, "atol": 2e-5}
Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

ADDED: dict[str, tuple[Callable[[Any, Any], Any], Shapes]] = {
    "baddbmm": (np.matmul, ((2, 3, 5), (2, 3, 4), (2, 4, 5))),
    "addbmm": (lambda a, b: np.matmul(a, b).sum(0), ((3, 5), (2, 3, 4), (2, 4, 5))),
    "addmv": (np.matmul, ((3,), (3, 4), (4,))),
    "addr": (np.outer, ((3, 4), (3,), (4,))),
}


@samples_for(*ADDED)
def added_products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    product, shapes = ADDED[op]

    def reference(x: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        result = alpha * product(wide(a), wide(b))
        return result + beta * wide(x) if beta else result

    for dtype in (*FLOATS, "int64"):
        for kwargs in ({}, {"beta": 2, "alpha": 3}, {"beta": 0}):
            args = tuple(T(make(rng, shape, dtype)) for shape in shapes)
            yield Sample(args, reference, kwargs, **NEAR)
        broadcast = (T(make(rng, shapes[0][-1:], dtype)), *args[1:])
        yield Sample(broadcast, reference, **NEAR)
        turned = tuple(T(make(rng, shape, dtype), "transposed") for shape in shapes)
        yield Sample(turned, reference, **NEAR)
    nans = (T(np.full(shapes[0], np.nan)), *(T(make(rng, shape, "float64")) for shape in shapes[1:]))
    yield Sample(nans, reference, {"beta": 0})


PRODUCTS: dict[str, tuple[Callable[[Any, Any], Any], list[tuple[tuple[int, ...], tuple[int, ...]]]]] = {
    "outer": (np.outer, [((3,), (4,)), ((0,), (4,))]),
    "inner": (np.inner, [((4,), (4,)), ((3, 4), (5, 4)), ((2, 3, 4), (4,)), ((), (3,))]),
    "vdot": (np.vdot, [((4,), (4,)), ((0,), (0,))]),
    "kron": (np.kron, [((3,), (2,)), ((2, 3), (3, 2)), ((2,), (2, 2)), ((), (3,))]),
    "cross": (lambda a, b: np.cross(a, b), [((3,), (3,)), ((2, 3), (2, 3))]),
}


@samples_for(*PRODUCTS)
def products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn, cases = PRODUCTS[op]
    for dtype in (*FLOATS, "int64"):
        for a, b in cases:
            for layout in ("contiguous", "strided"):
                if layout == "strided" and (not a or not b):
                    continue
                args = (T(make(rng, a, dtype), layout), T(make(rng, b, dtype), layout))
                yield Sample(args, lambda a, b: fn(wide(a), wide(b)), **NEAR)


@samples_for("cross")
def cross_dims(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dim")
    args = (T(make(rng, (3, 4), "float64")), T(make(rng, (3, 4), "float64")))
    for dim in (0, -2, None):
        yield Sample((*args, dim), lambda a, b, dim: np.cross(a, b, axis=0))


@samples_for("cross_product")
def cross_products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in (*FLOATS, "int64", "float16", "complex64"):
        for shape, dim in (((3,), 0), ((5, 3), 1), ((3, 5), 0), ((2, 3, 1100), -2), ((0, 3), 1), ((2, 1100, 3), 2)):
            for layout in ("contiguous", "strided", "transposed"):
                if layout == "transposed" and len(shape) < 2:
                    continue
                args = (T(make(rng, shape, dtype), layout), T(make(rng, shape, dtype)), dim)
                tolerance = {"rtol": 0.01, "atol": 0.05} if dtype == "float16" else NEAR
                yield Sample(args, lambda a, b, dim: np.cross(wide(a), wide(b), axis=dim), **tolerance)


@samples_for("tensordot")
def tensordots(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, x: Any, y: Any) -> Any:
        return np.tensordot(wide(a), wide(b), (x, y))

    for dtype in (*FLOATS, "int64"):
        a, b = T(make(rng, (3, 4, 5), dtype)), T(make(rng, (5, 4, 2), dtype))
        for x, y in (((2,), (0,)), ((1, 2), (1, 0)), ((-1,), (-3,)), ((), ())):
            yield Sample((a, b, x, y), reference, **NEAR)


@samples_for("matrix_power")
def matrix_powers(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in FLOATS:
        for shape in ((3, 3), (2, 3, 3)):
            for n in (0, 1, 2, 3, 5):
                yield Sample(
                    (T(make(rng, shape, dtype, -1, 1)), n), lambda x, n: np.linalg.matrix_power(wide(x), n), **NEAR
                )


def ones(*shape: int) -> T:
    return T(np.ones(shape, np.float32))


REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "baddbmm": [
        ((ones(2, 3, 5), ones(2, 3, 4), ones(2, 3, 5)), ValueError),
        ((ones(7), ones(2, 3, 4), ones(2, 4, 5)), ValueError),
    ],
    "addmv": [((ones(3), ones(3, 4), ones(3)), ValueError)],
    "addr": [((ones(3, 4), ones(3, 1), ones(4)), ValueError)],
    "outer": [((ones(3, 1), ones(4)), ValueError)],
    "inner": [((ones(3), ones(4)), ValueError)],
    "vdot": [((ones(3), ones(4)), ValueError), ((ones(3, 1), ones(3, 1)), ValueError)],
    "cross": [((ones(4), ones(4)), ValueError), ((ones(3), ones(3), 1), IndexError), ((ones(), ones(), 0), ValueError)],
    "tensordot": [
        ((ones(3, 4), ones(4, 3), (0,), (0,)), ValueError),
        ((ones(3), ones(3), (0,), ()), ValueError),
        ((ones(3), ones(3), (1,), (0,)), IndexError),
        ((ones(3, 3), ones(3, 3), (0, 0), (0, 1)), ValueError),
        ((ones(), ones(3), (0,), (0,)), ValueError),
    ],
    "matrix_power": [((ones(2, 3), 2), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, "^[a-z_]+: ")
