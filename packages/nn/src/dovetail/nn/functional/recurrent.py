"""Recurrent layers, one direction of one layer at a time, and their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail.ops import get_op, op

linear = get_op("linear")

# ---- one step, from what the input gives and the state --------------------------------------------------------------


def _rnn_step(x: dt.Tensor, h: dt.Tensor, w_hh: dt.Tensor, b_hh: Any, nonlinearity: str) -> dt.Tensor:
    total = x + linear(h, w_hh, b_hh)
    return total.tanh() if nonlinearity == "tanh" else total.relu()


def _lstm_step(
    x: dt.Tensor, h: dt.Tensor, c: dt.Tensor, w_hh: dt.Tensor, b_hh: Any, w_hr: Any
) -> tuple[dt.Tensor, dt.Tensor]:
    i, f, g, o = (x + linear(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else linear(h, w_hr, None)), c


def _gru_step(x: dt.Tensor, h: dt.Tensor, w_hh: dt.Tensor, b_hh: Any) -> dt.Tensor:
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, -1)
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return n + z * (h - n)


# ---- all steps ------------------------------------------------------------------------------------------------------

States = tuple[dt.Tensor, ...]


def _scan(
    x: dt.Tensor,
    states: States,
    step: Callable[[dt.Tensor, States], States],
    reverse: bool,
    batch_sizes: Sequence[int] | None,
) -> tuple[dt.Tensor, ...]:
    """The outputs (the first state after each step) and the last states.

    Args:
        x: a slice for each step, ``(T, B, *)``; packed ``(total, *)`` where there are batch sizes.
        states: at the start, ``(B, *)`` each.
        step: gives the next states.
        reverse: from the last step to the first.
        batch_sizes: how many sequences, the longest first, have each step.
    """
    if batch_sizes is None:
        slices = x.unbind(0)
        outputs = []
        for t in reversed(range(len(slices))) if reverse else range(len(slices)):
            states = step(slices[t], states)
            outputs.append(states[0])
        if not outputs:
            return (states[0].new_zeros([0, *states[0].shape]), *states)
        return (dt.stack(outputs[::-1] if reverse else outputs), *states)
    slices = dt.split(x, list(batch_sizes))
    outputs, ended = [], list[States]()
    first, running = states, (batch_sizes[-1] if reverse else batch_sizes[0])
    states = tuple(s[:running] for s in first)
    for t in reversed(range(len(slices))) if reverse else range(len(slices)):
        size = batch_sizes[t]
        if size < running:  # forwards: the shortest sequences have ended
            ended.append(tuple(s[size:] for s in states))
            states = tuple(s[:size] for s in states)
        elif size > running:  # backwards: more sequences begin
            states = tuple(dt.cat([s, start[running:size]]) for s, start in zip(states, first, strict=True))
        running = size
        states = step(slices[t], states)
        outputs.append(states[0])
    if ended:
        states = tuple(dt.cat(list(parts)) for parts in zip(states, *reversed(ended), strict=True))
    return (dt.cat(outputs[::-1] if reverse else outputs), *states)


@op(
    "rnn_layer(Tensor input, Tensor h0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "str nonlinearity='tanh', bool reverse=False, int[]? batch_sizes=None) -> (Tensor output, Tensor h)",
    internal=True,
)
def rnn_layer(
    input: dt.Tensor,
    h0: dt.Tensor,
    w_ih: dt.Tensor,
    w_hh: dt.Tensor,
    b_ih: Any,
    b_hh: Any,
    nonlinearity: str,
    reverse: bool,
    batch_sizes: Any,
) -> Any:
    """One direction of one layer of a recurrent network, over all time steps.

        h_t = tanh(w_ih x_t + b_ih + w_hh h_(t-1) + b_hh)

    Args:
        input: `(T, B, inputs)`; packed `(total, inputs)` where there are batch sizes.
        h0: the state before the first step, `(B, hidden)`.
        w_ih, w_hh: `(hidden, inputs)` and `(hidden, hidden)`.
        b_ih, b_hh: `(hidden,)`.
        nonlinearity: "tanh" or "relu".
        reverse: from the last step to the first.
        batch_sizes: how many sequences, the longest first, have each step.

    Returns:
        all states, `(T, B, hidden)` or `(total, hidden)`, and the last.

    Example:
        >>> one = dt.ones(1, 1)
        >>> out, h = dt._core.get_op("rnn_layer")(dt.ones(2, 1, 1), dt.zeros(1, 1), one, one, nonlinearity="relu")
        >>> out.flatten().tolist(), h.item()
        ([1.0, 2.0], 2.0)
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"rnn_layer: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")

    def step(x: dt.Tensor, states: States) -> States:
        return (_rnn_step(x, states[0], w_hh, b_hh, nonlinearity),)

    return _scan(linear(input, w_ih, b_ih), (h0,), step, reverse, batch_sizes)


