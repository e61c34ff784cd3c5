"""Attention: what masks mean, what is refused, heads that share, gradients."""

import math

import numpy as np
import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn import functional as F

F64 = {"dtype": dt.float64}


def reference(q, k, v, seen=None, added=0.0, scale=None):
    """In NumPy; a query that sees no key gives 0."""
    q, k, v = (t.detach().numpy() for t in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale) + added
    if seen is not None:
        scores = np.where(seen, scores, -np.inf)
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return (weights / np.where(total == 0, 1, total)) @ v


def qkv(*batch, length=5, keys=7, size=4, values=3):
    q, k = dt.randn(*batch, length, size, **F64), dt.randn(*batch, keys, size, **F64)
    return q, k, dt.randn(*batch, keys, values, **F64)


@pytest.mark.parametrize("length", [1, 5, 70, 130])
@pytest.mark.parametrize("keys", [1, 7, 64, 131])
@pytest.mark.parametrize("how", ["plain", "causal", "bool", "floats", "row", "scale"])
def test_values(length, keys, how):
    q, k, v = qkv(2, 3, length=length, keys=keys)
    options, expected = {}, {}
    if how == "causal":
        options["is_causal"] = True
        expected["seen"] = np.tri(length, keys, dtype=bool)
    elif how == "bool":
        options["attn_mask"] = dt.rand(2, 1, length, keys) > 0.4
        expected["seen"] = options["attn_mask"].numpy()
    elif how == "floats":
        options["attn_mask"] = dt.randn(length, keys, **F64)
        expected["added"] = options["attn_mask"].numpy()
    elif how == "row":
        options["attn_mask"] = dt.arange(keys) < max(1, keys // 2)
        expected["seen"] = options["attn_mask"].numpy()
    elif how == "scale":
        options["scale"] = expected["scale"] = -0.7
    out = F.scaled_dot_product_attention(q, k, v, **options)
    np.testing.assert_allclose(out.numpy(), reference(q, k, v, **expected), rtol=1e-10, atol=1e-12)


def test_empty_and_unseen():
    q, k, v = qkv(2)
    nothing = F.scaled_dot_product_attention(q, k, v, dt.zeros(5, 7, dtype=dt.bool))
    assert dt.equal(nothing, dt.zeros_like(nothing))
    assert F.scaled_dot_product_attention(q[:, :0], k, v).shape == (2, 0, 3)
    assert F.scaled_dot_product_attention(q[:0], k[:0], v[:0]).shape == (0, 5, 3)
    alone = F.scaled_dot_product_attention(q, k[:, :0], v[:, :0])
    assert alone.shape == (2, 5, 3) and not alone.any()


def test_broadcast_and_shared_heads():
    q, k, v = qkv(2, 6)
    one = F.scaled_dot_product_attention(q, k[:1, :1], v[:1, :1])
    np.testing.assert_allclose(one.numpy(), reference(q, k[:1, :1], v[:1, :1]), rtol=1e-10)
    shared = F.scaled_dot_product_attention(q, k[:, :2], v[:, :2], enable_gqa=True)
    wide = [t[:, :2].repeat_interleave(3, 1) for t in (k, v)]
    np.testing.assert_allclose(shared.numpy(), reference(q, *wide), rtol=1e-10)
    with pytest.raises(ValueError, match="must be a multiple of key's"):
        F.scaled_dot_product_attention(q, k[:, :4], v[:, :4], enable_gqa=True)


@pytest.mark.parametrize("how", ["plain", "causal", "bool", "floats", "learned", "shared", "broadcast"])
def test_gradients(how):
    q, k, v = (t.requires_grad_() for t in qkv(2, 2))
    mask = dt.randn(5, 7, **F64)
    if how == "learned":
        mask.requires_grad_()
        assert dt.autograd.gradcheck(F.scaled_dot_product_attention, (q, k, v, mask))
        return
    options = {
        "causal": {"is_causal": True},
        "bool": {"attn_mask": mask > -0.5},
        "floats": {"attn_mask": mask},
        "shared": {"enable_gqa": True},
    }.get(how, {})
    if how in ("shared", "broadcast"):
        k, v = (t.detach()[:, :1].requires_grad_() for t in (k, v))
    assert dt.autograd.gradcheck(lambda *t: F.scaled_dot_product_attention(*t, **options), (q, k, v))
    assert dt.autograd.gradgradcheck(lambda *t: F.scaled_dot_product_attention(*t, **options), (q, k, v))


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16])
def test_sixteen_bits_compute_in_float(dtype):
    q, k, v = (t.to(dtype) for t in qkv(3, length=40, keys=90))
    out = F.scaled_dot_product_attention(q, k, v)
    exact = reference(q.double(), k.double(), v.double())
    assert out.dtype == dtype
    np.testing.assert_allclose(out.double().numpy(), exact, rtol=1e-2, atol=4e-3)


