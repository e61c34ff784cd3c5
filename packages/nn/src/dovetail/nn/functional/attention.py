"""Attention.

Masks: in `scaled_dot_product_attention` a bool mask is True where a key takes part; in `multi_head_attention_forward`,
the layers and the Transformer it is True where a key is left out, as PyTorch has the two. A mask of floats is added to
the scores in both.
"""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from .dropout import dropout

linear, attention = get_op("linear"), get_op("attention")


@op(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "float dropout_p=0.0, bool is_causal=False, float? scale=None, bool enable_gqa=False) -> Tensor"
)
def scaled_dot_product_attention(
    query: dt.Tensor,
    key: dt.Tensor,
    value: dt.Tensor,
    attn_mask: dt.Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
) -> dt.Tensor:
    """Values averaged by how well their keys fit each query.

        out = softmax(query @ key.T * scale + mask) @ value

    The scores are never all in memory at once.

    Args:
        query: `(*, heads, L, E)`; the first dims of all three broadcast.
        key: `(*, heads, S, E)`.
        value: `(*, heads, S, V)`.
        attn_mask: broadcast to `(*, heads, L, S)`: bool, True where a key takes part, or floats that are added to the
            scores. A query without any key gives 0.
        dropout_p: which fraction of the weights is dropped, always: pass 0 in evaluation mode.
        is_causal: query i sees keys 0 to i; without a mask.
        scale: of the scores; 1 / sqrt(E) if None.
        enable_gqa: query may have a multiple of key's and value's heads, which are then shared by neighbours.

    Returns:
        `(*, heads, L, V)`; with four dims, heads lie inside rows in memory where query's do.

    Raises:
        ValueError: shapes do not fit, or both a mask and is_causal are given.

    Source: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762; Dao et al., "FlashAttention",
    arXiv:2205.14135.

    Example:
        >>> x = dt.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> out = dt.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)
        >>> out[0].tolist()
        [1.0, 0.0]
    """
    _check_attention(query, key, value, attn_mask, is_causal, dropout_p, enable_gqa)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    if enable_gqa:
        _check_shared(query, key, value)
    return _whole(query, key, value, attn_mask, is_causal, scale, dropout_p)


