"""Attention and its gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    FLOATS,
    LAYOUTS,
    D,
    ErrorSample,
    G,
    Sample,
    T,
    errors_for,
    make,
    rng_for,
    samples_for,
    wide,
)
from tests.ops.samples.random import uniform
from tests.ops.samples.random_more import of_seed

# B, H, G, L, S, E, V: some over the edges of the kernel's blocks.
CASES = (
    (2, 2, 2, 3, 5, 4, 3),
    (1, 4, 2, 3, 5, 2, 3),
    (1, 1, 1, 65, 129, 3, 2),
    (1, 1, 1, 1, 130, 4, 4),
    (1, 2, 1, 66, 2, 1, 2),
    (1, 2, 2, 0, 3, 4, 4),
    (1, 2, 2, 3, 0, 4, 4),
    (0, 2, 2, 3, 3, 4, 4),
)


def _weights(q: Any, k: Any, mask: Any, is_causal: bool, scale: float) -> tuple[np.ndarray, np.ndarray]:
    q, k = wide(q), np.repeat(wide(k), q.shape[1] // k.shape[1], 1)
    scores = q @ np.swapaxes(k, -1, -2) * scale
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + wide(mask)
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + np.where(np.isneginf(top), 0, top)
    return e / np.where(total == 0, 1, total), lse[..., 0]


def _factors(weights: np.ndarray, dtype: Any, p: float, key: int, offset: int) -> Any:
    """What dropout multiplies the weights by."""
    if p in (0, 1):
        return 1 - p
    return (uniform(weights.shape, key, offset, dtype=D(str(dtype))) >= np.dtype(dtype).type(p)) / (1 - p)


def _reference(
    q: Any, k: Any, v: Any, mask: Any = None, is_causal: bool = False, scale: float = 1.0, p: float = 0.0, *draw: int
) -> Any:
    weights, lse = _weights(q, k, mask, is_causal, scale)
    weights = weights * _factors(weights, q.dtype, p, *draw or (0, 0))
    return weights @ np.repeat(wide(v), q.shape[1] // v.shape[1], 1), lse


def _gradients(
    g: Any, q: Any, k: Any, v: Any, mask: Any, out: Any, lse: Any, grad_lse: Any, is_causal: bool, scale: float,
    p: float = 0.0, *draw: int,
) -> Any:  # fmt: skip
    weights, _ = _weights(q, k, mask, is_causal, scale)
    factors = _factors(weights, q.dtype, p, *draw or (0, 0))
    groups, each = k.shape[1], q.shape[1] // k.shape[1]
    g = wide(g)
    toward = g @ np.swapaxes(np.repeat(wide(v), each, 1), -1, -2) * factors
    toward = toward - (toward * weights).sum(-1, keepdims=True)
    if grad_lse is not None:
        toward = toward + wide(grad_lse)[..., None]
    scores = weights * toward * scale

    def shared(x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[0], groups, each, *x.shape[2:]).sum(2)

    key = shared(np.swapaxes(scores, -1, -2) @ wide(q))
    return scores @ np.repeat(wide(k), each, 1), key, shared(np.swapaxes(weights * factors, -1, -2) @ g)


def _calls(op: str) -> Iterator[tuple[str, list[Any], Any, bool, float]]:
    rng = rng_for(op)
    for dtype in FLOATS:
        for b, h, g, n, s, e, v in CASES:
            qkv = [make(rng, shape, dtype, -2, 2) for shape in ((b, h, n, e), (b, g, s, e), (b, g, s, v))]
            shape = (b, h, n, s)
            yield dtype, qkv, None, False, 0.5
            yield dtype, qkv, None, True, 1.0
            yield dtype, qkv, make(rng, shape, "bool"), False, 0.7
            yield dtype, qkv, make(rng, shape, dtype), True, -0.5


DROPOUTS = ((), (0.3, 7, 2), (0.0, 7, 2), (1.0, -5, 0), (0.5, 2**40, 2**33))


@samples_for("attention")
def attention(op: str) -> Iterator[Sample]:
    for i, (dtype, qkv, mask, is_causal, scale) in enumerate(_calls(op)):
        args = (*map(T, qkv), None if mask is None else T(mask), is_causal, scale, *DROPOUTS[i % len(DROPOUTS)])
        yield Sample(args, _reference, **_tolerances(dtype))
    rng = rng_for(op)
    for layout in LAYOUTS:
        q, k, v = (T(make(rng, (2, 2, 5, 4), "float32"), layout) for _ in range(3))
        mask = T(make(rng, (2, 2, 5, 5), "float32"), layout)
        yield Sample((q, k, v, mask, False, 0.5), _reference, **_tolerances("float32"))


@samples_for("attention_grad")
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for i, (dtype, qkv, mask, is_causal, scale) in enumerate(_calls(op)):
        dropout = DROPOUTS[i % len(DROPOUTS)]
        out, lse = _reference(*qkv, mask, is_causal, scale, *dropout)
        grad = make(rng, out.shape, dtype)
        args = (T(grad), *map(T, qkv), None if mask is None else T(mask))
        grad_lse = None if is_causal else T(make(rng, lse.shape, dtype))
        args += (T(out.astype(dtype)), T(lse.astype(dtype)), grad_lse, is_causal, scale, *dropout)
        yield Sample(args, _gradients, **_tolerances(dtype))


@samples_for("attention_dropout")
def dropout(op: str) -> Iterator[Sample]:
    def reference(q: Any, k: Any, v: Any, mask: Any, is_causal: bool, scale: float, p: float, *, generator: G) -> Any:
        weights, _ = _weights(q, k, mask, is_causal, scale)
        kept = of_seed(uniform, weights.shape, generator, str(q.dtype)) >= np.dtype(q.dtype).type(p)
        weights = weights * kept * (1 / (1 - p) if p < 1 else 0)
        return weights @ np.repeat(wide(v), q.shape[1] // v.shape[1], 1)

    for i, (dtype, qkv, mask, is_causal, scale) in enumerate(_calls(op)):
        args = (*map(T, qkv), None if mask is None else T(mask), is_causal, scale, (0.3, 1.0)[i % 2])
        yield Sample(args, reference, {"generator": G(7)}, **_tolerances(dtype))


@samples_for("scaled_dot_product_attention")
def scaled_dot_product(op: str) -> Iterator[Sample]:
    def reference(
        q: Any, k: Any, v: Any, mask: Any = None, p: float = 0.0, is_causal: bool = False, scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:  # fmt: skip
        scale = 1 / np.sqrt(q.shape[-1]) if scale is None else scale
        lead = np.broadcast_shapes(q.shape[:-3], k.shape[:-3])
        size = int(np.prod(lead))
        q, k, v = (np.broadcast_to(t, (*lead, *t.shape[-3:])).reshape(size, *t.shape[-3:]) for t in (q, k, v))
        mask = None if mask is None else np.broadcast_to(mask, (*q.shape[:3], k.shape[2]))
        out, _ = _reference(q, k, v, mask, is_causal, scale)
        return out.reshape(*lead, *out.shape[1:]) if p == 0 else out * 0

    for dtype, qkv, mask, is_causal, scale in _calls(op):
        if mask is None or not is_causal:
            shared = {"enable_gqa": True} if qkv[0].shape[1] != qkv[1].shape[1] else {}
            args = (*map(T, qkv), None if mask is None else T(mask), 0.0, is_causal, scale)
            yield Sample(args, reference, shared, **_tolerances(dtype))
    rng = rng_for(op)
    for dtype in FLOATS:
        q, k, v = (T(make(rng, shape, dtype)) for shape in ((2, 1, 3, 4, 5), (3, 3, 7, 5), (3, 3, 7, 2)))
        yield Sample((q, T(k.array[:, :1]), T(v.array[:, :1])), reference, **_tolerances(dtype))
        row = T(make(rng, (7,), dtype))
        wide_q = T(make(rng, (3, 3, 4, 5), dtype))
        yield Sample((wide_q, k, v, row), reference, **_tolerances(dtype))
        yield Sample((wide_q, k, v, None, 1.0), reference, **_tolerances(dtype))


@errors_for("scaled_dot_product_attention")
def refused_scaled(op: str) -> Iterator[ErrorSample]:
    def zeros(*shape: int, dtype: str = "float32") -> T:
        return T(np.zeros(shape, dtype))

    q, k = zeros(2, 3, 4), zeros(2, 5, 4)
    yield ErrorSample((q, zeros(2, 5, 3), k), ValueError, "query and key must have one last size")
    yield ErrorSample((q, zeros(3, 5, 4), zeros(3, 5, 4)), ValueError, "as many heads")
    yield ErrorSample((q, k, zeros(2, 5, 4, dtype="float64")), TypeError, "one floating-point dtype")
    yield ErrorSample((q, k, k, zeros(3, 5, dtype="bool"), 0.0, True), ValueError, "attn_mask or is_causal=True, not")
    yield ErrorSample((q, k, k, None, 2.0), ValueError, r"dropout_p must be in \[0, 1\]")


def _tolerances(dtype: str) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 5e-5} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-11}


@errors_for("attention")
def refused(op: str) -> Iterator[ErrorSample]:
    def zeros(*shape: int, dtype: str = "float32") -> T:
        return T(np.zeros(shape, dtype))

    q, k = zeros(1, 2, 3, 4), zeros(1, 2, 5, 4)
    yield ErrorSample((q, k, zeros(1, 2, 6, 4)), ValueError, r"H a multiple of G, got \(1, 2, 3, 4\)")
    yield ErrorSample((q, zeros(1, 3, 5, 4), zeros(1, 3, 5, 4)), ValueError, "H a multiple of G")
    yield ErrorSample((q, k, zeros(1, 2, 5, 4, dtype="float64")), (TypeError, RuntimeError), "float64")
    yield ErrorSample((zeros(2, 3, 4), k, k), ValueError, "query")
    yield ErrorSample((q, k, k, zeros(1, 1, 3, 5)), ValueError, r"mask must have shape \(B, H, L, S\)")
    yield ErrorSample((zeros(1, 2, 3, 4, dtype="int64"),) * 3, TypeError, "floating")
    for p in (-0.1, 1.1, float("nan")):
        yield ErrorSample((q, k, k, None, False, 1.0, p), ValueError, r"dropout_p must be in \[0, 1\]")


@errors_for("attention_dropout")
def refused_dropout(op: str) -> Iterator[ErrorSample]:
    q = T(np.zeros((1, 2, 3, 4), np.float32))
    yield ErrorSample((q, q, q, None, False, 1.0, 1.1), ValueError, r"dropout_p must be in \[0, 1\]")
