"""One step of a recurrent layer."""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import init
from ..functional.recurrent import gru_cell, lstm_cell, rnn_cell
from ..parameter import Parameter
from .module import Module


class RNNCellBase(Module):
    """What the cells share: parameters and shapes.

    Args:
        input_size, hidden_size: sizes of the input and of the state.
        bias: whether there are biases.
        num_chunks: how many parts the parameters have, one under the other.
        device, dtype: of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        checks.sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size, num_chunks=num_chunks)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows, options = num_chunks * hidden_size, {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(dt.empty(rows, input_size, **options))
        self.weight_hh = Parameter(dt.empty(rows, hidden_size, **options))
        self.register_parameter("bias_ih", Parameter(dt.empty(rows, **options)) if bias else None)
        self.register_parameter("bias_hh", Parameter(dt.empty(rows, **options)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        parts += [f"bias={self.bias}"] if self.bias is not True else []
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        parts += [f"nonlinearity={nonlinearity}"] if nonlinearity != "tanh" else []
        return ", ".join(parts)

    def _checked(self, input: Any, states: list[Any]) -> list[dt.Tensor]:
        """The states, zeros in place of None, once all shapes fit."""
        who = type(self).__name__
        checks.tensors(who, input=input)
        if input.ndim not in (1, 2):
            raise ValueError(f"{who}: expected an input of 1 or 2 dims, got shape {tuple(input.shape)}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"{who}: expected last dim {self.input_size}, got input {tuple(input.shape)}")
        wanted = (*input.shape[:-1], self.hidden_size)
        given = [dt.zeros(wanted, dtype=input.dtype, device=input.device) if s is None else s for s in states]
        for state in given:
            checks.tensors(who, hx=state)
            if tuple(state.shape) != wanted:
                raise RuntimeError(f"{who}: expected a state hx of shape {wanted}, got {tuple(state.shape)}")
        return given

    @property
    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh


class RNNCell(RNNCellBase):
    """One step of an RNN.

        h' = tanh(weight_ih x + bias_ih + weight_hh h + bias_hh)

    Args:
        input_size, hidden_size: sizes of the input and of the state.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        device, dtype: of the parameters.

    Shape:
        input ``(B, input_size)`` or ``(input_size)``; h, and what is returned, ``(B, hidden_size)`` or
        ``(hidden_size)``. All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Elman, "Finding Structure in Time", 1990.

    Example:
        >>> RNNCell(10, 20)(dt.randn(3, 10)).shape
        dovetail.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {checks.shown(nonlinearity)}")
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: dt.Tensor, hx: dt.Tensor | None = None) -> dt.Tensor:
        (h,) = self._checked(input, [hx])
        result: dt.Tensor = rnn_cell(input, h, *self._weights, self.nonlinearity)
        return result


class LSTMCell(RNNCellBase):
    """One step of an LSTM.

        i, f, o = σ(weight_ih x + bias_ih + weight_hh h + bias_hh), each from its part; g = tanh of its part
        c' = f · c + i · g,  h' = o · tanh(c')

    The parts of the parameters are in the order i, f, g, o, as in LSTM.

    Args:
        input_size, hidden_size: sizes of the input and of the state.
        bias: whether there are biases.
        device, dtype: of the parameters.

    Shape:
        input ``(B, input_size)`` or ``(input_size)``; h and c, given and returned as a pair, ``(B, hidden_size)`` or
        ``(hidden_size)``. All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.

    Example:
        >>> h, c = LSTMCell(10, 20)(dt.randn(3, 10))
        >>> h.shape, c.shape
        (dovetail.Size([3, 20]), dovetail.Size([3, 20]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: dt.Tensor, hx: tuple[dt.Tensor, dt.Tensor] | None = None) -> tuple[dt.Tensor, dt.Tensor]:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(f"LSTMCell: hx must be a pair of tensors (h, c), got {checks.shown(hx)}")
        h, c = self._checked(input, [None, None] if hx is None else list(hx))
        result: tuple[dt.Tensor, dt.Tensor] = lstm_cell(input, h, c, *self._weights)
        return result


class GRUCell(RNNCellBase):
    """One step of a GRU.

        r, z = σ(weight_ih x + bias_ih + weight_hh h + bias_hh), each from its part
        n = tanh(weight_in x + bias_in + r · (weight_hn h + bias_hn)),  h' = (1 - z) · n + z · h

    The parts of the parameters are in the order r, z, n, as in GRU.

    Args:
        input_size, hidden_size: sizes of the input and of the state.
        bias: whether there are biases.
        device, dtype: of the parameters.

    Shape:
        input ``(B, input_size)`` or ``(input_size)``; h, and what is returned, ``(B, hidden_size)`` or
        ``(hidden_size)``. All parameters start uniform on ±1/sqrt(hidden_size).

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", arXiv:1406.1078.

    Example:
        >>> GRUCell(10, 20)(dt.randn(3, 10), dt.zeros(3, 20)).shape
        dovetail.Size([3, 20])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: dt.Tensor, hx: dt.Tensor | None = None) -> dt.Tensor:
        (h,) = self._checked(input, [hx])
        result: dt.Tensor = gru_cell(input, h, *self._weights)
        return result
