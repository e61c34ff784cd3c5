"""Embeddings."""

from __future__ import annotations

import numpy as np

from tests.compare.rows import Row, integers, normal, uniform

FLAT, BAGS = integers(10, 9), np.array([0, 2, 2, 7])
ROWS = {
    "Embedding": [
        Row((10, 3), inputs=(integers(10, 2, 5),)),
        Row((10, 3), {"padding_idx": 2}, inputs=(integers(4, 2, 5),)),
        Row((10, 3, -1), {"max_norm": 1.0}, inputs=(integers(10, 2, 5),)),
        Row((10, 3, None, 0.5, 1.0, True), inputs=(integers(4, 9),)),
        Row((4, 3), inputs=(integers(4, 0),)),
        Row((4, 3), inputs=(np.array(2),)),
    ],
    "EmbeddingBag": [
        row
        for mode in ("sum", "mean", "max")
        for row in (
            Row((10, 3), {"mode": mode}, inputs=(integers(10, 4, 5),)),
            Row((10, 3), {"mode": mode}, inputs=(FLAT, BAGS)),
            Row((10, 3), {"mode": mode, "padding_idx": 2}, inputs=(integers(4, 4, 2), None)),
            Row((10, 3, 0.5, 1.0), {"mode": mode}, inputs=(FLAT, BAGS)),
            Row((10, 3), {"mode": mode, "include_last_offset": True}, inputs=(FLAT, np.array([0, 3, 3, 9]))),
        )
    ]
    + [
        Row((10, 3), {"mode": "sum"}, inputs=(integers(10, 4, 5), None, normal(4, 5))),
        Row((10, 3), {"mode": "sum", "padding_idx": 1}, inputs=(FLAT, BAGS, uniform(9))),
    ],
}
