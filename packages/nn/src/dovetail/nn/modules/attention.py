"""Attention of several heads."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .linear import Linear
from .module import Module


class MultiheadAttention(Module):
    """Attention of several heads, each over its share of the projected features.

        head_h = softmax((query W_q,h) (key W_k,h)ᵀ / √d + mask) (value W_v,h),  out = concat(head_1, ..., head_H) W_out

    Masks, here and in the Transformer's layers, are True where a key is *left out*; those of floats are added to the
    scores. (``functional.scaled_dot_product_attention`` has it the other way round, as in PyTorch.)

    Args:
        embed_dim: size of the query's and the output's last dim.
        num_heads: a divisor of it.
        dropout: which fraction of the weights is dropped in training mode.
        bias: whether the projections have biases.
        add_bias_kv: one more key and value, parameters, for all.
        add_zero_attn: one more key and value of zeros for all.
        kdim, vdim: sizes of key's and value's last dim, if they are not ``embed_dim``.
        batch_first: inputs and output are ``(B, L, *)`` in place of ``(L, B, *)``.
        device, dtype: of the parameters.

    Shape:
        query ``(L, B, embed_dim)``, key ``(S, B, kdim)``, value ``(S, B, vdim)``, all without B too;
        key_padding_mask ``(B, S)``; attn_mask ``(L, S)`` or ``(B · num_heads, L, S)``. Output like the query; the
        weights, with ``need_weights``, ``(B, L, S)``, with ``average_attn_weights=False`` ``(B, num_heads, L, S)``.
        Input projections start as ``xavier_uniform_``, biases as 0.

    ``is_causal=True`` lets query i see keys 0 to i. Beside an attn_mask it says that the mask is just that: any other
    mask is refused.

    Source: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.

    Example:
        >>> attention = MultiheadAttention(8, 2, batch_first=True)
        >>> x = dt.randn(3, 5, 8)
        >>> out, weights = attention(x, x, x)
        >>> out.shape, weights.shape
        (dovetail.Size([3, 5, 8]), dovetail.Size([3, 5, 5]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        checks.integers("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(
                "MultiheadAttention: embed_dim and num_heads must be positive, and the second divide the first, "
                f"got {embed_dim} and {num_heads}"
            )
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        options: dict[str, Any] = {"device": device, "dtype": dtype}

        def parameter(*shape: int) -> Parameter:
            return Parameter(dt.empty(shape, **options))

        same = self._qkv_same_embed_dim
        if not same:
            self.q_proj_weight = parameter(embed_dim, embed_dim)
            self.k_proj_weight = parameter(embed_dim, self.kdim)
            self.v_proj_weight = parameter(embed_dim, self.vdim)
        self.register_parameter("in_proj_weight", parameter(3 * embed_dim, embed_dim) if same else None)
        if same:
            for name in "qkv":
                self.register_parameter(f"{name}_proj_weight", None)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, **options)
        self.bias_k = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed_dim) if add_bias_kv else None
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: dt.Tensor,
        key: dt.Tensor,
        value: dt.Tensor,
        key_padding_mask: dt.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: dt.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[dt.Tensor, dt.Tensor | None]:
        checks.tensors("MultiheadAttention", query=query, key=key, value=value)
        turn = self.batch_first and query.ndim == key.ndim == value.ndim == 3
        if turn:
            same_key, same_value = query is key, key is value
            query = query.transpose(0, 1)
            key = query if same_key else key.transpose(0, 1)
            value = key if same_value else value.transpose(0, 1)
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (out.transpose(0, 1) if turn else out), weights
