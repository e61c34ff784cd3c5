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


def _instance(dims: int) -> list[Row]:
    x = normal(5, 4, *SIZES[dims])
    return [
        Row((4,), inputs=(x,)),
        Row((4, 1e-3, 0.3, True, True), inputs=(x,), calls=2),
        Row((4,), {"track_running_stats": True}, inputs=(x,), training=False),
        Row((4,), {"affine": True, "bias": False}, inputs=(x[0],)),
    ]


ROWS = {f"BatchNorm{dims}d": _batch(dims) for dims in SIZES}
ROWS["BatchNorm1d"].append(Row((4,), inputs=(normal(5, 4),)))
for _dims in SIZES:
    ROWS[f"BatchNorm{_dims}d"].append(Row((4,), {"bias": False}, inputs=(normal(5, 4, *SIZES[_dims]),)))
ROWS |= {f"InstanceNorm{dims}d": _instance(dims) for dims in SIZES}
ROWS |= {
    "GroupNorm": [
        Row((2, 4), inputs=(normal(3, 4, 5),)),
        Row((4, 4, 1e-3), inputs=(normal(3, 4, 5, 2),)),
        Row((1, 4), {"affine": False}, inputs=(normal(3, 4),)),
        Row((2, 4), {"bias": False}, inputs=(normal(3, 4, 2),)),
    ],
    "RMSNorm": [
        Row((4,), inputs=(normal(2, 3, 4),)),
        Row(((3, 4), 1e-3), inputs=(normal(2, 3, 4),)),
        Row((4,), {"elementwise_affine": False}, inputs=(normal(3, 4),)),
    ],
    "LocalResponseNorm": [
        Row((2,), inputs=(normal(2, 5, 3),)),
        Row((3, 0.1, 0.5, 2.0), inputs=(normal(2, 5, 3, 3),)),
        Row((4, 0.1), inputs=(normal(2, 5, 3, 3, 2),)),
    ],
    # PyTorch's gradient is not that of its output.
    "CrossMapLRN2d": [
        Row((3, 0.1, 0.5, 2), inputs=(normal(2, 5, 3, 3),), no_grad=(0,)),
        Row((5, 0.1), inputs=(normal(2, 7, 3, 3),), no_grad=(0,)),
    ],
    "LayerNorm": [
        Row((4,), inputs=(normal(2, 3, 4),)),
        Row(((3, 4), 1e-3), inputs=(normal(2, 3, 4),)),
        Row((4,), {"bias": False}, inputs=(normal(3, 4),)),
        Row((4,), {"elementwise_affine": False}, inputs=(normal(3, 4),)),
    ],
}
