"""Losses against NumPy; reductions, weights, ignored targets, and shapes that do not fit."""

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b, rtol=tolerance, atol=tolerance)


def pair(positive=False):
    generator = dt.Generator().manual_seed(2)
    make = dt.rand if positive else dt.randn
    return make((4, 3), generator=generator), make((4, 3), generator=generator)


ELEMENTWISE = {
    "mse": (nn.MSELoss, {}, lambda x, t: (x - t) ** 2),
    "l1": (nn.L1Loss, {}, lambda x, t: abs(x - t)),
    "smooth_l1": (
        nn.SmoothL1Loss,
        {"beta": 0.5},
        lambda x, t: np.where(abs(x - t) < 0.5, (x - t) ** 2, abs(x - t) - 0.25),
    ),
    "huber": (
        nn.HuberLoss,
        {"delta": 0.5},
        lambda x, t: np.where(abs(x - t) <= 0.5, (x - t) ** 2 / 2, 0.5 * (abs(x - t) - 0.25)),
    ),
    "bce": (nn.BCELoss, {}, lambda x, t: -(t * np.log(x) + (1 - t) * np.log(1 - x))),
    "bce_logits": (nn.BCEWithLogitsLoss, {}, lambda x, t: (1 - t) * x + np.log1p(np.exp(-x))),
    "kl": (nn.KLDivLoss, {}, lambda x, t: t * (np.log(t) - x)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_loss(name, reduction):
    cls, options, rule = ELEMENTWISE[name]
    x, t = pair(positive=True)
    expected = rule(x.numpy().astype(np.float64), t.numpy().astype(np.float64))
    expected = {"mean": expected.mean(), "sum": expected.sum(), "none": expected}[reduction]
    close(cls(reduction=reduction, **options)(x, t), expected)
    x.requires_grad_()
    cls(**options)(x, t).backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_no_loss_broadcasts(name):
    cls, options, _ = ELEMENTWISE[name]
    with pytest.raises(ValueError, match=r"input \(4, 3\) and target \(4, 1\) must have one shape"):
        cls(**options)(dt.ones(4, 3) / 2, dt.ones(4, 1) / 2)


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64])
def test_smooth_l1_of_a_beta_next_to_nothing(dtype):
    x = dt.tensor([0.0, 2e-36, -5e-36, 1e-35, -3e-35, 1.0, -1e10], dtype=dtype, requires_grad=True)
    loss = F.smooth_l1_loss(x, dt.zeros_like(x), "none", beta=1e-35)
    loss.sum().backward()
    d = abs(x.detach().numpy().astype(np.float64))
    near = d < 1e-35
    np.testing.assert_allclose(loss.detach().numpy(), np.where(near, d * d / 2e-35, d - 0.5e-35), rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), np.sign(x.detach().numpy()) * np.where(near, d / 1e-35, 1), rtol=1e-5)


def test_batchmean_and_log_target():
    x, t = pair(positive=True)
    close(nn.KLDivLoss("batchmean")(x, t), (t.numpy() * (np.log(t.numpy()) - x.numpy())).sum() / 4)
    close(nn.KLDivLoss("sum", log_target=True)(x, t), (np.exp(t.numpy()) * (t.numpy() - x.numpy())).sum())


def test_logits_at_the_extremes():
    x = dt.tensor([1000.0, -1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, dt.tensor([1.0, 0.0]))
    loss.backward()
    assert loss.item() == 0 and x.grad.tolist() == [0, 0]
    weighted = F.binary_cross_entropy_with_logits(dt.zeros(1), dt.ones(1), pos_weight=dt.tensor([3.0]))
    assert abs(weighted.item() - 3 * np.log(2)) < 1e-6


# ---- classes ----


def log_softmax(x, axis=1):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def reference(x, target, weight=None, ignore=-100, smoothing=0.0):
    """The losses of every place and their weights, for scores (N, C, ...) and classes (N, ...)."""
    log_p, classes = log_softmax(x), x.shape[1]
    weight = np.ones(classes) if weight is None else weight
    safe = np.where(target == ignore, 0, target)
    kept = target != ignore
    hard = -np.take_along_axis(log_p, safe[:, None], 1)[:, 0] * weight[safe]
    shape = (1, -1) + (1,) * (x.ndim - 2)
    smooth = -(log_p * weight.reshape(shape)).sum(1)
    loss = (1 - smoothing) * hard + smoothing / classes * smooth
    return np.where(kept, loss, 0), np.where(kept, weight[safe], 0)


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (2, 3, 2, 2)])
@pytest.mark.parametrize("options", [{}, {"weight": True}, {"ignore": 1}, {"smoothing": 0.2},
                                     {"weight": True, "ignore": 0, "smoothing": 0.1}])  # fmt: skip
