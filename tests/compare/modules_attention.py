"""Attention and the Transformer. Without dropout: the libraries draw other numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.rows import Row, Side, integers, normal

L, S, B, E = 5, 6, 3, 8
Q, K, V = normal(L, B, E), normal(S, B, E, seed=1), normal(S, B, E, seed=2)
PADDING = np.array([[False] * 6, [False] * 4 + [True] * 2, [False] * 5 + [True]])  # (B, S), True is left out
LEFT_OUT = integers(2, L, S, seed=3).astype(bool) & (np.arange(S) > 0)
ADDED = normal(L, S, seed=4)
CAUSAL = np.triu(np.full((L, L), -np.inf), 1)


def itself(*args: Any, **options: Any) -> Any:
    """Attention of a sequence to itself, in one product."""

    def make(side: Side) -> Any:
        class Itself(side.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.attention = side.nn.MultiheadAttention(*args, **options)

            def forward(self, x: Any, **call: Any) -> Any:
                return self.attention(x, x, x, **call)

        return Itself()

    return make


def stacked(kind: str, norm: bool = True, **options: Any) -> Any:
    def make(side: Side) -> Any:
        layer = getattr(side.nn, f"Transformer{kind}Layer")(E, 2, 12, 0.0, **options)
        last = side.nn.LayerNorm(E) if norm else None
        more = {"enable_nested_tensor": False} if kind == "Encoder" else {}
        return getattr(side.nn, f"Transformer{kind}")(layer, 2, last, **more)

    return make


SAME = {"same_repr": False}  # PyTorch calls a linear layer NonDynamicallyQuantizableLinear
LAYER = (E, 2, 12, 0.0)
ROWS = {
    "MultiheadAttention": [
        Row((E, 2), inputs=(Q, K, V), **SAME),
        Row((E, 2), inputs=(Q, K, V), call={"need_weights": False}, **SAME),
        Row((E, 4), {"bias": False}, inputs=(Q, K, V), call={"average_attn_weights": False}, **SAME),
        Row((E, 2), inputs=(Q, K, V), call={"attn_mask": LEFT_OUT, "key_padding_mask": PADDING}, **SAME),
        Row((E, 2), inputs=(Q, K, V), call={"attn_mask": ADDED, "need_weights": False}, **SAME),
        Row((E, 2), inputs=(Q, K, V), call={"attn_mask": normal(B * 2, L, S), "need_weights": False}, **SAME),
        Row((E, 2), {"add_bias_kv": True}, inputs=(Q, K, V), call={"key_padding_mask": PADDING}, **SAME),
        Row((E, 2), {"add_zero_attn": True, "add_bias_kv": True}, inputs=(Q, K, V), call={"attn_mask": ADDED}, **SAME),
        Row((E, 2), {"kdim": 3, "vdim": 4}, inputs=(Q, normal(S, B, 3), normal(S, B, 4)), **SAME),
        Row((E, 2), {"batch_first": True}, inputs=(Q, Q + 1, Q - 1), **SAME),
        Row((E, 2), inputs=(Q[:, 0], K[:, 0], V[:, 0]), call={"attn_mask": LEFT_OUT}, **SAME),
        Row((E, 2), inputs=(Q[:, 0], K[:, 0], V[:, 0]), call={"key_padding_mask": PADDING[1]}, **SAME),
        Row(make=itself(E, 2), inputs=(Q,), call={"attn_mask": CAUSAL, "is_causal": True}, **SAME),
        Row(make=itself(E, 2, batch_first=True), inputs=(Q,), call={"need_weights": False}, **SAME),
        Row(make=itself(E, 2), inputs=(Q,), call={"attn_mask": CAUSAL, "need_weights": False}, **SAME),
    ],
    "TransformerEncoderLayer": [
        Row(LAYER, inputs=(K,), call={"src_key_padding_mask": PADDING}, **SAME),
        Row((*LAYER, "gelu"), {"norm_first": True, "batch_first": True}, inputs=(K,), **SAME),
        Row(LAYER, {"bias": False}, inputs=(Q,), call={"src_mask": CAUSAL, "is_causal": True}, **SAME),
        Row(LAYER, inputs=(Q[:, 0],), **SAME),
        Row((E, 2, 12, 0.1), inputs=(Q,), training=False, no_grad=(0,), **SAME),
    ],
    "TransformerDecoderLayer": [
        Row(LAYER, inputs=(Q, K), call={"memory_key_padding_mask": PADDING, "tgt_mask": CAUSAL}, **SAME),
        Row((*LAYER, "gelu"), {"norm_first": True, "batch_first": True}, inputs=(Q, Q + 1), **SAME),
        Row(LAYER, {"bias": False}, inputs=(Q, K), call={"memory_mask": LEFT_OUT}, **SAME),
        Row(LAYER, inputs=(Q[:, 0], K[:, 0]), **SAME),
    ],
    "TransformerEncoder": [
        Row(make=stacked("Encoder"), inputs=(K,), call={"src_key_padding_mask": PADDING}, **SAME),
        Row(make=stacked("Encoder", norm=False, norm_first=True), inputs=(Q,), call={"mask": CAUSAL}, **SAME),
    ],
    "TransformerDecoder": [
        Row(make=stacked("Decoder"), inputs=(Q, K), call={"memory_key_padding_mask": PADDING}, **SAME),
        Row(make=stacked("Decoder", norm=False, batch_first=True), inputs=(Q, Q), call={"tgt_is_causal": None}, **SAME),
    ],
    "Transformer": [
        Row(
            (E, 2, 2, 2, 12, 0.0),
            inputs=(K, Q),
            call={"tgt_mask": CAUSAL, "src_key_padding_mask": PADDING, "memory_key_padding_mask": PADDING},
            **SAME,
        ),
        Row((E, 2, 1, 1, 12, 0.0, "gelu"), {"batch_first": True, "norm_first": True}, inputs=(K, K + 1), **SAME),
    ],
}
