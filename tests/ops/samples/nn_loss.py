"""Losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.special

import dovetail.nn.functional  # noqa: F401  (registers the ops)
from tests.ops.framework import FLOATS, SIXTEENS, ErrorSample, Sample, T, errors_for, make, rng_for, samples_for, wide

REDUCTIONS = ("mean", "sum", "none")
TOLERANCES = {
    "float32": {"rtol": 2e-5, "atol": 2e-6},
    "float64": {"rtol": 1e-10, "atol": 1e-11},
    "float16": {"rtol": 2e-3, "atol": 1e-3},
    "bfloat16": {"rtol": 1e-2, "atol": 1e-2},
}


def reduced(loss: Any, how: str, weight: Any = None) -> Any:
    if how == "none":
        return loss
    return loss.sum() if how == "sum" else loss.sum() / weight.sum() if weight is not None else loss.mean()


def log_sigmoid(x: Any) -> Any:
    return scipy.special.log_expit(x)


def huber(x: Any, t: Any, delta: float) -> Any:
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def poisson(x: Any, t: Any, log_input: bool, full: bool, eps: float) -> Any:
    loss = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    stirling = t * np.log(np.maximum(t, 1)) - t + 0.5 * np.log(2 * np.pi * np.maximum(t, 1))
    return loss + np.where(t > 1, stirling, 0) * full


# By op: where the inputs and the targets lie, the options between target and reduction, and the elements' losses.
Elementwise = tuple[tuple[float, float], tuple[float, float], list[tuple[Any, ...]], Callable[..., Any]]
SIGNS = (-1.0, 1.0)
FIRST: dict[str, Elementwise] = {
    "mse_loss": ((-3, 3), (-3, 3), [()], lambda x, t: (x - t) ** 2),
    "l1_loss": ((-3, 3), (-3, 3), [()], lambda x, t: np.abs(x - t)),
    "soft_margin_loss": ((-3, 3), SIGNS, [()], lambda x, t: np.log1p(np.exp(-x * t))),
    "smooth_l1_loss": ((-3, 3), (-3, 3), [()], lambda x, t: huber(x, t, 1.0)),
    "huber_loss": ((-3, 3), (-3, 3), [()], lambda x, t: huber(x, t, 1.0)),
    "kl_div": ((-3, 3), (0.1, 1), [()], lambda x, t: t * (np.log(t) - x)),
    "hinge_embedding_loss": (
        (-3, 3),
        SIGNS,
        [(0.5,)],
        lambda x, t, margin: np.where(t == 1, x, np.maximum(0, margin - x)),
    ),
    "poisson_nll_loss": ((0.1, 2), (0, 5), [(True, True, 1e-3), (False, False, 1e-3)], poisson),
    "binary_cross_entropy": (
        (0.05, 0.95),
        (0, 1),
        [(None,)],
        lambda x, t, _: -(t * np.log(x) + (1 - t) * np.log1p(-x)),
    ),
    "binary_cross_entropy_with_logits": (
        (-4, 4),
        (0, 1),
        [(None,)],
        lambda x, t, _: -(t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x)),
    ),
}


@samples_for(*FIRST)
def elementwise(op: str) -> Iterator[Sample]:
    low_high, of_target, options, formula = FIRST[op]
    rng = rng_for(op)

    def reference(x: Any, t: Any, *rest: Any) -> Any:
        return reduced(formula(wide(x), wide(t), *rest[:-1]), rest[-1])

    for args in options:
        for dtype in (*FLOATS, *SIXTEENS):
            for shape in ((), (7,), (3, 4), (2, 3, 4)):
                x, t = make(rng, shape, dtype, *low_high), make(rng, shape, dtype, *of_target)
                if of_target is SIGNS:
                    t = np.where(t > 0, 1, -1)  # of integers: the loss jumps where they are others
                for how in REDUCTIONS:
                    yield Sample((T(x), T(t), *args, how), reference, **TOLERANCES[dtype])


@samples_for("mse_loss", "l1_loss", "huber_loss")
def with_weights(op: str) -> Iterator[Sample]:
    formula = FIRST[op][3]
    for dtype in FLOATS:
        x, t, w = (T(make(rng_for(op + str(i)), (3, 4), dtype, 0.5, 2)) for i in range(3))
        more: tuple[Any, ...] = (1.0,) if op == "huber_loss" else ()
        for how in REDUCTIONS:

            def reference(x: Any, t: Any, how: str, *rest: Any) -> Any:
                weight = wide(rest[-1])
                return reduced(formula(wide(x), wide(t)) * weight, how, weight if len(rest) == 1 else None)

            yield Sample((x, t, how, *more, w), reference, **TOLERANCES[dtype])
        small = T(make(rng_for(op), (4,), dtype))
        wanted = lambda x, t, how, broadcast: reduced(formula(wide(x), wide(t)), how)  # noqa: E731
        yield Sample((x, small, "mean"), wanted, {"broadcast": True}, **TOLERANCES[dtype])


@samples_for("gaussian_nll_loss")
def gaussian(op: str) -> Iterator[Sample]:
    def reference(x: Any, t: Any, var: Any, full: bool, eps: float, how: str) -> Any:
        var = np.maximum(wide(var), eps)
        var = var[..., None] if var.ndim == x.ndim - 1 else var
        loss = 0.5 * (np.log(var) + (wide(x) - wide(t)) ** 2 / var) + 0.5 * np.log(2 * np.pi) * full
        return reduced(loss, how)

    for dtype in FLOATS:
        x, t = (T(make(rng_for(op + str(i)), (3, 4), dtype)) for i in range(2))
        for shape in ((3, 4), (3,), (3, 1)):
            var = T(make(rng_for(op), shape, dtype, 0.5, 2))
            for how in REDUCTIONS:
                yield Sample((x, t, var, how == "mean", 1e-6, how), reference, **TOLERANCES[dtype])


# ---- classes -------------------------------------------------------------------------------------------------------


def log_softmax(x: Any) -> Any:
    return x - scipy.special.logsumexp(x, 1, keepdims=True)


def picked(values: Any, classes: Any) -> Any:
    return np.take_along_axis(values, classes[:, None], 1)[:, 0]


@samples_for("nll_loss", "cross_entropy")
def classes(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, t: Any, weight: Any, ignore: int, how: str, smoothing: float = 0.0) -> Any:
        x = wide(x)
        log_p = x if op == "nll_loss" else log_softmax(x)
        w = np.ones(x.shape[1]) if weight is None else wide(weight)
        kept, safe = t != ignore, np.where(t == ignore, 0, t)
        scale = np.where(kept, w[safe], 0)
        loss = -picked(log_p, safe) * scale * (1 - smoothing)
        over_all = -(log_p * w.reshape([1, -1] + [1] * (x.ndim - 2))).sum(1) * kept
        return reduced(loss + smoothing / x.shape[1] * over_all, how, scale)

    for dtype in FLOATS:
        for shape in ((6, 4), (3, 4, 5), (2, 3, 2, 2)):
            x, w = T(make(rng, shape, dtype)), T(make(rng, shape[1:2], dtype, 0.5, 2))
            t = T(rng.integers(0, shape[1], (shape[0], *shape[2:])))
            for how in REDUCTIONS:
                for weight, ignore in ((None, -100), (w, 1)):
                    yield Sample((x, t, weight, ignore, how), reference, **TOLERANCES[dtype])
                if op == "cross_entropy":
                    yield Sample((x, t, w, 0, how, 0.3), reference, **TOLERANCES[dtype])


@samples_for("cross_entropy")
def probabilities(op: str) -> Iterator[Sample]:
    def reference(x: Any, t: Any, weight: Any, ignore: int, how: str, smoothing: float) -> Any:
        t = wide(t) * (1 - smoothing) + smoothing / x.shape[1]
        loss = -(log_softmax(wide(x)) * t * (1 if weight is None else wide(weight))).sum(1)
        return loss.sum() / len(x) if how == "mean" else reduced(loss, how)

    for dtype in FLOATS:
        x, t = T(make(rng_for(op), (5, 4), dtype)), T(make(rng_for(op), (5, 4), dtype, 0, 1))
        for weight in (None, T(make(rng_for(op), (4,), dtype, 0.5, 2))):
            for how in REDUCTIONS:
                yield Sample((x, t, weight, -100, how, 0.2), reference, **TOLERANCES[dtype])


@samples_for("multi_margin_loss")
def margins(op: str) -> Iterator[Sample]:
    def reference(x: Any, t: Any, p: int, margin: float, weight: Any, how: str) -> Any:
        x = wide(x)
        short = np.maximum(0, margin - picked(x, t)[:, None] + x) ** p
        short *= np.ones(x.shape[1])[t][:, None] if weight is None else wide(weight)[t][:, None]
        np.put_along_axis(short, t[:, None], 0, 1)
        return reduced(short.sum(1) / x.shape[1], how)

    for dtype in FLOATS:
        x, t = T(make(rng_for(op), (5, 4), dtype)), T(rng_for(op).integers(0, 4, 5))
        for p, weight in ((1, None), (2, T(make(rng_for(op), (4,), dtype, 0.5, 2)))):
            for how in REDUCTIONS:
                yield Sample((x, t, p, 0.7, weight, how), reference, **TOLERANCES[dtype])


@samples_for("multilabel_margin_loss")
def labels(op: str) -> Iterator[Sample]:
    def reference(x: Any, t: Any, how: str) -> Any:
        losses = []
        for row, targets in zip(np.atleast_2d(wide(x)), np.atleast_2d(t), strict=True):
            right = list(targets[: list(targets).index(-1)]) if -1 in targets else list(targets)
            wrong = [i for i in range(len(row)) if i not in right]
            losses.append(sum(max(0.0, 1 - row[j] + row[i]) for j in right for i in wrong) / len(row))
        return reduced(np.array(losses).reshape(x.shape[:-1]), how)

    t = np.array([[1, 3, -1, 0], [2, -1, 2, 2], [0, 1, 2, 3], [-1] * 4])
    for dtype in FLOATS:
        x = make(rng_for(op), (4, 4), dtype)
        for how in REDUCTIONS:
            yield Sample((T(x), T(t), how), reference, **TOLERANCES[dtype])
            yield Sample((T(x[0]), T(t[0]), how), reference, **TOLERANCES[dtype])
            for scores, targets in ((x[0, 0], t[0, 0] * 0), (x[0, 0], t[0, :1] * 0 - 1), (x[0, :1], t[0, 0] * 0)):
                yield Sample((T(scores), T(targets), how), reference, **TOLERANCES[dtype])
            if how != "mean":  # NaN, of which NumPy warns
                yield Sample((T(x[:0]), T(t[:0]), how), reference, **TOLERANCES[dtype])


@samples_for("multilabel_soft_margin_loss")
def soft_labels(op: str) -> Iterator[Sample]:
    def reference(x: Any, t: Any, weight: Any, how: str) -> Any:
        loss = -(wide(t) * log_sigmoid(wide(x)) + (1 - wide(t)) * log_sigmoid(-wide(x)))
        return reduced((loss if weight is None else loss * wide(weight)).mean(-1), how)

    for dtype in FLOATS:
        x, t = T(make(rng_for(op), (5, 4), dtype)), T(make(rng_for(op), (5, 4), dtype, 0, 1))
        for weight in (None, T(make(rng_for(op), (4,), dtype, 0.5, 2))):
            for how in REDUCTIONS:
                yield Sample((x, t, weight, how), reference, **TOLERANCES[dtype])


# ---- pairs and triplets --------------------------------------------------------------------------------------------


@samples_for("cosine_embedding_loss")
def cosines(op: str) -> Iterator[Sample]:
    def reference(a: Any, b: Any, t: Any, margin: float, how: str) -> Any:
        a, b = wide(a), wide(b)
        cosine = (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
        return reduced(np.where(t == 1, 1 - cosine, np.maximum(0, cosine - margin)), how)

    for dtype in FLOATS:
        a, b = (make(rng_for(op + str(i)), (5, 4), dtype) for i in range(2))
        t = np.array([1, -1, 1, -1, -1])
        for how in REDUCTIONS:
            yield Sample((T(a), T(b), T(t), 0.1, how), reference, **TOLERANCES[dtype])
            yield Sample((T(a[0]), T(b[0]), T(t[0]), 0.1, how), reference, **TOLERANCES[dtype])


@samples_for("margin_ranking_loss")
def rankings(op: str) -> Iterator[Sample]:
    def reference(a: Any, b: Any, t: Any, margin: float, how: str) -> Any:
        return reduced(np.maximum(0, -wide(t) * (wide(a) - wide(b)) + margin), how)

    for dtype in FLOATS:
        a, b = (T(make(rng_for(op + str(i)), (3, 4), dtype)) for i in range(2))
        t = T(np.where(make(rng_for(op), (3, 4), dtype) > 0, 1, -1).astype(dtype))
        for how in REDUCTIONS:
            yield Sample((a, b, t, 0.5, how), reference, **TOLERANCES[dtype])


@samples_for("triplet_margin_loss")
def triplets(op: str) -> Iterator[Sample]:
    def reference(a: Any, p: Any, n: Any, margin: float, order: float, eps: float, swap: bool, how: str) -> Any:
        def distance(x: Any, y: Any) -> Any:
            return (np.abs(wide(x) - wide(y) + eps) ** order).sum(-1) ** (1 / order)

        far = np.minimum(distance(a, n), distance(p, n)) if swap else distance(a, n)
        return reduced(np.maximum(0, margin + distance(a, p) - far), how)

    for dtype in FLOATS:
        args = tuple(T(make(rng_for(op + str(i)), (5, 4), dtype)) for i in range(3))
        for order, swap in ((2.0, False), (1.0, True)):
            for how in REDUCTIONS:
                yield Sample((*args, 1.5, order, 1e-6, swap, how), reference, **TOLERANCES[dtype])


# ---- sequences -----------------------------------------------------------------------------------------------------


def ctc_of_one(log_p: Any, label: Any, blank: int) -> float:
    """By the definition: the sum over all paths."""
    total = 0.0
    for path in np.ndindex(*[log_p.shape[1]] * len(log_p)):
        merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
        if [c for c in merged if c != blank] == list(label):
            total += float(np.exp(sum(log_p[t, c] for t, c in enumerate(path))))
    return float(-np.log(total)) if total else np.inf


@samples_for("ctc_loss")
def sequences(op: str) -> Iterator[Sample]:
    def reference(log_p: Any, t: Any, lengths: Any, sizes: Any, blank: int, how: str, zero: bool) -> Any:
        rows = t if t.ndim == 2 else [t[end - size : end] for end, size in zip(np.cumsum(sizes), sizes, strict=True)]
        loss = np.array(
            [
                ctc_of_one(wide(log_p)[:length, n], rows[n][:size], blank)
                for n, (length, size) in enumerate(zip(lengths, sizes, strict=True))
            ]
        )
        loss = np.where(np.isinf(loss) & zero, 0, loss)
        return reduced(loss / np.maximum(sizes, 1) if how == "mean" else loss, how)

    rng = rng_for(op)
    for dtype in FLOATS:
        scores = make(rng, (4, 3, 3), dtype)
        log_p = T((scores - scipy.special.logsumexp(wide(scores), -1, keepdims=True)).astype(dtype))
        t, lengths, sizes = T(np.array([[1, 2], [1, 1], [2, 0]])), T(np.array([4, 3, 2])), T(np.array([2, 2, 1]))
        for how in REDUCTIONS:
            yield Sample((log_p, t, lengths, sizes, 0, how, False), reference, **TOLERANCES[dtype])
            joined = T(np.array([1, 2, 1, 1, 2]))
            yield Sample((log_p, joined, lengths, sizes, 0, how, False), reference, **TOLERANCES[dtype])
            short = T(np.array([4, 2, 0]))
            yield Sample((log_p, t, short, sizes, 0, how, True), reference, **TOLERANCES[dtype])


@samples_for("ctc_losses", "ctc_losses_grad")
def sequence_by_sequence(op: str) -> Iterator[Sample]:
    def losses(log_p: Any, t: Any, lengths: Any, sizes: Any, blank: int) -> Any:
        each = zip(lengths, sizes, strict=True)
        return np.array([ctc_of_one(log_p[:a, n], t[n][:b], blank) for n, (a, b) in enumerate(each)])

    def gradient(grad: Any, log_p: Any, *rest: Any) -> Any:
        out, step = np.zeros(log_p.shape), 1e-6
        for at in np.ndindex(*log_p.shape):
            moved = np.zeros(log_p.shape)
            moved[at] = step
            with np.errstate(invalid="ignore"):
                change = losses(wide(log_p) + moved, *rest) - losses(wide(log_p) - moved, *rest)
            out[at] = (np.nan_to_num(change) * wide(grad)).sum() / (2 * step)  # of what is impossible, none
        return out

    def reference(log_p: Any, *rest: Any) -> Any:
        return losses(wide(log_p), *rest)

    rng = rng_for(op)
    for dtype in FLOATS:
        scores = make(rng, (4, 3, 3), dtype)
        log_p = T((scores - scipy.special.logsumexp(wide(scores), -1, keepdims=True)).astype(dtype))
        labels, grad = T(np.array([[1, 2], [1, 1], [2, 0]])), T(make(rng, (3,), dtype))
        for lengths, sizes in (([4, 3, 2], [2, 2, 1]), ([2, 4, 0], [1, 0, 0]), ([3, 4, 4], [0, 2, 1])):
            args = (log_p, labels, T(np.array(lengths)), T(np.array(sizes)), 0)
            if op == "ctc_losses":
                yield Sample(args, reference, **TOLERANCES[dtype])
            else:
                yield Sample((grad, *args), gradient, rtol=1e-4, atol=1e-5)
        short = (log_p, labels, T(np.array([4, 2, 1])), T(np.array([2, 2, 1])), 0)
        if op == "ctc_losses_grad":
            yield Sample((grad, *short), gradient, rtol=1e-4, atol=1e-5)


# ---- what is refused -----------------------------------------------------------------------------------------------

X, HALF = T(np.full((2, 3), 0.5, np.float32)), T(np.full((3,), 0.5, np.float32))
PAIRED = (*FIRST, "multilabel_soft_margin_loss")


@errors_for(*PAIRED)
def refuses_broadcasting(op: str) -> Iterator[ErrorSample]:
    match = rf"^{op}: input \(2, 3\) and target \(3,\) must have one shape.*broadcast=True"
    yield ErrorSample((X, HALF), ValueError, match)


@errors_for("gaussian_nll_loss", "margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss")
def refuses_shapes(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, HALF, X), ValueError, f"^{op}: .*one shape")


@errors_for("mse_loss", "l1_loss", "huber_loss", "nll_loss", "cross_entropy", "multi_margin_loss", "kl_div")
def refuses_reductions(op: str) -> Iterator[ErrorSample]:
    target = T(np.array([0, 2])) if op in ("nll_loss", "cross_entropy", "multi_margin_loss") else X
    yield ErrorSample(
        (X, target), ValueError, f"^{op}: reduction must be 'mean', 'sum' or 'none', got 'avg'", {"reduction": "avg"}
    )


@errors_for("nll_loss", "cross_entropy", "multi_margin_loss")
def refuses_classes(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((X, T(np.array([0, 3]))), IndexError, f"^{op}: index 3 is out of range .* of size 3")
    yield ErrorSample((X, T(np.array([0, -1]))), IndexError, f"^{op}: index -1 is out of range .* of size 3")
    yield ErrorSample((X, T(np.array([0]))), ValueError, rf"^{op}: .*shape \(2,\), got \(1,\)")
    yield ErrorSample(
        (X, T(np.array([True, False]))), TypeError, f"^{op}: expected int64 class targets, got dtype bool"
    )


@errors_for(
    "binary_cross_entropy",
    "smooth_l1_loss",
    "huber_loss",
    "gaussian_nll_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "ctc_loss",
)
def refuses_values(op: str) -> Iterator[ErrorSample]:
    two = T(np.full((2, 3), 2.0, np.float32))
    log_p, classes = T(np.zeros((4, 2, 3), np.float32)), T(np.array([[1], [2]]))
    ones, five = T(np.array([1, 1])), T(np.array([5, 4]))
    calls: dict[str, list[tuple[tuple[Any, ...], str]]] = {
        "binary_cross_entropy": [((two, X), r"probabilities in \[0, 1\], got 2 to 2")],
        "smooth_l1_loss": [((X, X, "mean", -1.0), "beta must be >= 0, got -1")],
        "huber_loss": [((X, X, "mean", 0.0), "delta must be > 0, got 0")],
        "gaussian_nll_loss": [
            ((X, X, T(np.full((2, 3), -1.0, np.float32))), "variances must not be negative, got -1"),
            ((X, X, T(np.ones((3, 2), np.float32))), r"var of shape \(3, 2\)"),
        ],
        "multi_margin_loss": [((X, T(np.array([0, 1])), 3), "p must be 1 or 2, got 3")],
        "multilabel_margin_loss": [
            ((T(np.zeros((2, 0), np.float32)), T(np.zeros((2, 0), np.int64))), r"with a class at least, got \(2, 0\)"),
            ((X, T(np.zeros(3, np.int64))), r"got \(2, 3\) and \(3,\)"),
        ],
        "ctc_loss": [
            ((log_p, classes, five, ones), "input_lengths must be at most 4, got 5"),
            ((log_p, classes, ones, five), "target_lengths must be at most 1, got 5"),
            ((log_p, T(np.array([1, 2, 1])), five, ones), "input_lengths must be at most 4, got 5"),
            ((log_p, T(np.array([1, 2, 1])), ones, ones), "3 targets for target_lengths whose sum is 2"),
        ],
    }
    for args, match in calls[op]:
        yield ErrorSample(args, ValueError, f"^{op}: .*{match}")
