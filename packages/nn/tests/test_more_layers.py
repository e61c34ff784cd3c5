"""Layers and functions beside the most used: what PyTorch's comparison does not see."""

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn


def randn(*shape):
    return dt.randn(shape, generator=dt.Generator().manual_seed(sum(shape)))


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["relu", "celu", "elu", "hardtanh", "leaky_relu", "selu", "silu", "mish", "relu6"])
def test_in_place_forms(name):
    x = randn(3, 4)
    expected = getattr(F, name)(x).numpy()
    y = x.clone()
    assert getattr(F, name)(y, inplace=True) is y
    close(y, expected)
    if hasattr(F, f"{name}_"):
        z = x.clone()
        assert getattr(F, f"{name}_")(z) is z
        close(z, expected)
    a, b = (x.clone().requires_grad_() for _ in range(2))
    getattr(F, name)(a).sum().backward()
    getattr(F, name)(b * 1, inplace=True).sum().backward()
    close(b.grad, a.grad.numpy())


def test_a_softmax_without_a_dim_warns_and_takes_pytorchs():
    for shape, dim in (((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        with pytest.warns(UserWarning, match=f"^softmax: the sum runs over dim {dim}"):
            close(F.softmax(randn(*shape)), F.softmax(randn(*shape), dim).numpy())


def test_adaptive_softmax_is_a_distribution():
    layer, x = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 9], div_value=2.0), randn(30, 16)
    log_p = layer.log_prob(x)
    close(log_p.exp().sum(1), np.ones(30))
    target = dt.arange(30) % 20
    output, loss = layer(x, target)
    close(output, log_p.gather(1, target.unsqueeze(1)).squeeze(1).detach().numpy())
    assert abs(loss.item() + output.mean().item()) < 1e-6
    assert layer.predict(x).tolist() == log_p.argmax(1).tolist()
    assert layer.predict(x[:0]).tolist() == []
    with pytest.raises(IndexError, match="target 20 is out of range for 20 classes"):
        layer(x, target + 1)
    with pytest.raises(ValueError, match="^AdaptiveLogSoftmaxWithLoss: cutoffs must increase"):
        nn.AdaptiveLogSoftmaxWithLoss(16, 20, [9, 4])


def test_unfold_and_fold():
    x = randn(2, 3, 6, 7)
    ones = F.fold(F.unfold(dt.ones_like(x), 3), (6, 7), 3)
    close(F.fold(F.unfold(x, 3), (6, 7), 3), (x * ones).numpy())
    with pytest.raises(ValueError, match=r"^fold: an input of shape \(2, 5, 4\) does not fit"):
        F.fold(dt.ones(2, 5, 4), (3, 3), 2)


def test_identity_transform_samples_the_image_itself():
    x = randn(2, 3, 4, 5)
    theta = dt.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(2, 2, 3)
    for corners in (False, True):
        close(F.grid_sample(x, F.affine_grid(theta, x.shape, corners), align_corners=corners), x.numpy())


def test_older_names_of_interpolate_warn():
    x = randn(1, 1, 2, 2)
    for name, mode in (("upsample_nearest", "nearest"), ("upsample_bilinear", "bilinear"), ("upsample", "nearest")):
        with pytest.warns(DeprecationWarning, match=f"^{name}: use nn.functional.interpolate"):
            out = getattr(F, name)(x, 4)
        close(out, F.interpolate(x, 4, mode=mode, align_corners=True if mode == "bilinear" else None).numpy())


def test_interpolate_refuses():
    x = randn(1, 1, 4, 4)
    for options, match in (
        ({}, "size or scale_factor, one of them"),
        ({"size": 3, "scale_factor": 2}, "one of them"),
        ({"size": (3, 3, 3)}, "size must be a number or have 2 entries"),
        ({"scale_factor": 0.1}, r"sizes must be positive, got \(0, 0\)"),
        ({"size": 3, "mode": "linear"}, "mode 'linear' is for 1 spatial dims"),
        ({"size": 3, "align_corners": True}, "mode 'nearest' takes no align_corners"),
        ({"size": 3, "antialias": True}, "antialias is for the modes"),
        ({"size": 3, "mode": "lanczos"}, "'lanczos' needs antialias"),
    ):
        with pytest.raises(ValueError, match=f"^interpolate: .*{match}"):
            F.interpolate(x, **options)


def test_unpooling_undoes_pooling():
    x = randn(2, 3, 6, 8).abs()
    values, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(values, places, 2)
    close(F.max_pool2d(back, 2), values.numpy())
    with pytest.raises(ValueError, match=r"^max_unpool2d: output_size \(20, 8\) cannot be had"):
        F.max_unpool2d(values, places, 2, output_size=(20, 8))


def test_names_from_the_core():
    assert F.cosine_similarity is dt.cosine_similarity and F.pairwise_distance is dt.pairwise_distance
    assert F.native_channel_shuffle is F.channel_shuffle


@pytest.mark.parametrize(
    "make", [lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True), lambda: nn.GroupNorm(1, 3)]
)
def test_reset_parameters(make):
    layer = make()
    with dt.no_grad():
        layer.weight.fill_(5)
        layer.bias.fill_(5)
    if hasattr(layer, "running_mean"):
        layer(randn(2, 3, 4))
        assert layer.num_batches_tracked.item() == 0 and layer.running_mean.abs().sum().item() > 0
    layer.reset_parameters()
    assert layer.weight.tolist() == [1] * 3 and layer.bias.tolist() == [0] * 3
    assert not hasattr(layer, "running_mean") or layer.running_mean.tolist() == [0] * 3


