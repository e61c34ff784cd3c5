"""Normalizations."""

from __future__ import annotations

from tests.compare.rows import Row, normal

SIZES = {1: (9,), 2: (3, 4), 3: (3, 2, 4)}


def _batch(dims: int) -> list[Row]:
    x = normal(5, 4, *SIZES[dims])
    return [
        Row((4,), inputs=(x,), calls=2),
        Row((4,), inputs=(x,), training=False),
        Row((4, 1e-3, None), inputs=(x,), calls=3),
        Row((4,), {"affine": False, "momentum": 0.3}, inputs=(x,)),
        Row((4,), {"track_running_stats": False}, inputs=(x,), training=False),
    ]


ROWS = {f"BatchNorm{dims}d": _batch(dims) for dims in SIZES}
ROWS["BatchNorm1d"].append(Row((4,), inputs=(normal(5, 4),)))
ROWS |= {
    "LayerNorm": [
        Row((4,), inputs=(normal(2, 3, 4),)),
        Row(((3, 4), 1e-3), inputs=(normal(2, 3, 4),)),
        Row((4,), {"bias": False}, inputs=(normal(3, 4),)),
        Row((4,), {"elementwise_affine": False}, inputs=(normal(3, 4),)),
    ],
}
