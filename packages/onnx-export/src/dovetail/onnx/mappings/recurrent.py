"""Recurrent layers: one direction of one layer over all time steps, which may be of any number.

ONNX's operators have weights by direction, and the gates in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt

from ..graph import Call, mapping


def _plain(*args: Any) -> bool:
    """Whole batches without a projection, and no float64, with which ONNX Runtime has no such layers."""
    packed = args[-1] is not None
    projected = len(args) == 10 and args[7] is not None  # w_hr of lstm_layer
    return not packed and not projected and args[0].dtype is not dt.float64


def _ordered(call: Call, value: str, order: Sequence[int], width: int) -> str:
    """Gates, one under the other, in ONNX's order."""
    if len(order) == 1:
        return value
    graph = call.graph
    parts = graph.add("Split", value, graph.constant([width] * len(order)), outputs=len(order), axis=0)
    return str(graph.add("Concat", *[parts[i] for i in order], axis=0))


def _layer(call: Call, operator: str, states: Sequence[str], order: Sequence[int], **options: Any) -> list[str]:
    """The operator on the call's arguments, computed in float32: all outputs, and the last states."""
    graph = call.graph
    width, first = call.shape("w_hh")[1], graph.constant([0])

    def weight(name: str) -> str:
        return _ordered(call, call.cast(name, "float32"), order, width)

    inputs = [call.cast("input", "float32")]
    inputs += [graph.add("Unsqueeze", weight(name), first) for name in ("w_ih", "w_hh")]
    if call.given("b_ih") or call.given("b_hh"):
        none = graph.constant([0.0] * (len(order) * width), "float32")
        biases = [weight(name) if call.given(name) else none for name in ("b_ih", "b_hh")]
        inputs.append(graph.add("Unsqueeze", graph.add("Concat", *biases, axis=0), first))
    else:
        inputs.append("")
    inputs.append("")  # lengths: all steps
    inputs += [graph.add("Unsqueeze", call.cast(name, "float32"), first) for name in states]
    direction = "reverse" if call.static("reverse") else "forward"
    options |= {"hidden_size": width, "direction": direction}
    output, *last = graph.add(operator, *inputs, outputs=1 + len(states), **options)
    made = [graph.add("Squeeze", output, graph.constant([1])), *[graph.add("Squeeze", h, first) for h in last]]
    return [call.from_float32(value) for value in made]


@mapping("lstm_layer", where=_plain)
def _(call: Call) -> Any:
    return _layer(call, "LSTM", ("h0", "c0"), (0, 3, 1, 2))


@mapping("gru_layer", where=_plain)
def _(call: Call) -> Any:
    return _layer(call, "GRU", ("h0",), (1, 0, 2), linear_before_reset=1)


@mapping("rnn_layer", where=_plain)
def _(call: Call) -> Any:
    return _layer(call, "RNN", ("h0",), (0,), activations=[call.static("nonlinearity").capitalize()])