def test_cross_entropy(shape, options):
    generator = dt.Generator().manual_seed(4)
    x = dt.randn(shape, generator=generator, dtype=dt.float64)
    target = dt.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator)
    weight = dt.rand((shape[1],), generator=generator, dtype=dt.float64) + 0.5 if options.get("weight") else None
    ignore, smoothing = options.get("ignore", -100), options.get("smoothing", 0.0)
    loss, scale = reference(x.numpy(), target.numpy(), None if weight is None else weight.numpy(), ignore, smoothing)
    for reduction, expected in {"mean": loss.sum() / scale.sum(), "sum": loss.sum(), "none": loss}.items():
        close(nn.CrossEntropyLoss(weight, ignore, reduction, smoothing)(x, target), expected, 1e-10)
    if not smoothing:
        close(nn.NLLLoss(weight, ignore)(dt.log_softmax(x, 1), target), loss.sum() / scale.sum(), 1e-10)


def test_cross_entropy_of_one_sample_and_of_probabilities():
    x = dt.tensor([1.0, 2.0, 3.0])
    expected = -log_softmax(x.numpy()[None])[0]
    close(F.cross_entropy(x, dt.tensor(2)), expected[2])
    soft = dt.tensor([[0.2, 0.3, 0.5]])
    close(F.cross_entropy(x.unsqueeze(0), soft), (expected * soft.numpy()).sum())


def test_gradient_of_cross_entropy():
    x = dt.zeros(2, 4, requires_grad=True)
    F.cross_entropy(x, dt.tensor([0, -100])).backward()
    close(x.grad, [[-0.75, 0.25, 0.25, 0.25], [0, 0, 0, 0]])


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 40)])
def test_scores_that_do_not_count_may_be_anything(shape):
    x = dt.zeros(shape)
    x[1:] = float("nan")
    x.requires_grad_()
    target = dt.zeros((3, *shape[2:]), dtype=dt.int64)
    target[1:] = -100
    loss = F.cross_entropy(x, target)
    loss.backward()
    close(loss, np.log(4))
    assert not x.grad.isnan().any() and not x.grad[1:].any()


def test_scores_of_impossible_classes():
    x = dt.tensor([[float("-inf"), 3.0, 3.0]], requires_grad=True)
    F.cross_entropy(x, dt.tensor([1])).backward()
    close(x.grad, [[0, -0.5, 0.5]])
    assert F.cross_entropy(x, dt.tensor([0])).item() == float("inf")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradient_of_class_weights(reduction):
    x, target = pair()[0].double(), dt.tensor([0, 2, -100, 1])
    weight = dt.tensor([0.5, 1.0, 2.0], dtype=dt.float64, requires_grad=True)

    def loss(weight, log_p=None):
        if log_p is None:
            return F.cross_entropy(x, target, weight, label_smoothing=0.2, reduction=reduction).sum()
        hard = F.nll_loss(log_p, target, weight, reduction="none")
        smooth = dt.where(target != -100, -(log_p * weight).sum(1), 0.0)
        total = (0.8 * hard + 0.2 / 3 * smooth).sum()
        return total / (weight[0] + weight[2] + weight[1]) if reduction == "mean" else total

    (expected,) = dt.autograd.grad(loss(weight, dt.log_softmax(x, 1)), [weight])
    (grad,) = dt.autograd.grad(loss(weight), [weight])
    close(grad, expected.numpy(), 1e-12)


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16])
def test_cross_entropy_of_sixteen_bits_is_rounded_once(dtype):
    x = pair()[0].to(dtype).requires_grad_()
    wide = x.detach().float().requires_grad_()
    target = dt.tensor([0, 1, 2, 0])
    losses = [F.cross_entropy(each, target, reduction="none") for each in (x, wide)]
    for loss in losses:
        loss.sum().backward()
    assert losses[0].dtype == x.grad.dtype == dtype
    assert (losses[0] == losses[1].to(dtype)).all() and (x.grad == wide.grad.to(dtype)).all()


