"""Recurrent layers over all time steps, and their gradients: sequence by sequence in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

# How many rows each step has, and the hidden size: over the edges of the kernel's vectors and groups of rows.
CASES: tuple[tuple[list[int], int], ...] = (
    ([2, 2, 2], 3),
    ([3, 2, 2, 1, 1], 2),
    ([1, 1, 1, 1], 17),
    ([9, 7, 3, 3], 5),
    ([18], 2),
    ([4, 0, 0], 3),
    ([0, 0], 2),
    ([], 2),
)
LARGE = (([17] * 3, 33), ([21, 20, 1, 1], 40))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _sequences(sizes: Any, reverse: bool) -> Iterator[tuple[int, list[int]]]:
    """Each sequence's place in the batch, and its rows in the order of its steps."""
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    for b in range(sizes[0] if len(sizes) else 0):
        rows = [int(first[t]) + b for t in range(len(sizes)) if b < sizes[t]]
        yield b, rows[::-1] if reverse else rows


def _zeros(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.zeros(shape) for shape in shapes]


def _or_zeros(gradient: Any, like: Any) -> np.ndarray:
    return np.zeros(np.shape(like)) if gradient is None else wide(gradient)


# ---- LSTM -----------------------------------------------------------------------------------------------------------


def _given(input: Any, w_ih: Any, bias: Any) -> np.ndarray:
    """What the input gives to the gates."""
    return np.asarray(wide(input) @ wide(w_ih).T + (0 if bias is None else wide(bias)))


def _lstm(input: Any, w_ih: Any, bias: Any, h0: Any, c0: Any, w: Any, w_hr: Any, reverse: bool, sizes: Any) -> Any:
    x, h0, c0, w = _given(input, w_ih, bias), *map(wide, (h0, c0, w))
    n = c0.shape[1]
    project = np.eye(n) if w_hr is None else wide(w_hr)
    output, cells, gates = _zeros((len(x), len(project)), (len(x), n), (len(x), 4 * n))
    for b, rows in _sequences(sizes, reverse):
        h, c = h0[b], c0[b]
        for row in rows:
            i, f, g, o = np.split(x[row] + w @ h, 4)
            i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
            c = f * c + i * g
            h = project @ (o * np.tanh(c))
            output[row], cells[row], gates[row] = h, c, np.concatenate([i, f, g, o])
    return output, cells, gates


def _lstm_grad(*args: Any) -> Any:
    d_output, d_cells, d_gates, h0, c0, w, w_hr, output, cells, gates, reverse, sizes = args
    d_output, d_cells, d_gates = (_or_zeros(*pair) for pair in ((d_output, output), (d_cells, cells), (d_gates, gates)))
    h0, c0, w, output, cells, gates = map(wide, (h0, c0, w, output, cells, gates))
    project = np.eye(c0.shape[1]) if w_hr is None else wide(w_hr)
    dx, dh0, dc0, dw, d_project = _zeros(gates.shape, h0.shape, c0.shape, w.shape, project.shape)
    for b, rows in _sequences(sizes, reverse):
        dh, dc = _zeros(h0[b].shape, c0[b].shape)
        for k in reversed(range(len(rows))):
            row, before = rows[k], rows[k - 1]
            h_prev, c_prev = (output[before], cells[before]) if k else (h0[b], c0[b])
            (i, f, g, o), (ei, ef, eg, eo), t = np.split(gates[row], 4), np.split(d_gates[row], 4), np.tanh(cells[row])
            d_project += np.outer(dh + d_output[row], o * t)
            dm = (dh + d_output[row]) @ project
            dc = dc + d_cells[row] + dm * o * (1 - t**2)
            di, df, dg, do = dc * g + ei, dc * c_prev + ef, dc * i + eg, dm * t + eo
            dx[row] = np.concatenate([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])
            dw += np.outer(dx[row], h_prev)
            dh, dc = dx[row] @ w, dc * f
        dh0[b], dc0[b] = dh, dc
    return dx, dh0, dc0, dw if w_hr is None else np.concatenate([dw, d_project.T])


