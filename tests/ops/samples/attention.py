"""Attention and its gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import FLOATS, LAYOUTS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

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


def _reference(q: Any, k: Any, v: Any, mask: Any = None, is_causal: bool = False, scale: float = 1.0) -> Any:
    weights, lse = _weights(q, k, mask, is_causal, scale)
    return weights @ np.repeat(wide(v), q.shape[1] // v.shape[1], 1), lse


def _gradients(
    g: Any, q: Any, k: Any, v: Any, mask: Any, out: Any, lse: Any, grad_lse: Any, is_causal: bool, scale: float
) -> Any:
    weights, _ = _weights(q, k, mask, is_causal, scale)
    groups, each = k.shape[1], q.shape[1] // k.shape[1]
    g = wide(g)
    toward = g @ np.swapaxes(np.repeat(wide(v), each, 1), -1, -2)
    toward = toward - (toward * weights).sum(-1, keepdims=True)
    if grad_lse is not None:
        toward = toward + wide(grad_lse)[..., None]
    scores = weights * toward * scale

    def shared(x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[0], groups, each, *x.shape[2:]).sum(2)

    key = shared(np.swapaxes(scores, -1, -2) @ wide(q))
    return scores @ np.repeat(wide(k), each, 1), key, shared(np.swapaxes(weights, -1, -2) @ g)


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


@samples_for("attention")
def attention(op: str) -> Iterator[Sample]:
    for dtype, qkv, mask, is_causal, scale in _calls(op):
        args = (*map(T, qkv), None if mask is None else T(mask), is_causal, scale)
        yield Sample(args, _reference, **_tolerances(dtype))
    rng = rng_for(op)
    for layout in LAYOUTS:
        q, k, v = (T(make(rng, (2, 2, 5, 4), "float32"), layout) for _ in range(3))
        mask = T(make(rng, (2, 2, 5, 5), "float32"), layout)
        yield Sample((q, k, v, mask, False, 0.5), _reference, **_tolerances("float32"))


@samples_for("attention_grad")
def gradients(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    for dtype, qkv, mask, is_causal, scale in _calls(op):
        out, lse = _reference(*qkv, mask, is_causal, scale)
        grad = make(rng, out.shape, dtype)
        args = (T(grad), *map(T, qkv), None if mask is None else T(mask))
        grad_lse = None if is_causal else T(make(rng, lse.shape, dtype))
        args += (T(out.astype(dtype)), T(lse.astype(dtype)), grad_lse, is_causal, scale)
        yield Sample(args, _gradients, **_tolerances(dtype))


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