def test_losses_inside_of_vmap_and_under_broadcasting():
    p, t = dt.rand(4, 3), dt.rand(4, 3)
    each = dt.func.vmap(F.binary_cross_entropy)(p, t)
    close(each, [F.binary_cross_entropy(a, b).item() for a, b in zip(p, t)])
    with pytest.raises(ValueError, match=r"^binary_cross_entropy: .* in \[0, 1\], got 0 to 2"):
        F.binary_cross_entropy(dt.tensor([0.0, 2.0]), dt.zeros(2))
    assert F.l1_loss(dt.ones(4, 3), dt.zeros(3), broadcast=True).item() == 1
    assert nn.MSELoss(broadcast=True)(dt.ones(4, 3), dt.zeros(3)).item() == 1


@pytest.mark.parametrize("name", ["softsign", "tanhshrink", "normalize"])
def test_of_complex_numbers(name):
    """Beside the formula; the gradients by differences."""
    formulas = {
        "softsign": lambda z: z / (1 + abs(z)),
        "tanhshrink": lambda z: z - dt.tanh(z),
        "normalize": lambda z: z / dt.sqrt((z.real**2 + z.imag**2).sum(1, keepdim=True)),
    }
    z = dt.tensor([[3 + 4j, 0.5 - 1j], [-2j, -1 + 0.25j]], dtype=dt.complex128, requires_grad=True)
    function = getattr(F, name)
    assert (function(z) - formulas[name](z)).abs().max().item() < 1e-15
    assert dt.autograd.gradcheck(function, (z,))


@pytest.mark.parametrize("bounds", [(float("nan"), 1.0), (-1.0, float("nan"))])
def test_hardtanh_between_nan_is_nan(bounds):
    x = dt.tensor([-2.0, 0.0, 2.0], requires_grad=True)
    result = dt.nn.functional.hardtanh(x, *bounds)
    assert dt.isnan(result).all() and dt.isnan(dt.nn.functional.hardtanh(x.detach().double(), *bounds)).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_as_pytorchs_function_has_it(name):
    function, x = getattr(dt.nn.functional, name), dt.ones(2, 3)
    assert function(x, 1, 3, dt.float64).dtype is function(x, -1, _stacklevel=5, dtype=dt.float64).dtype is dt.float64
    with pytest.warns(UserWarning, match=f"{name}: the sum runs over dim 1") as caught:
        function(x)
    assert caught[0].filename == __file__
