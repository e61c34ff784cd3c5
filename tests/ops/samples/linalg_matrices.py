"""Matrices that linear algebra is sampled with, and what NumPy and SciPy make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import COMPLEXES, FLOATS, LAYOUTS, T, make, real_of

DTYPES = (*FLOATS, *COMPLEXES)
# Batches of square matrices, among them none, empty ones and ones of one element.
SQUARES = ((3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 3, 3), (2, 0, 0), (2, 1, 3, 3), (20, 20))
RECTANGLES = ((4, 2), (2, 4), (2, 3, 5), (3, 5, 2), (0, 3), (3, 0), (2, 0, 3), (0, 2, 3), (17, 30))

# Single precision loses some digits to the conditioning of random matrices.
TOLERANCE = {
    "float32": {"rtol": 5e-4, "atol": 5e-4},
    "complex64": {"rtol": 5e-4, "atol": 5e-4},
    "float64": {"rtol": 1e-9, "atol": 1e-9},
    "complex128": {"rtol": 1e-9, "atol": 1e-9},
}


def adjoint(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x.conj(), -1, -2)


def identity_like(x: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.eye(x.shape[-2], x.shape[-1]), x.shape).astype(x.dtype)


def well(rng: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Matrices far from singular: of random ones, with a diagonal that grows, so that no two values are close."""
    x = make(rng, shape, dtype, -1, 1)
    k = min(shape[-2:])
    for i in range(k):
        x[..., i, i] += 2 + i
    return x


def hermitian(rng: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    x = well(rng, shape, dtype)
    return ((x + adjoint(x)) / 2).astype(dtype)


def positive(rng: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    x = make(rng, shape, dtype, -1, 1)
    return (x @ adjoint(x) + (1 + shape[-1]) * identity_like(x)).astype(dtype)


def triangular(rng: Any, shape: tuple[int, ...], dtype: str, upper: bool = False) -> np.ndarray:
    x = well(rng, shape, dtype) / 2
    return (np.triu(x) if upper else np.tril(x)).astype(dtype)


def upper_triangular(rng: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return triangular(rng, shape, dtype, upper=True)


Maker = Callable[[Any, tuple[int, ...], str], np.ndarray]


def in_layouts(rng: Any, maker: Maker, shapes: tuple[tuple[int, ...], ...] = SQUARES) -> Iterator[tuple[str, T]]:
    """Matrices of every dtype and shape, and of one shape in every layout; with the dtype."""
    for dtype in DTYPES:
        for shape in shapes:
            yield dtype, T(maker(rng, shape, dtype))
        layouts = [layout for layout in LAYOUTS if layout != "expanded"]
        for layout in layouts:
            yield dtype, T(maker(rng, (2, *shapes[0]), dtype), layout)
        yield dtype, T(maker(rng, (2, *shapes[0]), dtype), "expanded")


def each(function: Callable[..., Any], *arrays: np.ndarray, inner: tuple[int, ...] = ()) -> tuple[np.ndarray, ...]:
    """A function of matrices, for every one of a batch; its results stacked. `inner`: how many dims belong to one item
    of each array, 2 by default."""
    inner = inner or (2,) * len(arrays)
    batch = arrays[0].shape[: arrays[0].ndim - inner[0]]
    if not batch:
        found = function(*arrays)
        return tuple(np.asarray(one) for one in found)
    if 0 in batch:  # the shapes of what there would be
        items = [
            np.ones(a.shape[a.ndim - n :], a.dtype) + identity_if(a, n) for a, n in zip(arrays, inner, strict=True)
        ]
        return tuple(np.zeros((*batch, *np.shape(one)), np.asarray(one).dtype) for one in function(*items))
    rows = [function(*(a[index] for a in arrays)) for index in np.ndindex(*batch)]
    columns = zip(*rows, strict=True)
    return tuple(np.stack([np.asarray(one) for one in c]).reshape(*batch, *np.shape(c[0])) for c in columns)


def identity_if(a: np.ndarray, inner: int) -> Any:
    return 4 * np.eye(*a.shape[-2:]).astype(a.dtype) if inner == 2 else 0


def lu_reference(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """LU with partial pivoting, in one matrix; the exchanges, counted from 1; 0, as no pivot is."""
    x = x.copy()
    m, n = x.shape
    pivots = []
    for i in range(min(m, n)):
        # LAPACK compares complex numbers by the sum of their parts' magnitudes.
        size = np.abs(x[i:, i].real) + np.abs(x[i:, i].imag)
        other = i + int(np.argmax(size))
        pivots.append(other + 1)
        x[[i, other]] = x[[other, i]]
        x[i + 1 :, i] /= x[i, i]
        x[i + 1 :, i + 1 :] -= np.outer(x[i + 1 :, i], x[i, i + 1 :])
    return x, np.array(pivots, np.int32).reshape(min(m, n)), np.int32(0)


def householder_reference(a: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray]:
    m, n = a.shape
    Q = np.eye(m, dtype=a.dtype)
    for i, factor in enumerate(tau):
        v = np.concatenate([np.zeros(i), [1], a[i + 1 :, i]]).astype(a.dtype)
        Q = Q - factor * np.outer(Q @ v, v.conj())
    return (Q[:, :n],)


def of_magnitudes(actual: np.ndarray, wanted: np.ndarray) -> None:
    """Vectors are unique up to a factor of magnitude 1, so their elements' magnitudes are compared."""
    rough = wanted.dtype in (np.float32, np.complex64)
    np.testing.assert_allclose(np.abs(actual), np.abs(wanted), atol=5e-4 if rough else 1e-8)


def in_any_order(actual: np.ndarray, wanted: np.ndarray) -> None:
    """Eigenvalues and eigenvectors of general matrices have no order: sums of powers of magnitudes are compared."""
    rough = wanted.dtype == np.complex64
    for power in (1, 2, 3):
        a, b = ((np.abs(x) ** power).sum(-1) for x in (actual, wanted))
        np.testing.assert_allclose(a, b, rtol=2e-3 if rough else 1e-8, atol=1e-6)


def dtypes(*results: str) -> tuple[str, ...]:
    return results


def real_dtype(dtype: str) -> str:
    return real_of(dtype)


def complex_dtype(dtype: str) -> str:
    return {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)


# ---- for derivatives ---------------------------------------------------------------------------------------------


def made_hermitian(op: Any, A: Any, *rest: Any, **options: Any) -> Any:
    return op(A + A.mH, *rest, **options)


def made_positive(op: Any, A: Any, *rest: Any, **options: Any) -> Any:
    return op((A + A.mH) / 2, *rest, **options)


def magnitudes(results: Any) -> Any:
    """Results of which no sign or phase is left."""
    return tuple(t.abs() if t.dtype.is_floating_point or t.dtype.is_complex else t for t in results)


def hermitian_magnitudes(op: Any, A: Any, *rest: Any, **options: Any) -> Any:
    return magnitudes(op(A + A.mH, *rest, **options))


def plain_magnitudes(op: Any, A: Any, *rest: Any, **options: Any) -> Any:
    return magnitudes(op(A, *rest, **options))


def without_info(op: Any, *args: Any, **options: Any) -> Any:
    return next(iter(op(*args, **options)))
