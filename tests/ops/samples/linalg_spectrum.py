"""Eigenvalues, singular values, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import ErrorSample, Refusal, Sample, T, errors_for, rng_for, samples_for
from tests.ops.samples.linalg_matrices import (
    DTYPES,
    RECTANGLES,
    SQUARES,
    TOLERANCE,
    adjoint,
    complex_dtype,
    hermitian,
    hermitian_magnitudes,
    in_any_order,
    in_layouts,
    made_hermitian,
    of_magnitudes,
    plain_magnitudes,
    real_dtype,
    well,
)

# ---- Hermitian matrices ----------------------------------------------------------------------------------------


@samples_for("linalg_eigh", "linalg_heevd")
def hermitian_spectra(op: str) -> Iterator[Sample]:
    more = op == "linalg_heevd"

    def reference(A: Any, upper: Any = False, vectors: bool = True) -> Any:
        w, V = np.linalg.eigh(A, "U" if upper in (True, "U", "u") else "L")
        results = (w, V if vectors else np.zeros(0))
        return (*results, np.zeros(A.shape[:-2])) if more else results

    for dtype, A in in_layouts(rng_for(op), hermitian):
        types = (real_dtype(dtype), dtype, "int32")[: 3 if more else 2]
        common = {"dtype": types, "compare": of_magnitudes, "through": hermitian_magnitudes}
        ways = [(False,), (True,), (False, False), (True, False)] if more else [(), ("L",), ("U",), ("u",)]
        for args in ways:
            yield Sample((A, *args), reference, **common)


@samples_for("linalg_eigvalsh")
def hermitian_eigenvalues(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), hermitian):
        for args in ((), ("U",)):
            types = real_dtype(dtype)
            yield Sample((A, *args), np.linalg.eigvalsh, dtype=types, **TOLERANCE[dtype], through=made_hermitian)
    lower = well(rng_for(op), (3, 3), "float64")  # the other triangle does not count
    yield Sample((T(lower),), np.linalg.eigvalsh, rtol=1e-9, through=made_hermitian)


# ---- general matrices ------------------------------------------------------------------------------------------


@samples_for("linalg_eig", "linalg_geev")
def spectra(op: str) -> Iterator[Sample]:
    more = op == "linalg_geev"

    def reference(A: Any, vectors: bool = True) -> Any:
        w, V = np.linalg.eig(A)
        results = (w, V if vectors else np.zeros(0))
        return (*results, np.zeros(A.shape[:-2])) if more else results

    for dtype, A in in_layouts(rng_for(op), well):
        types = (complex_dtype(dtype), complex_dtype(dtype), "int32")[: 3 if more else 2]
        common = {"dtype": types, "compare": in_any_order_or_verdict, "through": plain_magnitudes}
        for args in ((), (False,)) if more else ((),):
            yield Sample((A, *args), reference, **common)
    turning = T(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    types = ("complex128", "complex128", "int32")[: 3 if more else 2]
    yield Sample((turning,), reference, dtype=types, compare=in_any_order_or_verdict, through=plain_magnitudes)


def in_any_order_or_verdict(actual: np.ndarray, wanted: np.ndarray) -> None:
    if wanted.dtype == np.int32:
        np.testing.assert_array_equal(actual, wanted)
    else:
        in_any_order(actual, wanted)


@samples_for("linalg_eigvals")
def eigenvalues(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), well):
        yield Sample((A,), np.linalg.eigvals, dtype=complex_dtype(dtype), compare=in_any_order)


# ---- singular values -------------------------------------------------------------------------------------------


def svd_reference(A: Any, full_matrices: bool = True) -> Any:
    if A.size:
        return tuple(np.linalg.svd(A, full_matrices))
    *batch, m, n = A.shape
    k = min(m, n)
    left, right = np.eye(m, m if full_matrices else k), np.eye(n if full_matrices else k, n)
    spread = [np.broadcast_to(x, (*batch, *x.shape)) for x in (left, np.zeros(k), right)]
    return tuple(spread)


@samples_for("linalg_svd", "linalg_gesdd", "svd")
def singular_values_and_vectors(op: str) -> Iterator[Sample]:
    def reference(A: Any, flag: bool = True, vectors: bool = True, some: Any = None) -> Any:
        full = not flag if op == "svd" else flag
        U, S, Vh = svd_reference(A, full)
        if op == "svd":
            m, n = A.shape[-2:]
            if vectors:
                return U, S, adjoint(Vh)
            return np.zeros((*A.shape[:-2], m, m)), S, np.zeros((*A.shape[:-2], n, n))
        if op == "linalg_svd":
            return U, S, Vh
        nothing = np.zeros(0)
        return *((U, S, Vh) if vectors else (nothing, S, nothing)), np.zeros(A.shape[:-2])

    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        types = (dtype, real_dtype(dtype), dtype, "int32")[: 4 if op == "linalg_gesdd" else 3]
        for flag in (True, False):
            full = not flag if op == "svd" else flag
            m, n = A.array.shape[-2:]
            # What completes the basis is free, and has no derivative.
            free = full and m != n
            compare = of_shapes if free and A.array.size else of_magnitudes
            through = values_alone if free else plain_magnitudes
            yield Sample((A, flag), reference, dtype=types, compare=compare, through=through)
            if op != "linalg_svd":
                yield Sample((A, flag, False), reference, dtype=types, compare=of_magnitudes, through=values_alone)


def of_shapes(actual: np.ndarray, wanted: np.ndarray) -> None:
    """For U and Vh whose last vectors are free, only S is compared here."""
    assert actual.shape == wanted.shape
    if wanted.dtype.kind == "f" and (wanted >= 0).all() and wanted.size:
        of_magnitudes(actual, wanted)


def values_alone(op: Any, A: Any, *rest: Any) -> Any:
    return tuple(op(A, *rest))[1]


@samples_for("linalg_svdvals")
def singular_values(op: str) -> Iterator[Sample]:
    for dtype, A in in_layouts(rng_for(op), well, SQUARES + RECTANGLES):
        yield Sample((A,), lambda A: svd_reference(A, False)[1], dtype=real_dtype(dtype), **TOLERANCE[dtype])


# ---- rank and pseudoinverse ------------------------------------------------------------------------------------


def of_rank(rng: Any, shape: tuple[int, ...], dtype: str, rank: int) -> np.ndarray:
    *batch, m, n = shape
    left = well(rng, (*batch, m, rank), dtype)
    right = well(rng, (*batch, rank, n), dtype)
    return (left @ right).astype(dtype)


@samples_for("linalg_matrix_rank", "matrix_rank")
def ranks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, tol: Any = None, hermitian: bool = False, symmetric: bool = False, **kwargs: Any) -> Any:
        S = np.linalg.svd(A, compute_uv=False) if A.size else np.zeros((*A.shape[:-2], min(A.shape[-2:])))
        top = S.max(-1, initial=0)
        atol, rtol = (tol, 0.0) if tol is not None else (kwargs.get("atol"), kwargs.get("rtol"))
        if rtol is None:
            rtol = np.finfo(A.dtype).eps * max(A.shape[-2:]) if atol is None else 0.0
        return (np.maximum(0.0 if atol is None else atol, rtol * top)[..., None] < S).sum(-1)

    for _, A in in_layouts(rng, well, SQUARES + RECTANGLES):
        yield Sample((A,), reference, dtype="int64")
    for dtype in DTYPES:
        for rank in (0, 1, 2):
            low = of_rank(rng, (2, 4, 5), dtype, rank) if rank else np.zeros((2, 4, 5), dtype)
            yield Sample((T(low),), reference, {} if op == "matrix_rank" else {"rtol": 1e-4}, dtype="int64")
        H = T(hermitian(rng, (3, 3), dtype))
        flag = {"symmetric": True} if op == "matrix_rank" else {"hermitian": True}
        yield Sample((H,), reference, flag, dtype="int64")
        yield Sample((H, 2.5), reference, dtype="int64")
        if op == "linalg_matrix_rank":
            for kwargs in ({"atol": 2.0}, {"rtol": 0.5}, {"atol": 1.0, "rtol": 0.7}):
                yield Sample((H,), reference, kwargs, dtype="int64")
            batch = T(well(rng, (2, 3, 4), dtype))
            yield Sample((batch,), reference, {"atol": T(np.array([0.1, 3.0], real_dtype(dtype)))}, dtype="int64")


@samples_for("linalg_pinv", "pinverse")
def pseudoinverses(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(A: Any, rcond: Any = None, hermitian: bool = False, **kwargs: Any) -> Any:
        rtol = rcond if rcond is not None else kwargs.get("rtol")
        if A.size == 0:
            return np.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]))
        return np.linalg.pinv(A, 1e-13 if rtol is None and A.dtype.itemsize > 8 else rtol or 1e-6)

    for dtype, A in in_layouts(rng, well, SQUARES + RECTANGLES):
        yield Sample((A,), reference, **TOLERANCE[dtype])
        yield Sample((A, 0.01), reference, **TOLERANCE[dtype])
    if op == "pinverse":
        return
    for dtype, H in in_layouts(rng, hermitian):
        yield Sample((H,), reference, {"hermitian": True}, **TOLERANCE[dtype], through=made_hermitian)
    for dtype in DTYPES:
        low = T(of_rank(rng, (2, 4, 5), dtype, 2))
        yield Sample((low,), reference, {"rtol": 1e-4}, **TOLERANCE[dtype], through=lambda op, A, **_: op(A.detach()))


@samples_for("linalg_cond")
def condition_numbers(op: str) -> Iterator[Sample]:
    def reference(A: Any, p: Any = None) -> Any:
        return np.linalg.cond(A, p) if A.size else np.zeros(A.shape[:-2])

    rng = rng_for(op)
    for dtype, A in in_layouts(rng, well, SQUARES + RECTANGLES):
        m, n = A.array.shape[-2:]
        for p in (None, 2, -2, *((1, -1, np.inf, -np.inf) if m == n else ())):
            yield Sample((A, p), reference, dtype=real_dtype(dtype), **TOLERANCE[dtype])
    singular = T(np.zeros((2, 2)))
    yield Sample((singular, 1), lambda A, p: np.array(np.nan), dtype="float64")


# ---- what is refused -------------------------------------------------------------------------------------------

X = T(np.ones((2, 3), np.float32))
VECTOR = T(np.ones(3, np.float32))
INTS = T(np.eye(2, dtype=np.int64))
EYE = T(np.eye(2))
NAN = T(np.stack([np.eye(2), np.full((2, 2), np.nan)]))
INF = T(np.array([[1.0, np.inf], [0.0, 1.0]]))
NOT_FINITE = r"\(Batch element 1\): The algorithm failed to converge because the input matrix contained non-finite"
REFUSED: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], Refusal, str]]] = {
    name: [
        ((VECTOR,), {}, ValueError, "at least 2 dimensions"),
        ((INTS,), {}, TypeError, "int64"),
        ((NAN,), {}, RuntimeError, NOT_FINITE),
        ((INF,), {"UPLO": "U"} if "eig" in name and name.endswith("h") else {}, RuntimeError, "non-finite"),
    ]
    for name in (
        "linalg_eig",
        "linalg_eigvals",
        "linalg_eigh",
        "linalg_eigvalsh",
        "linalg_svd",
        "linalg_svdvals",
        "svd",
    )
}
REFUSED["linalg_eig"] += [((X,), {}, ValueError, "square matrices, but they are 2 by 3")]
REFUSED["linalg_eigh"] += [((X,), {}, ValueError, "square"), ((EYE, "X"), {}, ValueError, "UPLO must be 'L' or 'U'")]
REFUSED["linalg_eigvalsh"] += [((EYE, ""), {}, ValueError, "UPLO")]
REFUSED["linalg_svd"] += [((EYE,), {"driver": "gesvd"}, ValueError, "driver")]
REFUSED["linalg_svdvals"] += [((EYE,), {"driver": "gesvd"}, ValueError, "driver")]
REFUSED |= {
    "linalg_heevd": [((X,), {}, ValueError, "square")],
    "linalg_geev": [((X,), {}, ValueError, "square")],
    "linalg_gesdd": [((VECTOR,), {}, ValueError, "at least 2")],
    "linalg_matrix_rank": [
        ((VECTOR,), {}, ValueError, "at least 2"),
        ((X,), {"hermitian": True}, ValueError, "square"),
    ],
    "matrix_rank": [((INTS,), {}, TypeError, "int64")],
    "linalg_pinv": [
        ((X,), {"hermitian": True}, ValueError, "square"),
        ((EYE,), {"rtol": 1j}, TypeError, "rtol must be real"),
    ],
    "pinverse": [((VECTOR,), {}, ValueError, "at least 2")],
    "linalg_cond": [((X, 1), {}, ValueError, "square"), ((EYE, 3), {}, ValueError, "ord must be")],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    for args, kwargs, error, words in REFUSED[op]:
        yield ErrorSample(args, error, f"^{op}: .*{words}", kwargs)
