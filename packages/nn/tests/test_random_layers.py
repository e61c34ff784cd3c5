"""Layers that draw random numbers: what their draws have in common."""

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn


def seeded():
    return dt.Generator().manual_seed(5)


def test_alpha_dropout_keeps_mean_and_variance():
    x = dt.randn(200_000, generator=seeded())
    for p in (0.1, 0.5):
        out = F.alpha_dropout(x, p, True)
        assert abs(out.mean().item()) < 0.02 and abs(out.var().item() - 1) < 0.03
        scale = ((1 - p) * (1 + p * 1.7580993408473766**2)) ** -0.5
        dropped = -1.7580993408473766 * scale + 1.7580993408473766 * scale * p
        share = (abs(out.numpy() - dropped) < 1e-5).mean()
        assert abs(share - p) < 0.01
    assert F.alpha_dropout(x, 1.0, True).abs().sum().item() == 0
    assert F.alpha_dropout(x, 0.5).tolist() == x.tolist()  # not training by default


def test_feature_alpha_dropout_drops_whole_channels():
    out = nn.FeatureAlphaDropout(0.5)(dt.zeros(50, 40, 3))
    assert (out.numpy().std(-1) == 0).all() and len(np.unique(out.numpy().round(5))) == 2
    with pytest.raises(ValueError, match=r"^feature_alpha_dropout: expected an input \(N, C, \*\), got shape \(3,\)"):
        nn.FeatureAlphaDropout()(dt.ones(3))


def test_random_slopes():
    x = dt.full((10_000,), -1.0)
    slopes = -nn.RReLU(0.2, 0.6)(x).numpy()
    assert slopes.min() >= 0.2 and slopes.max() <= 0.6 and abs(slopes.mean() - 0.4) < 0.01
    assert nn.RReLU(0.2, 0.6).eval()(x)[0].item() == pytest.approx(-0.4)
    y = dt.tensor([-1.0, 2.0])
    assert F.rrelu_(y, 0.5, 0.5) is y and y.tolist() == [-0.5, 2.0]


def test_gumbel_softmax_draws_by_the_probabilities():
    logits = dt.tensor([[0.1, 0.2, 0.7]]).log().expand(20_000, 3)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(hard.flatten().tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(hard.numpy().mean(0), [0.1, 0.2, 0.7], atol=0.02)
    x = dt.zeros(5, 3, requires_grad=True)
    dt.manual_seed(1)
    (F.gumbel_softmax(x, hard=True) * dt.arange(3.0)).sum().backward()
    hard_grad, x.grad = x.grad, None
    dt.manual_seed(1)
    (F.gumbel_softmax(x) * dt.arange(3.0)).sum().backward()
    np.testing.assert_allclose(hard_grad.numpy(), x.grad.numpy(), atol=1e-6)


def test_fractional_pooling_covers_the_image():
    x = dt.arange(100.0).reshape(1, 1, 10, 10)
    values, places = F.fractional_max_pool2d(x, 3, 4, return_indices=True)
    assert values.shape == (1, 1, 4, 4) and values.flatten().tolist() == places.flatten().to(dt.float32).tolist()
    assert values.max().item() == 99
    seen = {tuple(F.fractional_max_pool2d(x, 2, output_ratio=0.7).flatten().tolist()) for _ in range(20)}
    assert len(seen) > 1
