"""Padding."""

from __future__ import annotations

from tests.compare.rows import Row, normal

SIZES = {1: (5,), 2: (5, 6), 3: (4, 5, 6)}
AMOUNTS = {1: (1, 2), 2: (1, 2, 3, 0), 3: (1, 2, 3, 0, 2, 1)}


def _rows(dims: int, *value: float) -> list[Row]:
    x = normal(2, 3, *SIZES[dims])
    return [
        Row((1, *value), inputs=(x,)),
        Row((AMOUNTS[dims], *value), inputs=(x,)),
        Row((AMOUNTS[dims], *value), inputs=(x[0],)),
    ]


KINDS = ("ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad")
ROWS = {f"{kind}{dims}d": _rows(dims) for kind in KINDS for dims in SIZES}
for _dims in SIZES:
    x = normal(2, 3, *SIZES[_dims])
    ROWS[f"ConstantPad{_dims}d"] = [*_rows(_dims, 3.5), Row(((-1, 1) + (0, 0) * (_dims - 1), -2.0), inputs=(x,))]
    ROWS[f"ZeroPad{_dims}d"].append(Row((-1,), inputs=(x,)))
