"""Sums of products by their indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

CASES: tuple[tuple[str, list[tuple[int, ...]]], ...] = (
    ("i->i", [(4,)]),
    ("i->", [(4,)]),
    ("ij->ji", [(3, 4)]),
    ("ij", [(3, 4)]),
    ("ba", [(3, 4)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("i,i->", [(4,), (4,)]),
    ("i,j->ij", [(3,), (4,)]),
    ("ij,jk->ik", [(3, 4), (4, 5)]),
    ("ij,jk", [(3, 4), (4, 5)]),
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
    ("...i->...", [(2, 3, 4)]),
    ("ij,ij->i", [(3, 4), (3, 4)]),
    ("ij,j->ij", [(3, 4), (4,)]),
    ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("ijk,jil->kl", [(2, 3, 4), (3, 2, 5)]),
    ("i,ij,j->", [(3,), (3, 4), (4,)]),
    ("iij->j", [(3, 3, 4)]),
    ("ij,kl->", [(2, 3), (4, 5)]),
    (" i j , j k -> i k ", [(3, 4), (4, 5)]),
)


@samples_for("einsum")
def sums(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(equation: str, tensors: Any) -> Any:
        return np.einsum(equation.replace(" ", ""), *(wide(x) for x in tensors))

    for dtype in (*FLOATS, "int64"):
        for equation, shapes in CASES:
            tensors = [T(make(rng, shape, dtype)) for shape in shapes]
            yield Sample((equation, tensors), reference, rtol=1e-5, atol=1e-5 if dtype == "float32" else 1e-11)
            turned = [T(make(rng, shape, dtype), "transposed") for shape in shapes]
            yield Sample((equation, turned), reference, rtol=1e-5, atol=1e-5 if dtype == "float32" else 1e-11)


@errors_for("einsum")
def refuses(op: str) -> Iterator[ErrorSample]:
    x, y = T(np.ones((3, 4), np.float32)), T(np.ones((5, 6), np.float32))
    yield ErrorSample(("ij,jk->ik", [x, y]), ValueError, "^einsum: ")
    yield ErrorSample(("ij->ik", [x]), ValueError, "^einsum: ")
    yield ErrorSample(("ijk", [x]), ValueError, "^einsum: ")
    yield ErrorSample(("ij,jk", [x]), ValueError, "^einsum: ")
    yield ErrorSample(("i1", [x]), ValueError, "^einsum: ")
    yield ErrorSample(("ij->ii", [x]), ValueError, "^einsum: ")
