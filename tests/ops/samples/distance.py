"""Distances and angles, against SciPy's and NumPy's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial import distance

from tests.ops.framework import (
    ALL_FLOATS,
    COMPLEXES,
    FLOATS,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)

ORDERS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf)


def near(dtype: str) -> dict[str, Any]:
    return {"rtol": 2e-5, "atol": 1e-5} if dtype == "float32" else {}


def norm(x: Any, p: float, axis: Any, keepdims: bool = False) -> Any:
    x = np.abs(x)
    if p == 0:
        return (x != 0).sum(axis, keepdims=keepdims)
    if math.isinf(p):
        return x.max(axis, keepdims=keepdims, initial=0)
    return (x**p).sum(axis, keepdims=keepdims) ** (1 / p)


def pairs(a: Any, b: Any, p: float = 2.0, mode: str = "") -> Any:
    a, b = wide(a), wide(b)
    if a.ndim == 2 and p >= 1 and a.size and b.size:  # where SciPy has it
        return distance.cdist(a, b, "chebyshev") if math.isinf(p) else distance.cdist(a, b, "minkowski", p=p)
    return norm(a[..., :, None, :] - b[..., None, :, :], p, -1)


@samples_for("cdist")
def distances(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    shapes = (
        ((3, 4), (5, 4)),
        ((2, 1, 3, 4), (3, 2, 4)),
        ((0, 4), (5, 4)),
        ((3, 4), (0, 4)),
        ((3, 0), (2, 0)),
        ((1, 1), (1, 1)),
        ((2, 3, 4), (1, 5, 4)),
    )
    for dtype in FLOATS:
        for a, b in shapes:
            for p in ORDERS:
                yield Sample((T(make(rng, a, dtype)), T(make(rng, b, dtype)), p), pairs, **near(dtype))
        tall = T(make(rng, (400, 3), dtype)), T(make(rng, (1100, 3), dtype))  # more than is compared at once
        yield Sample((*tall, 1.0), pairs, **near(dtype))
        x, y = make(rng, (30, 4), dtype), make(rng, (26, 4), dtype)
        for mode in ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
            loose = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-9}
            yield Sample((T(x), T(y), 2.0, mode), pairs, **loose)
            yield Sample((T(x[:3]), T(y[:3]), 2.0, mode), pairs, **loose)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), T(make(rng, (5, 4), dtype))), pairs, **near(dtype))
    for dtype in SIXTEENS:
        yield Sample((T(make(rng, (3, 4), dtype)), T(make(rng, (5, 4), dtype)), 1.0), pairs)


def pulls(grad: Any, difference: Any, distance: Any, p: float) -> Any:
    """The derivative of a distance by the differences that it is of; nothing where there is none."""
    difference, distance, grad = (np.broadcast_to(x, difference.shape) for x in (difference, distance, grad))
    out = np.zeros(difference.shape)
    for at in np.ndindex(*difference.shape):
        d, whole = float(difference[at]), float(distance[at])
        if d == 0 or whole == 0 or p == 0:
            continue
        if math.isinf(p):
            part = float(abs(d) == whole)
        else:
            part = (abs(d) / whole) ** (p - 1)
        out[at] = math.copysign(part, d) * grad[at]
    return out


@samples_for("distances", "distances_grad")
def of_rows(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def gradient(grad: Any, a: Any, b: Any, distance: Any, p: float) -> Any:
        difference = a[..., :, None, :] - b[..., None, :, :]  # in their own dtype, as the largest one is found in it
        return pulls(wide(grad)[..., None], difference, distance[..., None], p).sum(-2)

    for dtype in FLOATS:
        for a, b in (((1, 3, 4), (1, 5, 4)), ((2, 3, 20), (2, 1, 20)), ((1, 0, 4), (1, 2, 4)), ((2, 3, 0), (2, 2, 0))):
            for p in (*ORDERS, 2.5):
                x, y = make(rng, a, dtype), make(rng, b, dtype)
                if op == "distances":
                    yield Sample((T(x), T(y), p), pairs, **near(dtype))
                    continue
                far = np.asarray(norm(x[..., :, None, :] - y[..., None, :, :], p, -1), dtype)
                if p < 1 and p != 0:
                    continue  # its derivative grows without bound
                yield Sample((T(make(rng, far.shape, dtype)), T(x), T(y), T(far), p), gradient, rtol=1e-4, atol=1e-5)


@samples_for("pdist_of", "pdist_grad")
def of_one_matrix(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def both(x: Any) -> Any:
        return np.triu_indices(len(x), 1)

    def reference(x: Any, p: float) -> Any:
        rows, others = both(x)
        return norm(wide(x)[rows] - wide(x)[others], p, -1)

    def gradient(grad: Any, x: Any, distance: Any, p: float) -> Any:
        rows, others = both(x)
        pull = pulls(wide(grad)[:, None], x[rows] - x[others], distance[:, None], p)
        out = np.zeros(x.shape)
        np.add.at(out, rows, pull)
        np.add.at(out, others, -pull)
        return out

    for dtype in FLOATS:
        for shape in ((4, 3), (5, 20), (2, 1), (1, 2), (0, 2), (3, 0), (7, 130)):
            for p in (0.0, 1.0, 2.0, 3.0, 2.5, math.inf):
                x = make(rng, shape, dtype)
                if op == "pdist_of":
                    yield Sample((T(x), p), reference, **near(dtype))
                    continue
                far = np.asarray(norm(x[both(x)[0]] - x[both(x)[1]], p, -1), dtype)
                yield Sample((T(make(rng, far.shape, dtype)), T(x), T(far), p), gradient, rtol=1e-4, atol=1e-5)


@samples_for("pairwise_distance")
def one_by_one(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
        difference = np.atleast_1d(wide(a) - wide(b) + eps)
        return norm(difference, p, -1, keepdim)

    for dtype in (*FLOATS, *SIXTEENS, *COMPLEXES):
        loose = {"rtol": 1e-2, "atol": 1e-2} if dtype in SIXTEENS else near(dtype)
        real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
        for a, b in (((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((4,), (4,)), ((), ()), ((0, 4), (4,)), ((3, 1), (3, 1))):
            for rest in ((), (1.0,), (3.0, 0.0), (math.inf, 1e-3, True)):
                yield Sample((T(make(rng, a, dtype)), T(make(rng, b, dtype)), *rest), reference, dtype=real, **loose)
    yield Sample((T(np.array([1, 2])), T(np.array([4, 6]))), reference, dtype="float32", **near("float32"))


@samples_for("cosine_similarity")
def angles(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, dim: int = 1, eps: float = 1e-8) -> Any:
        a, b = np.broadcast_arrays(wide(a), wide(b))
        lengths = (np.maximum(norm(x, 2, dim), eps) for x in (a, b))
        return (a * b).sum(dim) / math.prod(lengths, start=1.0)

    for dtype in ALL_FLOATS:
        for a, b, dim in (
            ((3, 4), (3, 4), 1),
            ((3, 4), (4,), -1),
            ((2, 3, 4), (2, 1, 4), 0),
            ((4,), (4,), 0),
            ((3, 0), (3, 0), 1),
            ((0, 3), (0, 3), 1),
        ):
            yield Sample((T(make(rng, a, dtype)), T(make(rng, b, dtype)), dim), reference, **near(dtype))
        yield Sample((T(np.zeros((2, 3), dtype)), T(np.ones((2, 3), dtype)), 1, 0.5), reference, **near(dtype))
        for layout in LAYOUTS:
            x = T(make(rng, (3, 4), dtype), layout)
            yield Sample((x, T(make(rng, (3, 4), dtype)), 0, 0.5), reference, **near(dtype))


@samples_for("renorm")
def renormed(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, p: float, dim: int, most: float) -> Any:
        x = wide(x)
        length = norm(x, p, tuple(d for d in range(x.ndim) if d != dim % x.ndim), True)
        return x * np.where(length > most, most / (length + 1e-7), 1.0)

    for dtype in (*ALL_FLOATS, *COMPLEXES):
        loose = (
            {"rtol": 2e-2, "atol": 2e-2} if dtype in SIXTEENS else near("float32" if dtype == "complex64" else dtype)
        )
        for shape in ((3, 4), (2, 3, 4), (0, 3), (3, 0), (1, 1)):
            for dim in (0, -1):
                for p, most in ((2, 3.0), (1.5, 1), (math.inf, 2.5), (1, 0), (2, math.inf)):
                    yield Sample((T(make(rng, shape, dtype)), p, dim, most), reference, **loose)
        for layout in LAYOUTS:
            yield Sample((T(make(rng, (3, 4), dtype), layout), 2, 1, 2.0), reference, **loose)


X, INT = T(np.ones((2, 3), np.float32)), T(np.ones((2, 3), np.int64))
REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "cdist": [
        ((X, INT), TypeError),
        ((X, T(np.ones((2, 3)))), TypeError),
        ((X, T(np.ones(3, np.float32))), ValueError),
        ((X, T(np.ones((2, 2), np.float32))), ValueError),
        ((X, X, -1.0), ValueError),
        ((X, X, math.nan), ValueError),
        ((X, X, 2.0, "fast"), ValueError),
    ],
    "pairwise_distance": [((X, T(np.ones((2, 2), np.float32))), ValueError), ((X, "text"), TypeError)],
    "cosine_similarity": [
        ((X, X, 2), IndexError),
        ((INT, INT), TypeError),
        ((X, T(np.ones((2, 3), complex))), TypeError),
    ],
    "renorm": [
        ((X, 0, 0, 1.0), ValueError),
        ((X, 2, 0, -1.0), ValueError),
        ((X, 2, 2, 1.0), IndexError),
        ((T(np.ones(3, np.float32)), 2, 0, 1.0), ValueError),
        ((INT, 2, 0, 1.0), TypeError),
    ],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: ")