@op(
    "lstm_layer(Tensor input, Tensor h0, Tensor c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "Tensor? w_hr=None, bool reverse=False, int[]? batch_sizes=None) -> (Tensor output, Tensor h, Tensor c)",
    internal=True,
)
def lstm_layer(
    input: dt.Tensor,
    h0: dt.Tensor,
    c0: dt.Tensor,
    w_ih: dt.Tensor,
    w_hh: dt.Tensor,
    b_ih: Any,
    b_hh: Any,
    w_hr: Any,
    reverse: bool,
    batch_sizes: Any,
) -> Any:
    """One direction of one layer of an LSTM, over all time steps.

        i, f, g, o = w_ih x_t + b_ih + w_hh h_(t-1) + b_hh
        c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g)
        h_t = w_hr (sigmoid(o) tanh(c_t))

    Args:
        input: `(T, B, inputs)`; packed `(total, inputs)` where there are batch sizes.
        h0, c0: the states before the first step, `(B, outputs)` and `(B, hidden)`.
        w_ih, w_hh: `(4 hidden, inputs)` and `(4 hidden, outputs)`.
        b_ih, b_hh: `(4 hidden,)`.
        w_hr: a projection, `(outputs, hidden)`; None: outputs = hidden.
        reverse: from the last step to the first.
        batch_sizes: how many sequences, the longest first, have each step.

    Returns:
        all h, `(T, B, outputs)` or `(total, outputs)`, and the last h and c.

    Example:
        >>> w = dt.zeros(4, 1)
        >>> out, h, c = dt._core.get_op("lstm_layer")(dt.ones(2, 1, 1), dt.zeros(1, 1), dt.ones(1, 1), w, w)
        >>> c.item()
        0.25
    """

    def step(x: dt.Tensor, states: States) -> States:
        return _lstm_step(x, states[0], states[1], w_hh, b_hh, w_hr)

    return _scan(linear(input, w_ih, b_ih), (h0, c0), step, reverse, batch_sizes)


@op(
    "gru_layer(Tensor input, Tensor h0, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "bool reverse=False, int[]? batch_sizes=None) -> (Tensor output, Tensor h)",
    internal=True,
)
def gru_layer(
    input: dt.Tensor,
    h0: dt.Tensor,
    w_ih: dt.Tensor,
    w_hh: dt.Tensor,
    b_ih: Any,
    b_hh: Any,
    reverse: bool,
    batch_sizes: Any,
) -> Any:
    """One direction of one layer of gated recurrent units, over all time steps.

        r = sigmoid(w_ir x_t + b_ir + w_hr h_(t-1) + b_hr)
        z = sigmoid(w_iz x_t + b_iz + w_hz h_(t-1) + b_hz)
        n = tanh(w_in x_t + b_in + r (w_hn h_(t-1) + b_hn))
        h_t = (1 - z) n + z h_(t-1)

    Args:
        input: `(T, B, inputs)`; packed `(total, inputs)` where there are batch sizes.
        h0: the state before the first step, `(B, hidden)`.
        w_ih, w_hh: `(3 hidden, inputs)` and `(3 hidden, hidden)`, with the parts for r, z and n one after the other.
        b_ih, b_hh: `(3 hidden,)`.
        reverse: from the last step to the first.
        batch_sizes: how many sequences, the longest first, have each step.

    Returns:
        all states, `(T, B, hidden)` or `(total, hidden)`, and the last.

    Example:
        >>> w = dt.zeros(3, 1)
        >>> out, h = dt._core.get_op("gru_layer")(dt.ones(2, 1, 1), dt.ones(1, 1), w, w)
        >>> h.item()
        0.25
    """

    def step(x: dt.Tensor, states: States) -> States:
        return (_gru_step(x, states[0], w_hh, b_hh),)

    return _scan(linear(input, w_ih, b_ih), (h0,), step, reverse, batch_sizes)


# ---- cells ----------------------------------------------------------------------------------------------------------


@op(
    "rnn_cell(Tensor input, Tensor h, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None, "
    "str nonlinearity='tanh') -> Tensor",
    internal=True,
)
def rnn_cell(
    input: dt.Tensor, h: dt.Tensor, w_ih: dt.Tensor, w_hh: dt.Tensor, b_ih: Any, b_hh: Any, nonlinearity: str
) -> dt.Tensor:
    """One step of `rnn_layer`.

    Example:
        >>> one = dt.ones(1, 1)
        >>> dt._core.get_op("rnn_cell")(one, one, one, one, nonlinearity="relu").item()
        2.0
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"rnn_cell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    return _rnn_step(linear(input, w_ih, b_ih), h, w_hh, b_hh, nonlinearity)


@op(
    "lstm_cell(Tensor input, Tensor h, Tensor c, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) "
    "-> (Tensor h, Tensor c)",
    internal=True,
)
def lstm_cell(
    input: dt.Tensor, h: dt.Tensor, c: dt.Tensor, w_ih: dt.Tensor, w_hh: dt.Tensor, b_ih: Any, b_hh: Any
) -> tuple[dt.Tensor, dt.Tensor]:
    """One step of `lstm_layer`.

    Example:
        >>> w = dt.zeros(4, 1)
        >>> h, c = dt._core.get_op("lstm_cell")(dt.ones(1, 1), dt.zeros(1, 1), dt.ones(1, 1), w, w)
        >>> c.item()
        0.5
    """
    return _lstm_step(linear(input, w_ih, b_ih), h, c, w_hh, b_hh, None)


@op(
    "gru_cell(Tensor input, Tensor h, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
    internal=True,
)
def gru_cell(input: dt.Tensor, h: dt.Tensor, w_ih: dt.Tensor, w_hh: dt.Tensor, b_ih: Any, b_hh: Any) -> dt.Tensor:
    """One step of `gru_layer`.

    Example:
        >>> w = dt.zeros(3, 1)
        >>> dt._core.get_op("gru_cell")(dt.ones(1, 1), dt.ones(1, 1), w, w).item()
        0.5
    """
    return _gru_step(linear(input, w_ih, b_ih), h, w_hh, b_hh)
