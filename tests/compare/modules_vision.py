"""Images, and distances."""

from __future__ import annotations

from typing import Any

from tests.compare.rows import Row, normal

PLAIN = ("nearest", "nearest-exact", "area")
LINE, IMAGE, VOLUME = normal(2, 3, 7), normal(2, 3, 5, 7), normal(2, 3, 4, 5, 6)


def _sizes(x: Any, mode: str, corners: bool) -> list[Row]:
    dims = x.ndim - 2
    rows = [
        Row((9,), {"mode": mode}, inputs=(x,)),
        Row(((3, 11, 4)[:dims],), {"mode": mode}, inputs=(x,)),
        Row((), {"scale_factor": 1.7, "mode": mode}, inputs=(x,)),
        Row((), {"scale_factor": (0.6, 2.0, 1.3)[:dims], "mode": mode, "recompute_scale_factor": True}, inputs=(x,)),
    ]
    if corners:
        rows += [Row((9,), {"mode": mode, "align_corners": True}, inputs=(x,))]
        rows += [Row((), {"scale_factor": 0.6, "mode": mode, "align_corners": True}, inputs=(x,))]
    return rows


ROWS = {
    "PixelShuffle": [Row((2,), inputs=(normal(2, 8, 3, 4),)), Row((3,), inputs=(normal(18, 2, 2),))],
    "PixelUnshuffle": [Row((2,), inputs=(normal(2, 2, 6, 4),)), Row((3,), inputs=(normal(2, 3, 6),))],
    "ChannelShuffle": [Row((2,), inputs=(normal(2, 6, 3),)), Row((3,), inputs=(normal(2, 6, 3, 2),))],
    "Upsample": [
        *(
            row
            for x in (LINE, IMAGE, VOLUME)
            for mode in ("nearest", "nearest-exact")
            for row in _sizes(x, mode, False)
        ),
        *(row for x in (LINE, IMAGE, VOLUME) for row in _sizes(x, "area", False)),
        *_sizes(LINE, "linear", True),
        *_sizes(IMAGE, "bilinear", True),
        *_sizes(IMAGE, "bicubic", True),
        *_sizes(VOLUME, "trilinear", True),
    ],
    "UpsamplingNearest2d": [Row((9,), inputs=(IMAGE,)), Row((), {"scale_factor": (2.0, 1.5)}, inputs=(IMAGE,))],
    "UpsamplingBilinear2d": [Row((9,), inputs=(IMAGE,)), Row((), {"scale_factor": (2.0, 1.5)}, inputs=(IMAGE,))],
    "CosineSimilarity": [
        Row(inputs=(normal(4, 3), normal(4, 3, seed=1))),
        Row((-1, 1e-3), inputs=(normal(4, 3, 2), normal(4, 1, 2))),
    ],
    "PairwiseDistance": [
        Row(inputs=(normal(4, 3), normal(4, 3, seed=1))),
        Row((1.0, 1e-3, True), inputs=(normal(4, 3), normal(1, 3))),
        Row(inputs=(normal(3), normal(3, seed=1))),
    ],
}
