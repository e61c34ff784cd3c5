"""Joining tensors, written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.linalg

from tests.ops.framework import DTYPES, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for


@samples_for("stack")
def stacks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype in DTYPES:
        for shape, dim in (((), 0), ((3,), 0), ((3,), -1), ((3, 4), 1), ((2, 0), 2)):
            parts = [T(make(rng, shape, dtype)) for _ in range(3)]
            yield Sample((parts, dim), lambda parts, dim: np.stack(parts, dim))
        parts = [T(make(rng, (3, 4), dtype), layout) for layout in ("transposed", "reversed", "expanded")]
        yield Sample((parts,), np.stack)


def column_stack(parts: Any) -> Any:
    return np.column_stack([np.atleast_1d(part) for part in parts])


STACKS: dict[str, tuple[Callable[..., Any], list[list[tuple[int, ...]]]]] = {
    "hstack": (np.hstack, [[(), ()], [(3,), (2,)], [(3, 1), (3, 2)], [(2, 1, 3), (2, 2, 3)]]),
    "vstack": (np.vstack, [[(), ()], [(3,), (3,)], [(1, 3), (2, 3)], [(3,), (2, 3)]]),
    "dstack": (np.dstack, [[(), ()], [(3,), (3,)], [(2, 3), (2, 3)], [(2, 3, 1), (2, 3, 2)]]),
    "column_stack": (column_stack, [[(), ()], [(3,), (3,)], [(3,), (3, 2)], [(3, 1), (3, 2)]]),
    "block_diag": (lambda parts: scipy.linalg.block_diag(*parts), [[(2, 3), (1, 2)], [(), (2,)], [(3, 3)]]),
}


@samples_for(*STACKS)
def other_stacks(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn, cases = STACKS[op]
    for dtype in DTYPES:
        for shapes in cases:
            yield Sample(([T(make(rng, shape, dtype)) for shape in shapes],), fn)


@samples_for("cartesian_prod")
def products(op: str) -> Iterator[Sample]:
    def reference(parts: Any) -> Any:
        if len(parts) == 1:
            return parts[0]
        return np.stack([grid.ravel() for grid in np.meshgrid(*parts, indexing="ij")], axis=1)

    for sizes in ((3,), (2, 3), (2, 3, 2), (2, 0)):
        yield Sample(([T(make(rng_for(op), (n,), "float32")) for n in sizes],), reference)


@errors_for("stack", "hstack", "vstack", "dstack", "column_stack")
def refuses_lists(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample(([],), (ValueError, RuntimeError), op)
    parts = [T(np.ones((2, 3), np.float32)), T(np.ones((3, 4), np.float32))]
    yield ErrorSample((parts,), ValueError, r"\(2, 3.*\(3, 4")