# ---- gated recurrent units ------------------------------------------------------------------------------------------


def _gru(input: Any, w_ih: Any, b_ih: Any, h0: Any, w: Any, bias: Any, reverse: bool, sizes: Any) -> Any:
    x, h0, w, bias = _given(input, w_ih, b_ih), wide(h0), wide(w), 0 if bias is None else wide(bias)
    n = h0.shape[1]
    output, gates = _zeros((len(x), n), (len(x), 4 * n))
    for b, rows in _sequences(sizes, reverse):
        h = h0[b]
        for row in rows:
            (xr, xz, xn), (sr, sz, sn) = np.split(x[row], 3), np.split(w @ h + bias, 3)
            r, z = _sigmoid(xr + sr), _sigmoid(xz + sz)
            new = np.tanh(xn + r * sn)
            h = (1 - z) * new + z * h
            output[row], gates[row] = h, np.concatenate([r, z, new, sn])
    return output, gates


def _gru_grad(d_output: Any, d_gates: Any, h0: Any, w: Any, output: Any, gates: Any, reverse: bool, sizes: Any) -> Any:
    d_output, d_gates = _or_zeros(d_output, output), _or_zeros(d_gates, gates)
    h0, w, output, gates = map(wide, (h0, w, output, gates))
    dx, dh0, dw, db = _zeros((len(output), len(w)), h0.shape, w.shape, (len(w),))
    for b, rows in _sequences(sizes, reverse):
        dh = np.zeros(h0[b].shape)
        for k in reversed(range(len(rows))):
            row = rows[k]
            h_prev = output[rows[k - 1]] if k else h0[b]
            (r, z, new, s), (er, ez, en, es) = np.split(gates[row], 4), np.split(d_gates[row], 4)
            dh = dh + d_output[row]
            dn = (dh * (1 - z) + en) * (1 - new**2)
            dr, dz = (dn * s + er) * r * (1 - r), (dh * (h_prev - new) + ez) * z * (1 - z)
            hidden = np.concatenate([dr, dz, dn * r + es])
            dx[row] = np.concatenate([dr, dz, dn])
            dw += np.outer(hidden, h_prev)
            db += hidden
            dh = dh * z + hidden @ w
        dh0[b] = dh
    return dx, dh0, dw, db


# ---- plain ----------------------------------------------------------------------------------------------------------


def _rnn(input: Any, w_ih: Any, b: Any, h0: Any, w: Any, nonlinearity: str, reverse: bool, sizes: Any) -> Any:
    x, h0, w = _given(input, w_ih, b), *map(wide, (h0, w))
    output = np.zeros((len(x), h0.shape[1]))
    for b, rows in _sequences(sizes, reverse):
        h = h0[b]
        for row in rows:
            total = x[row] + w @ h
            output[row] = h = np.tanh(total) if nonlinearity == "tanh" else np.maximum(total, 0)
    return output


def _rnn_grad(d_output: Any, h0: Any, w: Any, output: Any, nonlinearity: str, reverse: bool, sizes: Any) -> Any:
    d_output = _or_zeros(d_output, output)
    h0, w, output = map(wide, (h0, w, output))
    dx, dh0, dw = _zeros(output.shape, h0.shape, w.shape)
    for b, rows in _sequences(sizes, reverse):
        dh = np.zeros(h0[b].shape)
        for k in reversed(range(len(rows))):
            row = rows[k]
            slope = 1 - output[row] ** 2 if nonlinearity == "tanh" else output[row] > 0
            dx[row] = (dh + d_output[row]) * slope
            dw += np.outer(dx[row], output[rows[k - 1]] if k else h0[b])
            dh = dx[row] @ w
        dh0[b] = dh
    return dx, dh0, dw


