"""Systems of equations, inverses, determinants, least squares."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import ErrorSample, Refusal, Sample, T, errors_for, rng_for, samples_for
from tests.ops.samples.linalg_matrices import (
    DTYPES,
    RECTANGLES,
    SQUARES,
    TOLERANCE,
    each,
    identity_like,
    in_layouts,
    lu_reference,
    real_dtype,
    well,
    without_info,
)


def right_sides(rng: Any, A: T, dtype: str, left: bool = True) -> Iterator[T]:
    """Matrices, in two layouts, and matrices that broadcast."""
    *batch, n, _ = A.array.shape
    for count, layout in ((2, "contiguous"), (3, "transposed"), (0, "contiguous")):
        shape = (*batch, n, count) if left else (*batch, count, n)
        yield T(well(rng, shape, dtype), layout)
    if A.array.ndim == 2:
        yield T(well(rng, (2, n, 2) if left else (2, 2, n), dtype))


def solved(A: Any, B: Any, left: bool = True) -> Any:
    if A.size == 0 or B.size == 0:
        batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        return np.zeros((*batch, *B.shape[-2:]))
    if left:
        return np.linalg.solve(A, B)
    return np.swapaxes(np.linalg.solve(np.swapaxes(A, -1, -2), np.swapaxes(B, -1, -2)), -1, -2)


# ---- systems ---------------------------------------------------------------------------------------------------


@samples_for("linalg_solve", "linalg_solve_ex")
def systems(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    more = op == "linalg_solve_ex"

    def reference(A: Any, B: Any, left: bool = True, check_errors: bool = False) -> Any:
        vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
        X = solved(A, B[..., None])[..., 0] if vector else solved(A, B, left)
        return (X, np.zeros(A.shape[:-2])) if more else X

    for dtype, A in in_layouts(rng, well):
        common = {"dtype": (dtype, "int32") if more else dtype, **TOLERANCE[dtype]}
        for left in (True, False):
            for B in right_sides(rng, A, dtype, left):
                yield Sample((A, B), reference, {"left": left}, **common)
        vectors = well(rng, (*A.array.shape[:-1], 1), dtype)[..., 0]
        yield Sample((A, T(vectors)), reference, **common)
        if A.array.ndim > 2:
            yield Sample((A, T(well(rng, (A.array.shape[-1], 1), dtype)[:, 0])), reference, **common)


@samples_for("linalg_solve_triangular")
def triangular_systems(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, B: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
        A = np.triu(A) if upper else np.tril(A)
        if unitriangular:
            A = A - A * identity_like(A) + identity_like(A)
        return solved(A, B, left)

    for dtype, A in in_layouts(rng, well, SQUARES[:-1]):
        for left, upper, unit in itertools.product((True, False), repeat=3):
            for B in right_sides(rng, A, dtype, left):
                kwargs = {"upper": upper, "left": left, "unitriangular": unit}
                yield Sample((A, B), reference, kwargs, **TOLERANCE[dtype])


@samples_for("triangular_solve")
def triangular_systems_of_old(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(B: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False) -> Any:
        used = np.triu(A) if upper else np.tril(A)
        if unitriangular:
            used = used - used * identity_like(A) + identity_like(A)
        return solved(np.swapaxes(used, -1, -2) if transpose else used, B), A

    for dtype, A in in_layouts(rng, well, SQUARES[:-1]):
        for flags in itertools.product((True, False), repeat=3):
            B = T(well(rng, (*A.array.shape[:-1], 2), dtype))
            yield Sample((B, A, *flags), reference, **TOLERANCE[dtype])


@samples_for("linalg_lu_solve", "lu_solve")
def factored_systems(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(LU: Any, pivots: Any, B: Any, left: bool = True, adjoint: bool = False) -> Any:
        def whole(LU: np.ndarray, pivots: np.ndarray) -> Any:
            A = (np.tril(LU, -1) + np.eye(len(LU))) @ np.triu(LU)
            for i in reversed(range(len(pivots))):
                A[[i, pivots[i] - 1]] = A[[pivots[i] - 1, i]]
            return (A,)

        A = each(whole, LU, pivots, inner=(2, 1))[0]
        return solved(np.swapaxes(A.conj(), -1, -2) if adjoint else A, B, left)

    for dtype, A in in_layouts(rng, well, SQUARES[:-1]):
        LU, pivots, _ = each(lu_reference, A.array)
        LU, pivots = (
            T(LU.astype(dtype), A.layout if A.layout != "expanded" else "contiguous"),
            T(pivots.astype(np.int32)),
        )
        if op == "lu_solve":
            B = T(well(rng, (*A.array.shape[:-1], 2), dtype))
            yield Sample((B, LU, pivots), lambda B, LU, p: reference(LU, p, B), **TOLERANCE[dtype])
            continue
        for left, turned in itertools.product((True, False), repeat=2):
            for B in right_sides(rng, A, dtype, left):
                yield Sample((LU, pivots, B), reference, {"left": left, "adjoint": turned}, **TOLERANCE[dtype])


# ---- inverses --------------------------------------------------------------------------------------------------


@samples_for("linalg_inv", "inverse", "linalg_inv_ex")
def inverses(op: str) -> Iterator[Sample]:
    more = op == "linalg_inv_ex"
    for dtype, A in in_layouts(rng_for(op), well):
        reference = (lambda A: (np.linalg.inv(A), np.zeros(A.shape[:-2]))) if more else np.linalg.inv
        yield Sample((A,), reference, dtype=(dtype, "int32") if more else dtype, **TOLERANCE[dtype])


@samples_for("linalg_tensorinv")
def tensor_inverses(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, ind: int) -> Any:
        size = int(np.prod(A.shape[:ind]))
        return np.linalg.inv(A.reshape(size, size)).reshape(A.shape[ind:] + A.shape[:ind])

    for dtype in DTYPES:
        for shape, ind in (((2, 3, 6), 2), ((6, 3, 2), 1), ((2, 2, 2, 2), 2), ((0, 2, 0), 1)):
            size = int(np.prod(shape[:ind]))
            A = well(rng, (size, size), dtype).reshape(shape)
            yield Sample((T(A), ind), reference, **TOLERANCE[dtype])


@samples_for("linalg_tensorsolve")
def tensor_systems(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in DTYPES:
        A = T(well(rng, (6, 6), dtype).reshape(2, 3, 6), "transposed")
        yield Sample((A, T(well(rng, (2, 3), dtype))), np.linalg.tensorsolve, **TOLERANCE[dtype])
        moved = T(np.moveaxis(A.array, 2, 1))
        yield Sample((moved, T(well(rng, (2, 3), dtype)), (1,)), np.linalg.tensorsolve, **TOLERANCE[dtype])


# ---- determinants ----------------------------------------------------------------------------------------------


@samples_for("linalg_det", "det")
def determinants(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype, A in in_layouts(rng, well, SQUARES[:-1]):
        yield Sample((A,), np.linalg.det, **TOLERANCE[dtype])
    for dtype in DTYPES:
        A = well(rng, (4, 4), dtype)
        A[1] = A[2]  # singular
        yield Sample((T(A),), np.linalg.det, rtol=1e-4, atol=1e-4)


@samples_for("linalg_slogdet", "slogdet", "logdet")
def logarithms_of_determinants(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any) -> Any:
        sign, logabsdet = np.linalg.slogdet(A)
        if op != "logdet":
            return sign, logabsdet
        return np.log(sign) + logabsdet

    for dtype, A in in_layouts(rng, well):
        types = dtype if op == "logdet" else (dtype, real_dtype(dtype))
        yield Sample((A,), reference, dtype=types, **TOLERANCE[dtype])
    turned = T(np.array([[0.0, 2.0], [1.0, 0.0]]))
    yield Sample((turned,), reference, dtype="float64" if op == "logdet" else ("float64", "float64"))
    if op != "logdet":
        yield Sample((T(np.zeros((2, 2))),), reference, dtype=("float64", "float64"))


# ---- least squares ---------------------------------------------------------------------------------------------


@samples_for("linalg_gels")
def least_squares_by_lapack(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, B: Any, rcond: float, driver: str) -> Any:
        m, n = A.shape[-2:]
        k = min(m, n)
        batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        values = np.linalg.svd(A, compute_uv=False) if driver in ("gelsd", "gelss") else np.zeros((*A.shape[:-2], 0))
        rank = k if B.shape[-1] or driver == "never" else 0
        values = values if B.shape[-1] else np.zeros_like(values)
        return (
            np.linalg.pinv(A) @ B if A.size else np.zeros((*batch, n, B.shape[-1])),
            np.full(batch, rank),
            np.broadcast_to(values, (*batch, values.shape[-1])),
            np.zeros(batch),
        )

    for dtype, A in in_layouts(rng, well, (*RECTANGLES[:-1], (3, 3))):
        types = (dtype, "int64", real_dtype(dtype), "int32")
        for driver in ("gels", "gelsy", "gelsd", "gelss"):
            for B in right_sides(rng, A, dtype):
                yield Sample((A, B, 1e-7, driver), reference, dtype=types, **TOLERANCE[dtype], through=without_info)


@samples_for("linalg_lstsq")
def least_squares(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, B: Any, rcond: Any = None, driver: str = "gelsy") -> Any:
        vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
        B = B[..., None] if vector else B
        m, n = A.shape[-2:]
        X = np.linalg.pinv(A) @ B
        error = (np.abs(A @ X - B) ** 2).sum(-2) if m > n and driver != "gelsy" else np.zeros(0)
        batch = X.shape[:-2]
        values = np.linalg.svd(A, compute_uv=False) if driver in ("gelsd", "gelss") else np.zeros(0)
        rank = np.zeros(0) if driver == "gels" else np.full(batch, min(m, n))
        if values.ndim > 1 or (driver in ("gelsd", "gelss") and batch):
            values = np.broadcast_to(values, (*batch, min(m, n)))
        return (X[..., 0] if vector else X), error, rank, values

    for dtype, A in in_layouts(rng, well, ((4, 2), (2, 4), (2, 3, 5), (3, 5, 2), (17, 30), (3, 3))):
        types = (dtype, real_dtype(dtype), "int64", real_dtype(dtype))
        for driver in ("gels", "gelsy", "gelsd", "gelss", None):
            kwargs = {} if driver is None else {"driver": driver}
            for B in right_sides(rng, A, dtype):
                if B.array.shape[-1]:
                    yield Sample((A, B), reference, kwargs, dtype=types, **TOLERANCE[dtype])
            vectors = well(rng, (*A.array.shape[:-1], 1), dtype)[..., 0]
            yield Sample((A, T(vectors)), reference, kwargs, dtype=types, **TOLERANCE[dtype])


# ---- what is refused -------------------------------------------------------------------------------------------

X = T(np.ones((2, 3), np.float32))
VECTOR = T(np.ones(3, np.float32))
EYE, DOUBLE = T(np.eye(2, dtype=np.float32)), T(np.eye(2))
ZERO = T(np.zeros((3, 2, 2), np.float32))
INTS = T(np.eye(2, dtype=np.int64))
PIVOTS = T(np.array([1, 2], np.int32))
TALL = T(np.ones((3, 1), np.float32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], Refusal, str]]] = {
    "linalg_solve": [
        ((X, X), {}, ValueError, "square matrices, but they are 2 by 3"),
        ((EYE, TALL), {}, ValueError, "Incompatible shapes of A and B for the equation AX = B"),
        ((ZERO, EYE), {}, RuntimeError, r"\(Batch element 0\): The solver failed because the input matrix is singular"),
        ((EYE, DOUBLE), {}, TypeError, "dtype"),
        ((INTS, INTS), {}, TypeError, "int64"),
        ((EYE, T(np.ones(2, np.float32))), {"left": False}, ValueError, "left=False needs matrices"),
    ],
    "linalg_solve_ex": [((ZERO, EYE), {"check_errors": True}, RuntimeError, "singular")],
    "linalg_solve_triangular": [
        ((EYE, TALL), {"upper": True}, ValueError, "Incompatible shapes of A and B for the equation AX = B"),
        ((EYE, TALL), {"upper": True, "left": False}, ValueError, "XA = B"),
        ((X, X), {"upper": True}, ValueError, "square"),
        ((EYE, DOUBLE), {"upper": True}, TypeError, "dtype"),
        ((EYE, EYE), {}, TypeError, "upper"),
        ((T(np.ones((2, 2, 2))), T(np.ones((3, 2, 2)))), {"upper": True}, ValueError, "don't broadcast"),
    ],
    "triangular_solve": [((VECTOR, EYE), {}, ValueError, "at least 2"), ((EYE, X), {}, ValueError, "square")],
    "linalg_lu_solve": [
        ((X, PIVOTS, EYE), {}, ValueError, "square"),
        ((EYE, T(np.array([1, 2, 3], np.int32)), EYE), {}, ValueError, "one pivot for every row"),
        ((EYE, PIVOTS, TALL), {}, ValueError, "Incompatible shapes"),
        ((EYE, T(np.array([1, 5], np.int32)), EYE), {}, ValueError, "no row"),
    ],
    "lu_solve": [((TALL, EYE, PIVOTS), {}, ValueError, "Incompatible shapes")],
    "linalg_inv": [
        ((X,), {}, ValueError, "square"),
        ((ZERO,), {}, RuntimeError, r"\(Batch element 0\): The diagonal element 1 is zero"),
        ((INTS,), {}, TypeError, "int64"),
    ],
    "inverse": [((ZERO,), {}, RuntimeError, "singular")],
    "linalg_inv_ex": [((ZERO,), {"check_errors": True}, RuntimeError, "singular"), ((X,), {}, ValueError, "square")],
    "linalg_tensorinv": [((X,), {}, ValueError, "as many elements"), ((X, 0), {}, ValueError, "positive")],
    "linalg_tensorsolve": [((X, VECTOR), {}, ValueError, "as many elements")],
    "linalg_det": [((X,), {}, ValueError, "square"), ((INTS,), {}, TypeError, "int64")],
    "det": [((X,), {}, ValueError, "square")],
    "linalg_slogdet": [((X,), {}, ValueError, "square")],
    "slogdet": [((X,), {}, ValueError, "square")],
    "logdet": [((X,), {}, ValueError, "square")],
    "linalg_gels": [
        ((EYE, EYE, 1e-7, "gelsx"), {}, ValueError, "driver must be"),
        ((EYE, TALL, 1e-7, "gels"), {}, ValueError, "as many rows"),
    ],
    "linalg_lstsq": [
        ((EYE, EYE), {"driver": "gelsx"}, ValueError, "driver must be"),
        ((EYE, TALL), {}, ValueError, "as many rows"),
        ((VECTOR, VECTOR), {}, ValueError, "at least 2"),
        ((T(np.array([[1.0, 0], [1, 0], [0, 0]])), T(np.ones((3, 1)))), {"driver": "gels"}, RuntimeError, "full rank"),
    ],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error, words in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: .*{words}", kwargs)
