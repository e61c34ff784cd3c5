"""Dropout: what draws no random numbers of it."""

from __future__ import annotations

from tests.compare.rows import Row, normal

SHAPES = {"Dropout": (3, 4), "Dropout1d": (2, 3, 4), "Dropout2d": (2, 3, 4, 4), "Dropout3d": (2, 3, 2, 4, 4)}
SHAPES |= {"AlphaDropout": (3, 4), "FeatureAlphaDropout": (2, 3, 4)}


def _rows(*shape: int) -> list[Row]:
    x = normal(*shape)
    return [
        Row(inputs=(x,), training=False),
        Row((0.0,), inputs=(x,)),
        Row((1.0,), inputs=(x,)),
        Row((0.3, True), inputs=(x,), training=False, no_grad=(0,)),
    ]


ROWS = {name: _rows(*shape) for name, shape in SHAPES.items()}