# ---- samples --------------------------------------------------------------------------------------------------------

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
FORWARD: dict[str, Any] = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}
BACKWARD: dict[str, Any] = {"lstm": _lstm_grad, "gru": _gru_grad, "rnn": _rnn_grad}
TOLERANCES: dict[str, dict[str, float]] = {
    "float32": {"rtol": 2e-5, "atol": 1e-5},
    "float64": {"rtol": 1e-10, "atol": 1e-11},
    "float16": {"rtol": 2e-3, "atol": 1e-3},
    "bfloat16": {"rtol": 2e-2, "atol": 1e-2},
}


def _attributes(kind: str, reverse: bool, sizes: list[int]) -> tuple[Any, ...]:
    return (("relu" if reverse else "tanh"),) * (kind == "rnn") + (reverse, sizes)


def _arguments(
    rng: Any, kind: str, dtype: str, sizes: list[int], n: int, bias: bool, projected: bool = False, inputs: int = 3
) -> tuple[np.ndarray | None, ...]:
    """The input, the states and weights: what comes before the attributes."""
    rows, batch, gates = sum(sizes), sizes[0] if sizes else 3, GATES[kind] * n
    outputs = n // 2 if projected else n

    def array(*shape: int) -> np.ndarray:
        return np.asarray(make(rng, shape, dtype, -1, 1))

    def weight(*shape: int) -> np.ndarray:
        return (array(*shape) / np.asarray(np.sqrt(max(shape[1], 1)), dtype)).astype(dtype)

    given: tuple[np.ndarray | None, ...] = (array(rows, inputs), weight(gates, inputs), array(gates) if bias else None)
    given += (array(batch, outputs),) + (array(batch, n),) * (kind == "lstm") + (weight(gates, outputs),)
    if kind == "lstm":
        return (*given, weight(outputs, n) if projected else None)
    return (*given, array(gates) if bias else None) if kind == "gru" else given


def _wrapped(values: Any, layout: str = "contiguous") -> tuple[Any, ...]:
    return tuple(None if value is None else T(value, layout) for value in values)


def _calls(op: str) -> Iterator[tuple[str, str, list[int], int, bool, bool]]:
    kind = op.partition("_")[0]
    for dtype in FLOATS:
        for sizes, n in CASES + LARGE:
            for reverse in (False, True):
                yield kind, dtype, sizes, n, reverse, not reverse
    for dtype in ("float16", "bfloat16"):
        yield kind, dtype, [3, 2, 2, 1], 3, False, True