@op(
    "attention_dropout(Tensor query, Tensor key, Tensor value, Tensor? mask, bool is_causal, float scale, "
    "float dropout_p, *, Generator? generator=None) -> Tensor",
    random=True,
)
def attention_dropout(
    query: dt.Tensor,
    key: dt.Tensor,
    value: dt.Tensor,
    mask: dt.Tensor | None,
    is_causal: bool,
    scale: float,
    dropout_p: float,
    *,
    generator: dt.Generator | None = None,
) -> dt.Tensor:
    """`attention` whose weights are dropped at random: it draws a number for each of them.

        out = dropout(softmax(query @ key.T * scale + mask)) @ value

    Args:
        query, key, value, mask, is_causal, scale: as for `attention`.
        dropout_p: which fraction of the weights becomes 0; the others are divided by ``1 - dropout_p``.
        generator: where the numbers come from; by default the global generator.

    Example:
        >>> x = dt.ones(1, 1, 2, 3)
        >>> dt._core.get_op("attention_dropout")(x, x, x, None, False, 1.0, 1.0).sum().item()
        0.0
    """
    if query.ndim != 4 or key.ndim != 4:
        raise ValueError(
            f"attention_dropout: query and key must have 4 dims, got shapes {tuple(query.shape)} and {tuple(key.shape)}"
        )
    count = math.prod([*query.shape[:3], key.shape[2]])
    per_block = 2 if query.dtype == dt.float64 else 4  # numbers that a block of random bits gives
    random_key, offset = (generator or dt.default_generator).reserve(-(-count // per_block))
    out, _ = attention(query, key, value, mask, is_causal, scale, dropout_p, random_key, offset)
    return out


def _check_attention(
    query: dt.Tensor,
    key: dt.Tensor,
    value: dt.Tensor,
    mask: dt.Tensor | None,
    is_causal: bool,
    dropout_p: float,
    enable_gqa: bool,
) -> None:
    who = "scaled_dot_product_attention"

    def shapes() -> str:
        return f"query {tuple(query.shape)}, key {tuple(key.shape)} and value {tuple(value.shape)}"

    q, k, v = query.shape, key.shape, value.shape
    if len(q) < 2 or len(k) < 2 or len(v) < 2:
        raise ValueError(f"{who}: query, key and value need at least 2 dims, got {shapes()}")
    if q[-1] != k[-1] or k[-2] != v[-2]:
        raise ValueError(
            f"{who}: query and key must have one last size, key and value one length (the dim before), got {shapes()}"
        )
    if not query.dtype == key.dtype == value.dtype or not query.is_floating_point():
        raise TypeError(
            f"{who}: query, key and value must have one floating-point dtype, "
            f"got {query.dtype}, {key.dtype} and {value.dtype}"
        )
    if not 0 <= dropout_p <= 1:
        raise ValueError(f"{who}: dropout_p must be in [0, 1], got {dropout_p}")
    if not enable_gqa and not q[-3:-2] == k[-3:-2] == v[-3:-2] and len({*q[-3:-2], *k[-3:-2], *v[-3:-2]} - {1}) > 1:
        raise ValueError(
            f"{who}: query, key and value must have as many heads (third dim from the end), or one, got {shapes()}; "
            "with enable_gqa=True heads of query share those of key and value"
        )
    if mask is not None and is_causal:
        raise ValueError(
            f"{who}: give attn_mask or is_causal=True, not both (got a mask of shape {tuple(mask.shape)}); "
            "put the causal part into the mask"
        )
    if mask is not None and mask.dtype != dt.bool and mask.dtype != query.dtype:
        raise TypeError(f"{who}: attn_mask must be bool or {query.dtype} as query is, got {mask.dtype}")


def _check_shared(query: dt.Tensor, key: dt.Tensor, value: dt.Tensor) -> None:
    heads = [t.shape[-3] if t.ndim > 2 else 0 for t in (query, key, value)]
    if not all(heads) or heads[1] != heads[2] or heads[0] % heads[1]:
        raise ValueError(
            "scaled_dot_product_attention: with enable_gqa=True the heads (third dim from the end) of query must be a "
            f"multiple of key's and value's, got query {tuple(query.shape)}, key {tuple(key.shape)} and value "
            f"{tuple(value.shape)}"
        )


def attention_weights(
    query: dt.Tensor, key: dt.Tensor, mask: dt.Tensor | None, is_causal: bool, scale: float
) -> dt.Tensor:
    """The weights of all keys for all queries; 0 where a query has no key."""
    root = math.sqrt(scale) if scale >= 0 else 1.0
    scores = (query * (root if scale >= 0 else scale)) @ (key * root).mT
    if is_causal:
        mask = causal_mask(query.shape[-2], key.shape[-2], query.device)
    if mask is not None and mask.dtype == dt.bool:
        scores = dt.where(mask, scores, dt.full_like(scores, -math.inf))
    elif mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    if mask is None or not scores.shape[-1]:
        return weights
    lost = scores.detach().amax(-1, True) == -math.inf
    return dt.where(lost, dt.zeros_like(weights), weights)


def causal_mask(queries: int, keys: int, device: Any) -> dt.Tensor:
    """True where key j is not behind query i."""
    return dt.ones([queries, keys], dtype=dt.bool, device=device).tril()


def _whole(
    query: dt.Tensor,
    key: dt.Tensor,
    value: dt.Tensor,
    mask: dt.Tensor | None,
    is_causal: bool,
    scale: float,
    dropout_p: float,
) -> dt.Tensor:
    """By the op that has no score matrix in memory, which takes four dims."""
    leads = query.shape[:-2], key.shape[:-2], value.shape[:-2]
    as_they_are = len(leads[0]) == 2 and leads[0] == leads[1] == leads[2]
    if as_they_are:
        (*batch, heads), q, k, v = leads[0], query, key, value
    else:
        heads, groups = (lead[-1] if lead else 1 for lead in leads[:2])
        batch = list(dt.broadcast_shapes(*(lead[:-1] for lead in leads)))
        if not 1 < groups < heads:  # else by several heads of the query
            heads = groups = dt.broadcast_shapes(*(lead[-1:] for lead in leads), (1,))[0]
        q, k, v = _four(query, batch, heads), _four(key, batch, groups), _four(value, batch, groups)
    dtype = query.dtype
    exact = dtype if dtype.itemsize > 2 else dt.float32  # 16-bit floats compute in float32
    if exact != dtype:
        q, k, v = q.to(exact), k.to(exact), v.to(exact)
        mask = mask.to(exact) if mask is not None and mask.dtype != dt.bool else mask
    if mask is not None:
        mask = _four(mask.expand([*mask.shape[:-2], q.shape[2], k.shape[2]]), batch, heads)
    if dropout_p:
        out = attention_dropout(q, k, v, mask, is_causal, scale, dropout_p)
    else:
        out, _ = attention(q, k, v, mask, is_causal, scale)
    if not as_they_are:
        out = out.reshape([*([*batch, heads] if any(leads) else []), *out.shape[-2:]])
    result: dt.Tensor = out if exact == dtype else out.to(dtype)
    return result


def _four(x: dt.Tensor, batch: list[int], heads: int) -> dt.Tensor:
    """Expanded to these dims, of which the first become one."""
    wide = x.expand([*batch, heads, *x.shape[-2:]])
    return wide if len(batch) == 1 else wide.reshape([math.prod(batch), heads, *x.shape[-2:]])


# ---- several heads --------------------------------------------------------------------------------------------------


def _merged_mask(
    who: str, attn_mask: Any, key_padding_mask: Any, is_causal: bool, sizes: tuple[int, int, int, int], like: dt.Tensor
) -> dt.Tensor | None:
    """Both masks as one that is added to the scores, or True where a key takes part; broadcast to
    (batch, heads, queries, keys)."""
    batch, heads, queries, keys = sizes
    masks = []
    if attn_mask is not None:
        _check_mask(who, "attn_mask", attn_mask, [(queries, keys), (batch * heads, queries, keys)])
        shape = [1, 1, queries, keys] if attn_mask.ndim == 2 else [batch, heads, queries, keys]
        masks.append(attn_mask.reshape(shape))
    elif is_causal:
        masks.append(~causal_mask(queries, keys, like.device))
    if key_padding_mask is not None:
        _check_mask(who, "key_padding_mask", key_padding_mask, [(batch, keys)])
        masks.append(key_padding_mask.reshape([batch, 1, 1, keys]))
    if not masks:
        return None
    if all(m.dtype == dt.bool for m in masks):
        out = masks[0] if len(masks) == 1 else masks[0] | masks[1]
        return ~out
    zero = dt.zeros([], dtype=like.dtype, device=like.device)
    added = [
        dt.where(m, dt.full_like(zero, -math.inf), zero) if m.dtype == dt.bool else m.to(like.dtype) for m in masks
    ]
    return added[0] if len(added) == 1 else added[0] + added[1]


def _check_mask(who: str, name: str, mask: Any, shapes: list[tuple[int, ...]]) -> None:
    checks.tensors(who, **{name: mask})
    if mask.dtype != dt.bool and not mask.is_floating_point():
        raise TypeError(f"{who}: {name} must be bool (True: left out) or floats (added), got dtype {mask.dtype}")
    if tuple(mask.shape) not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"{who}: {name} must have shape {wanted}, got {tuple(mask.shape)}")


def _check_hint(who: str, attn_mask: Any, is_causal: bool) -> None:
    """`is_causal` beside a mask says that the mask is causal; a mask that is not would contradict it."""
    if not is_causal or attn_mask is None:
        return
    left_out = attn_mask if attn_mask.dtype == dt.bool else attn_mask == -math.inf
    allowed = causal_mask(attn_mask.shape[-2], attn_mask.shape[-1], attn_mask.device)
    if not bool((left_out == ~allowed).all()):
        raise ValueError(
            f"{who}: is_causal=True says that attn_mask is the causal one, but this mask of shape "
            f"{tuple(attn_mask.shape)} is another; leave is_causal=False and the mask is applied as it is"
        )


def _projected(
    query: dt.Tensor, key: dt.Tensor, value: dt.Tensor, weights: Any, biases: Any, same: bool
) -> tuple[dt.Tensor, ...]:
    """Queries, keys and values; one product where all three come from one tensor and one weight."""
    if same and isinstance(weights, dt.Tensor) and query is key and key is value:
        return tuple(linear(query, weights, biases).chunk(3, -1))
    each = weights.chunk(3) if isinstance(weights, dt.Tensor) else weights
    bias = (None, None, None) if biases is None else biases.chunk(3)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), each, bias, strict=True))


