"""Elementwise functions of two tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.ops.framework import (
    ALL_FLOATS,
    ALL_INTS,
    COMPLEXES,
    DTYPES,
    FLOATS,
    INTS,
    LAYOUTS,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    every,
    float_result,
    make,
    meet,
    promote,
    rng_for,
    samples_for,
    wide,
)

NUMBERS = (*FLOATS, *INTS)


@dataclass(frozen=True)
class Binary:
    """How an op is sampled: its reference, its domain, and which dtype it gives."""

    reference: Callable[..., Any]
    result: str = "same"  # or "floating", "bool"
    dtypes: tuple[str, ...] = DTYPES
    low: float = -4
    high: float = 4
    divides: bool = False  # the second operand is never zero where it is an integer


def _modulo(a: Any, b: Any) -> Any:
    # NumPy's sign rules are Python's; IEEE decides what is not finite.
    return np.mod(a, b)


def _power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind in "iu":
        # in Python's integers, which do not overflow
        return np.array([int(x) ** int(y) for x, y in np.broadcast(a, b)], np.int64).reshape(np.broadcast(a, b).shape)
    return np.power(a, b)


def _shift(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: fn(a.astype(np.int64), b.astype(np.int64))


COMPLEX = {"add", "sub", "mul", "div", "pow", "eq", "ne", "logical_and", "logical_or", "logical_xor"}


BINARY: dict[str, Binary] = {
    "add": Binary(lambda a, b: a | b if a.dtype == bool else a + b),
    "sub": Binary(np.subtract, dtypes=NUMBERS),
    "mul": Binary(lambda a, b: a & b if a.dtype == bool else a * b),
    "div": Binary(np.divide, result="floating", divides=True),
    "floor_divide": Binary(np.floor_divide, dtypes=NUMBERS, divides=True),
    "remainder": Binary(_modulo, dtypes=NUMBERS, divides=True),
    "fmod": Binary(np.fmod, dtypes=NUMBERS, divides=True),
    "pow": Binary(_power, dtypes=NUMBERS, low=0, high=3),
    "atan2": Binary(np.arctan2, result="floating"),
    "maximum": Binary(np.maximum),
    "minimum": Binary(np.minimum),
    "eq": Binary(np.equal, result="bool"),
    "ne": Binary(np.not_equal, result="bool"),
    "lt": Binary(np.less, result="bool"),
    "le": Binary(np.less_equal, result="bool"),
    "gt": Binary(np.greater, result="bool"),
    "ge": Binary(np.greater_equal, result="bool"),
    "logical_and": Binary(np.logical_and, result="bool"),
    "logical_or": Binary(np.logical_or, result="bool"),
    "logical_xor": Binary(np.logical_xor, result="bool"),
    "bitwise_and": Binary(np.bitwise_and, dtypes=(*INTS, "bool")),
    "bitwise_or": Binary(np.bitwise_or, dtypes=(*INTS, "bool")),
    "bitwise_xor": Binary(np.bitwise_xor, dtypes=(*INTS, "bool")),
    "bitwise_left_shift": Binary(_shift(np.left_shift), dtypes=INTS, low=0, high=5),
    "bitwise_right_shift": Binary(_shift(np.right_shift), dtypes=INTS, low=0, high=5),
}


def sample_of(binary: Binary, a: Any, b: Any, **fields: Any) -> Sample:
    """A sample whose operands meet in PyTorch's dtype before the reference sees them."""
    meet = promote(a, b)
    compute = float_result(meet) if binary.result == "floating" else meet

    def reference(x: Any, y: Any) -> Any:
        x, y = (np.asarray(operand).astype(compute) for operand in (x, y))
        with np.errstate(all="ignore"):
            wraps = compute.startswith("uint")
            return binary.reference(x if wraps else wide(x), y if wraps else wide(y))

    return Sample((a, b), reference, dtype="bool" if binary.result == "bool" else compute, **fields)