# ---- dropout --------------------------------------------------------------------------------------------------------


def test_dropout():
    dt.manual_seed(0)
    q, k, v = qkv(2, length=60, keys=60)
    dropped = F.scaled_dot_product_attention(q, k, dt.ones_like(v), dropout_p=0.5)
    assert dropped.std().item() > 0.01 and abs(dropped.mean().item() - 1) < 0.1
    assert not F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).any()


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64])
@pytest.mark.parametrize("how", ["plain", "causal", "bool", "floats", "shared"])
def test_dropout_is_of_the_weights(how, dtype):
    """As if all weights were there, and `dt.dropout` took them with the same seed."""
    q, k, v = (t.to(dtype) for t in qkv(2, 2, length=70, keys=131))
    mask, seen = None, None
    if how == "causal":
        seen = dt.ones(70, 131, dtype=dt.bool).tril()
    elif how in ("bool", "floats"):
        mask = dt.rand(2, 2, 70, 131) > 0.2 if how == "bool" else dt.randn(2, 2, 70, 131, dtype=dtype)
        seen = mask if how == "bool" else None
    if how == "shared":
        k, v = k[:, :1], v[:, :1]
    scores = q @ k.mT / math.sqrt(q.shape[-1]) + (mask if how == "floats" else 0.0)
    scores = scores if seen is None else scores.masked_fill(~seen, -math.inf)
    dt.manual_seed(3)
    wanted = dt.dropout(scores.softmax(-1), 0.3, True) @ v
    dt.manual_seed(3)
    out = F.scaled_dot_product_attention(q, k, v, mask, 0.3, how == "causal", enable_gqa=how == "shared")
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == dt.float32 else {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(out.numpy(), wanted.numpy(), **tolerance)
    assert dt.rand(1).item() == _next_after(scores)  # as many numbers were drawn


def _next_after(scores):
    dt.manual_seed(3)
    dt.dropout(scores, 0.3, True)
    return dt.rand(1).item()


@pytest.mark.parametrize("how", ["plain", "causal", "learned", "shared"])
def test_gradients_through_dropout(how):
    q, k, v = (t.requires_grad_() for t in qkv(1, 2))
    inputs = (q, k, v, dt.randn(5, 7, **F64).requires_grad_()) if how == "learned" else (q, k, v)
    if how == "shared":
        inputs = (q, *(t.detach()[:, :1].requires_grad_() for t in (k, v)))

    def f(*tensors):
        dt.manual_seed(5)  # the same weights every time
        options = {"is_causal": how == "causal", "enable_gqa": how == "shared"}
        return F.scaled_dot_product_attention(*tensors, dropout_p=0.4, **options)

    assert dt.autograd.gradcheck(f, inputs)
    assert dt.autograd.gradgradcheck(f, inputs)
    assert dt.autograd.gradcheck(f, inputs, check_forward_ad=True)


def test_dropout_under_vmap():
    q, k, v = (t[:, None] for t in qkv(3))

    def f(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)

    with pytest.raises(RuntimeError, match="random op inside of vmap"):
        dt.vmap(f)(q, k, v)
    same = dt.stack([q[0]] * 3), dt.stack([k[0]] * 3), dt.stack([v[0]] * 3)
    alike = dt.vmap(f, randomness="same")(*same)
    np.testing.assert_allclose(alike[1].numpy(), alike[0].numpy(), rtol=1e-12)
    others = dt.vmap(f, randomness="different")(*same)
    assert not dt.allclose(others[1], others[0])


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (
            {"attn_mask": dt.ones(5, 7, dtype=dt.bool), "is_causal": True},
            ValueError,
            "attn_mask or is_causal=True, not",
        ),
        ({"attn_mask": dt.ones(5, 7)}, TypeError, "attn_mask must be bool or dovetail.float64"),
        ({"dropout_p": 1.5}, ValueError, r"dropout_p must be in \[0, 1\]"),
        ({"attn_mask": dt.ones(5, 6, dtype=dt.bool)}, ValueError, "6"),
    ],
)
def test_refusals(options, error, match):
    with pytest.raises(error, match=f"^scaled_dot_product_attention: .*{match}"):
        F.scaled_dot_product_attention(*qkv(2), **options)


