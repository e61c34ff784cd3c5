"""The layers: their shapes, options and initial values, against NumPy where there is a formula."""

import math

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn


def randn(*shape):
    return dt.randn(shape, generator=dt.Generator().manual_seed(sum(shape)))


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b, rtol=tolerance, atol=tolerance)


def test_linear():
    layer, x = nn.Linear(4, 3), randn(2, 5, 4)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    close(layer(x), x.numpy() @ w.T + b)
    assert abs(w).max() <= 0.5 and abs(b).max() <= 0.5
    assert nn.Linear(4, 3, bias=False).bias is None
    with pytest.raises(ValueError, match="^linear: .*5"):
        layer(dt.zeros(2, 5))


def test_bilinear():
    layer, a, b = nn.Bilinear(2, 3, 4), randn(5, 2), randn(5, 3)
    w = layer.weight.detach().numpy()
    close(layer(a, b), np.einsum("ni,kij,nj->nk", a.numpy(), w, b.numpy()) + layer.bias.detach().numpy())


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_convolutions(dims):
    conv = getattr(nn, f"Conv{dims}d")(4, 6, 3, stride=2, padding=1, groups=2)
    x = randn(2, 4, *[7] * dims)
    out = conv(x)
    assert out.shape == (2, 6, *[4] * dims) and conv.weight.shape == (6, 2, *[3] * dims)
    close(conv(x[0]), out[0].detach().numpy())
    bound = 1 / math.sqrt(2 * 3**dims)
    assert conv.weight.abs().max().item() <= bound and conv.bias.abs().max().item() <= bound
    back = getattr(nn, f"ConvTranspose{dims}d")(6, 4, 3, stride=2, padding=1, groups=2)
    assert back(out).shape == (2, 4, *[7] * dims)
    assert back(out, output_size=[8] * dims).shape == (2, 4, *[8] * dims)
    with pytest.raises(ValueError, match="output_size"):
        back(out, output_size=[12] * dims)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes(mode):
    conv, x = nn.Conv1d(1, 1, 3, padding=1, padding_mode=mode), randn(1, 1, 6)
    how = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}.get(mode, mode)
    padded = np.pad(x.numpy()[0, 0], 1, mode=how)
    w = conv.weight.detach().numpy()[0, 0]
    close(conv(x)[0, 0], np.correlate(padded, w, "valid") + conv.bias.item())
    assert nn.Conv1d(1, 1, 4, padding="same", padding_mode=mode)(x).shape == (1, 1, 6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(3, 4, 3, groups=2),
        lambda: nn.Conv2d(1, 1, (3, 3, 3)),
        lambda: nn.Conv2d(1, 1, 3, padding="x"),
        lambda: nn.Conv2d(1, 1, 3, padding_mode="x"),
        lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"),
    ],
)
def test_convolutions_refuse(make):
    with pytest.raises(ValueError, match="^Conv"):
        make()


def test_pooling():
    x = dt.arange(16.0).reshape(1, 1, 4, 4)
    assert nn.MaxPool2d(2)(x).tolist() == [[[[5, 7], [13, 15]]]]
    _, places = nn.MaxPool2d(2, return_indices=True)(x)
    assert places.tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.AvgPool2d(2)(x).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    assert nn.MaxPool1d(3, 2)(x[0]).tolist() == [[[2], [6], [10], [14]]]
    assert nn.AvgPool1d(2)(x[0])[0, 0].tolist() == [0.5, 2.5]
    assert nn.MaxPool3d(2)(dt.zeros(1, 1, 4, 4, 4)).shape == (1, 1, 2, 2, 2)
    assert nn.AvgPool3d(2, divisor_override=1)(dt.ones(1, 1, 2, 2, 2)).item() == 8
    assert nn.AdaptiveAvgPool2d((None, 1))(x).shape == (1, 1, 4, 1)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_batch_norm(dims):
    layer = getattr(nn, f"BatchNorm{dims}d")(3, momentum=0.5)
    x = randn(4, 3, *[5] * dims) * 3 + 1
    axes = (0, *range(2, 2 + dims))
    mean, var = x.numpy().mean(axes, keepdims=True), x.numpy().var(axes, keepdims=True)
    close(layer(x), (x.numpy() - mean) / np.sqrt(var + 1e-5), 1e-4)
    n = x.numel() // 3
    close(layer.running_mean, 0.5 * mean.ravel(), 1e-5)
    close(layer.running_var, 0.5 + 0.5 * var.ravel() * n / (n - 1), 1e-4)
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    shape = (1, 3, *[1] * dims)
    running = layer.running_var.numpy().reshape(shape)
    close(layer(x), (x.numpy() - layer.running_mean.numpy().reshape(shape)) / np.sqrt(running + 1e-5), 1e-4)
    with pytest.raises(ValueError, match=f"^BatchNorm{dims}d: expected an input"):
        layer(dt.zeros(2))


