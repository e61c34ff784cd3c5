"""Products, convolutions, pooling, softmax and norms in the rarer dtypes; random numbers in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_INTS,
    COMPLEXES,
    DEVICE,
    LAYOUTS,
    RARE_INTS,
    SIXTEENS,
    D,
    ErrorSample,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)
from tests.ops.samples.conv import convolve

DTYPES = (*SIXTEENS, *RARE_INTS, *COMPLEXES)
NEAR = {
    "float16": {"rtol": 2e-3, "atol": 2e-3},
    "bfloat16": {"rtol": 1e-2, "atol": 1e-2},
    "complex64": {"rtol": 1e-5, "atol": 5e-5},
    "complex128": {"rtol": 1e-11, "atol": 1e-11},
}
SHAPES: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    "bmm": (((2, 3, 4), (2, 4, 5)), ((0, 3, 4), (0, 4, 5)), ((2, 3, 0), (2, 0, 5)), ((2, 9, 33), (2, 33, 19))),
    "mm": (((3, 4), (4, 5)), ((1, 9), (9, 7)), ((7, 9), (9, 1)), ((65, 70), (70, 67))),
    "mv": (((3, 4), (4,)), ((3, 0), (0,)), ((40, 70), (70,))),
    "dot": (((4,), (4,)), ((0,), (0,)), ((9000,), (9000,))),
    "matmul": (((2, 3, 4), (4, 5)), ((4,), (2, 4, 5))),
}


@samples_for(*SHAPES)
def products(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dtypes")

    def reference(a: Any, b: Any) -> Any:
        if a.dtype.kind in "iu":
            return np.matmul(a, b)  # wraps around
        return np.matmul(wide(a), wide(b))

    for dtype in DTYPES:
        low, high = (-100, 100) if dtype in RARE_INTS else (-1, 1)
        near: dict[str, Any] = NEAR.get(dtype, {})
        for a, b in SHAPES[op]:
            yield Sample((T(make(rng, a, dtype, low, high)), T(make(rng, b, dtype, low, high))), reference, **near)
        a, b = SHAPES[op][0]
        for layout in LAYOUTS:
            args = (T(make(rng, a, dtype, low, high), layout), T(make(rng, b, dtype, low, high), layout))
            yield Sample(args, reference, **near)


@samples_for("addmm")
def sums_of_products(op: str) -> Iterator[Sample]:
    rng = rng_for("addmm-dtypes")

    def reference(x: Any, a: Any, b: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        x, a, b = wide(x), wide(a), wide(b)
        return x.dtype.type(beta) * x + x.dtype.type(alpha) * np.matmul(a, b)

    for dtype in DTYPES:
        scales: list[dict[str, Any]] = [{}, {"beta": 2, "alpha": 3}]
        if dtype in COMPLEXES:
            scales.append({"beta": 1j, "alpha": 2 - 1j})
        for kwargs in scales:
            args = [T(make(rng, shape, dtype, -2, 2)) for shape in ((3, 5), (3, 4), (4, 5))]
            yield Sample(tuple(args), reference, kwargs, **NEAR.get(dtype, {}))


@samples_for("vdot")
def conjugated_products(op: str) -> Iterator[Sample]:
    rng = rng_for("vdot-dtypes")
    for dtype in COMPLEXES:
        args = (T(make(rng, (9,), dtype)), T(make(rng, (9,), dtype)))
        yield Sample(args, lambda a, b: np.vdot(wide(a), wide(b)), **NEAR[dtype])


@samples_for("baddbmm", "addbmm", "addmv")
def sums_of_rounded_products(op: str) -> Iterator[Sample]:
    # What float16 would lose: a product of 60000 and another of -60000 to be added up.
    shapes = {"baddbmm": ((2, 3, 4), (2, 4, 5)), "addbmm": ((2, 3, 4), (2, 4, 5)), "addmv": ((3, 4), (4,))}[op]
    rng = rng_for(op + "-dtypes")

    def reference(x: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        product = np.matmul(wide(a), wide(b))
        return beta * wide(x) + alpha * (product.sum(0) if op == "addbmm" else product)

    for dtype in SIXTEENS:
        a, b = (T(make(rng, shape, dtype, 100, 200)) for shape in shapes)
        x = T(np.full((), -60000.0).astype(dtype))
        yield Sample((x, a, b), reference, {"alpha": 0.5}, rtol=2e-2, atol=300, variants=False)


@samples_for("linear")
def linears(op: str) -> Iterator[Sample]:
    rng = rng_for("linear-dtypes")

    def reference(x: Any, weight: Any, bias: Any) -> Any:
        return np.matmul(wide(x), wide(weight).T) + wide(bias)

    for dtype in (*SIXTEENS, *COMPLEXES):
        for lead in ((2,), (2, 3)):
            args = [T(make(rng, shape, dtype, -1, 1)) for shape in ((*lead, 4), (5, 4), (5,))]
            yield Sample(tuple(args), reference, **NEAR[dtype])


@samples_for("convolution")
def convolutions(op: str) -> Iterator[Sample]:
    rng = rng_for("conv-dtypes")

    def reference(x: Any, weight: Any, bias: Any, *options: Any) -> Any:
        return convolve(x, weight, None if bias is None else wide(bias), *options)

    for dtype in (*SIXTEENS, *COMPLEXES):
        for options in (([1, 1], [1, 1], [1, 1], 1), ([2, 1], [0, 2], [1, 2], 2)):
            shapes = ((2, 4, 7, 8), (6, 4 // options[-1], 3, 3), (6,))
            x, weight, bias = (T(make(rng, shape, dtype, -1, 1)) for shape in shapes)
            yield Sample((x, weight, bias, *options), reference, **NEAR[dtype])
            yield Sample((x, weight, None, *options), reference, **NEAR[dtype])
        x = T(make(rng, (0, 4, 7, 8), dtype))
        yield Sample((x, weight, bias, *options), reference, **NEAR[dtype])
        x = T(make(rng, (2, 4, 7, 8), dtype, -1, 1), "transposed")
        yield Sample((x, weight, bias, *options), reference, **NEAR[dtype])


def windows(x: np.ndarray) -> np.ndarray:
    """The 2 x 2 windows of a batch of planes, side by side."""
    n, c, h, w = x.shape
    return wide(x).reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


@samples_for("avg_pool")
def averages(op: str) -> Iterator[Sample]:
    rng = rng_for("avg_pool-dtypes")
    for dtype in SIXTEENS:
        x = T(make(rng, (2, 3, 4, 6), dtype))
        yield Sample((x, [2, 2], [2, 2], [0, 0], False, True, None), lambda x, *options: windows(x).mean(-1))


@samples_for("max_pool")
def maxima(op: str) -> Iterator[Sample]:
    rng = rng_for("max_pool-dtypes")

    def reference(x: Any, *options: Any) -> Any:
        seen, plane = windows(x), np.arange(24.0).reshape(1, 1, 4, 6)
        best = seen.argmax(-1)[..., None]
        at = np.take_along_axis(np.broadcast_to(windows(plane), seen.shape), best, -1)
        return np.take_along_axis(seen, best, -1)[..., 0], at[..., 0]

    for dtype in (*SIXTEENS, *RARE_INTS):
        x = T(make(rng, (2, 3, 4, 6), dtype, -50, 50))
        yield Sample((x, [2, 2], [2, 2], [0, 0], [1, 1], False), reference, dtype=(dtype, "int64"))


def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    e = np.exp(wide(x) - wide(x).max(dim, keepdims=True))
    return np.asarray(e / e.sum(dim, keepdims=True))


SOFTMAXES: dict[str, Callable[..., Any]] = {
    "softmax": softmax,
    "log_softmax": lambda x, dim: np.log(softmax(x, dim)),
}


@samples_for(*SOFTMAXES)
def softmaxes(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-dtypes")
    for dtype in SIXTEENS:
        for dim in (0, 1):
            yield Sample((T(make(rng, (40, 70), dtype)), dim), SOFTMAXES[op])
            for layout in LAYOUTS:
                yield Sample((T(make(rng, (3, 4), dtype), layout), dim), SOFTMAXES[op])


@samples_for("layer_norm")
def norms(op: str) -> Iterator[Sample]:
    rng = rng_for("layer_norm-dtypes")

    def reference(x: Any, shape: Any, weight: Any, bias: Any) -> Any:
        x = wide(x)
        y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return y * wide(weight) + wide(bias)

    for dtype in SIXTEENS:
        x, weight, bias = (T(make(rng, shape, dtype)) for shape in ((5, 30), (30,), (30,)))
        yield Sample((x, [30], weight, bias), reference, **NEAR[dtype])


# ---- random numbers ------------------------------------------------------------------------------------------


def within(low: float, high: float, mean: float, spread: float) -> Callable[[Any, Any], None]:
    """A comparison of the distribution: range, mean and standard deviation."""

    def compare(drawn: Any, _: Any) -> None:
        drawn = wide(drawn)
        parts = [drawn.real, drawn.imag] if drawn.dtype.kind == "c" else [drawn]
        for part in parts:
            assert low <= part.min() and part.max() < high, (part.min(), part.max())
            assert abs(part.mean() - mean) < 0.05 and abs(part.std() - spread) < 0.05
        assert len(parts) == 1 or abs((parts[0] * parts[1]).mean() - mean**2) < 0.05

    return compare


@samples_for("rand", "randn")
def draws(op: str) -> Iterator[Sample]:
    for dtype in (*SIXTEENS, *COMPLEXES):
        spread = 1 / np.sqrt(12) if op == "rand" else np.sqrt(0.5) if dtype in COMPLEXES else 1.0
        compare = within(0, 1, 0.5, spread) if op == "rand" else within(-9, 9, 0, spread)
        yield Sample(
            ((20_000,),),
            lambda size, dtype, device: np.zeros(size, dtype.name),
            {"dtype": D(dtype), "device": DEVICE},
            dtype=dtype,
            compare=compare,
            variants=False,
        )


@samples_for("randint")
def integers(op: str) -> Iterator[Sample]:
    for dtype in (*ALL_INTS, *SIXTEENS):
        yield Sample(
            (3, 23, (20_000,)),
            lambda low, high, size, dtype, device: np.zeros(size, dtype.name),
            {"dtype": D(dtype), "device": DEVICE},
            dtype=dtype,
            compare=between(3, 22),
            variants=False,
        )


def between(least: int, most: int) -> Callable[[Any, Any], None]:
    """A comparison: all of these integers are there, and no other."""

    def compare(drawn: Any, _: Any) -> None:
        assert sorted(set(wide(drawn).tolist())) == list(range(least, most + 1))

    return compare


@errors_for("randint")
def refuses_ranges(op: str) -> Iterator[ErrorSample]:
    for dtype, high in (("int8", 129), ("uint8", 257), ("bool", 3), ("uint16", 2**16 + 1)):
        yield ErrorSample((0, high, (2,)), ValueError, f"^randint: {dtype} holds", {"dtype": D(dtype)})
    yield ErrorSample((-1, 2, (2,)), ValueError, "^randint: uint64 holds 0", {"dtype": D("uint64")})
    yield ErrorSample((0, 2, (2,)), TypeError, "^randint: not defined for dtype complex64", {"dtype": D("complex64")})


@errors_for("addmm")
def refuses_complex_scale(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((2, 2), np.float32))
    yield ErrorSample((x, x, x), TypeError, "^addmm: alpha must be real", {"alpha": 1j})


@errors_for("convolution")
def refuses_integers(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((1, 1, 3), np.int64))
    yield ErrorSample((x, x, None, [1], [0], [1], 1), TypeError, "^convolution: not defined for dtype int64")
