"""Cholesky, LU, LDL and QR."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg

from tests.ops.framework import ErrorSample, Refusal, Sample, T, errors_for, rng_for, samples_for
from tests.ops.samples.linalg_matrices import (
    DTYPES,
    RECTANGLES,
    SQUARES,
    TOLERANCE,
    adjoint,
    each,
    hermitian,
    householder_reference,
    identity_like,
    in_layouts,
    lu_reference,
    made_positive,
    positive,
    triangular,
    upper_triangular,
    well,
    without_info,
)

# ---- Cholesky --------------------------------------------------------------------------------------------------


def cholesky_reference(A: Any, upper: bool = False) -> Any:
    L = np.linalg.cholesky(A)
    return adjoint(L) if upper else L


@samples_for("cholesky", "linalg_cholesky")
def choleskys(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), positive):
        yield Sample((A,), cholesky_reference, **TOLERANCE[dtype], through=made_positive)
        yield Sample((A,), cholesky_reference, {"upper": True}, **TOLERANCE[dtype], through=made_positive)


@samples_for("linalg_cholesky_ex", "linalg_potrf")
def choleskys_with_verdict(op: str) -> Iterator[Sample]:
    def reference(A: Any, upper: bool = False, check_errors: bool = False) -> Any:
        return cholesky_reference(A, upper), np.zeros(A.shape[:-2])

    for dtype, A in in_layouts(rng_for(op), positive):
        types = (dtype, "int32")
        yield Sample((A,), reference, dtype=types, **TOLERANCE[dtype], through=made_positive)
        yield Sample((A,), reference, {"upper": True}, dtype=types, **TOLERANCE[dtype], through=made_positive)
        if op == "linalg_cholesky_ex":
            yield Sample(
                (A,), reference, {"check_errors": True}, dtype=types, **TOLERANCE[dtype], through=made_positive
            )


@samples_for("cholesky_solve")
def cholesky_solutions(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(B: Any, L: Any, upper: bool = False) -> Any:
        return np.linalg.solve(adjoint(L) @ L if upper else L @ adjoint(L), B)

    for upper in (False, True):
        for dtype, L in in_layouts(rng, upper_triangular if upper else triangular, SQUARES[:-1]):
            B = well(rng, (*L.array.shape[:-1], 2), dtype)
            yield Sample((T(B), L, upper), reference, **TOLERANCE[dtype])
    for dtype in DTYPES:
        args = (T(well(rng, (2, 3, 2), dtype)), T(triangular(rng, (3, 3), dtype)))
        yield Sample(args, reference, **TOLERANCE[dtype])


@samples_for("cholesky_inverse")
def cholesky_inverses(op: str) -> Iterator[Sample]:
    def reference(L: Any, upper: bool = False) -> Any:
        return np.linalg.inv(adjoint(L) @ L if upper else L @ adjoint(L))

    for upper in (False, True):
        for dtype, L in in_layouts(rng_for(op), upper_triangular if upper else triangular, SQUARES[:-1]):
            yield Sample((L, upper), reference, **TOLERANCE[dtype])


# ---- LU --------------------------------------------------------------------------------------------------------


@samples_for("linalg_getrf", "linalg_lu_factor_ex", "linalg_lu_factor")
def factors_in_one(op: str) -> Iterator[Sample]:
    count = 2 if op == "linalg_lu_factor" else 3

    def reference(A: Any, pivot: bool = True, check_errors: bool = False) -> Any:
        return each(lu_reference, A)[:count]

    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        types = (dtype, "int32", "int32")[:count]
        yield Sample((A,), reference, dtype=types, **TOLERANCE[dtype], through=without_info)
        if op == "linalg_lu_factor_ex":
            yield Sample((A,), reference, {"check_errors": True}, dtype=types, **TOLERANCE[dtype], through=without_info)


def plu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    m, n = x.shape
    k = min(m, n)
    LU, pivots, _ = lu_reference(x)
    P = np.eye(m)
    for i, other in enumerate(pivots - 1):
        P[:, [i, other]] = P[:, [other, i]]
    return P.astype(x.dtype), (np.tril(LU, -1) + np.eye(m, n))[:, :k].astype(x.dtype), np.triu(LU)[:k]


@samples_for("linalg_lu")
def factors(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        yield Sample((A,), lambda A: each(plu, A), **TOLERANCE[dtype])


@samples_for("lu_unpack")
def unpacked(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(LU: Any, pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
        def one(LU: np.ndarray, pivots: np.ndarray) -> Any:
            m, n = LU.shape
            P = np.eye(m)
            for i, other in enumerate(pivots - 1):
                P[:, [i, other]] = P[:, [other, i]]
            return P, (np.tril(LU, -1) + np.eye(m, n))[:, : min(m, n)], np.triu(LU)[: min(m, n)]

        P, L, U = each(one, LU, pivots, inner=(2, 1))
        nothing = np.zeros((0,))
        return (P if unpack_pivots else nothing), *((L, U) if unpack_data else (nothing, nothing))

    for _, LU in in_layouts(rng, well, (*SQUARES[:-1], *RECTANGLES[:-1])):
        m, n = LU.array.shape[-2:]
        pivots = np.ones((*LU.array.shape[:-2], min(m, n)), np.int32) * max(m, 1)
        if pivots.size == 0 and m == 0:
            pivots = pivots[..., :0]
        for flags in ((), (True, False), (False, True)):
            yield Sample((LU, T(pivots), *flags), reference)


@samples_for("linalg_pivots_to_order")
def orders(op: str) -> Iterator[Sample]:
    def reference(pivots: Any, rows: int) -> Any:
        def one(pivots: np.ndarray) -> Any:
            order = np.arange(rows)
            for i, other in enumerate(pivots - 1):
                order[[i, other]] = order[[other, i]]
            return (order,)

        return each(one, pivots, inner=(1,))[0]

    for pivots, rows in [([3, 2, 3], 3), ([3, 4], 5), ([], 2), ([[2, 2], [1, 2]], 2), ([], 0)]:
        yield Sample((T(np.array(pivots, np.int32)), rows), reference, dtype="int64")
    yield Sample((T(np.array([[3, 3], [2, 5]], np.int32), "strided"), 5), reference, dtype="int64")


# ---- LDL -------------------------------------------------------------------------------------------------------


def ldl_reference(x: np.ndarray, is_hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.int32]:
    if x.size == 0:
        return x, np.zeros(x.shape[:1], np.int32), np.int32(0)
    name = "hetrf" if is_hermitian and x.dtype.kind == "c" else "sytrf"
    LD, pivots, info = scipy.linalg.get_lapack_funcs((name,), (x,))[0](x, lower=1)
    # LAPACK's pivots count from 1; SciPy passes them on as they are.
    return np.tril(LD), pivots.astype(np.int32), np.int32(info)


@samples_for("linalg_hetrf", "linalg_ldl_factor", "linalg_ldl_factor_ex")
def ldl_factors(op: str) -> Iterator[Sample]:
    count = 2 if op == "linalg_ldl_factor" else 3
    for dtype, A in in_layouts(rng_for(op), hermitian, SQUARES[:-1]):
        for flag in (False, True):
            symmetric = T(np.tril(A.array) + np.swapaxes(np.tril(A.array, -1), -1, -2), A.layout)
            taken = A if flag else symmetric

            def reference(A: Any, hermitian: bool = False, check_errors: bool = False) -> Any:
                return each(lambda x: ldl_reference(x, hermitian), A)[:count]

            types = (dtype, "int32", "int32")[:count]
            yield Sample((taken,), reference, {"hermitian": flag}, dtype=types, **TOLERANCE[dtype])


@samples_for("linalg_hetrs", "linalg_ldl_solve")
def ldl_solutions(op: str) -> Iterator[Sample]:
    """With factors that are a diagonal matrix and L, so that the reference needs no factorisation."""
    rng = rng_for(op)

    def reference(LD: Any, pivots: Any, B: Any, hermitian: bool = False) -> Any:
        L = np.tril(LD, -1) + identity_like(LD)
        D = np.einsum("...i,ij->...ij", np.einsum("...ii->...i", LD), np.eye(LD.shape[-1]))
        return np.linalg.solve(L @ D @ (adjoint(L) if hermitian else np.swapaxes(L, -1, -2)), B)

    for dtype, LD in in_layouts(rng, triangular, SQUARES[:-1]):
        n = LD.array.shape[-1]
        pivots = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), LD.array.shape[:-1])
        B = well(rng, (*LD.array.shape[:-1], 2), dtype)
        yield Sample((LD, T(pivots), T(B)), reference, dtype=dtype, **TOLERANCE[dtype])
        if dtype.startswith("float"):
            yield Sample((LD, T(pivots), T(B)), reference, {"hermitian": True}, dtype=dtype, **TOLERANCE[dtype])
    for dtype in DTYPES:  # broadcast
        pivots = T(np.arange(1, 4, dtype=np.int32))
        args = (T(triangular(rng, (3, 3), dtype)), pivots, T(well(rng, (2, 3, 2), dtype)))
        yield Sample(args, reference, dtype=dtype, **TOLERANCE[dtype])


# ---- QR --------------------------------------------------------------------------------------------------------


def qr_reference(mode: str) -> Any:
    def reference(x: np.ndarray) -> Any:
        m, n = x.shape
        if mode == "r":
            return np.zeros((0,), x.dtype), np.linalg.qr(x, "r")
        if 0 in (m, n):
            k = m if mode == "complete" else min(m, n)
            return np.eye(m, k, dtype=x.dtype), np.zeros((k, n), x.dtype)
        return tuple(np.linalg.qr(x, mode))

    return reference


@samples_for("linalg_qr", "qr")
def qrs(op: str) -> Iterator[Sample]:
    modes = ("reduced", "complete", "r") if op == "linalg_qr" else (True, False)
    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        for mode in modes:
            if mode == "r" and A.array.ndim > 2:
                continue  # the empty Q has no batch dims
            m, n = A.array.shape[-2:]
            fails = mode == "r" or (mode in ("complete", False) and m > n)
            name = {True: "reduced", False: "complete"}.get(mode, mode)

            def reference(A: Any, mode: Any = None, some: Any = None, name: str = name) -> Any:
                return each(qr_reference(name), A)

            through = (lambda op, A, mode: op(A.detach(), mode)) if fails else None
            yield Sample((A, mode), reference, **TOLERANCE[dtype], through=through)


@samples_for("geqrf")
def reflections(op: str) -> Iterator[Sample]:
    def one(x: np.ndarray) -> Any:
        if x.size == 0:
            return x, np.zeros(min(x.shape), x.dtype)
        a, tau, *_ = scipy.linalg.get_lapack_funcs(("geqrf",), (x,))[0](x)
        return a, tau

    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        yield Sample((A,), lambda A: each(one, A), **TOLERANCE[dtype])


@samples_for("linalg_householder_product", "orgqr")
def products_of_reflections(op: str) -> Iterator[Sample]:
    """Any vectors and factors will do."""
    rng = rng_for(op)
    shapes = [(shape, min(shape[-2:])) for shape in (*SQUARES[:-1], *RECTANGLES) if shape[-2] >= shape[-1]]
    for dtype in DTYPES:
        for shape, k in [*shapes, ((4, 3), 2), ((4, 3), 0)]:
            A, tau = well(rng, shape, dtype) / 2, well(rng, (*shape[:-2], 1, k), dtype)[..., 0, :] / 2
            args = (T(A.astype(dtype)), T(tau.astype(dtype)))
            reference = lambda A, tau: each(householder_reference, A, tau, inner=(2, 1))[0]  # noqa: E731
            yield Sample(args, reference, **TOLERANCE[dtype])
        A, tau = T(well(rng, (4, 3), dtype) / 2, "transposed"), T(well(rng, (1, 3), dtype)[0], "reversed")
        yield Sample((A, tau), lambda A, tau: householder_reference(A, tau)[0], **TOLERANCE[dtype])


@samples_for("ormqr")
def products_with_reflections(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
        def one(A: Any, tau: Any, other: Any) -> tuple[Any]:
            columns = np.concatenate([A, np.zeros((A.shape[0], A.shape[0]))], 1)[:, : A.shape[0]].astype(A.dtype)
            Q = householder_reference(columns, tau)[0]
            Q = Q.conj().T if transpose else Q
            return (Q @ other if left else other @ Q,)

        return each(one, A, tau, other, inner=(2, 1, 2))[0]

    for dtype in DTYPES:
        for lead, m, k, n, count in (((), 4, 3, 2, 3), ((2,), 4, 3, 5, 2), ((), 3, 5, 2, 3), ((0,), 3, 2, 2, 2)):
            A, tau = well(rng, (*lead, m, k), dtype) / 2, well(rng, (*lead, 1, count), dtype)[..., 0, :] / 2
            for left in (True, False):
                other = T(well(rng, (*lead, m, n) if left else (*lead, n, m), dtype))
                args = (T(A.astype(dtype)), T(tau.astype(dtype)), other)
                for turned in (False, True):
                    yield Sample((*args, left, turned), reference, dtype=dtype, **TOLERANCE[dtype])


@errors_for("ormqr")
def refuses_reflections(op: str) -> Iterator[ErrorSample]:
    A, tau, other = (T(np.ones(shape, np.float32)) for shape in ((3, 2), (2,), (3, 4)))
    yield ErrorSample((A, T(np.ones(3, np.float32)), other), ValueError, "^ormqr: 3 factors for reflections of")
    yield ErrorSample((A, tau, other, False), ValueError, "^ormqr: Q has 3 rows, which do not fit")
    yield ErrorSample((A, tau, T(np.ones(3, np.float32))), ValueError, "^ormqr: input3 must have at least 2 dims")
    yield ErrorSample(
        (A, T(np.ones(2)), other), TypeError, "^ormqr: expected tensors of float32 as self, got input2 of"
    )


# ---- verdicts --------------------------------------------------------------------------------------------------


@samples_for("linalg_check")
def well_verdicts(op: str) -> Iterator[Sample]:
    for shape in ((), (3,), (0,), (2, 0)):
        yield Sample((T(np.zeros(shape, np.int32)), "linalg_check", "no", "(3, 3)"), lambda info, *_: info)


X = T(np.ones((2, 3), np.float32))
VECTOR = T(np.ones(3, np.float32))
HALVES, INTS = T(np.eye(2, dtype=np.float16)), T(np.eye(2, dtype=np.int64))
MINUS, ZERO = T(-np.eye(2, dtype=np.float32)), T(np.zeros((3, 2, 2), np.float64))
EYE = T(np.eye(2, dtype=np.float32))
PIVOTS = T(np.array([1, 2], np.int32))
REFUSED: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], Refusal, str]]] = {
    "linalg_cholesky": [
        ((X,), {}, ValueError, "must be batches of square matrices, but they are 2 by 3 matrices"),
        ((VECTOR,), {}, ValueError, "at least 2 dimensions"),
        ((HALVES,), {}, TypeError, "float16"),
        ((INTS,), {}, TypeError, "int64"),
        ((MINUS,), {}, RuntimeError, "the leading minor of order 1 is not positive-definite"),
        ((ZERO,), {}, RuntimeError, r"\(Batch element 0\): The factorization could not be completed"),
    ],
    "cholesky": [((MINUS,), {}, RuntimeError, "not positive-definite"), ((X,), {}, ValueError, "square")],
    "linalg_cholesky_ex": [((MINUS,), {"check_errors": True}, RuntimeError, "not positive-definite")],
    "linalg_potrf": [((X,), {}, ValueError, "square"), ((VECTOR,), {}, ValueError, "at least 2")],
    "cholesky_solve": [((X, X), {}, ValueError, "square"), ((VECTOR, EYE), {}, ValueError, "at least 2")],
    "cholesky_inverse": [((X,), {}, ValueError, "square")],
    "linalg_getrf": [((VECTOR,), {}, ValueError, "at least 2"), ((HALVES,), {}, TypeError, "float16")],
    "linalg_lu_factor": [
        ((ZERO,), {}, RuntimeError, r"\(Batch element 0\): U\[1,1\] is zero"),
        ((EYE,), {"pivot": False}, RuntimeError, "without pivoting"),
    ],
    "linalg_lu_factor_ex": [
        ((ZERO,), {"check_errors": True}, RuntimeError, "is zero"),
        ((EYE,), {"pivot": False}, RuntimeError, "without pivoting"),
    ],
    "linalg_lu": [((EYE,), {"pivot": False}, RuntimeError, "without pivoting")],
    "lu_unpack": [
        ((EYE, VECTOR), {}, TypeError, "int32"),
        ((X, T(np.ones(3, np.int32))), {}, ValueError, "a pivot for every row"),
        ((EYE, T(np.array([1, 7], np.int32))), {}, ValueError, "no row"),
    ],
    "linalg_pivots_to_order": [
        ((T(np.array([3], np.int32)), 2), {}, ValueError, "no row"),
        ((T(np.array([1, 1], np.int32)), 1), {}, ValueError, "2 pivots for 1 rows"),
        ((VECTOR, 3), {}, TypeError, "int32"),
    ],
    "linalg_hetrf": [((X,), {}, ValueError, "square")],
    "linalg_ldl_factor": [((ZERO,), {}, RuntimeError, "of D is zero"), ((X,), {}, ValueError, "square")],
    "linalg_ldl_factor_ex": [((ZERO,), {"check_errors": True}, RuntimeError, "of D is zero")],
    "linalg_hetrs": [
        ((EYE, T(np.array([1, 9], np.int32)), EYE), {}, ValueError, "not those of an LDL"),
        ((EYE, PIVOTS, T(np.ones((3, 2), np.float32))), {}, ValueError, "as many rows"),
    ],
    "linalg_ldl_solve": [
        ((EYE, T(np.array([-1, 2], np.int32)), EYE), {}, ValueError, "not those of an LDL"),
        ((EYE, VECTOR, EYE), {}, TypeError, "int32"),
    ],
    "linalg_qr": [
        ((X, "full"), {}, ValueError, "mode must be"),
        ((VECTOR,), {}, ValueError, "at least 2"),
    ],
    "qr": [((VECTOR,), {}, ValueError, "at least 2")],
    "geqrf": [((VECTOR,), {}, ValueError, "at least 2"), ((INTS,), {}, TypeError, "int64")],
    "linalg_householder_product": [
        ((X, VECTOR), {}, ValueError, "at least as many rows as columns"),
        ((EYE, VECTOR), {}, ValueError, "tau"),
    ],
    "orgqr": [((X, VECTOR), {}, ValueError, "at least as many rows as columns")],
    "linalg_check": [
        (
            (T(np.array([0, 3], np.int32)), "solve", "no {0}", "(2, 3, 3)"),
            {},
            RuntimeError,
            r"^solve: \(Batch element 1\): no 3",
        ),
        ((T(np.array([0, 3])), "solve", "no", "(2, 3, 3)"), {}, TypeError, "int64"),
    ],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error, words in REFUSED[op]:
        yield ErrorSample(args, error, words if op == "linalg_check" else f"^{op}: .*{words}", kwargs)