def test_batch_norm_options():
    plain = nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    assert plain.weight is None and plain.running_mean is None and list(plain.state_dict()) == []
    assert abs(plain.eval()(dt.tensor([[0.0, 1.0], [2.0, 3.0]])).sum().item()) < 1e-6
    average = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 3.0):
        average(dt.tensor([[value], [value]]))
    assert average.running_mean.item() == 2.0
    with pytest.raises(ValueError, match="^batch_norm: training needs more than one value"):
        nn.BatchNorm1d(2)(dt.zeros(1, 2))
    average.reset_running_stats()
    assert average.running_mean.item() == 0 and average.running_var.item() == 1


def test_layer_norm():
    layer, x = nn.LayerNorm((3, 4)), randn(2, 3, 4)
    flat = x.numpy().reshape(2, -1)
    expected = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-5)
    close(layer(x), expected.reshape(2, 3, 4), 1e-5)
    assert nn.LayerNorm(4, bias=False).bias is None and nn.LayerNorm(4, elementwise_affine=False).weight is None


def test_dropout():
    x = dt.ones(1000)
    out = nn.Dropout(0.4)(x)
    kept = (out != 0).sum().item()
    assert 500 < kept < 700 and abs(out.max().item() - 1 / 0.6) < 1e-6
    assert nn.Dropout(0.4).eval()(x).tolist() == x.tolist()
    assert nn.Dropout(1.0)(x).sum().item() == 0
    whole = nn.Dropout2d(0.5)(dt.ones(20, 10, 2, 2)).sum((2, 3))
    assert set(whole.flatten().tolist()) == {0.0, 8.0}
    with pytest.raises(ValueError, match="^Dropout: p must be in"):
        nn.Dropout(1.5)
    with pytest.raises(ValueError, match="^dropout2d: expected an input"):
        nn.Dropout2d()(dt.ones(3))


def test_embedding():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    assert layer.padding_idx == 4 and layer.weight[4].tolist() == [0, 0, 0]
    out = layer(dt.tensor([[1, 4], [4, 1]]))
    assert out.shape == (2, 2, 3)
    out.sum().backward()
    assert layer.weight.grad[1].tolist() == [2, 2, 2] and layer.weight.grad[4].tolist() == [0, 0, 0]
    frozen = nn.Embedding.from_pretrained(dt.ones(2, 2))
    assert not frozen.weight.requires_grad
    with pytest.raises(IndexError):
        layer(dt.tensor([5]))
    with pytest.raises(TypeError, match="^embedding: expected integer"):
        layer(dt.tensor([0.5]))


def test_shape_layers():
    assert nn.Unflatten(1, (2, 3))(dt.zeros(4, 6)).shape == (4, 2, 3)
    assert nn.Flatten(0)(dt.zeros(4, 6)).shape == (24,)
    assert nn.Identity(1, x=2)(3) == 3