@samples_for(*BINARY)
def binary_samples(op: str) -> Iterator[Sample]:
    binary = BINARY[op]
    rng = rng_for(op)

    def operand(shape: tuple[int, ...], dtype: str, layout: str = "contiguous", divisor: bool = False) -> T:
        array = make(rng, shape, dtype, binary.low, binary.high)
        if divisor and dtype not in ALL_FLOATS:
            array = np.where(array == 0, 1, array).astype(dtype)
        return T(array, layout)

    def pair(
        a: tuple[int, ...], b: tuple[int, ...], x: str, y: str, p: str = "contiguous", q: str = "contiguous"
    ) -> Sample:
        return sample_of(binary, operand(a, x, p), operand(b, y, q, binary.divides))

    broadcasts = [
        ((), ()),
        ((0,), (0,)),
        ((5,), ()),
        ((3, 1), (1, 4)),
        ((2, 3, 4), (4,)),
        ((4,), (2, 3, 4)),
        ((2, 0), (1, 1)),
    ]
    rare = every(binary.dtypes)[len(binary.dtypes) :]
    complexes = COMPLEXES if op in COMPLEX else ()
    for dtype in (*binary.dtypes, *rare, *complexes):
        for a, b in broadcasts if dtype in ("float32", "int64") else broadcasts[-3:]:
            yield pair(a, b, dtype, dtype)
        for layout in LAYOUTS:
            yield pair((3, 4), (3, 4), dtype, dtype, layout)
            yield pair((3, 4), (3, 4), dtype, dtype, "contiguous", layout)
        yield pair((2, 3, 5), (2, 3, 5), dtype, dtype, "transposed", "reversed")
        yield pair((1031,), (1031,), dtype, dtype)
    for x in binary.dtypes:
        for y in binary.dtypes:
            if x != y:
                yield pair((3, 4), (3, 4), x, y)
                yield pair((3,), (), x, y)
    # The rarer dtypes with one another, and with one of every other kind.
    partners = [dtype for dtype in (*rare, *complexes, "float32", "int64", "uint8", "bool") if dtype in everything(op)]
    for i, x in enumerate((*rare, *complexes)):
        for y in partners[i + 1 :]:
            if meet(x, y):
                yield pair((3, 4), (4,), x, y)
                yield pair((3,), (), y, x)
    for dtype in (dtype for dtype in SIXTEENS if dtype in rare):
        yield pair((2111,), (2111,), dtype, dtype)  # several blocks, and part of one
        yield pair((41, 3, 29), (29,), dtype, dtype, "transposed", "reversed")
    if "float32" in binary.dtypes:
        yield pair((70_001,), (70_001,), "float32", "float32")


def everything(op: str) -> tuple[str, ...]:
    """All dtypes in which an op computes."""
    return every(BINARY[op].dtypes) + (COMPLEXES if op in COMPLEX else ())


@samples_for(*BINARY)
def with_numbers(op: str) -> Iterator[Sample]:
    binary = BINARY[op]
    rng = rng_for(op + "-numbers")
    for dtype in everything(op):
        for number in (2, 1.5, True, 1.5 - 2j):
            if promote(T(np.zeros(1, dtype)), number) not in everything(op):
                continue
            yield sample_of(binary, T(make(rng, (3, 4), dtype, binary.low, binary.high)), number)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.inf, -np.inf, np.nan])


WITH_SPECIAL = set(BINARY) - {"floor_divide", "remainder"} - {op for op in BINARY if op.startswith("bitwise")}


@samples_for(*sorted(WITH_SPECIAL))
def special_values(op: str) -> Iterator[Sample]:
    for dtype in ALL_FLOATS:
        a, b = (values.ravel().astype(dtype) for values in np.meshgrid(SPECIAL, SPECIAL))
        yield sample_of(BINARY[op], T(a), T(b))


@samples_for("floor_divide", "remainder")
def special_divisions(op: str) -> Iterator[Sample]:
    finite = SPECIAL[2:6]
    a, b = (values.ravel() for values in np.meshgrid(np.concatenate([finite, [np.nan, 0.0, 7.0]]), finite))
    for dtype in FLOATS:
        yield sample_of(BINARY[op], T(a.astype(dtype)), T(b.astype(dtype)))


@samples_for("add", "sub")
def with_alpha(op: str) -> Iterator[Sample]:
    rng = rng_for(op + "-alpha")
    for dtype in (*every(NUMBERS), *COMPLEXES):
        kinds = {**dict.fromkeys(ALL_FLOATS, (2, 0.5)), **dict.fromkeys(COMPLEXES, (2, 0.5, 1.5 - 1j))}
        for alpha in kinds.get(dtype, (3,)):
            yield Sample(
                (T(make(rng, (3, 4), dtype)), T(make(rng, (4,), dtype))),
                lambda a, b, alpha: BINARY[op].reference(wide(a), alpha * wide(b)),
                {"alpha": alpha},
                dtype=dtype,
            )