@samples_for("lstm_sequence", "gru_sequence", "rnn_sequence")
def forward(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for kind, dtype, sizes, n, reverse, bias in _calls(op):
        for projected in (False, True) if kind == "lstm" else (False,):
            given = _wrapped(_arguments(rng, kind, dtype, sizes, n, bias, projected))
            yield Sample((*given, *_attributes(kind, reverse, sizes)), FORWARD[kind], **TOLERANCES[dtype])
    kind = op.partition("_")[0]
    for inputs in (0, 1, 40, 1000):
        for sizes in ([17] * 4, [2, 2, 1]):
            given = _wrapped(_arguments(rng, kind, "float64", sizes, 40, True, False, inputs))
            yield Sample((*given, *_attributes(kind, False, sizes)), FORWARD[kind], **TOLERANCES["float64"])
    for sizes in ([1] * 5, [3, 3, 2, 1]):  # small batches of wide states: threads share a step
        given = _wrapped(_arguments(rng, kind, "float64", sizes, 128, True))
        for reverse in (False, True):
            yield Sample((*given, *_attributes(kind, reverse, sizes)), FORWARD[kind], **TOLERANCES["float64"])
    for layout in LAYOUTS:
        given = _wrapped(_arguments(rng, kind, "float32", [3, 3, 2], 4, True), layout)
        yield Sample((*given, *_attributes(kind, False, [3, 3, 2])), FORWARD[kind], **TOLERANCES["float32"])


@samples_for("lstm_sequence_grad", "gru_sequence_grad", "rnn_sequence_grad")
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    layouts = iter(LAYOUTS)
    for kind, dtype, sizes, n, reverse, bias in _calls(op):
        given = _arguments(rng, kind, dtype, sizes, n, bias, kind == "lstm" and bias)
        attributes = _attributes(kind, reverse, sizes)
        results = FORWARD[kind](*given, *attributes)
        results = [r.astype(dtype) for r in (results if isinstance(results, tuple) else (results,))]
        grads = [np.asarray(make(rng, r.shape, dtype, -1, 1)) for r in results]
        states = given[3:7] if kind == "lstm" else given[3:5]
        layout = next(layouts, "contiguous") if dtype == "float32" and n == 3 else "contiguous"
        for left_out in range(len(results)) if not reverse else (None,):
            some = [None if k == left_out else g for k, g in enumerate(grads)]
            args = _wrapped((*some, *states, *results), layout)
            yield Sample((*args, *attributes), BACKWARD[kind], dtype=(dtype,) * _count(kind), **TOLERANCES[dtype])


def _count(kind: str) -> int:
    """How many gradients there are."""
    return 3 if kind == "rnn" else 4


@errors_for("lstm_sequence", "gru_sequence", "rnn_sequence")
def refused(op: str) -> Iterator[ErrorSample]:
    kind = op.partition("_")[0]
    rng = rng_for(op)
    sizes = [2, 2, 1]
    given = _wrapped(_arguments(rng, kind, "float32", sizes, 3, True))
    gates = GATES[kind] * 3

    def call(change: dict[int, Any], batch_sizes: list[int] = sizes) -> tuple[Any, ...]:
        args = [*given, *_attributes(kind, False, batch_sizes)]
        for i, value in change.items():
            args[i] = value
        return tuple(args)

    def zeros(*shape: int, dtype: str = "float32") -> T:
        return T(np.zeros(shape, dtype))

    state, start = ("c0", 4) if kind == "lstm" else ("h0", 3)
    yield ErrorSample(call({0: zeros(5, 4)}), ValueError, rf"w_ih must have shape \({gates}, 4\), got \({gates}, 3\)")
    yield ErrorSample(call({0: zeros(4, 3)}), ValueError, r"input must have shape \(5, 3\), got \(4, 3\)")
    yield ErrorSample(call({0: zeros(5)}), ValueError, "input must have 2 dims")
    yield ErrorSample(call({2: zeros(1)}), ValueError, rf"must have shape \({gates}\,\), got \(1\,\)")
    yield ErrorSample(call({start: zeros(3, 3)}), ValueError, f"batch_sizes must begin with {state}'s 3 rows")
    yield ErrorSample(call({start: zeros(2)}), ValueError, f"{state} must have 2 dims")
    yield ErrorSample(call({}, [2, 1, 2]), ValueError, r"never rise, got \(2, 1, 2\)")
    yield ErrorSample(call({}, [2, -1]), ValueError, r"never rise, got \(2, -1\)")
    yield ErrorSample(call({0: zeros(5, 3, dtype="float64")}), TypeError, f"{state} and input must have the same dtype")
    yield ErrorSample(call({start: zeros(2, 3, dtype="int64")}), TypeError, "floating")
    if kind == "lstm":
        yield ErrorSample(call({6: zeros(2, 3)}), ValueError, r"h0 must have shape \(2, 2\), got \(2, 3\)")
        yield ErrorSample(call({6: zeros(3, 2)}), ValueError, r"w_hr must have shape \(3, 3\), got \(3, 2\)")
        yield ErrorSample(call({6: zeros(3)}), ValueError, "w_hr must have 2 dims")
    if kind == "rnn":
        yield ErrorSample(call({5: "sin"}), ValueError, "nonlinearity must be 'tanh' or 'relu', got 'sin'")
