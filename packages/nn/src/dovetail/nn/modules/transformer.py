"""The Transformer: encoder, decoder, both."""

from __future__ import annotations

import copy
import math
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from .containers import ModuleList
from .module import Module
from .norm import LayerNorm
from .transformer_layers import Activation, TransformerDecoderLayer, TransformerEncoderLayer


def _copies(who: str, layer: Module, count: int) -> ModuleList:
    checks.integers(who, num_layers=count)
    if not isinstance(layer, Module) or count < 0:
        raise ValueError(f"{who}: expected a layer and how many copies of it, got {checks.shown(layer)} and {count}")
    return ModuleList(copy.deepcopy(layer) for _ in range(count))


class TransformerEncoder(Module):
    """Layers of an encoder one above the other: copies of one.

    Args:
        encoder_layer: a TransformerEncoderLayer.
        num_layers: how many copies.
        norm: a layer behind them.
        enable_nested_tensor, mask_check: accepted as PyTorch has them; there is one way to run only.

    Shape:
        as TransformerEncoderLayer has them, with ``mask`` for ``src_mask``.

    Example:
        >>> encoder = TransformerEncoder(dt.nn.TransformerEncoderLayer(8, 2, 16), 2)
        >>> encoder(dt.randn(5, 3, 8)).shape
        dovetail.Size([5, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: dt.Tensor,
        mask: dt.Tensor | None = None,
        src_key_padding_mask: dt.Tensor | None = None,
        is_causal: bool | None = None,
    ) -> dt.Tensor:
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Layers of a decoder one above the other: copies of one.

    Args:
        decoder_layer: a TransformerDecoderLayer.
        num_layers: how many copies.
        norm: a layer behind them.

    Shape:
        as TransformerDecoderLayer has them.

    Example:
        >>> decoder = TransformerDecoder(dt.nn.TransformerDecoderLayer(8, 2, 16), 2)
        >>> decoder(dt.randn(5, 3, 8), dt.randn(7, 3, 8)).shape
        dovetail.Size([5, 3, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: dt.Tensor,
        memory: dt.Tensor,
        tgt_mask: dt.Tensor | None = None,
        memory_mask: dt.Tensor | None = None,
        tgt_key_padding_mask: dt.Tensor | None = None,
        memory_key_padding_mask: dt.Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> dt.Tensor:
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder, and a decoder that attends to what it gives.

    Args:
        d_model: size of the last dim.
        nhead: heads of the attentions, a divisor of it.
        num_encoder_layers, num_decoder_layers: layers of the two.
        dim_feedforward: size between a layer's linear layers.
        dropout: everywhere, in training mode.
        activation: "relu", "gelu" or a function.
        custom_encoder, custom_decoder: modules in place of those.
        layer_norm_eps: of the layer norms.
        batch_first: inputs and output are ``(B, L, *)`` in place of ``(L, B, *)``.
        norm_first: layer norm before each part in place of after.
        bias: whether linear layers and layer norms have biases.
        device, dtype: of the parameters.

    Shape:
        src ``(S, B, d_model)``, tgt ``(L, B, d_model)``, also without B; src_mask ``(S, S)``, tgt_mask ``(L, L)``,
        memory_mask ``(L, S)``, or with ``B · nhead`` before; src_key_padding_mask and memory_key_padding_mask
        ``(B, S)``, tgt_key_padding_mask ``(B, L)``. Masks are True where a key is left out, as MultiheadAttention's;
        output like tgt. Matrices start as ``xavier_uniform_``.

    Source: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.

    Example:
        >>> net = Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> mask = Transformer.generate_square_subsequent_mask(5)
        >>> net(dt.randn(3, 7, 8), dt.randn(3, 5, 8), tgt_mask=mask).shape
        dovetail.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        each: tuple[Any, ...] = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        more: tuple[Any, ...] = (batch_first, norm_first, bias)
        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            layer = TransformerEncoderLayer(*each, *more, **options)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            last = TransformerDecoderLayer(*each, *more, **options)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
            self.decoder = TransformerDecoder(last, num_decoder_layers, norm)
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: dt.Tensor,
        tgt: dt.Tensor,
        src_mask: dt.Tensor | None = None,
        tgt_mask: dt.Tensor | None = None,
        memory_mask: dt.Tensor | None = None,
        src_key_padding_mask: dt.Tensor | None = None,
        tgt_key_padding_mask: dt.Tensor | None = None,
        memory_key_padding_mask: dt.Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> dt.Tensor:
        checks.tensors("Transformer", src=src, tgt=tgt)
        if src.ndim not in (2, 3) or src.ndim != tgt.ndim or {src.shape[-1], tgt.shape[-1]} != {self.d_model}:
            raise ValueError(
                f"Transformer: src and tgt must both have 3 dims, or 2 without a batch, and the last of size "
                f"{self.d_model}, got shapes {tuple(src.shape)} and {tuple(tgt.shape)}"
            )
        at = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[at] != tgt.shape[at]:
            raise ValueError(
                f"Transformer: src and tgt must have one batch size, got shapes {tuple(src.shape)} and "
                f"{tuple(tgt.shape)}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        result: dt.Tensor = self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
        return result

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> dt.Tensor:
        """The causal mask of floats: -inf above the diagonal, else 0.

        Example:
            >>> Transformer.generate_square_subsequent_mask(2).tolist()
            [[0.0, -inf], [0.0, 0.0]]
        """
        checks.integers("generate_square_subsequent_mask", sz=sz)
        return dt.full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)
