"""Modules of nn in ONNX Runtime: each export is compared there with the module, at other sizes too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.utils import rnn
from dovetail.onnx import export

AXES = {"input": {0: "time", 1: "batch"}}


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


class Whole(nn.Module):
    """A layer's outputs and last states, as one tuple."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: dt.Tensor, *states: dt.Tensor) -> tuple[dt.Tensor, ...]:
        given = () if not states else (states if len(states) == 2 else states[0],)
        out, last = self.layer(x, *given)
        return (out, *(last if isinstance(last, tuple) else (last,)))


LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "LSTM": ("LSTM", {}),
    "GRU": ("GRU", {}),
    "RNN": ("RNN", {}),
    "relu": ("RNN", {"nonlinearity": "relu"}),
    "both ways": ("LSTM", {"bidirectional": True, "num_layers": 2}),
    "both ways of units": ("GRU", {"bidirectional": True}),
    "both ways, plain": ("RNN", {"bidirectional": True}),
    "without biases": ("GRU", {"bias": False}),
    "batch first": ("LSTM", {"batch_first": True}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_layers_are_operators_of_any_length(tmp_path: Path, name: str) -> None:
    kind, options = LAYERS[name]
    model = Whole(getattr(nn, kind)(4, 6, **options)).eval()
    export(model, (dt.randn(5, 3, 4),), tmp_path / "model.onnx", dynamic_axes=AXES)
    found = operators(tmp_path / "model.onnx")
    assert found.count(kind) == model.layer.num_layers * (1 + model.layer.bidirectional)
    assert not {"Tanh", "Sigmoid", "Relu"} & set(found)


def test_recurrent_layers_from_given_states(tmp_path: Path) -> None:
    states = dt.randn(1, 3, 6), dt.randn(1, 3, 6)
    for kind, given in (("LSTM", states), ("GRU", states[:1])):
        export(Whole(getattr(nn, kind)(4, 6)), (dt.randn(5, 3, 4), *given), tmp_path / "model.onnx")
        assert kind in operators(tmp_path / "model.onnx")


def test_recurrent_layers_that_have_no_operator_go_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export(Whole(nn.LSTM(4, 6, proj_size=2)), (dt.randn(5, 3, 4),), path)
    assert "LSTM" not in operators(path)
    export(Whole(nn.GRU(4, 6, dtype=dt.float64)), (dt.randn(5, 3, 4, dtype=dt.float64),), path)
    assert "GRU" not in operators(path)

    class Packs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LSTM(4, 6)

        def forward(self, x: dt.Tensor) -> dt.Tensor:
            out, _ = self.layer(rnn.pack_padded_sequence(x, [5, 4, 2]))
            return out.data

    export(Packs(), (dt.randn(5, 3, 4),), path)
    assert "LSTM" not in operators(path)


def test_recurrent_cells(tmp_path: Path) -> None:
    for cell in (nn.LSTMCell(4, 6), nn.GRUCell(4, 6), nn.RNNCell(4, 6)):
        export(cell, (dt.randn(3, 4),), tmp_path / "model.onnx")


def test_recurrent_layers_of_sixteen_bits(tmp_path: Path) -> None:
    model = Whole(nn.GRU(4, 6, dtype=dt.float16))
    near = {"rtol": 5e-3, "atol": 2e-3}  # the model rounds between the layer's two products
    export(model, (dt.randn(5, 3, 4).to(dt.float16),), tmp_path / "model.onnx", **near)
    assert "GRU" in operators(tmp_path / "model.onnx")