ACTIVATIONS = {
    nn.ReLU(): lambda x: np.maximum(x, 0),
    nn.ReLU6(): lambda x: np.clip(x, 0, 6),
    nn.LeakyReLU(0.2): lambda x: np.where(x > 0, x, 0.2 * x),
    nn.ELU(0.5): lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)),
    nn.CELU(2.0): lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)),
    nn.SELU(): lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    nn.SiLU(): lambda x: x / (1 + np.exp(-x)),
    nn.Mish(): lambda x: x * np.tanh(np.log1p(np.exp(x))),
    nn.GELU(): lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    nn.GELU("tanh"): lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    nn.Sigmoid(): lambda x: 1 / (1 + np.exp(-x)),
    nn.Tanh(): np.tanh,
    nn.LogSigmoid(): lambda x: -np.log1p(np.exp(-x)),
    nn.Softplus(2.0): lambda x: np.log1p(np.exp(2 * x)) / 2,
    nn.Softsign(): lambda x: x / (1 + abs(x)),
    nn.Tanhshrink(): lambda x: x - np.tanh(x),
    nn.Softshrink(0.3): lambda x: np.sign(x) * np.maximum(abs(x) - 0.3, 0),
    nn.Hardshrink(0.3): lambda x: np.where(abs(x) > 0.3, x, 0),
    nn.Hardtanh(-0.5, 0.7): lambda x: np.clip(x, -0.5, 0.7),
    nn.Hardsigmoid(): lambda x: np.clip(x + 3, 0, 6) / 6,
    nn.Hardswish(): lambda x: x * np.clip(x + 3, 0, 6) / 6,
    nn.Threshold(0.1, 9.0): lambda x: np.where(x > 0.1, x, 9),
    nn.PReLU(): lambda x: np.where(x > 0, x, 0.25 * x),
    nn.Softmax(-1): lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    nn.Softmin(-1): lambda x: np.exp(-x) / np.exp(-x).sum(-1, keepdims=True),
    nn.LogSoftmax(-1): lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    nn.GLU(): lambda x: x[..., :3] / (1 + np.exp(-x[..., 3:])),
}


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
def test_activation(layer):
    x = randn(4, 6) * 3
    close(layer(x), ACTIVATIONS[layer](x.numpy().astype(np.float64)), 2e-5)
    y = x.clone().requires_grad_()
    layer(y).sum().backward()
    assert y.grad.shape == y.shape and not bool(dt.isnan(y.grad).any())


@pytest.mark.parametrize("cls", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Hardtanh, nn.SELU])
def test_in_place_activations_write_their_input(cls):
    x = randn(5)
    expected = cls()(x).tolist()
    out = cls(inplace=True)(x)
    assert x.tolist() == expected == out.tolist() and "inplace=True" in repr(cls(inplace=True))


def test_pad():
    x = dt.arange(6).reshape(2, 3)
    for mode, how in [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]:
        np.testing.assert_array_equal(
            F.pad(x, (2, 1), mode=mode).numpy(), np.pad(x.numpy(), ((0, 0), (2, 1)), mode=how)
        )
    assert F.pad(x, (1, -1, 0, 1), value=9).tolist() == [[9, 0, 1], [9, 3, 4], [9, 9, 9]]
    for bad in [((1,), "constant"), ((3, 0), "reflect"), ((4, 0), "circular"), ((1, 1), "x")]:
        with pytest.raises(ValueError, match="^pad: "):
            F.pad(x, bad[0], mode=bad[1])


def test_to_a_memory_format_changes_what_has_its_dims():
    layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).to(memory_format=dt.channels_last)
    assert layer[0].weight.is_contiguous(memory_format=dt.channels_last) and not layer[0].weight.is_contiguous()
    assert layer[1].weight.is_contiguous()
    assert layer.to(memory_format=dt.contiguous_format)[0].weight.is_contiguous()
    with pytest.raises(TypeError, match="memory_format"):
        layer.to(memory_format="channels_last")
