"""Convolutions, transposed ones, and sliding windows."""

from __future__ import annotations

from tests.compare.rows import Row, normal

SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 5)}


def _conv(dims: int) -> list[Row]:
    x = normal(2, 4, *SIZES[dims])
    return [
        Row((4, 6, 3), inputs=(x,)),
        Row((4, 6, 3, 2, 1), inputs=(x,)),
        Row((4, 6, 3), {"padding": 1, "dilation": 2, "groups": 2, "bias": False}, inputs=(x,)),
        Row((4, 4, (2, 3, 2)[:dims]), {"padding": "same", "groups": 4}, inputs=(x,)),
        Row((4, 2, 3), {"padding": "valid"}, inputs=(x[0],)),
        *(
            Row((4, 2, 3), {"padding": (1, 2, 1)[:dims], "padding_mode": mode}, inputs=(x,))
            for mode in ("reflect", "replicate", "circular")
        ),
        Row((4, 2, 4), {"padding": "same", "padding_mode": "circular"}, inputs=(x,)),
    ]


def _transposed(dims: int) -> list[Row]:
    x = normal(2, 4, *[size - 2 for size in SIZES[dims]])
    wide = [2 * (size - 2) + 2 for size in SIZES[dims]]
    return [
        Row((4, 6, 3), inputs=(x,)),
        Row((4, 6, 3, 2, 1, 1), inputs=(x,)),
        Row((4, 6, 3), {"stride": 2, "groups": 2, "bias": False, "dilation": 2}, inputs=(x[0],)),
        Row((4, 6, 3), {"stride": 2}, inputs=(x,), call={"output_size": wide}),
        Row((4, 6, (3, 2, 2)[:dims]), {"stride": (1, 2, 2)[:dims], "padding": (1, 0, 1)[:dims]}, inputs=(x,)),
    ]


ROWS = {f"Conv{dims}d": _conv(dims) for dims in SIZES} | {f"ConvTranspose{dims}d": _transposed(dims) for dims in SIZES}
ROWS |= {
    "Unfold": [
        Row((3,), inputs=(normal(2, 3, 7, 8),)),
        Row(((2, 3), 2, 1, (2, 1)), inputs=(normal(2, 3, 7, 8),)),
        Row((3,), inputs=(normal(3, 7, 8),)),
    ],
    "Fold": [
        Row(((4, 5), 2), inputs=(normal(2, 12, 12),)),
        Row((5, (2, 3), 1, 1, 2), inputs=(normal(2, 12, 9),)),
        Row(((6, 7), 2, (2, 3)), inputs=(normal(8, 16),)),
    ],
}