def test_shapes_that_do_not_fit():
    q, k, v = qkv(2)
    with pytest.raises(ValueError, match="query and key must have one last size"):
        F.scaled_dot_product_attention(q, k[..., :3], v)
    with pytest.raises(TypeError, match="must have one floating-point dtype"):
        F.scaled_dot_product_attention(q, k.float(), v)
    with pytest.raises(ValueError, match="at least 2 dims"):
        F.scaled_dot_product_attention(q[0, 0], k, v)


# ---- layers ---------------------------------------------------------------------------------------------------------


def test_masks_of_layers_are_true_where_a_key_is_left_out():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = dt.randn(3, 5, 8)
    left_out = dt.tensor([[False, False, True, True, True]] * 3)
    out, weights = layer(x, x, x, key_padding_mask=left_out)
    assert not weights[..., 2:].any() and dt.allclose(weights.sum(-1), dt.ones(3, 5))
    added = dt.where(left_out, dt.full_like(x[..., 0], -math.inf), dt.zeros(()))
    for need in (True, False):
        again, _ = layer(x, x, x, key_padding_mask=added, need_weights=need)
        assert dt.allclose(out, again, atol=1e-6)


def test_causal_hints():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    x, mask = dt.randn(5, 3, 8), nn.Transformer.generate_square_subsequent_mask(5)
    wanted = layer(x, mask)
    assert dt.allclose(layer(x, is_causal=True), wanted, atol=1e-6)
    assert dt.allclose(layer(x, mask, is_causal=True), wanted, atol=1e-6)
    with pytest.raises(
        ValueError, match=r"^TransformerEncoderLayer\.self_attn \(MultiheadAttention\): .*is_causal=True"
    ):
        layer(x, dt.zeros(5, 5), is_causal=True)


def test_layers_refuse():
    layer = nn.MultiheadAttention(8, 2)
    x = dt.randn(5, 3, 8)
    for options, match in (
        ({"attn_mask": dt.zeros(5, 4)}, r"attn_mask must have shape \(5, 5\) or \(6, 5, 5\), got \(5, 4\)"),
        ({"key_padding_mask": dt.zeros(5, 3)}, r"key_padding_mask must have shape \(3, 5\), got \(5, 3\)"),
        ({"attn_mask": dt.zeros(5, 5, dtype=dt.int64)}, "attn_mask must be bool"),
    ):
        with pytest.raises((TypeError, ValueError), match=match):
            layer(x, x, x, **options)
    with pytest.raises(ValueError, match="^MultiheadAttention: embed_dim and num_heads"):
        nn.MultiheadAttention(8, 3)
    with pytest.raises(ValueError, match="^TransformerEncoderLayer: activation must be"):
        nn.TransformerEncoderLayer(8, 2, activation="x")
    with pytest.raises(ValueError, match="^Transformer: src and tgt must both"):
        nn.Transformer(8, 2, 1, 1)(x, dt.randn(5, 3, 4))


