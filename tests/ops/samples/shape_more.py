"""Ops of shape, written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import DTYPES, LAYOUTS, ErrorSample, Refusal, Sample, T, errors_for, make, rng_for, samples_for


def _split(x: Any, size: int, dim: int = 0) -> Any:
    return np.split(x, range(size, x.shape[dim], size), axis=dim)


def _chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    return _split(x, max(-(-x.shape[dim] // chunks), 1), dim)


def _narrow(x: Any, dim: int, start: int, length: int) -> Any:
    return np.take(x, range(start % x.shape[dim], start % x.shape[dim] + length), axis=dim)


def _roll(x: Any, shifts: Any, dims: Any = ()) -> Any:
    return np.roll(x, shifts, axis=tuple(dims) if dims else None)


def _atleast_3d(x: Any) -> Any:
    return np.atleast_3d(x)


def _repeat(x: Any, repeats: Any) -> Any:
    return np.tile(x, repeats)


def _sum_to_size(x: Any, size: Any) -> Any:
    lead = x.ndim - len(size)
    x = x.sum(tuple(range(lead)))
    return x.sum(tuple(i for i, n in enumerate(size) if n == 1), keepdims=True)


REFERENCES: dict[str, Callable[..., Any]] = {
    "split": _split,
    "chunk": _chunk,
    "narrow": _narrow,
    "narrow_copy": _narrow,
    "t": np.transpose,
    "adjoint": lambda x: np.swapaxes(x, -1, -2),
    "swapaxes": np.swapaxes,
    "movedim": np.moveaxis,
    "unflatten": lambda x, dim, sizes: x.reshape(*x.shape[: dim % x.ndim], *sizes, *x.shape[dim % x.ndim + 1 :]),
    "ravel": np.ravel,
    "broadcast_to": np.broadcast_to,
    "flip": lambda x, dims: np.flip(x, dims),
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "roll": _roll,
    "rot90": np.rot90,
    "repeat": _repeat,
    "tile": _repeat,
    "repeat_interleave": np.repeat,
    "atleast_1d": np.atleast_1d,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": _atleast_3d,
    "sum_to_size": _sum_to_size,
}

# By the shape of the tensor: the other arguments.
CASES: dict[str, dict[tuple[int, ...], list[tuple[Any, ...]]]] = {
    "split": {
        (7,): [(3,)],
        (6,): [(3,)],
        (4, 5): [(2, 1)],
        (3,): [(9,)],
    },
    "chunk": {
        (7,): [(3,)],
        (6,): [(3,)],
        (4, 5): [(2, -1)],
        (3,): [(9,)],
    },
    "narrow": {
        (5,): [(0, 1, 3)],
        (3, 4): [(-1, 2, 2), (0, -2, 1)],
        (3,): [(0, 1, 0)],
    },
    "narrow_copy": {
        (5,): [(0, 1, 3)],
        (3, 4): [(-1, 2, 2), (0, -2, 1)],
        (3,): [(0, 1, 0)],
    },
    "t": {
        (): [()],
        (3,): [()],
        (3, 4): [()],
    },
    "adjoint": {
        (3, 4): [()],
        (2, 3, 4): [()],
    },
    "swapaxes": {
        (3, 4): [(0, 1)],
        (2, 3, 4): [(-1, 0)],
    },
    "movedim": {
        (2, 3, 4): [(0, 2), ((0, 1), (-1, 0))],
        (3,): [(0, 0)],
    },
    "unflatten": {
        (6,): [(0, (2, 3))],
        (2, 6): [(-1, (3, 2))],
        (6, 2): [(0, (1, 6)), (0, (2, -1))],
        (2, 0): [(1, (-1, 4)), (1, (0, 3))],
        (3, 4): [(0, (-1,)), (1, (1, 2, 1, -1))],
    },
    "ravel": {
        (): [()],
        (3,): [()],
        (2, 3, 4): [()],
    },
    "broadcast_to": {
        (3,): [((2, 3),)],
        (3, 1): [((3, 4),)],
        (): [((2,),)],
    },
    "flip": {
        (5,): [((0,),)],
        (3, 4): [((0, 1),), ((-1,),)],
    },
    "fliplr": {
        (3, 4): [()],
        (2, 3, 4): [()],
    },
    "flipud": {
        (3,): [()],
        (3, 4): [()],
    },
    "roll": {
        (5,): [((2,),)],
        (3, 4): [((1,),), ((1, -2), (0, 1)), ((9,), (-1,))],
        (0,): [((1,),)],
    },
    "rot90": {
        (3, 4): [(), (2,), (-1,)],
        (2, 3, 4): [(1, (1, 2))],
    },
    "repeat": {
        (3,): [((2,),), ((2, 2),)],
        (2, 3): [((1, 2),)],
        (2,): [((0,),)],
    },
    "tile": {
        (3,): [((2,),), ((2, 2),)],
        (2, 3): [((2,),)],
    },
    "repeat_interleave": {
        (3,): [(2,)],
        (2, 3): [(2,), (3, 1), (2, -2)],
    },
    "atleast_1d": {
        (): [()],
        (3,): [()],
    },
    "atleast_2d": {
        (): [()],
        (3,): [()],
        (3, 4): [()],
    },
    "atleast_3d": {
        (): [()],
        (3,): [()],
        (3, 4): [()],
        (2, 3, 4): [()],
    },
    "sum_to_size": {
        (3, 4): [((4,),), ((1, 4),)],
        (2, 3, 4): [((3, 1),)],
        (3,): [((3,),)],
    },
}


@samples_for(*CASES)
def views(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    fn = REFERENCES[op]
    cases = [(shape, args) for shape, several in CASES[op].items() for args in several]
    for shape, args in cases:
        for dtype in ("float32",) if op == "sum_to_size" else DTYPES:
            yield Sample((T(make(rng, shape, dtype)), *args), fn)
        for layout in LAYOUTS if shape and 0 not in shape else ():
            yield Sample((T(make(rng, shape, "float32"), layout), *args), fn)


@samples_for("broadcast_tensors")
def broadcasts(op: str) -> Iterator[Sample]:
    for shapes in (((3, 1), (4,)), ((), (2, 3)), ((3,),)):
        parts = [T(make(rng_for(op), shape, "float32")) for shape in shapes]
        yield Sample((parts,), lambda parts: list(np.broadcast_arrays(*parts)))


X = T(np.ones((2, 3), np.float32))


@errors_for(
    "split",
    "chunk",
    "narrow",
    "narrow_copy",
    "unflatten",
    "swapaxes",
    "movedim",
    "roll",
    "repeat",
    "t",
    "fliplr",
    "sum_to_size",
)
def refuses(op: str) -> Iterator[ErrorSample]:
    cases: dict[str, list[tuple[tuple[Any, ...], Refusal]]] = {
        "split": [((X, -1), ValueError), ((X, 1, 2), IndexError)],
        "chunk": [((X, 0), ValueError), ((X, 1, 2), IndexError)],
        "narrow": [((X, 0, 1, 2), (ValueError, IndexError)), ((X, 2, 0, 1), IndexError)],
        "narrow_copy": [((X, 0, 1, 2), (ValueError, IndexError)), ((X, 2, 0, 1), IndexError)],
        "unflatten": [
            *(((X, 1, sizes), ValueError) for sizes in ((2, 2), (-1, -1), (-1, 0), (-1, -3), (), (2**62, 8), (5, -1))),
            ((T(np.float32(1)), 0, (1,)), (ValueError, IndexError)),
            ((X, 2, (1,)), IndexError),
        ],
        "swapaxes": [((X, 0, 2), IndexError)],
        "movedim": [((X, (0, 1), (0,)), ValueError), ((X, (0,), (2,)), IndexError), ((X, (0, 0), (0, 1)), ValueError)],
        "roll": [((X, (1, 2), (0,)), ValueError), ((X, (1,), (2,)), IndexError)],
        "repeat": [((X, (2,)), ValueError), ((X, (2, -1)), ValueError)],
        "t": [((T(np.ones((1, 2, 3), np.float32)),), ValueError)],
        "fliplr": [((T(np.ones(3, np.float32)),), ValueError)],
        "sum_to_size": [((X, (2, 2)), ValueError)],
    }
    for args, error in cases[op]:
        yield ErrorSample(args, error, f"^{op}: ")
