"""Pooling."""

from __future__ import annotations

from tests.compare.rows import Row, normal

SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 7)}


def _input(dims: int) -> tuple:
    return (normal(2, 3, *SIZES[dims]),)


def _max(dims: int) -> list[Row]:
    return [
        Row((2,), inputs=_input(dims)),
        Row((3, 2, 1), {"return_indices": True}, inputs=_input(dims)),
        Row((2,), {"dilation": 2, "stride": 1, "ceil_mode": True}, inputs=_input(dims)),
        Row(((3, 2, 2)[:dims],), inputs=(normal(3, *SIZES[dims]),)),
    ]


def _avg(dims: int) -> list[Row]:
    return [
        Row((2,), inputs=_input(dims)),
        Row((3, 2, 1, True), inputs=_input(dims)),
        Row((3, 2, 1), {"count_include_pad": False}, inputs=_input(dims)),
        Row(((3, 2, 2)[:dims],), inputs=(normal(3, *SIZES[dims]),)),
        *([Row((2,), {"divisor_override": 3}, inputs=_input(dims))] if dims > 1 else []),
    ]


def _adaptive(dims: int) -> list[Row]:
    rows = [Row((3,), inputs=_input(dims)), Row((1,), inputs=(normal(3, *SIZES[dims]),))]
    return rows if dims == 1 else [*rows, Row(((None, 2, 5)[:dims],), inputs=_input(dims))]


ROWS = {f"MaxPool{dims}d": _max(dims) for dims in SIZES}
ROWS |= {f"AvgPool{dims}d": _avg(dims) for dims in SIZES}
ROWS |= {f"AdaptiveAvgPool{dims}d": _adaptive(dims) for dims in SIZES}
