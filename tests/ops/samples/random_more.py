"""Random tensors: the same numbers as Philox written out in NumPy gives for the seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    DEVICE,
    FLOATS,
    LAYOUTS,
    D,
    ErrorSample,
    G,
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)
from tests.ops.samples.random import bits, normal, randint, uniform

SIZES: tuple[tuple[int, ...], ...] = ((), (0,), (5,), (3, 7), (1031,))
NEAR: dict[str, Any] = {"rtol": 2e-5, "atol": 2e-6}


def drawn(dtype: str) -> dict[str, Any]:
    return {"generator": G(7), "dtype": D(dtype), "device": DEVICE}


def of_seed(draw: Any, size: Any, generator: G, dtype: str) -> Any:
    return draw(size, generator.seed, 0, dtype=D(dtype))


@samples_for("rand", "randn")
def floats(op: str) -> Iterator[Sample]:
    draw = uniform if op == "rand" else normal

    def reference(size: Any, *, generator: G, dtype: D, **_: Any) -> Any:
        return of_seed(draw, size, generator, dtype.name)

    for dtype in FLOATS:
        for size in SIZES:
            yield Sample((size,), reference, drawn(dtype), dtype=dtype, **NEAR)


@samples_for("rand_like", "randn_like")
def floats_like(op: str) -> Iterator[Sample]:
    draw = uniform if op == "rand_like" else normal

    def reference(x: Any, *, generator: G) -> Any:
        return of_seed(draw, x.shape, generator, str(x.dtype))

    for dtype in FLOATS:
        for size in SIZES:
            yield Sample((T(np.zeros(size, dtype)),), reference, {"generator": G(7)}, **NEAR)


@samples_for("randint", "randint_like")
def integers(op: str) -> Iterator[Sample]:
    def reference(*args: Any, generator: G, **_: Any) -> Any:
        (low, high, size) = args if op == "randint" else (*args[1:], args[0].shape)
        return randint(size, generator.seed, 0, low, high)

    for size in SIZES:
        for dtype in ("int64", "int32", "float32"):
            args: tuple[Any, ...] = (-3, 9, size) if op == "randint" else (T(np.zeros(size, dtype)), -3, 9)
            kwargs = drawn(dtype) if op == "randint" else {"generator": G(7)}
            yield Sample(args, reference, kwargs, dtype=dtype)
    # What every dtype holds.
    ones: tuple[Any, ...] = (0, 2, (5,)) if op == "randint" else (T(np.zeros(5, "float32")), 0, 2)
    yield Sample(ones, reference, drawn("float32") if op == "randint" else {"generator": G(7)}, dtype="float32")


@samples_for("randperm")
def permutations(op: str) -> Iterator[Sample]:
    def reference(n: int, *, generator: G, **_: Any) -> Any:
        return np.argsort(bits((n,), generator.seed, 0), kind="stable")

    for n in (0, 1, 2, 9, 1000):
        yield Sample((n,), reference, drawn("int64"), dtype="int64")


@samples_for("bernoulli")
def coins(op: str) -> Iterator[Sample]:
    def reference(p: Any, *, generator: G) -> Any:
        return of_seed(uniform, p.shape, generator, str(p.dtype)) < p

    for dtype in FLOATS:
        for size in SIZES:
            yield Sample((T(make(rng_for(op), size, dtype, 0, 1)),), reference, {"generator": G(7)})


@samples_for("normal")
def normals(op: str) -> Iterator[Sample]:
    def reference(mean: Any, std: Any, *, generator: G) -> Any:
        dtype = str(np.asarray(mean if np.ndim(mean) else std).dtype)
        return of_seed(normal, np.broadcast_shapes(np.shape(mean), np.shape(std)), generator, dtype) * wide(std) + wide(
            mean
        )

    rng = rng_for(op)
    for dtype in FLOATS:
        mean, std = T(make(rng, (3, 4), dtype)), T(make(rng, (4,), dtype, 0, 2))
        for args in ((mean, std), (mean, 2.0), (0.5, std)):
            yield Sample(args, reference, {"generator": G(7)}, dtype=dtype, rtol=1e-4, atol=1e-5)


@samples_for("multinomial")
def multinomials(op: str) -> Iterator[Sample]:
    def reference(weights: Any, count: int, replacement: bool = False, *, generator: G) -> Any:
        dtype = str(weights.dtype)
        if not replacement:
            keys = weights / -np.log(1 - of_seed(uniform, weights.shape, generator, dtype))
            return np.argsort(-keys, axis=-1, kind="stable")[..., :count]
        chances = of_seed(uniform, (*weights.shape[:-1], count), generator, dtype)
        total = np.cumsum(weights, axis=-1)
        rows = zip(np.atleast_2d(total), np.atleast_2d(chances * total[..., -1:]), strict=True)
        found = np.stack([np.searchsorted(a, b, "right") for a, b in rows])
        return found if weights.ndim == 2 else found[0]

    weights = np.array([[0.1, 0.0, 3.0, 1.0, 2.0], [5.0, 1.0, 0.0, 0.5, 0.25]])
    for dtype in FLOATS:
        for w in (weights, weights[0]):
            yield Sample((T(w.astype(dtype)), 3), reference, {"generator": G(7)}, dtype="int64")
            yield Sample((T(w.astype(dtype)), 40, True), reference, {"generator": G(7)}, dtype="int64")


@samples_for("dropout")
def dropouts(op: str) -> Iterator[Sample]:
    def reference(x: Any, p: float = 0.5, training: bool = True, *, generator: G) -> Any:
        if not training or p == 0:
            return x
        return x * (of_seed(uniform, x.shape, generator, str(x.dtype)) >= p) / (1 - p) if p < 1 else x * 0

    for dtype in FLOATS:
        for size in ((), (7,), (3, 4), (0,)):
            x = T(make(rng_for(op), size, dtype))
            for args in ((), (0.3,), (0.0,), (1.0,), (0.3, False)):
                yield Sample((x, *args), reference, {"generator": G(7)})


@samples_for("philox_dropout")
def dropouts_of_a_key(op: str) -> Iterator[Sample]:
    def reference(x: Any, p: float, key: int, offset: int) -> Any:
        kept = uniform(x.shape, key, offset, dtype=D(str(x.dtype))) >= p
        factor = kept / (1 - p) if p < 1 else np.zeros(x.shape)
        return x * factor, factor

    for dtype in FLOATS:
        for size in ((), (7,), (3, 4), (0,), (3, 1025)):
            for layout in ("contiguous", *LAYOUTS) if size == (3, 4) else ("contiguous",):
                for p in (0.0, 0.3, 1.0):
                    yield Sample((T(make(rng_for(op), size, dtype), layout), p, 7, 2**33), reference)


@errors_for("philox_dropout")
def refuses_dropouts(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((W, 1.5, 7, 0), ValueError, f"^{op}: p must be between 0 and 1, got 1.5")
    yield ErrorSample((T(np.ones(2, np.int64)), 0.5, 7, 0), TypeError, f"^{op}: input must have a floating")


W = T(np.array([1.0, 0.0], np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "rand": [(((-1,),), ValueError)],
    "randn": [(((-1,),), ValueError)],
    "randint": [((3, 3, (2,)), ValueError), ((0, 3, (-2,)), ValueError)],
    "randint_like": [((W, 3, 3), ValueError)],
    "randperm": [((-1,), ValueError)],
    "rand_like": [((T(np.zeros(2, np.int64)),), TypeError)],
    "bernoulli": [
        ((T(np.zeros(2, np.int64)),), TypeError),
        ((T(np.array([0.5, 1.5])),), ValueError),
        ((T(np.array([np.nan])),), ValueError),
    ],
    "multinomial": [
        ((W, 0), ValueError),
        ((W, 2), ValueError),
        ((W, 3), ValueError),
        ((T(-np.ones(2)), 1), ValueError),
    ],
    "dropout": [((W, -0.1), ValueError), ((W, 1.1), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: ")
