"""Views: other geometry over the same memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from tests.ops.framework import DTYPES, LAYOUTS, ErrorSample, Refusal, Sample, T, errors_for, make, rng_for, samples_for


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _select(x: Any, dim: int, index: int) -> Any:
    return np.take(x, index, axis=dim)


def _transpose(x: Any, a: int, b: int) -> Any:
    return np.swapaxes(x, a, b) if x.ndim else x


def _expand(x: Any, size: Any) -> Any:
    lead = len(size) - x.ndim
    return np.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(size)])


def _squeeze(x: Any, dim: Any = None) -> Any:
    dims = range(x.ndim) if dim is None else [d % max(x.ndim, 1) for d in np.atleast_1d(dim)]
    return x.reshape([n for i, n in enumerate(x.shape) if n != 1 or i not in dims])


def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    if x.ndim == 0:
        return x.reshape(1)[:size]
    windows = sliding_window_view(x, size, axis=dim) if size else np.zeros((*_grown(x.shape, dim), 0), x.dtype)
    return _slice(windows, dim % x.ndim, step=step)


def _grown(shape: tuple[int, ...], dim: int) -> list[int]:
    return [n + (i == dim % len(shape)) for i, n in enumerate(shape)]


def _diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return np.diagonal(x, offset, dim1, dim2)


def _flip(x: Any, dims: Any) -> Any:
    return np.flip(x, dims) if x.ndim else x


REFERENCES: dict[str, Callable[..., Any]] = {
    "view": lambda x, size: x.reshape(size),
    "select": _select,
    "slice": _slice,
    "transpose": _transpose,
    "permute": lambda x, dims: np.transpose(x, dims),
    "expand": _expand,
    "squeeze": _squeeze,
    "unsqueeze": lambda x, dim: np.expand_dims(x, dim),
    "diagonal": _diagonal,
    "unfold": _unfold,
    "flip_view": _flip,
    "detach": lambda x: x,
    "alias": lambda x: x,
}

# By the shape of the tensor: the other arguments.
CASES: dict[str, dict[tuple[int, ...], list[tuple[Any, ...]]]] = {
    "view": {
        (): [((),), ((1, 1),)],
        (6,): [((2, 3),)],
        (2, 3): [((-1,),), ((2, 1, 3),)],
        (2, 3, 4): [((6, -1),), ((2, 3, 2, 2),)],
        (0,): [((0, 3),)],
        (2, 0): [((0,),)],
        (1, 4): [((4, 1),)],
    },
    "select": {
        (3,): [(0, 1)],
        (3, 4): [(0, -1), (-1, 2)],
        (2, 3, 4): [(1, -3)],
    },
    "slice": {
        (5,): [
            (),
            (0, 1, 4),
            (0, 1, None, 2),
            (0, None, None, -1),
            (0, -2, 0, -2),
            (0, 4, 1),
            (0, -100, 100),
            (0, 100, -100, -3),
            (0, 2, 3, 100),
            (0, 3, None, -100),
        ],
        (3, 4): [(1, 1, 3), (-1, None, -1), (0, None, None, -2)],
        (0,): [(0, None, None, -1)],
    },
    "transpose": {
        (3, 4): [(0, 1)],
        (2, 3, 4): [(-1, 0), (1, 1)],
        (): [(0, 0), (-1, 0)],
    },
    "permute": {
        (): [((),)],
        (3,): [((0,),)],
        (2, 3, 4): [((2, 0, 1),), ((-1, 0, -2),)],
    },
    "expand": {
        (): [((2, 3),)],
        (3, 1): [((3, 4),), ((2, -1, 4),)],
        (4,): [((3, 4),)],
        (1,): [((0,),)],
        (0,): [((2, 0),)],
    },
    "squeeze": {
        (): [(), (0,)],
        (1, 3, 1): [(), (0,), (-1,), (1,), ((0, 2),)],
        (1, 3): [((),)],
    },
    "unsqueeze": {
        (): [(0,), (-1,)],
        (3,): [(1,), (-1,)],
        (2, 3): [(1,), (-3,)],
    },
    "diagonal": {
        (3, 3): [()],
        (3, 4): [(1,), (-2,), (9,), (-9,)],
        (2, 3, 4): [(0, 1, 2), (1, -1, 0)],
        (0, 3): [()],
    },
    "unfold": {
        (5,): [(0, 2, 1), (0, 3, 2), (0, 5, 1)],
        (3, 7): [(1, 3, 3)],
        (3, 4): [(0, 2, 1), (-1, 4, 9)],
        (): [(0, 1, 1)],
        (4,): [(0, 0, 1)],
    },
    "flip_view": {
        (): [((),)],
        (5,): [((0,),)],
        (3, 4): [((0, 1),), ((-1,),), ((),)],
        (0,): [((0,),)],
        (2, 0): [((0,),)],
    },
    "detach": {
        (): [()],
        (3, 4): [()],
        (0,): [()],
    },
    "alias": {
        (): [()],
        (3, 4): [()],
        (0,): [()],
    },
}


@samples_for(*CASES)
def views(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    reference = REFERENCES[op]
    cases = [(shape, args) for shape, several in CASES[op].items() for args in several]
    for dtype in DTYPES if op in ("view", "slice", "flip_view") else ("float32", "bool", "int64"):
        for shape, args in cases:
            yield Sample((T(make(rng, shape, dtype)), *args), reference)
    for shape, args in cases:
        for layout in LAYOUTS:
            if shape and 0 not in shape and (op != "view" or layout == "offset"):
                yield Sample((T(make(rng, shape, "float32"), layout), *args), reference)


@samples_for("view")
def views_of_views(op: str) -> Iterator[Sample]:
    """Where strides allow a view of what is not contiguous."""
    rng = rng_for("view-of-views")
    for shape, layout, size in (
        ((3, 4), "transposed", (3, 2, 2)),
        ((3, 4), "transposed", (1, 3, 4, 1)),
        ((12,), "strided", (2, 2, 3)),
        ((12,), "strided", (12,)),
        ((3, 4), "expanded", (3, 2, 2)),
        ((3, 4), "reversed", (3, 4)),
        ((3, 4), "reversed", (3, 2, 2)),
    ):
        yield Sample((T(make(rng, shape, "float32"), layout), size), lambda x, size: x.reshape(size))


@samples_for("as_strided")
def strided(op: str) -> Iterator[Sample]:
    def reference(x: Any, size: Any, stride: Any, offset: int = 0) -> Any:
        flat = np.ascontiguousarray(x).ravel()
        return as_strided(flat[offset:], size, [n * flat.itemsize for n in stride])

    for dtype in DTYPES:
        x = T(make(rng_for(op), (3, 4), dtype))
        for args in (
            ((2, 2), (1, 2)),
            ((3,), (0,)),
            ((2, 3), (4, 1), 1),
            ((), (), 5),
            ((0,), (1,)),
            ((4, 3), (1, 4)),
            ((3,), (-2,), 9),
        ):
            yield Sample((x, *args), reference)


def error_of(*args: Any, error: Refusal, match: str, shape: tuple[int, ...] = (2, 3)) -> ErrorSample:
    return ErrorSample((T(np.zeros(shape, np.float32)), *args), error, match)


@errors_for("view")
def refuses_view(op: str) -> Iterator[ErrorSample]:
    yield error_of((4,), error=ValueError, match=r"^view: .*\(2, 3\) has 6 elements.*\(4,\)")
    yield error_of((-1, -1), error=ValueError, match="^view: only one size can be -1")
    yield error_of((-2, -3), error=ValueError, match="^view: sizes must not be negative")
    yield error_of((-1, 4), error=ValueError, match="^view: .*6 elements")
    yield error_of((-1, 0), error=ValueError, match="^view: -1 could be any size", shape=(0,))
    yield ErrorSample((T(np.zeros((2, 3), np.float32), "transposed"), (6,)), ValueError, r"^view: .*use reshape\(\)")


@errors_for("select")
def refuses_select(op: str) -> Iterator[ErrorSample]:
    yield error_of(0, 2, error=IndexError, match=r"^select: index 2 is out of range for dim 0 of shape \(2, 3\)")
    yield error_of(1, -4, error=IndexError, match="^select: index -4")
    yield error_of(2, 0, error=IndexError, match="^select: dim 2")
    yield error_of(0, 0, error=IndexError, match="^select: a zero-dim tensor", shape=())


@errors_for("slice")
def refuses_slice(op: str) -> Iterator[ErrorSample]:
    yield error_of(0, None, None, 0, error=ValueError, match="^slice: step must not be zero")
    yield error_of(2, error=IndexError, match="^slice: dim 2")
    yield error_of(error=IndexError, match="^slice: a zero-dim tensor", shape=())


@errors_for("permute", "transpose", "flip_view", "squeeze", "unsqueeze")
def refuses_dims(op: str) -> Iterator[ErrorSample]:
    bad = {"permute": ((0, 2),), "transpose": (0, 2), "flip_view": ((2,),), "squeeze": ((2,),), "unsqueeze": (3,)}
    yield error_of(*bad[op], error=IndexError, match=rf"^{op}: dim [23] is out of range")
    if op == "permute":
        yield error_of((0,), error=ValueError, match=r"^permute: dims must name each of the 2 dims .*\(0,\)")
        yield error_of((0, 0), error=ValueError, match="^permute: dim 0 appears twice")
    if op == "squeeze":
        yield error_of((0, -2), error=ValueError, match=r"^squeeze: dim 0 appears twice in \(0, -2\)$")
    if op == "flip_view":
        yield error_of((0, -2), error=ValueError, match="^flip_view: dim 0 appears twice")


@errors_for("expand")
def refuses_expand(op: str) -> Iterator[ErrorSample]:
    yield error_of(
        (2, 4), error=ValueError, match=r"^expand: .*\(2, 3\) can't be expanded to \(2, 4\): only dims of size 1 grow"
    )
    yield error_of((3,), error=ValueError, match="^expand: .*more dims")
    yield error_of((-1, 2, 3), error=ValueError, match="^expand: .*a new dim needs a size")


@errors_for("diagonal")
def refuses_diagonal(op: str) -> Iterator[ErrorSample]:
    yield error_of(0, 1, 1, error=ValueError, match="^diagonal: dim1 and dim2 must differ")
    yield error_of(error=ValueError, match=r"^diagonal: self must have at least 2 dims, got shape \(3,\)", shape=(3,))


@errors_for("unfold")
def refuses_unfold(op: str) -> Iterator[ErrorSample]:
    yield error_of(1, 4, 1, error=ValueError, match="^unfold: size must be from 0 to 3")
    yield error_of(1, -1, 1, error=ValueError, match="^unfold: size must be")
    yield error_of(1, 2, 0, error=ValueError, match="^unfold: step must be positive")


@errors_for("as_strided")
def refuses_strided(op: str) -> Iterator[ErrorSample]:
    yield error_of((7,), (1,), error=ValueError, match="^as_strided: .*holds 6 elements")
    yield error_of((2,), (-1,), error=ValueError, match="^as_strided: .*out of the storage")
    yield error_of((2,), (1, 1), error=ValueError, match="^as_strided: size and stride must have the same length")
    yield error_of((1,), (1,), -1, error=ValueError, match="^as_strided: .*out of the storage")
    yield error_of((2,), (2**62,), error=ValueError, match="^as_strided: .*out of the storage")
    yield error_of((2**40, 2**40), (1, 1), error=ValueError, match="^as_strided: .*out of the storage")
