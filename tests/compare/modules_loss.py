"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.rows import Row, integers, normal, uniform

REDUCTIONS = ("mean", "sum", "none")


def reduced(inputs: tuple[Any, ...], *args: Any, no_grad: tuple[int, ...] = (1,), **options: Any) -> list[Row]:
    """A row for every reduction."""
    return [Row(args, {**options, "reduction": how}, inputs=inputs, no_grad=no_grad) for how in REDUCTIONS]


X, Y = normal(4, 3), normal(4, 3, seed=1)
P, Q = uniform(4, 3, low=0.05, high=0.95), uniform(4, 3, seed=1)
SCORES, CLASSES, WEIGHT = normal(6, 5), integers(5, 6), uniform(5, low=0.5, high=2)
IMAGE, PLACES = normal(2, 5, 3, 4), integers(5, 2, 3, 4)
SOFT = np.exp(normal(6, 5, seed=2)) / np.exp(normal(6, 5, seed=2)).sum(1, keepdims=True)

ROWS = {
    "MSELoss": [Row(inputs=(X, Y)), *reduced((X, Y), no_grad=())],
    "L1Loss": [Row(inputs=(X, Y)), *reduced((X, Y), no_grad=())],
    "SmoothL1Loss": [*reduced((X, Y), no_grad=()), *reduced((X, Y), beta=0.5), *reduced((X, Y), beta=0.0)],
    "HuberLoss": [*reduced((X, Y), no_grad=()), *reduced((X, Y), delta=0.5)],
    "KLDivLoss": [
        *reduced((X, Q)),
        *reduced((X, Y), log_target=True),
        Row((), {"reduction": "batchmean"}, inputs=(X, Q)),
    ],
    "BCELoss": [*reduced((P, Q)), *reduced((P, Q), uniform(4, 3, seed=2))],
    "BCEWithLogitsLoss": [
        *reduced((X, Q)),
        *reduced((X, Q), uniform(4, 3, seed=2)),
        *reduced((X, Q), pos_weight=uniform(3, seed=3)),
    ],
    "NLLLoss": [
        *reduced((SCORES, CLASSES)),
        *reduced((SCORES, CLASSES), WEIGHT, ignore_index=1),
        *reduced((IMAGE, PLACES), WEIGHT),
        Row(inputs=(SCORES[0], CLASSES[0:1].reshape(()))),
    ],
    "CrossEntropyLoss": [
        *reduced((SCORES, CLASSES)),
        *reduced((SCORES, CLASSES), WEIGHT, ignore_index=1),
        *reduced((IMAGE, PLACES), WEIGHT, label_smoothing=0.2),
        *reduced((SCORES, CLASSES), ignore_index=2, label_smoothing=0.1),
        *reduced((SCORES, SOFT), no_grad=()),
        *reduced((SCORES, SOFT), WEIGHT, label_smoothing=0.3, no_grad=()),
        Row(inputs=(SCORES[0], CLASSES[0:1].reshape(()))),
    ],
}
