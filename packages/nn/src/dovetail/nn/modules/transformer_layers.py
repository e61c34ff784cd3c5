"""One layer of the Transformer's encoder, and one of its decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .attention import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .norm import LayerNorm

Activation = str | Callable[[dt.Tensor], dt.Tensor]


def _activation(who: str, activation: Activation) -> Callable[[dt.Tensor], dt.Tensor]:
    named: dict[str, Callable[[dt.Tensor], dt.Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if isinstance(activation, str) and activation in named:
        return named[activation]
    if isinstance(activation, str) or not callable(activation):
        raise ValueError(f"{who}: activation must be 'relu', 'gelu' or a function, got {checks.shown(activation)}")
    return activation


class TransformerEncoderLayer(Module):
    """Self-attention, then a network of two linear layers, each with dropout, a residual and layer norm.

        x = norm1(x + attention(x)),  x = norm2(x + linear2(activation(linear1(x))))

    With ``norm_first``: x = x + attention(norm1(x)), x = x + network(norm2(x)).

    Args:
        d_model: size of the last dim.
        nhead: heads of the attention, a divisor of it.
        dim_feedforward: size between the linear layers.
        dropout: everywhere, in training mode.
        activation: "relu", "gelu" or a function.
        layer_norm_eps: of the layer norms.
        batch_first: input and output are ``(B, L, *)`` in place of ``(L, B, *)``.
        norm_first: see there.
        bias: whether linear layers and layer norms have biases.
        device, dtype: of the parameters.

    Shape:
        src ``(L, B, d_model)``, also without B; src_mask ``(L, L)`` or ``(B · nhead, L, L)``; src_key_padding_mask
        ``(B, L)``. Masks are True where a key is left out, as MultiheadAttention's; output like src.

    Source: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.

    Example:
        >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> layer(dt.randn(3, 5, 8), is_causal=True).shape
        dovetail.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def forward(
        self,
        src: dt.Tensor,
        src_mask: dt.Tensor | None = None,
        src_key_padding_mask: dt.Tensor | None = None,
        is_causal: bool = False,
    ) -> dt.Tensor:
        x = src
        if self.norm_first:
            x = x + self._attend(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._network(self.norm2(x))
        x = self.norm1(x + self._attend(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._network(x))

    def _attend(self, x: dt.Tensor, mask: Any, padding: Any, is_causal: bool) -> dt.Tensor:
        out, _ = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout1(out)

    def _network(self, x: dt.Tensor) -> dt.Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to the encoder's output, then a network of two linear layers, each with dropout, a
    residual and layer norm; before each of them with ``norm_first``.

    Args:
        d_model: size of the last dim.
        nhead: heads of the attentions, a divisor of it.
        dim_feedforward: size between the linear layers.
        dropout: everywhere, in training mode.
        activation: "relu", "gelu" or a function.
        layer_norm_eps: of the layer norms.
        batch_first: inputs and output are ``(B, L, *)`` in place of ``(L, B, *)``.
        norm_first: see there.
        bias: whether linear layers and layer norms have biases.
        device, dtype: of the parameters.

    Shape:
        tgt ``(L, B, d_model)``, memory ``(S, B, d_model)``, also without B; tgt_mask ``(L, L)``, memory_mask
        ``(L, S)``, or with ``B · nhead`` before; tgt_key_padding_mask ``(B, L)``, memory_key_padding_mask ``(B, S)``.
        Masks are True where a key is left out, as MultiheadAttention's; output like tgt.

    Source: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.

    Example:
        >>> layer = TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> layer(dt.randn(3, 5, 8), dt.randn(3, 7, 8), tgt_is_causal=True).shape
        dovetail.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        attention: dict[str, Any] = {"dropout": dropout, "batch_first": batch_first, "bias": bias, **options}
        self.self_attn = MultiheadAttention(d_model, nhead, **attention)
        self.multihead_attn = MultiheadAttention(d_model, nhead, **attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.dropout1, self.dropout2, self.dropout3 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.activation = _activation("TransformerDecoderLayer", activation)

    def forward(
        self,
        tgt: dt.Tensor,
        memory: dt.Tensor,
        tgt_mask: dt.Tensor | None = None,
        memory_mask: dt.Tensor | None = None,
        tgt_key_padding_mask: dt.Tensor | None = None,
        memory_key_padding_mask: dt.Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> dt.Tensor:
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._attend(self.norm1(x), *own)
            x = x + self._look(self.norm2(x), memory, *other)
            return x + self._network(self.norm3(x))
        x = self.norm1(x + self._attend(x, *own))
        x = self.norm2(x + self._look(x, memory, *other))
        return self.norm3(x + self._network(x))

    def _attend(self, x: dt.Tensor, mask: Any, padding: Any, is_causal: bool) -> dt.Tensor:
        out, _ = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout1(out)

    def _look(self, x: dt.Tensor, memory: dt.Tensor, mask: Any, padding: Any, is_causal: bool) -> dt.Tensor:
        out, _ = self.multihead_attn(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal
        )
        return self.dropout2(out)

    def _network(self, x: dt.Tensor) -> dt.Tensor:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))