@samples_for("bitwise_left_shift", "bitwise_right_shift")
def far_shifts(op: str) -> Iterator[Sample]:
    """Shifts by as many places as there are bits, by more, and by fewer than none."""

    def reference(a: Any, b: Any) -> Any:
        bits = 8 * a.dtype.itemsize
        far = (b < 0) | (b >= bits)
        near = np.where(far, 0, b).astype(a.dtype)
        if op == "bitwise_left_shift":
            return np.where(far, 0, a << near)
        return np.where(far, np.where(a < 0, -1, 0), a >> near)

    for dtype in ALL_INTS:
        a = np.array([5, 1, 100], dtype)
        unsigned = dtype.startswith("uint")
        a = a if unsigned else np.concatenate([a, -a])
        for b in (7, 8, 9, 31, 32, 63, 64, 100) + (() if unsigned else (-1,)):
            yield Sample((T(a), T(np.full_like(a, b))), reference)


@samples_for("div")
def rounded_division(op: str) -> Iterator[Sample]:
    rng = rng_for("div-rounded")
    references = {
        "floor": lambda a, b: np.floor_divide(wide(a), wide(b)),
        "trunc": lambda a, b: np.trunc(wide(a) / wide(b)),
    }
    for mode, reference in references.items():
        for dtype in every(NUMBERS):
            divisor = np.array([2, 3, 5, 1]).astype(dtype)
            yield Sample(
                (T(make(rng, (3, 4), dtype, -20, 20)), T(divisor)),
                lambda a, b, rounding_mode, reference=reference: reference(a, b),
                {"rounding_mode": mode},
                dtype=dtype,
            )


@errors_for(*BINARY)
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    dtype = BINARY[op].dtypes[0]
    a, b = T(np.ones((2, 3), dtype)), T(np.ones((2, 4), dtype))
    yield ErrorSample((a, b), ValueError, rf"^{op}: shapes \(2, 3\) and \(2, 4\) do not broadcast")
    yield ErrorSample((a, "text"), TypeError, op)
    # In place the shape can't grow.
    yield ErrorSample((T(np.ones((1, 3), dtype)), a), ValueError, rf"^{op}", method=f"{op}_")


@errors_for("sub", "floor_divide", "remainder", "fmod", "pow")
def refuses_bool(op: str) -> Iterator[ErrorSample]:
    mask = T(np.array([True, False]))
    yield ErrorSample((mask, mask), TypeError, f"^{op}: not defined for dtype bool")


@errors_for(*(set(BINARY) - COMPLEX))
def refuses_complex(op: str) -> Iterator[ErrorSample]:
    for dtype in COMPLEXES:
        ones = T(np.ones(2, dtype))
        yield ErrorSample((ones, ones), TypeError, f"^{op}: not defined for dtype {dtype}")
        yield ErrorSample((T(np.ones(2, np.float32)), 1j), TypeError, f"^{op}: not defined for dtype complex64")


@errors_for(*BINARY)
def refuses_to_meet(op: str) -> Iterator[ErrorSample]:
    if "int64" in BINARY[op].dtypes:
        args = T(np.ones(2, np.uint64)), T(np.ones(2, np.int8))
        yield ErrorSample(args, TypeError, f"^{op}: no dtype holds both uint64 and int8")


@errors_for("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift")
def refuses_floats(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.float32))
    yield ErrorSample((ones, ones), TypeError, f"^{op}: not defined for dtype float32; it is defined for integers")


@errors_for("floor_divide", "remainder", "fmod", "div")
def refuses_zero(op: str) -> Iterator[ErrorSample]:
    kwargs = {"rounding_mode": "floor"} if op == "div" else {}
    for dtype in ALL_INTS:
        yield ErrorSample(
            (T(np.array([1, 2], dtype)), T(np.array([1, 0], dtype))),
            (ZeroDivisionError, RuntimeError),
            "zero|Zero",
            kwargs,
        )


@errors_for("add", "sub")
def refuses_alpha(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.int64))
    yield ErrorSample((ones, ones), TypeError, f"^{op}: alpha must be an integer", {"alpha": 0.5})
    floats = T(np.ones(2, np.float32))
    yield ErrorSample((floats, floats), TypeError, f"^{op}: alpha must be real", {"alpha": 1j})


@errors_for("div")
def refuses_rounding(op: str) -> Iterator[ErrorSample]:
    ones = T(np.ones(2, np.float32))
    yield ErrorSample((ones, ones), ValueError, "^div: rounding_mode must be None", {"rounding_mode": "up"})
    numbers = T(np.ones(2, np.complex64))
    yield ErrorSample((numbers, numbers), TypeError, "^div: rounding_mode is not defined", {"rounding_mode": "floor"})


@errors_for("pow")
def refuses_negative_powers(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.array([2, 3])), -1), ValueError, "^pow: integers to negative integer powers")
