"""Recurrent layers over whole sequences."""

from __future__ import annotations

import math
import warnings
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import init
from ..functional.recurrent import gru_layer, lstm_layer, rnn_layer
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

MOST_LAYERS = 2**16  # more are a mistake, which would take hours to be found
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters, layers and directions, shapes, packed sequences.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size, hidden_size: sizes of a time step's input and of the state.
        num_layers: layers one above the other.
        bias: whether there are biases.
        batch_first: input and output are ``(B, T, *)`` in place of ``(T, B, *)``; states never are.
        dropout: of the outputs of all layers but the last, in training mode.
        bidirectional: a second set of parameters goes from the last step to the first; outputs are side by side.
        proj_size: of a projection of the state; for LSTM alone.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if mode not in GATES:
            raise ValueError(f"{who}: mode must be one of {list(GATES)}, got {checks.shown(mode)}")
        checks.integers(who, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, proj_size=proj_size)
        if hidden_size <= 0 or num_layers <= 0 or input_size < 0:
            raise ValueError(
                f"{who}: hidden_size and num_layers must be positive and input_size not negative, "
                f"got {hidden_size}, {num_layers} and {input_size}"
            )
        if num_layers > MOST_LAYERS:
            raise ValueError(f"{who}: num_layers must be at most {MOST_LAYERS}, got {num_layers}")
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(f"{who}: dropout must be a number in [0, 1], got {checks.shown(dropout)}")
        if not 0 <= proj_size < hidden_size or (proj_size and mode != "LSTM"):
            raise ValueError(
                f"{who}: proj_size is for LSTM, from 0 to below hidden_size {hidden_size}, got {proj_size}"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(f"{who}: dropout is between layers; with num_layers=1 there is none of it", stacklevel=2)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for direction in range(1 + bool(bidirectional)):
                self._register(layer, "_reverse" if direction else "", {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _register(self, layer: int, suffix: str, options: dict[str, Any]) -> None:
        outputs = self.proj_size or self.hidden_size
        inputs = self.input_size if layer == 0 else outputs * (1 + bool(self.bidirectional))
        rows = GATES[self.mode] * self.hidden_size
        shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, outputs)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}  # type: ignore[dict-item]
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = [f"{name}_l{layer}{suffix}" for name in shapes]
        for name, shape in zip(names, shapes.values(), strict=True):
            self.register_parameter(name, Parameter(dt.empty(shape, **options)))
        self._all_weights.append(names)

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: no layout of the parameters is better than another here."""

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        parts += [f"proj_size={self.proj_size}"] if self.proj_size else []
        parts += [f"num_layers={self.num_layers}"] if self.num_layers != 1 else []
        parts += [f"bias={self.bias}"] if self.bias is not True else []
        parts += [f"batch_first={self.batch_first}"] if self.batch_first is not False else []
        parts += [f"dropout={self.dropout}"] if self.dropout else []
        parts += [f"bidirectional={self.bidirectional}"] if self.bidirectional is not False else []
        return ", ".join(parts)

    # ---- running ----

    def _layer(self, x: dt.Tensor, states: list[dt.Tensor], names: list[str], reverse: bool, sizes: Any) -> Any:
        """One direction of one layer: its outputs and last states."""
        own = {name.rpartition("_l")[0]: getattr(self, name) for name in names}
        weights = (own["weight_ih"], own["weight_hh"], own.get("bias_ih"), own.get("bias_hh"))
        if self.mode == "LSTM":
            return lstm_layer(x, *states, *weights, own.get("weight_hr"), reverse, sizes)
        if self.mode == "GRU":
            return gru_layer(x, *states, *weights, reverse, sizes)
        return rnn_layer(x, *states, *weights, self.mode.removeprefix("RNN_").lower(), reverse, sizes)

    def _stack(self, x: dt.Tensor, states: list[dt.Tensor], sizes: Any) -> tuple[dt.Tensor, list[dt.Tensor]]:
        """All layers: the outputs of the last, and the last states of all."""
        last: list[Any] = []
        directions = 1 + bool(self.bidirectional)
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                at = layer * directions + direction
                out, *ends = self._layer(x, [s[at] for s in states], self._all_weights[at], direction == 1, sizes)
                outputs.append(out)
                last.append(ends)
            x = outputs[0] if directions == 1 else dt.cat(outputs, -1)
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = dt.dropout(x, self.dropout, True)
        return x, [dt.stack(list(each)) for each in zip(*last, strict=True)]

    def _run(self, input: Any, hx: list[dt.Tensor] | None) -> tuple[Any, list[dt.Tensor]]:
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        self._check_input(input)
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if batched and self.batch_first else x
        if x.shape[0] == 0:
            who = type(self).__name__
            raise RuntimeError(f"{who}: expected at least one time step, got input {tuple(input.shape)}")
        states = self._states(hx, x.shape[1], x, batched)
        out, last = self._stack(x, states, None)
        if not batched:
            return out.squeeze(1), [s.squeeze(1) for s in last]
        return (out.transpose(0, 1) if self.batch_first else out), last

    def _run_packed(self, input: PackedSequence, hx: list[dt.Tensor] | None) -> tuple[Any, list[dt.Tensor]]:
        data, batch_sizes, order, back = input
        sizes = [int(n) for n in batch_sizes.tolist()]
        if data.ndim != 2 or data.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{type(self).__name__}: expected packed steps of size {self.input_size}, got {tuple(data.shape)}"
            )
        states = self._states(hx, sizes[0], data, True)
        if hx is not None and order is not None:
            states = [s.index_select(1, order) for s in states]
        out, last = self._stack(data, states, sizes)
        if back is not None:
            last = [s.index_select(1, back) for s in last]
        return PackedSequence(out, batch_sizes, order, back), last

    def _check_input(self, input: Any) -> None:
        who = type(self).__name__
        checks.tensors(who, input=input)
        if input.ndim not in (2, 3):
            raise ValueError(f"{who}: expected an input of 2 or 3 dims, got shape {tuple(input.shape)}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"{who}: expected last dim {self.input_size}, got input {tuple(input.shape)}")

    def _states(self, hx: list[dt.Tensor] | None, batch: int, x: dt.Tensor, batched: bool) -> list[dt.Tensor]:
        """The states at the start, ``(layers and directions, B, size)`` each: those given, or zeros."""
        layers = self.num_layers * (1 + bool(self.bidirectional))
        sizes = [self.proj_size or self.hidden_size] + ([self.hidden_size] if self.mode == "LSTM" else [])
        if hx is None:
            return [dt.zeros([layers, batch, size], dtype=x.dtype, device=x.device) for size in sizes]
        for state, size in zip(hx, sizes, strict=True):
            checks.tensors(type(self).__name__, hx=state)
            wanted = (layers, batch, size) if batched else (layers, size)
            if tuple(state.shape) != wanted:
                raise RuntimeError(
                    f"{type(self).__name__}: expected a state hx of shape {wanted}, got {tuple(state.shape)}"
                )
        return hx if batched else [s.unsqueeze(1) for s in hx]


class RNN(RNNBase):
    """A recurrent network.

        h_t = tanh(weight_ih x_t + bias_ih + weight_hh h_(t-1) + bias_hh)

    Args:
        input_size, hidden_size: sizes of a time step's input and of the state.
        num_layers: layers one above the other.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: input and output are ``(B, T, *)`` in place of ``(T, B, *)``; states never are.
        dropout: of the outputs of all layers but the last, in training mode.
        bidirectional: a second set of parameters goes from the last step to the first; outputs are side by side.
        device, dtype: of the parameters.

    Shape:
        input ``(T, B, input_size)``, with ``batch_first`` ``(B, T, input_size)``, without a batch ``(T, input_size)``,
        or a ``PackedSequence``; output alike with ``D · hidden_size`` as its last size (``D`` directions); states
        ``(D · num_layers, B, hidden_size)``. All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Elman, "Finding Structure in Time", 1990.

    Example:
        >>> out, h = RNN(10, 20, 2)(dt.randn(5, 3, 10))
        >>> out.shape, h.shape
        (dovetail.Size([5, 3, 20]), dovetail.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {checks.shown(nonlinearity)}")
        options = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(f"RNN_{nonlinearity.upper()}", *options)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: dt.Tensor | None = None) -> tuple[Any, dt.Tensor]:
        out, (h,) = self._run(input, None if hx is None else [hx])
        return out, h


class LSTM(RNNBase):
    """Long short-term memory.

        i_t = σ(W_ii x_t + b_ii + W_hi h_(t-1) + b_hi)
        f_t = σ(W_if x_t + b_if + W_hf h_(t-1) + b_hf)
        g_t = tanh(W_ig x_t + b_ig + W_hg h_(t-1) + b_hg)
        o_t = σ(W_io x_t + b_io + W_ho h_(t-1) + b_ho)
        c_t = f_t c_(t-1) + i_t g_t
        h_t = o_t tanh(c_t)

    ``weight_ih_l0`` holds W_ii, W_if, W_ig and W_io one under the other, and so on for ``weight_hh``, the biases and
    the other layers. With ``proj_size`` there is also ``weight_hr``, and h_t = W_hr (o_t tanh(c_t)).

    Args:
        input_size, hidden_size: sizes of a time step's input and of the state.
        num_layers: layers one above the other.
        bias: whether there are biases.
        batch_first: input and output are ``(B, T, *)`` in place of ``(T, B, *)``; states never are.
        dropout: of the outputs of all layers but the last, in training mode.
        bidirectional: a second set of parameters goes from the last step to the first; outputs are side by side.
        proj_size: size of a projection of h; 0: none.
        device, dtype: of the parameters.

    Shape:
        input ``(T, B, input_size)``, with ``batch_first`` ``(B, T, input_size)``, without a batch ``(T, input_size)``,
        or a ``PackedSequence``; output alike with ``D · (proj_size or hidden_size)`` as its last size (``D``
        directions); h ``(D · num_layers, B, proj_size or hidden_size)``, c ``(D · num_layers, B, hidden_size)``.
        All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; projections: Sak et al., arXiv:1402.1128.

    Example:
        >>> out, (h, c) = LSTM(10, 20, 2)(dt.randn(5, 3, 10))
        >>> out.shape, h.shape, c.shape
        (dovetail.Size([5, 3, 20]), dovetail.Size([2, 3, 20]), dovetail.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)
        super().__init__("LSTM", input_size, hidden_size, *options)

    def forward(
        self, input: Any, hx: tuple[dt.Tensor, dt.Tensor] | None = None
    ) -> tuple[Any, tuple[dt.Tensor, dt.Tensor]]:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(f"LSTM: hx must be a pair of tensors (h, c), got {checks.shown(hx)}")
        out, (h, c) = self._run(input, None if hx is None else list(hx))
        return out, (h, c)


class GRU(RNNBase):
    """Gated recurrent units.

        r_t = σ(W_ir x_t + b_ir + W_hr h_(t-1) + b_hr)
        z_t = σ(W_iz x_t + b_iz + W_hz h_(t-1) + b_hz)
        n_t = tanh(W_in x_t + b_in + r_t (W_hn h_(t-1) + b_hn))
        h_t = (1 - z_t) n_t + z_t h_(t-1)

    ``weight_ih_l0`` holds W_ir, W_iz and W_in one under the other, and so on for ``weight_hh``, the biases and the
    other layers.

    Args:
        input_size, hidden_size: sizes of a time step's input and of the state.
        num_layers: layers one above the other.
        bias: whether there are biases.
        batch_first: input and output are ``(B, T, *)`` in place of ``(T, B, *)``; states never are.
        dropout: of the outputs of all layers but the last, in training mode.
        bidirectional: a second set of parameters goes from the last step to the first; outputs are side by side.
        device, dtype: of the parameters.

    Shape:
        input ``(T, B, input_size)``, with ``batch_first`` ``(B, T, input_size)``, without a batch ``(T, input_size)``,
        or a ``PackedSequence``; output alike with ``D · hidden_size`` as its last size (``D`` directions); states
        ``(D · num_layers, B, hidden_size)``. All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", arXiv:1406.1078.

    Example:
        >>> out, h = GRU(10, 20, bidirectional=True)(dt.randn(5, 3, 10))
        >>> out.shape, h.shape
        (dovetail.Size([5, 3, 40]), dovetail.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__("GRU", input_size, hidden_size, *options)

    def forward(self, input: Any, hx: dt.Tensor | None = None) -> tuple[Any, dt.Tensor]:
        out, (h,) = self._run(input, None if hx is None else [hx])
        return out, h
