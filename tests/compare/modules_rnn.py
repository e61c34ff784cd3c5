"""Recurrent layers, their cells, and lazy layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.rows import Row, Side, normal

X, LENGTHS = normal(5, 3, 4), [5, 4, 2]


def _packed(name: str, *args: Any, enforce_sorted: bool = True, **options: Any) -> Row:
    """A layer behind packing and before padding."""

    def make(side: Side) -> Any:
        rnn = side.nn.utils.rnn

        class Packs(side.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(side.nn, name)(*args, **options)

            def forward(self, x: Any, states: Any = None) -> Any:
                lengths = LENGTHS if enforce_sorted else [LENGTHS[i] for i in (1, 2, 0)]
                out, last = self.layer(rnn.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted), states)
                return rnn.pad_packed_sequence(out), last

        return Packs()

    two = 2 if options.get("bidirectional") else 1
    layers = options.get("num_layers", 1) * two
    h = normal(layers, 3, options.get("proj_size") or 6, seed=1)
    states = (h, normal(layers, 3, 6, seed=2)) if name == "LSTM" else h
    return Row(make=make, inputs=(X, states) if enforce_sorted else (X,))


def _layer(name: str, *more: Row) -> list[Row]:
    def states(layers: int, batch: int | None = 3) -> Any:
        shape = (layers, batch, 6) if batch else (layers, 6)
        return (normal(*shape, seed=1), normal(*shape, seed=2)) if name == "LSTM" else normal(*shape, seed=1)

    return [
        Row((4, 6), inputs=(X,)),
        Row((4, 6), {"num_layers": 2, "bidirectional": True}, inputs=(X, states(4))),
        Row((4, 6), {"batch_first": True, "bias": False}, inputs=(X, states(1, 5))),
        Row((4, 6), {"num_layers": 2, "dropout": 0.5}, inputs=(X,), training=False),
        Row((4, 6), {"num_layers": 2, "dropout": 1.0}, inputs=(X,)),
        Row((4, 6), {"bidirectional": True}, inputs=(X[:, 0], states(2, None))),
        Row((4, 6), {"batch_first": True}, inputs=(X[:, 0],)),
        _packed(name, 4, 6),
        _packed(name, 4, 6, num_layers=2, bidirectional=True),
        _packed(name, 4, 6, enforce_sorted=False, bidirectional=True),
        *more,
    ]


def _lazy(name: str, x: np.ndarray, *args: Any, **options: Any) -> Row:
    """A lazy layer that has seen an input."""

    def make(side: Side) -> Any:
        layer = getattr(side.nn, name)(*args, **options)
        layer.double()(side.tensor(x))
        return layer

    return Row(make=make, inputs=(x,))


IMAGES = {"1d": normal(2, 4, 9), "2d": normal(2, 4, 6, 5), "3d": normal(2, 4, 5, 4, 5)}
ROWS = {
    "RNN": _layer("RNN", Row((4, 6, 2, "relu"), inputs=(X,))),
    "LSTM": _layer(
        "LSTM",
        Row((4, 6), {"proj_size": 3, "num_layers": 2, "bidirectional": True}, inputs=(X,)),
        _packed("LSTM", 4, 6, proj_size=2, bidirectional=True),
    ),
    "GRU": _layer("GRU"),
    "RNNBase": [Row(("LSTM", 4, 6, 2)), Row(("RNN_RELU", 4, 6, 1, True, False, 0.0, True)), Row(("GRU", 4, 6))],
    "RNNCellBase": [Row((4, 6, True, 2))],
    "RNNCell": [
        Row((4, 6), inputs=(X[0],)),
        Row((4, 6, False, "relu"), inputs=(X[0], normal(3, 6))),
        Row((4, 6), inputs=(X[0, 0], normal(6))),
    ],
    "LSTMCell": [
        Row((4, 6), inputs=(X[0],)),
        Row((4, 6, False), inputs=(X[0], (normal(3, 6), normal(3, 6, seed=1)))),
        Row((4, 6), inputs=(X[0, 0], (normal(6), normal(6, seed=1)))),
    ],
    "GRUCell": [
        Row((4, 6), inputs=(X[0],)),
        Row((4, 6, False), inputs=(X[0], normal(3, 6))),
        Row((4, 6), inputs=(X[0, 0], normal(6))),
    ],
    "LazyLinear": [_lazy("LazyLinear", X, 3), _lazy("LazyLinear", X, 3, False)],
    **{f"LazyConv{d}": [_lazy(f"LazyConv{d}", x, 6, 3, groups=2)] for d, x in IMAGES.items()},
    **{f"LazyConvTranspose{d}": [_lazy(f"LazyConvTranspose{d}", x, 6, 3, 2, bias=False)] for d, x in IMAGES.items()},
    **{f"LazyBatchNorm{d}": [_lazy(f"LazyBatchNorm{d}", x)] for d, x in IMAGES.items()},
    **{f"LazyInstanceNorm{d}": [_lazy(f"LazyInstanceNorm{d}", x, affine=True)] for d, x in IMAGES.items()},
}
