"""Products of vectors and matrices, powers, and the exponential."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg

from tests.ops.framework import (
    ALL_INTS,
    ErrorSample,
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    promote,
    rng_for,
    samples_for,
)
from tests.ops.samples.linalg_matrices import DTYPES, SQUARES, TOLERANCE, each, in_layouts, well


@samples_for("linalg_vecdot")
def dot_products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, y: Any, dim: int = -1) -> Any:
        return (x.conj() * y).sum(dim)

    for dtype, x in in_layouts(rng, well, ((3, 4), (2, 3, 4), (2, 0), (0, 3))):
        y = T(make(rng, x.array.shape, dtype))
        for dim in (-1, 0):
            yield Sample((x, y), reference, {"dim": dim}, **TOLERANCE[dtype])
        yield Sample((x, T(make(rng, x.array.shape[-1:], dtype))), reference, **TOLERANCE[dtype])
    for dtype in ALL_INTS:
        for shape in ((2, 5), (0, 3), (2, 0)):
            x = make(rng, shape, dtype)
            for first in (T(x), T(x, "reversed")):
                yield Sample((first, T(make(rng, shape, dtype))), lambda x, y: (x * y).sum(-1, dtype=x.dtype))
    mixed = T(make(rng, (3,), "float32")), T(make(rng, (3,), "complex64"))
    yield Sample(mixed, reference, dtype=promote(*mixed), rtol=1e-4, atol=1e-4)
    mixed = T(make(rng, (3,), "int64")), T(make(rng, (3,), "float32"))
    yield Sample(mixed, reference, dtype=promote(*mixed), rtol=1e-5, atol=1e-5)


@samples_for("linalg_cross")
def cross_products(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(a: Any, b: Any, dim: int = -1) -> Any:
        return np.cross(a, b, axis=dim)

    for dtype in (*DTYPES, "int64", "int32"):
        tolerance = TOLERANCE.get(dtype, {})
        for shape, other in (((3,), (3,)), ((2, 3), (1, 3)), ((0, 3), (0, 3))):
            yield Sample((T(make(rng, shape, dtype)), T(make(rng, other, dtype))), reference, **tolerance)
        args = T(make(rng, (3, 2), dtype), "transposed"), T(make(rng, (3, 1), dtype))
        yield Sample(args, reference, {"dim": 0}, **tolerance)


@samples_for("linalg_vander")
def vandermonde(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, N: int | None = None) -> Any:
        return x[..., None] ** np.arange(x.shape[-1] if N is None else N)

    for dtype in (*DTYPES, "int64", "int32", "uint8"):
        result = dtype if dtype in DTYPES else "int64"
        for shape, layout in (((3,), "reversed"), ((2, 3), "transposed"), ((2, 0, 4), "contiguous")):
            x = T(make(rng, shape, dtype, -2, 2), layout)
            yield Sample(
                (x,),
                lambda x, N=None: reference(x.astype("int64") if x.dtype.kind in "iu" else x, N),
                dtype=result,
                **TOLERANCE.get(dtype, {}),
            )
            yield Sample(
                (x, 5),
                lambda x, N=None: reference(x.astype("int64") if x.dtype.kind in "iu" else x, N),
                dtype=result,
                **TOLERANCE.get(dtype, {}),
            )
    yield Sample((T(np.zeros((0,))), 3), reference)


@samples_for("linalg_multi_dot")
def chains(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(tensors: Any) -> Any:
        result = tensors[0]
        for factor in tensors[1:]:
            result = result @ factor
        return result

    for dtype in DTYPES:
        for shapes in (
            ((2, 3), (3, 4)),
            ((2, 9), (9, 3), (3, 8), (8, 2)),
            ((5,), (5, 3), (3,)),
            ((5,), (5, 2), (2, 4)),
            ((2, 5), (5, 3), (3,)),
            ((4,), (4,)),
            ((2, 0), (0, 3), (3, 1)),
            ((10, 1), (1, 10), (10, 1), (1, 10), (10, 2)),
        ):
            chain = [T(make(rng, shape, dtype), "transposed" if len(shape) > 1 else "reversed") for shape in shapes]
            yield Sample((chain,), reference, dtype=dtype, **TOLERANCE[dtype])


@samples_for("matrix_exp")
def exponentials(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any) -> Any:
        return each(lambda x: (scipy.linalg.expm(x) if x.size else x,), A)[0]

    def of_size(size: float) -> Any:
        return lambda rng, shape, dtype: (make(rng, shape, dtype, -1, 1) * size).astype(dtype)

    for size in (0.01, 1.0, 4.0):
        for dtype, A in in_layouts(rng, of_size(size), SQUARES[:-1]):
            yield Sample((A,), reference, **TOLERANCE[dtype])
    mixed = make(rng, (3, 4, 4), "float64") * np.array([0.1, 1.0, 5.0])[:, None, None]  # of different norms
    yield Sample((T(mixed),), reference, rtol=1e-9, atol=1e-9)
    yield Sample((T(np.zeros((3, 3))),), reference)
    nilpotent = np.triu(np.full((4, 4), 50.0), 1)
    yield Sample((T(nilpotent),), reference, rtol=1e-12, atol=1e-9)
    yield Sample((T(np.full((2, 2), np.nan)),), lambda A: A)


@samples_for("matrix_power")
def negative_powers(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), well, SQUARES[:-1]):
        for n in (-1, -2, 0, 3):
            yield Sample((A, n), np.linalg.matrix_power, **TOLERANCE[dtype])


X = T(np.ones((2, 3), np.float32))
VECTOR = T(np.ones(3, np.float32))
SCALAR = T(np.array(1.0))
INTS = T(np.eye(2, dtype=np.int64))
TRUTHS = T(np.ones(3, bool))
REFUSED: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], Refusal, str]]] = {
    "linalg_vecdot": [
        ((SCALAR, VECTOR), {}, ValueError, "vectors"),
        ((TRUTHS, TRUTHS), {}, TypeError, "bool"),
        ((X, T(np.ones((2, 2), np.float32))), {}, ValueError, ""),
    ],
    "linalg_cross": [
        ((X, VECTOR), {}, ValueError, "same number of dimensions"),
        ((X, X), {"dim": 0}, ValueError, "must have length 3"),
        ((X, X), {"dim": 4}, IndexError, "out of range"),
    ],
    "linalg_vander": [((VECTOR, 1), {}, ValueError, "greater than 1"), ((SCALAR,), {}, ValueError, "at least one dim")],
    "linalg_multi_dot": [
        (([X],), {}, ValueError, "at least 2 tensors"),
        (([X, X],), {}, ValueError, "tensors 0 and 1 with shapes"),
        (([VECTOR, VECTOR, VECTOR],), {}, ValueError, "tensor 1 must be 2D"),
        (([X, T(np.ones((3, 2)))],), {}, TypeError, "same dtype"),
    ],
    "matrix_exp": [((X,), {}, ValueError, "square"), ((INTS,), {}, TypeError, "int64")],
    "matrix_power": [
        ((X, 2), {}, ValueError, "square"),
        ((T(np.zeros((2, 2))), -1), {}, RuntimeError, "singular"),
    ],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error, words in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: .*{words}", kwargs)
