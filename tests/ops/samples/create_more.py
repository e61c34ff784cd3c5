"""New tensors and diagonals, written in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_DTYPES,
    ALL_INTS,
    DEVICE,
    FLOATS,
    LAYOUTS,
    SIXTEENS,
    D,
    ErrorSample,
    Refusal,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
)

ON = {"device": DEVICE}


@samples_for("eye")
def eyes(op: str) -> Iterator[Sample]:
    for args in ((3,), (2, 4), (4, 2), (0,), (3, 0)):
        yield Sample(args, lambda *args, **_: np.eye(*args), ON, dtype="float32")
    for dtype in ALL_DTYPES:
        yield Sample((3,), lambda n, **_: np.eye(n), {"dtype": D(dtype), **ON}, dtype=dtype)


@samples_for("linspace", "logspace")
def spaces(op: str) -> Iterator[Sample]:
    def reference(start: Any, end: Any, steps: int, base: float = 10.0, **_: Any) -> Any:
        line = np.linspace(start, end, steps)
        return line if op == "linspace" else base**line

    for args in ((0, 1, 5), (-2.0, 3.0, 11), (3, -3, 4), (1, 1, 3), (2.5, 9.0, 1), (0, 1, 0)):
        for dtype in ("float32", "float64"):
            yield Sample(args, reference, {"dtype": D(dtype), **ON}, dtype=dtype, rtol=1e-5, atol=1e-6)
        yield Sample(args, reference, ON, dtype="float32", rtol=1e-5, atol=1e-6)
    for dtype in SIXTEENS:
        yield Sample((0, 1, 5), reference, {"dtype": D(dtype), **ON}, dtype=dtype)
        yield Sample((-2.0, 3.0, 11), reference, {"dtype": D(dtype), **ON}, dtype=dtype)
    for dtype in ALL_INTS:
        yield Sample((0, 4, 5), reference, {"dtype": D(dtype), **ON}, dtype=dtype, atol=1 if op == "logspace" else None)
        if op == "linspace":  # the ends without their fractions
            yield Sample((1.5, 10.5, 3), lambda *_, **__: np.array([1, 5, 10]), {"dtype": D(dtype), **ON}, dtype=dtype)
    yield Sample((1j, 2 - 1j, 5), reference, ON, dtype="complex64")
    yield Sample((0, 2j, 5), reference, {"dtype": D("complex128"), **ON}, dtype="complex128")
    if op == "logspace":
        yield Sample((0, 3, 4, 2.0), reference, ON, dtype="float32", rtol=1e-5)


@samples_for("tril", "triu")
def triangles(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = getattr(np, op)
    for dtype in ALL_DTYPES:
        for shape in ((3, 3), (3, 5), (5, 3), (2, 3, 4), (0, 3)):
            for diagonal in (0, 1, -2, 9):
                yield Sample((T(make(rng, shape, dtype)), diagonal), lambda x, k: np.asarray(fn(x, k)))
    for layout in LAYOUTS:
        yield Sample((T(make(rng, (3, 4), "float32"), layout),), lambda x: np.asarray(fn(x)))
    yield Sample((T(np.array([[1.0, np.nan], [np.inf, 1.0]], np.float32)),), lambda x: np.asarray(fn(x)))


@samples_for("tril_indices", "triu_indices")
def triangle_places(op: str) -> Iterator[Sample]:
    fn = getattr(np, op)
    for row, col, offset in ((3, 3, 0), (3, 4, 1), (4, 3, -1), (2, 2, 5), (0, 3, 0)):
        yield Sample(
            (row, col, offset), lambda row, col, offset, **_: np.stack(fn(row, offset, col)), ON, dtype="int64"
        )


@samples_for("diag", "diagflat")
def diagonals(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = getattr(np, op)
    for dtype in ALL_DTYPES:
        for shape in ((3,), (3, 4), (4, 3)) if op == "diag" else ((), (3,), (2, 2)):
            for offset in (0, 1, -2):
                yield Sample((T(make(rng, shape, dtype)), offset), fn)


@samples_for("diag_embed")
def embedded_diagonals(op: str) -> Iterator[Sample]:
    def reference(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
        n = x.shape[-1] + abs(offset)
        out = np.zeros((*x.shape[:-1], n, n), x.dtype)
        i = np.arange(x.shape[-1])
        out[..., i + max(-offset, 0), i + max(offset, 0)] = x
        return np.moveaxis(out, (-2, -1), (dim1, dim2))

    for dtype in ALL_DTYPES:
        for shape, args in (((3,), ()), ((3,), (1,)), ((2, 3), (-1,)), ((2, 3), (0, 0, 2)), ((2, 3), (1, 2, 0))):
            yield Sample((T(make(rng_for(op), shape, dtype)), *args), reference)


@samples_for("meshgrid")
def grids(op: str) -> Iterator[Sample]:
    def reference(parts: Any, *, indexing: str) -> Any:
        return [np.asarray(grid) for grid in np.meshgrid(*parts, indexing=indexing)]  # type: ignore[call-overload]

    for sizes in ((3,), (2, 3), (2, 3, 4)):
        for indexing in ("ij", "xy"):
            parts = [T(make(rng_for(op), (n,), "float32")) for n in sizes]
            yield Sample((parts,), reference, {"indexing": indexing})


@samples_for("one_hot")
def one_hots(op: str) -> Iterator[Sample]:
    def reference(x: Any, classes: int = -1) -> Any:
        classes = int(x.max()) + 1 if classes == -1 else classes
        return np.eye(classes, dtype=np.int64)[x]

    rng = rng_for(op)
    for shape in ((), (4,), (2, 3)):
        x = T(rng.integers(0, 5, shape))
        yield Sample((x,), reference, dtype="int64")
        yield Sample((x, 7), reference, dtype="int64")


@samples_for("vander")
def vanders(op: str) -> Iterator[Sample]:
    for dtype in (*FLOATS, "int64"):
        for args in ((), (3,), (5, True), (0,)):
            yield Sample((T(make(rng_for(op), (4,), dtype)), *args), lambda x, *args: np.vander(x, *args), rtol=1e-5)


REFUSED: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
    "eye": [((-1,), ValueError)],
    "linspace": [((0, 1, -1), ValueError)],
    "logspace": [((0, 1, -1), ValueError)],
    "tril": [((T(np.ones(3, np.float32)),), ValueError)],
    "triu": [((T(np.ones(3, np.float32)),), ValueError)],
    "diag": [((T(np.ones((1, 2, 3), np.float32)),), ValueError)],
    "diag_embed": [
        ((T(np.ones((), np.float32)),), ValueError),
        ((T(np.ones(3, np.float32)), 0, 0, 0), ValueError),
        ((T(np.ones(3, np.float32)), 0, 0, 5), IndexError),
    ],
    "one_hot": [((T(np.array([3])), 2), (ValueError, IndexError)), ((T(np.array([0.5], np.float32)),), TypeError)],
    "vander": [((T(np.ones((2, 2), np.float32)),), ValueError)],
    "meshgrid": [(([T(np.ones((2, 2), np.float32))],), ValueError)],
}


@errors_for(*REFUSED)
def refuses(op: str) -> Iterator[ErrorSample]:
    # Some checks are those of the op that does the work.
    worker = {"logspace": "linspace", "one_hot": "scatter"}.get(op, op)
    for args, error in REFUSED[op]:
        yield ErrorSample(args, error, f"^({op}|{worker}): ")


@errors_for("linspace")
def refuses_ends(op: str) -> Iterator[ErrorSample]:
    for end in (300, -3, 1j, float("nan")):
        match = f"^linspace: {end} does not fit in uint8"
        yield ErrorSample((0, end, 4), ValueError, match, {"dtype": D("uint8")})
