"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.rows import Row, Side, integers, normal, uniform

REDUCTIONS = ("mean", "sum", "none")


def reduced(inputs: tuple[Any, ...], *args: Any, no_grad: tuple[int, ...] = (1,), **options: Any) -> list[Row]:
    """A row for every reduction."""
    return [Row(args, {**options, "reduction": how}, inputs=inputs, no_grad=no_grad) for how in REDUCTIONS]


X, Y = normal(4, 3), normal(4, 3, seed=1)
P, Q = uniform(4, 3, low=0.05, high=0.95), uniform(4, 3, seed=1)
SCORES, CLASSES, WEIGHT = normal(6, 5), integers(5, 6), uniform(5, low=0.5, high=2)
IMAGE, PLACES = normal(2, 5, 3, 4), integers(5, 2, 3, 4)
SOFT = np.exp(normal(6, 5, seed=2)) / np.exp(normal(6, 5, seed=2)).sum(1, keepdims=True)
SIGNS, COUNTS = np.sign(normal(4, 3, seed=5)), integers(5, 4, 3).astype(float)
LABELS = np.array(
    [[1, 3, -1, 0, 0], [4, -1, 2, 2, 2], [0, 1, 2, 3, 4], [-1] * 5, [2, 4, 0, -1, 3], [0, -1, -1, -1, -1]]
)
# Seven steps of three sequences of four classes, and their labels.
CTC = (normal(7, 3, 4), 1 + integers(3, 3, 4), np.array([7, 6, 7]), np.array([3, 2, 4]))


def city(a: Any, b: Any) -> Any:
    return (a - b).abs().sum(-1)


def ctc(**options: Any) -> Any:
    """The loss behind a log-softmax: PyTorch's own gradient holds for normalized inputs only."""

    def make(side: Side) -> Any:
        class Normalized(side.nn.CTCLoss):  # type: ignore[misc, name-defined]
            def forward(self, scores: Any, *others: Any) -> Any:
                return super().forward(scores.log_softmax(-1), *others)

        Normalized.__name__ = "CTCLoss"
        return Normalized(**options)

    return make


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
    "SoftMarginLoss": reduced((X, SIGNS)),
    "MultiLabelSoftMarginLoss": [*reduced((X, Q)), *reduced((X, Q), uniform(3, seed=4))],
    "HingeEmbeddingLoss": [*reduced((X, SIGNS)), *reduced((X, SIGNS), 0.5)],
    "PoissonNLLLoss": [
        *reduced((X, COUNTS)),
        *reduced((X, COUNTS), full=True),
        *reduced((P, COUNTS), log_input=False, full=True, eps=1e-3),
    ],
    "GaussianNLLLoss": [
        *reduced((X, Y, P), no_grad=()),
        *reduced((X, Y, P), full=True, eps=0.3, no_grad=()),
        *reduced((X, Y, P[:, 0]), no_grad=()),
        *reduced((X, Y, P[:, :1]), no_grad=()),
        *reduced((X, Y, 0.5), no_grad=()),
    ],
    "MultiMarginLoss": [
        *reduced((SCORES, CLASSES)),
        *reduced((SCORES, CLASSES), 2, 0.5, WEIGHT),
        Row(inputs=(SCORES[0], CLASSES[0:1].reshape(()))),
    ],
    "MultiLabelMarginLoss": [*reduced((SCORES, LABELS)), Row(inputs=(SCORES[0], LABELS[0]))],
    "CosineEmbeddingLoss": [
        *reduced((X, Y, SIGNS[:, 0]), no_grad=(2,)),
        *reduced((X, Y, SIGNS[:, 0]), 0.3, no_grad=(2,)),
        Row(inputs=(X[0], Y[0], SIGNS[0, :1].reshape(())), no_grad=(2,)),
    ],
    "MarginRankingLoss": [*reduced((X, Y, SIGNS), no_grad=(2,)), *reduced((X, Y, SIGNS), 0.5, no_grad=(2,))],
    "TripletMarginLoss": [
        *reduced((X, Y, Q), no_grad=()),
        *reduced((X, Y, Q), 0.5, 1.0, 1e-3, True, no_grad=()),
        Row(inputs=(X[0], Y[0], Q[0])),
    ],
    "TripletMarginWithDistanceLoss": [
        *reduced((X, Y, Q), no_grad=()),
        *reduced((X, Y, Q), margin=2.0, swap=True, distance_function=city, no_grad=()),
    ],
    "CTCLoss": [
        *(Row(make=ctc(reduction=how), inputs=CTC, no_grad=(1, 2, 3)) for how in REDUCTIONS),
        Row(make=ctc(blank=2), inputs=(CTC[0], 1 - CTC[1] % 2, (7, 6, 4), (4, 1, 0))),
        Row(make=ctc(), inputs=(CTC[0], CTC[1].reshape(-1)[:8], (7, 6, 7), (4, 1, 3))),
        Row(make=ctc(), inputs=(CTC[0][:, 0], CTC[1][0, :3], CTC[2][:1].reshape(()), CTC[3][:1].reshape(()))),
        Row(make=ctc(zero_infinity=True), inputs=(CTC[0], CTC[1], (3, 6, 2), (4, 3, 4))),
    ],
    "AdaptiveLogSoftmaxWithLoss": [
        Row((32, 20, [5, 10]), inputs=(normal(6, 32), integers(20, 6))),
        Row((32, 20, (4,), 2.0, True), inputs=(normal(6, 32), integers(20, 6))),
        Row((32, 20, [5, 10]), inputs=(normal(32), integers(20))),
    ],
}