@checks.in_own_name
def multi_head_attention_forward(
    query: dt.Tensor,
    key: dt.Tensor,
    value: dt.Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: dt.Tensor | None,
    in_proj_bias: dt.Tensor | None,
    bias_k: dt.Tensor | None,
    bias_v: dt.Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: dt.Tensor,
    out_proj_bias: dt.Tensor | None,
    training: bool = True,
    key_padding_mask: dt.Tensor | None = None,
    need_weights: bool = True,
    attn_mask: dt.Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: dt.Tensor | None = None,
    k_proj_weight: dt.Tensor | None = None,
    v_proj_weight: dt.Tensor | None = None,
    static_k: dt.Tensor | None = None,
    static_v: dt.Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[dt.Tensor, dt.Tensor | None]:
    """Attention of several heads, each over its share of the projected features.

        head_h = attention(query W_q,h, key W_k,h, value W_v,h),  out = concat(head_1, ..., head_H) W_out

    Args:
        query: ``(L, B, E)`` or ``(L, E)``.
        key, value: ``(S, B, *)`` or ``(S, *)``.
        embed_dim_to_check: E.
        num_heads: H, a divisor of E.
        in_proj_weight, in_proj_bias: the three projections' weights, one under the other, and biases.
        bias_k, bias_v: one more key and value for all, ``(1, 1, E)``, or None.
        add_zero_attn: one more key and value of zeros.
        dropout_p: which fraction of the weights is dropped in training mode.
        out_proj_weight, out_proj_bias: the last projection.
        training: the mode.
        key_padding_mask: ``(B, S)``: bool, True where a key is left out, or floats, added to the scores.
        need_weights: give the weights too (then all of them are in memory).
        attn_mask: ``(L, S)`` or ``(B · H, L, S)``: bool, True where a key is left out, or floats, added to the scores.
        use_separate_proj_weight: take the next three in place of ``in_proj_weight``.
        q_proj_weight, k_proj_weight, v_proj_weight: see there.
        static_k, static_v: projected keys and values, ``(B · H, S, E / H)``, in place of what key and value give.
        average_attn_weights: give the heads' mean of the weights.
        is_causal: query i sees keys 0 to i. Beside a mask it says that the mask is just that; another mask is refused.

    Returns:
        the output, like the query, and the weights, ``(B, L, S)`` or with all heads ``(B, H, L, S)``, or None.
    """
    who = "multi_head_attention_forward"
    checks.tensors(who, query=query, key=key, value=value)
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
        raise ValueError(
            f"{who}: query, key and value must all have 3 dims, or 2 without a batch, got shapes "
            f"{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
        )
    same = query is key and key is value
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        if same:
            key = value = query
    length, batch, width = query.shape
    if width != embed_dim_to_check:
        raise ValueError(f"{who}: expected last dim {embed_dim_to_check}, got query {tuple(query.shape)}")
    if num_heads <= 0 or width % num_heads:
        raise ValueError(f"{who}: num_heads must divide the last dim {width}, got {num_heads}")
    if key.shape[:2] != value.shape[:2] or key.shape[1] != batch:
        raise ValueError(
            f"{who}: key and value must have one length and all three one batch, got query {tuple(query.shape)}, "
            f"key {tuple(key.shape)} and value {tuple(value.shape)}"
        )
    _check_hint(who, attn_mask, is_causal)
    weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = _projected(query, key, value, weights, in_proj_bias, same)
    extra = 0
    if bias_k is not None and bias_v is not None:
        k = dt.cat([k, bias_k.expand(1, batch, k.shape[-1])])
        v = dt.cat([v, bias_v.expand(1, batch, v.shape[-1])])
        extra += 1

    def heads(x: dt.Tensor) -> dt.Tensor:
        """(length, batch, heads · d) as (batch, heads, length, d)."""
        return x.reshape(x.shape[0], batch, num_heads, x.shape[-1] // num_heads).permute(1, 2, 0, 3)

    q = heads(q)
    k = heads(k) if static_k is None else static_k.reshape(batch, num_heads, static_k.shape[1], -1)
    v = heads(v) if static_v is None else static_v.reshape(batch, num_heads, static_v.shape[1], -1)
    if add_zero_attn:
        k, v = (dt.cat([x, dt.zeros_like(x[:, :, :1])], 2) for x in (k, v))
        extra += 1
    sizes = (batch, num_heads, length, k.shape[2] - extra)
    lone_causal = is_causal and attn_mask is None and key_padding_mask is None and not extra and not need_weights
    mask = None
    if not lone_causal:
        mask = _merged_mask(who, attn_mask, key_padding_mask, is_causal, sizes, q)
        if mask is not None and extra:
            seen = dt.ones if mask.dtype == dt.bool else dt.zeros
            more = seen([*mask.shape[:-1], extra], dtype=mask.dtype, device=mask.device)
            mask = dt.cat([mask, more], -1)
    p = dropout_p if training else 0.0
    found: dt.Tensor | None = None
    if need_weights:
        found = attention_weights(q, k, mask, False, 1 / math.sqrt(q.shape[-1]))
        if p > 0:
            found = dropout(found, p)
        out = found @ v
    else:
        out = scaled_dot_product_attention(q, k, v, mask, p, lone_causal)
    out = linear(out.permute(2, 0, 1, 3).reshape(length, batch, width), out_proj_weight, out_proj_bias)
    if found is not None and average_attn_weights:
        found = found.mean(1)
    if not batched:
        return out.squeeze(1), None if found is None else found.squeeze(0)
    return out, found