# ---- the op without a score matrix ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [dt.float32, dt.bfloat16], ids=str)
@pytest.mark.parametrize("how", ["causal", "dropout", "bool", "floats", "keys", "layer"])
def test_scores_are_never_in_memory(how, dtype):
    length, heads = 2048, 4
    q, k, v = (dt.randn(1, heads, length, 32, dtype=dtype).requires_grad_() for _ in range(3))
    options = {
        "causal": {"is_causal": True},
        "dropout": {"dropout_p": 0.1, "is_causal": True},
        "bool": {"attn_mask": dt.rand(length, length) > 0.5, "dropout_p": 0.1},
        "floats": {"attn_mask": dt.randn(length, length, dtype=dtype)},
        "keys": {"attn_mask": dt.rand(1, 1, 1, length) > 0.5},
    }.get(how, {})
    layer = nn.MultiheadAttention(32 * heads, heads, dropout=0.1, batch_first=True, dtype=dtype)

    def run(n):
        if how == "layer":
            x = q.transpose(1, 2).flatten(2)[:, :n]
            layer(x, x, x, need_weights=False)[0].sum().backward()
        else:
            mask = options.get("attn_mask")
            few = options if mask is None else {**options, "attn_mask": mask[..., :n, :]}
            F.scaled_dot_product_attention(q[:, :, :n], k, v, **few).sum().backward()

    scores = heads * length * length * 4
    run(8)
    before = dt.memory_stats()["allocated"]
    dt.reset_peak_memory_stats()
    run(length)
    used = dt.memory_stats()["peak_allocated"] - before
    # A mask of floats is made float32 for 16-bit inputs: one for all heads.
    allowed = scores / 4 + (scores / heads if how == "floats" and dtype != dt.float32 else 0)
    assert used < allowed, f"{used} bytes; the scores alone would be {scores}"


@pytest.mark.parametrize("p", [0.0, 0.4])
@pytest.mark.parametrize("causal", [False, True])
def test_any_number_of_threads_gives_the_same_bits(causal, p):
    q, k, v = (dt.randn(2, 3, 200, 16) for _ in range(3))
    results = []
    before = dt.get_num_threads()
    try:
        for threads in (1, 2, 4, 8):
            dt.set_num_threads(threads)
            leaves = [t.clone().requires_grad_() for t in (q, k, v)]
            dt.manual_seed(1)
            out = F.scaled_dot_product_attention(*leaves, dropout_p=p, is_causal=causal)
            out.square().sum().backward()
            results.append([out, *(t.grad for t in leaves)])
    finally:
        dt.set_num_threads(before)
    for other in results[1:]:
        assert all(dt.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("length", [1, 5, 130])
@pytest.mark.parametrize("keys", [0, 7, 131])
def test_heads_inside_rows_stay_there(length, keys):
    """Where a layer parts its features into heads, joining the result's heads copies nothing."""
    leaves = [dt.randn(2, n, 3 * 4, **F64, requires_grad=True) for n in (length, keys, keys)]
    q, k, v = (t.unflatten(-1, (3, -1)).transpose(1, 2) for t in leaves)
    out = F.scaled_dot_product_attention(q, k, v)
    assert out.transpose(1, 2).is_contiguous()
    assert out.transpose(1, 2).flatten(2).data_ptr() == out.data_ptr()
    dense = [t.contiguous() for t in (q, k, v)]
    wanted = F.scaled_dot_product_attention(*dense)
    assert wanted.is_contiguous()
    assert dt.equal(out, wanted)
    weight = dt.randn(*out.shape, **F64)
    for got, expected in zip(
        dt.autograd.grad((out * weight).sum(), leaves), dt.autograd.grad((wanted * weight).sum(), leaves), strict=True
    ):
        assert dt.equal(got, expected)