@pytest.mark.parametrize("shape", [(700, 130), (6, 21, 900)])
def test_cross_entropy_is_the_same_for_any_number_of_threads(shape):
    generator = dt.Generator().manual_seed(3)
    x = dt.randn(shape, generator=generator).requires_grad_()
    target = dt.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator)
    before, found = dt.get_num_threads(), []
    try:
        for threads in (1, 2, 8):
            dt.set_num_threads(threads)
            loss = F.cross_entropy(x, target, label_smoothing=0.1)
            found.append((loss.item(), dt.autograd.grad(loss, [x])[0]))
    finally:
        dt.set_num_threads(before)
    assert all(loss == found[0][0] and (grad == found[0][1]).all() for loss, grad in found)


@pytest.mark.parametrize(
    "x, target, error, match",
    [
        (dt.zeros(2, 3), dt.tensor([0]), ValueError, r"wants targets of shape \(2,\), got \(1,\)"),
        (dt.zeros(2, 3), dt.tensor([True, False]), TypeError, "int64"),
        (dt.zeros(2, 3), dt.zeros(2), ValueError, "one shape"),
        (dt.zeros(2, 3), dt.tensor([0, 3]), IndexError, "3"),
        (dt.zeros(()), dt.tensor(0), ValueError, "zero-dim"),
    ],
)
def test_cross_entropy_refuses(x, target, error, match):
    with pytest.raises(error, match=match):
        F.cross_entropy(x, target)


def test_options_are_checked():
    with pytest.raises(ValueError, match="^MSELoss: reduction"):
        nn.MSELoss("avg")
    with pytest.raises(ValueError, match="^mse_loss: reduction"):
        F.mse_loss(dt.ones(1), dt.ones(1), "avg")
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(dt.zeros(1, 2), dt.tensor([0]), label_smoothing=2.0)
    with pytest.raises(ValueError, match="class weights"):
        F.cross_entropy(dt.zeros(1, 2), dt.tensor([0]), dt.ones(3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), ()), ((0, 2), (0, 2))])
def test_gradients_of_mse_loss_are_its_formulas(shapes, weighted, reduction):
    def run(loss):
        x, t = (dt.randn(shape, dtype=dt.float64, requires_grad=True) for shape in shapes)
        w = (dt.rand(x.shape if x.shape == t.shape else (3, 4), dtype=dt.float64) + 0.5).requires_grad_()
        given = [x, t, *([w] if weighted else [])]
        value = loss(x, t, w if weighted else None)
        first = dt.autograd.grad(value.sum() * 3, given, create_graph=True)
        second = dt.autograd.grad(sum((g * g).sum() for g in first), given, allow_unused=True)
        return [value, *first, *second]

    def formula(x, t, w):
        each = (x - t) ** 2 * (1 if w is None else w)
        if reduction == "mean":
            return each.mean() if w is None else each.sum() / w.sum()
        return each.sum() if reduction == "sum" else each

    dt.manual_seed(0)
    got = run(lambda x, t, w: F.mse_loss(x, t, reduction, w, broadcast=True))
    dt.manual_seed(0)
    for a, b in zip(got, run(formula), strict=True):
        assert a.shape == b.shape and dt.allclose(a, b, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_gradients_of_mse_loss_in_sixteen_bits_are_rounded_once():
    x, t = dt.randn(64).half().requires_grad_(), dt.randn(64).half()
    F.mse_loss(x, t, "sum").backward()
    wanted = 2 * (x.detach().float() - t.float())
    assert x.grad.dtype == dt.float16 and dt.equal(x.grad, wanted.half())


@pytest.mark.parametrize("loss", ["nll_loss", "multi_margin_loss", "multilabel_margin_loss", "ctc_loss"])
def test_classes_are_refused_in_the_dtype_that_they_have(loss: str) -> None:
    """Not in float32, in which losses of 16-bit numbers are computed."""
    scores = dt.zeros(2, 3, 4, dtype=dt.float16)
    others = [dt.zeros(3, dtype=dt.bfloat16)] * (3 if loss == "ctc_loss" else 1)
    with pytest.raises(TypeError, match=f"^{loss}: expected int64 class targets, got dtype bfloat16"):
        getattr(F, loss)(scores, *others)
    others = [dt.zeros(3, dtype=dt.float16)] * len(others)
    with pytest.raises(TypeError, match=f"^{loss}: expected int64 class targets, got dtype float16"):
        getattr(F, loss)(scores, *others)
