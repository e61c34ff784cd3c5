"""Matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

DTYPES = (*FLOATS, "int64", "int32")
SHAPES = {
    "bmm": [
        ((2, 3, 4), (2, 4, 5)),
        ((1, 1, 1), (1, 1, 1)),
        ((0, 3, 4), (0, 4, 5)),
        ((2, 3, 0), (2, 0, 5)),
        ((3, 1, 7), (3, 7, 1)),
        ((9, 17, 33), (9, 33, 19)),
        ((3, 9, 1), (3, 1, 17)),
    ],
    "mm": [
        ((3, 4), (4, 5)),
        ((1, 1), (1, 1)),
        ((0, 4), (4, 5)),
        ((3, 0), (0, 5)),
        ((1, 9), (9, 7)),
        ((7, 9), (9, 1)),
        ((65, 130), (130, 67)),
        ((270, 1), (1, 1100)),
    ],
    "mv": [((3, 4), (4,)), ((0, 4), (4,)), ((3, 0), (0,)), ((1, 1), (1,)), ((130, 129), (129,))],
    "dot": [((4,), (4,)), ((0,), (0,)), ((1031,), (1031,))],
    "matmul": [
        ((4,), (4,)),
        ((3, 4), (4,)),
        ((4,), (4, 5)),
        ((3, 4), (4, 5)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (4,)),
        ((3, 4), (2, 4, 5)),
        ((4,), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((2, 3, 4), (2, 4, 5)),
        ((1, 3, 4), (6, 4, 5)),
        ((0, 3, 4), (4, 5)),
        ((2, 2, 3, 4), (2, 1, 4, 5)),
        ((2, 3, 0), (0, 5)),
    ],
}


def tolerances(dtype: str) -> dict[str, Any]:
    return {"rtol": 1e-5, "atol": 5e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-11}


@samples_for(*SHAPES)
def products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any) -> Any:
        return np.matmul(wide(a), wide(b))

    for dtype in DTYPES:
        for a, b in SHAPES[op]:
            yield Sample((T(make(rng, a, dtype)), T(make(rng, b, dtype))), reference, **tolerances(dtype))
        a, b = SHAPES[op][0]
        for layout in LAYOUTS:
            args = (T(make(rng, a, dtype), layout), T(make(rng, b, dtype), layout))
            yield Sample(args, reference, **tolerances(dtype))
    for dtype in FLOATS:  # a product of nothing sums to zero; NaN is carried through
        a, b = SHAPES[op][0]
        x = make(rng, a, dtype)
        x[(0,) * x.ndim] = np.nan
        yield Sample((T(x), T(make(rng, b, dtype))), reference, **tolerances(dtype))


@samples_for("mm")
def larger(op: str) -> Iterator[Sample]:
    rng = rng_for("mm-larger")
    for layout in ("contiguous", "transposed"):
        args = (T(make(rng, (257, 129), "float32"), layout), T(make(rng, (129, 300), "float32"), layout))
        yield Sample(args, lambda a, b: wide(a) @ wide(b), rtol=1e-4, atol=1e-4)


@samples_for("addmm")
def addmms(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        product = alpha * (wide(a) @ wide(b))
        return product + beta * wide(x) if beta else np.broadcast_to(product, (a.shape[0], b.shape[1]))

    for dtype in DTYPES:
        for shape in ((3, 5), (5,), (3, 1), (), (1, 1)):
            args = (T(make(rng, shape, dtype)), T(make(rng, (3, 4), dtype)), T(make(rng, (4, 5), dtype)))
            yield Sample(args, reference, **tolerances(dtype))
            yield Sample(args, reference, {"beta": 2, "alpha": 3}, **tolerances(dtype))
            yield Sample(args, reference, {"beta": 0}, **tolerances(dtype))
        for layout in LAYOUTS:
            args = tuple(T(make(rng, shape, dtype), layout) for shape in ((3, 5), (3, 4), (4, 5)))
            yield Sample(args, reference, {"beta": 2}, **tolerances(dtype))
            outer = tuple(T(make(rng, shape, dtype), layout) for shape in ((3, 9), (3, 1), (1, 9)))
            yield Sample(outer, reference, {"beta": 2, "alpha": 3}, **tolerances(dtype))
        empty = (T(make(rng, (3, 5), dtype)), T(make(rng, (3, 0), dtype)), T(make(rng, (0, 5), dtype)))
        yield Sample(empty, reference)
    for dtype in FLOATS:
        args = (T(np.full((3, 5), np.nan, dtype)), T(make(rng, (3, 4), dtype)), T(make(rng, (4, 5), dtype)))
        yield Sample(args, reference, {"beta": 0, "alpha": 0.5}, **tolerances(dtype))


@samples_for("linear")
def linears(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, weight: Any, bias: Any = None) -> Any:
        return wide(x) @ wide(weight).T + (0 if bias is None else wide(bias))

    for dtype in DTYPES:
        for x, weight, bias in (
            ((3, 4), (5, 4), (5,)),
            ((4,), (5, 4), (5,)),
            ((2, 3, 4), (5, 4), (5,)),
            ((0, 4), (5, 4), (5,)),
            ((3, 4), (4,), ()),
            ((65, 33), (17, 33), (17,)),
        ):
            args = (T(make(rng, x, dtype)), T(make(rng, weight, dtype)))
            yield Sample(args, reference, **tolerances(dtype))
            yield Sample((*args, T(make(rng, bias, dtype))), reference, **tolerances(dtype))
        for layout in LAYOUTS:
            args = (T(make(rng, (3, 4), dtype), layout), T(make(rng, (5, 4), dtype), layout), T(make(rng, (5,), dtype)))
            yield Sample(args, reference, **tolerances(dtype))


def ones(*shape: int, dtype: str = "float32") -> T:
    return T(np.ones(shape, dtype))


@errors_for("bmm", "mm", "mv", "dot", "matmul")
def refuses_pairs(op: str) -> Iterator[ErrorSample]:
    a, b = SHAPES[op][0]
    wrong = (*b[:-2], b[-2] + 1, b[-1]) if len(b) > 1 else (b[0] + 1,)
    text = rf"^{op}: .*{a}.*{wrong}".replace("(", r"\(").replace(")", r"\)")
    yield ErrorSample((ones(*a), ones(*wrong)), ValueError, text)
    yield ErrorSample(
        (ones(*a), ones(*b, dtype="float64")), TypeError, f"^{op}: .* the same dtype, got float32 and float64"
    )
    yield ErrorSample((ones(*a, dtype="bool"), ones(*b, dtype="bool")), TypeError, "not defined for dtype bool")
    yield ErrorSample((ones(), ones(*b)), ValueError, rf"^{op}: .*\(\)")


@errors_for("bmm")
def refuses_batches(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (ones(2, 3, 4), ones(3, 4, 5)), ValueError, r"^bmm: .*as many matrices, got shapes \(2, 3, 4\) and \(3, 4, 5\)"
    )


@errors_for("addmm")
def refuses_addmm(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(
        (ones(4), ones(2, 3), ones(3, 5)), ValueError, r"^addmm: self of shape \(4,\) doesn't broadcast to \(2, 5\)"
    )
    yield ErrorSample((ones(5), ones(2, 3), ones(4, 5)), ValueError, r"^addmm: .*\(2, 3\) and \(4, 5\)")
    yield ErrorSample(
        (ones(5, dtype="float64"), ones(2, 3), ones(3, 5)), TypeError, "^addmm: self and mat1 must have the same dtype"
    )
    whole = (ones(5, dtype="int64"), ones(2, 3, dtype="int64"), ones(3, 5, dtype="int64"))
    yield ErrorSample(whole, TypeError, "^addmm: beta must be an integer", {"beta": 0.5})


@errors_for("linear")
def refuses_linear(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((ones(2, 3), ones(5, 4)), ValueError, r"^linear: .*input \(2, 3\) and weight \(5, 4\)")
    yield ErrorSample((ones(2, 4), ones(5, 4), ones(4)), ValueError, r"^linear: bias .*bias \(4,\)")
    yield ErrorSample(
        (ones(2, 4), ones(5, 4, dtype="float64")), TypeError, "^linear: input and weight must have the same dtype"
    )
    yield ErrorSample((ones(2, 4), ones(1, 5, 4)), ValueError, r"^linear: weight must have shape .*\(1, 5, 4\)")
