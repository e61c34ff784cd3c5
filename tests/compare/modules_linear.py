"""Linear maps and changes of shape."""

from __future__ import annotations

from tests.compare.rows import Row, normal

ROWS = {
    "Identity": [Row((54,), {"unused": 0.1}, inputs=(normal(2, 4),))],
    "Linear": [
        Row((4, 3), inputs=(normal(2, 4),)),
        Row((4, 3), {"bias": False}, inputs=(normal(2, 5, 4),)),
        Row((4, 3), inputs=(normal(4),)),
    ],
    "Bilinear": [
        Row((4, 3, 2), inputs=(normal(5, 4), normal(5, 3))),
        Row((4, 3, 2, False), inputs=(normal(2, 5, 4), normal(2, 5, 3))),
    ],
    "Flatten": [Row(inputs=(normal(2, 3, 4),)), Row((0, 1), inputs=(normal(2, 3, 4),))],
    "Unflatten": [Row((1, (2, 3)), inputs=(normal(2, 6, 4),)), Row((-1, (2, -1)), inputs=(normal(2, 4),))],
}
