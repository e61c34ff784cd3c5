"""Recurrent layers, one direction of one layer at a time, and their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail.ops import get_op, op

rnn_sequence, lstm_sequence, gru_sequence = get_op("rnn_sequence"), get_op("lstm_sequence"), get_op("gru_sequence")

# ---- the sequence ops' rows: those of all steps, one after the other ------------------------------------------------


def _total(first: Any, second: Any) -> Any:
    """The sum of two biases, either of which may be None."""
    return second if first is None else first if second is None else first + second


def _rows(who: str, input: dt.Tensor, h0: dt.Tensor, batch_sizes: Sequence[int] | None) -> list[int]:
    """How many rows each step has."""
    if input.ndim != (3 if batch_sizes is None else 2):
        wanted = "(T, B, inputs)" if batch_sizes is None else "(total, inputs) with batch_sizes"
        raise ValueError(f"{who}: input must have shape {wanted}, got {tuple(input.shape)}")
    if batch_sizes is not None:
        return list(batch_sizes)
    if h0.ndim != 2 or h0.shape[0] != input.shape[1]:
        raise ValueError(
            f"{who}: h0 must have shape (B, hidden) with input's B = {input.shape[1]}, got {tuple(h0.shape)}"
        )
    return [input.shape[1]] * input.shape[0]


def _flat(x: dt.Tensor) -> dt.Tensor:
    return x if x.ndim == 2 else x.reshape(x.shape[0] * x.shape[1], x.shape[2])


def _like(input: dt.Tensor, states: dt.Tensor) -> dt.Tensor:
    """The states of all steps in the input's form."""
    return states if input.ndim == 2 else states.reshape(*input.shape[:2], states.shape[1])


def _last(states: dt.Tensor, start: dt.Tensor, sizes: list[int], reverse: bool) -> dt.Tensor:
    """Each sequence's state after its last step."""
    if not sizes:
        return start
    batch = sizes[0]
    if reverse:
        return states[:batch]
    if sizes[-1] == batch:
        return states[len(states) - batch :]
    rows, first, running = [0] * batch, 0, batch
    for size, following in zip(sizes, [*sizes[1:], 0], strict=True):
        rows[following:running] = range(first + following, first + running)
        first, running = first + size, following
    return states.index_select(0, dt.tensor(rows, device=states.device))


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

    sizes = _rows("rnn_layer", input, h0, batch_sizes)
    output = rnn_sequence(_flat(input), w_ih, _total(b_ih, b_hh), h0, w_hh, nonlinearity, reverse, sizes)
    return _like(input, output), _last(output, h0, sizes, reverse)


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

    sizes = _rows("lstm_layer", input, h0, batch_sizes)
    output, cells, _ = lstm_sequence(_flat(input), w_ih, _total(b_ih, b_hh), h0, c0, w_hh, w_hr, reverse, sizes)
    return _like(input, output), _last(output, h0, sizes, reverse), _last(cells, c0, sizes, reverse)


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

    sizes = _rows("gru_layer", input, h0, batch_sizes)
    output, _ = gru_sequence(_flat(input), w_ih, b_ih, h0, w_hh, b_hh, reverse, sizes)
    return _like(input, output), _last(output, h0, sizes, reverse)


# ---- cells ----------------------------------------------------------------------------------------------------------


def _one_step(run: Callable[..., Sequence[dt.Tensor]], *given: dt.Tensor) -> Sequence[dt.Tensor]:
    """A sequence op of one step, also without a batch."""
    if given[0].ndim == 2:
        return run(*given)
    return [t.squeeze(0) for t in run(*(t.unsqueeze(0) for t in given))]


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
    bias = _total(b_ih, b_hh)
    return _one_step(lambda x, h: (rnn_sequence(x, w_ih, bias, h, w_hh, nonlinearity, False, [len(x)]),), input, h)[0]


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
    bias = _total(b_ih, b_hh)
    h, c = _one_step(lambda x, h, c: lstm_sequence(x, w_ih, bias, h, c, w_hh, None, False, [len(x)])[:2], input, h, c)
    return h, c


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
    return _one_step(lambda x, h: gru_sequence(x, w_ih, b_ih, h, w_hh, b_hh, False, [len(x)])[:1], input, h)[0]
