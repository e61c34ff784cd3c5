"""Rows of a table, looked up and summed in bags, and the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

ROWS, DIM = 7, 5
INDICES = tuple(np.array(each, np.int64) for each in ([2, 0, 2, 6, 2], [[1, 2], [2, 3]], 4, []))
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-5}, "float64": {"rtol": 1e-11, "atol": 1e-12}}


def divided(table: Any, input: Any, by_frequency: bool) -> Any:
    often = np.maximum(np.bincount(input.reshape(-1), minlength=len(table)), 1)
    return table / often[:, None] if by_frequency else table


# ---- rows --------------------------------------------------------------------------------------------------------


@samples_for("embedding_rows")
def rows(op: str) -> Iterator[Sample]:
    for dtype in (*FLOATS, "int64"):
        for layout in ("contiguous", *LAYOUTS):
            table = T(make(rng_for(op), (ROWS, DIM), dtype), layout)
            for index in INDICES:
                yield Sample((table, T(index)), lambda weight, input: weight[input])
        # What gets no gradient, or a part: of a table that has none, so that differences are not compared with it.
        for rest in ((2,), (None, True), (2, True)):
            whole = T(make(rng_for(op), (ROWS, DIM), "int64"))
            yield Sample((whole, T(INDICES[0]), *rest), lambda weight, input, *_: weight[input], decompose=False)
    yield Sample((table, T(INDICES[0].astype(np.int32))), lambda weight, input, *_: weight[input])


@samples_for("embedding_rows_grad")
def gradients_of_rows(op: str) -> Iterator[Sample]:
    def reference(grad: Any, input: Any, rows: int, padding: int | None, by_frequency: bool) -> Any:
        table, flat = np.zeros((rows, grad.shape[-1])), input.reshape(-1)
        for row, each in zip(flat, wide(grad).reshape(-1, grad.shape[-1]), strict=True):
            if row != padding:
                table[row] += each
        return divided(table, flat, by_frequency)

    for dtype in FLOATS:
        for index in INDICES:
            for layout in ("contiguous", *LAYOUTS) if index.ndim == 1 and index.size else ("contiguous",):
                grad = T(make(rng_for(op), (*index.shape, DIM), dtype), layout)
                for rest in ((None, False), (2, False), (None, True), (2, True)):
                    yield Sample((grad, T(index), ROWS, *rest), reference, **TOLERANCES[dtype])
        many = rng_for(op).integers(0, 300, 2000)  # a table in pieces
        yield Sample(
            (T(make(rng_for(op), (2000, 40), dtype)), T(many), 300, None, False), reference, **TOLERANCES[dtype]
        )


# ---- bags --------------------------------------------------------------------------------------------------------

INPUT = np.array([2, 0, 2, 6, 2, 1, 2], np.int64)
OFFSETS = tuple(np.array(each, np.int64) for each in ([0, 2, 2, 5], [0], [0, 0, 7, 7]))


def scales(input: Any, offsets: Any, samples: Any, mean: bool, padding: int | None) -> tuple[Any, Any]:
    """The bag and the factor of each index."""
    bag = np.searchsorted(offsets, np.arange(len(input)), side="right") - 1
    scale = np.ones(len(input)) if samples is None else wide(samples).copy()
    counted = np.ones(len(input), bool) if padding is None else input != padding
    if mean:
        scale = scale / np.maximum(np.bincount(bag, counted, len(offsets)), 1)[bag]
    return bag, scale * counted


def options(dtype: str, by_frequency: bool) -> Iterator[tuple[Any, bool, int | None, bool]]:
    samples = T(make(rng_for("samples"), INPUT.shape, dtype))
    for given in (None, samples):
        for mean, padding in ((False, None), (True, None), (False, 2), (True, 2)):
            yield given, mean, padding, False
    if by_frequency:
        yield None, False, None, True


@samples_for("embedding_bag_sum")
def bags(op: str) -> Iterator[Sample]:
    def reference(weight: Any, input: Any, offsets: Any, samples: Any, mean: bool, padding: int | None, _: bool) -> Any:
        bag, scale = scales(input, offsets, samples, mean, padding)
        out = np.zeros((len(offsets), weight.shape[1]))
        np.add.at(out, bag, wide(weight)[input] * scale[:, None])
        return out

    for dtype in FLOATS:
        for layout in ("contiguous", *LAYOUTS):
            weight = T(make(rng_for(op), (ROWS, DIM), dtype), layout)
            for offsets in OFFSETS:
                for rest in options(dtype, False):
                    yield Sample((weight, T(INPUT), T(offsets), *rest), reference, **TOLERANCES[dtype])
        none = (T(np.zeros(0, np.int64)), T(np.zeros(0, np.int64)))
        yield Sample((weight, *none, None, True, None, False), reference)
        for rest in options(dtype, False):
            args = (T(make(rng_for(op), (ROWS, 83), dtype)), T(INPUT), T(OFFSETS[0]), *rest)
            yield Sample(args, reference, **TOLERANCES[dtype])


@samples_for("embedding_bag_max")
def largest(op: str) -> Iterator[Sample]:
    def reference(weight: Any, input: Any, offsets: Any, padding: int | None = None) -> Any:
        out, rows = np.zeros((len(offsets), weight.shape[1])), np.full((len(offsets), weight.shape[1]), -1)
        for b, (begin, end) in enumerate(zip(offsets, [*offsets[1:], len(input)], strict=False)):
            index = input[begin:end][input[begin:end] != padding]
            if len(index):
                first = wide(weight)[index].argmax(0)  # the first NaN, else the first of equal ones
                out[b], rows[b] = wide(weight)[index[first], range(weight.shape[1])], index[first]
        return out, rows

    for dtype in FLOATS:
        for layout in ("contiguous", *LAYOUTS):
            weight = T(make(rng_for(op), (ROWS, DIM), dtype), layout)
            for offsets in OFFSETS:
                for padding in (None, 2):
                    yield Sample((weight, T(INPUT), T(offsets), padding), reference, dtype=(dtype, "int64"))
        for dim in (1, 83):
            yield Sample(
                (T(make(rng_for(op), (ROWS, dim), dtype)), T(INPUT), T(OFFSETS[0])), reference, dtype=(dtype, "int64")
            )
        rare = make(rng_for(op), (ROWS, 40), dtype).round()
        rare[2, ::3], rare[6, ::7], rare[0, ::2] = np.nan, -np.inf, -np.inf
        yield Sample((T(rare), T(INPUT), T(OFFSETS[0])), reference, dtype=(dtype, "int64"))
        nothing = T(np.zeros(0, np.int64))
        yield Sample((weight, nothing, nothing), reference, dtype=(dtype, "int64"))
        yield Sample((weight, nothing, T(np.zeros(2, np.int64))), reference, dtype=(dtype, "int64"))


@samples_for("embedding_bag_sum_grad")
def gradients_of_bags(op: str) -> Iterator[Sample]:
    def reference(
        grad: Any, weight: Any, input: Any, offsets: Any, samples: Any, mean: bool, padding: int | None, freq: bool
    ) -> Any:
        bag, scale = scales(input, offsets, samples, mean, padding)
        table = np.zeros(weight.shape)
        np.add.at(table, input, wide(grad)[bag] * scale[:, None])
        if samples is None:
            return divided(table, input, freq), np.zeros(0)
        plain = scales(input, offsets, None, mean, padding)[1]
        return divided(table, input, freq), (wide(grad)[bag] * wide(weight)[input]).sum(1) * plain

    for dtype in FLOATS:
        for layout in ("contiguous", *LAYOUTS):
            weight = T(make(rng_for(op), (ROWS, DIM), dtype), layout)
            for offsets in OFFSETS:
                grad = T(make(rng_for(op + "grad"), (len(offsets), DIM), dtype), layout)
                for rest in options(dtype, True):
                    yield Sample((grad, weight, T(INPUT), T(offsets), *rest), reference, **TOLERANCES[dtype])


# ---- what is refused ---------------------------------------------------------------------------------------------

TABLE = T(np.ones((3, 2), np.float32))
GOOD, BAD = T(np.array([0, 2])), T(np.array([0, 3]))


@errors_for("embedding_rows")
def refuses_rows(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((TABLE, BAD), IndexError, f"^{op}: index 3 is out of range for dim 0 of size 3")
    yield ErrorSample((T(np.ones(3)), GOOD), ValueError, rf"^{op}: expected a table of shape \(rows, dim\)")
    yield ErrorSample((TABLE, T(np.ones(2))), TypeError, f"^{op}: input must have dtype int64")
    yield ErrorSample((TABLE, GOOD, 3), ValueError, f"^{op}: padding_idx 3 is out of range for a table of 3 rows")


@errors_for("embedding_rows_grad")
def refuses_rows_grad(op: str) -> Iterator[ErrorSample]:
    grad = T(np.ones((2, 2), np.float32))
    yield ErrorSample((grad, BAD, 3, None, False), IndexError, f"^{op}: index 3 is out of range")
    yield ErrorSample((grad, T(np.array([1])), 3, None, False), ValueError, rf"^{op}: grad of shape \(2, 2\)")


@errors_for("embedding_bag_sum")
def refuses_bags(op: str) -> Iterator[ErrorSample]:
    for offsets in ([1], [0, 2, 1], [0, 3]):
        yield ErrorSample((TABLE, GOOD, T(np.array(offsets))), ValueError, f"^{op}: offsets must begin with 0")
    yield ErrorSample((TABLE, BAD, T(np.array([0]))), IndexError, f"^{op}: index 3 is out of range")
    one = T(np.ones(1, np.float32))
    yield ErrorSample((TABLE, GOOD, T(np.array([0])), one), ValueError, rf"^{op}: .*\(1,\) and \(2,\)")


@errors_for("embedding_bag_max")
def refuses_largest(op: str) -> Iterator[ErrorSample]:
    for offsets in ([1], [0, 2, 1], [0, 3]):
        yield ErrorSample((TABLE, GOOD, T(np.array(offsets))), ValueError, f"^{op}: offsets must begin with 0")
    yield ErrorSample((TABLE, BAD, T(np.array([0]))), IndexError, f"^{op}: index 3 is out of range")
    yield ErrorSample((TABLE, GOOD, T(np.array([0])), 3), ValueError, f"^{op}: padding_idx 3 is out of range")


@errors_for("embedding_bag_sum_grad")
def refuses_bags_grad(op: str) -> Iterator[ErrorSample]:
    args = (T(np.ones((2, 2), np.float32)), TABLE, GOOD, T(np.array([0])), None, False, None, False)
    yield ErrorSample(args, ValueError, rf"^{op}: grad of shape \(2, 2\) does not fit 1 bags")
