"""The shape of what every layer over images, lines and volumes gives, with a batch and without; the functions behind
them, and their values where NumPy knows them."""

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn

LINE, IMAGE, VOLUME = (2, 4, 6), (2, 4, 6, 8), (2, 4, 4, 6, 8)

# By layer: its arguments, the shape of its input, and that of its output.
LAYERS = {
    "AdaptiveMaxPool1d": ((3,), LINE, (2, 4, 3)),
    "AdaptiveMaxPool2d": (((3, None),), IMAGE, (2, 4, 3, 8)),
    "AdaptiveMaxPool3d": ((2,), VOLUME, (2, 4, 2, 2, 2)),
    "CircularPad1d": (((1, 2),), LINE, (2, 4, 9)),
    "CircularPad2d": ((1,), IMAGE, (2, 4, 8, 10)),
    "CircularPad3d": ((1,), VOLUME, (2, 4, 6, 8, 10)),
    "ConstantPad1d": (((1, 2), 3.0), LINE, (2, 4, 9)),
    "ConstantPad2d": ((1, 3.0), IMAGE, (2, 4, 8, 10)),
    "ConstantPad3d": ((1, 3.0), VOLUME, (2, 4, 6, 8, 10)),
    "ReflectionPad1d": (((1, 2),), LINE, (2, 4, 9)),
    "ReflectionPad2d": ((1,), IMAGE, (2, 4, 8, 10)),
    "ReflectionPad3d": ((1,), VOLUME, (2, 4, 6, 8, 10)),
    "ReplicationPad1d": (((1, 2),), LINE, (2, 4, 9)),
    "ReplicationPad2d": ((1,), IMAGE, (2, 4, 8, 10)),
    "ReplicationPad3d": ((1,), VOLUME, (2, 4, 6, 8, 10)),
    "ZeroPad1d": (((1, 2),), LINE, (2, 4, 9)),
    "ZeroPad2d": ((1,), IMAGE, (2, 4, 8, 10)),
    "ZeroPad3d": ((1,), VOLUME, (2, 4, 6, 8, 10)),
    "InstanceNorm1d": ((4,), LINE, LINE),
    "InstanceNorm2d": ((4,), IMAGE, IMAGE),
    "InstanceNorm3d": ((4,), VOLUME, VOLUME),
    "LPPool1d": ((2.0, 2), LINE, (2, 4, 3)),
    "LPPool2d": ((2.0, (2, 4)), IMAGE, (2, 4, 3, 2)),
    "LPPool3d": ((2.0, 2), VOLUME, (2, 4, 2, 3, 4)),
    "FractionalMaxPool2d": ((2, (3, 5)), IMAGE, (2, 4, 3, 5)),
    "FractionalMaxPool3d": ((2, 3), VOLUME, (2, 4, 3, 3, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_shapes(name):
    args, given, expected = LAYERS[name]
    layer, x = getattr(nn, name)(*args), dt.rand(given)
    assert layer(x).shape == expected
    assert layer(x[0]).shape == expected[1:]
    if name not in ("ConstantPad1d", "ZeroPad1d"):  # which pad a vector too
        with pytest.raises(ValueError, match=r"shape \(2,\)"):
            layer(dt.rand(given[:1]))


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap", "constant"])
def test_padding_is_numpys(mode):
    name = {"reflect": "ReflectionPad", "edge": "ReplicationPad", "wrap": "CircularPad", "constant": "ZeroPad"}[mode]
    for shape, dims in ((LINE, 1), (IMAGE, 2), (VOLUME, 3)):
        x = dt.rand(shape)
        padded = getattr(nn, f"{name}{dims}d")((1, 2, 2, 1, 1, 0)[: 2 * dims])(x)
        width = [(0, 0), (0, 0), *[(1, 0), (2, 1), (1, 2)][3 - dims :]]
        np.testing.assert_array_equal(padded.numpy(), np.pad(x.numpy(), width, mode=mode))


@pytest.mark.parametrize(("dims", "shape"), [(1, LINE), (2, IMAGE), (3, VOLUME)])
def test_unpooling(dims, shape):
    pool, unpool = (
        {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}[dims](2, return_indices=True),
        {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}[dims](2),
    )
    x = dt.rand(shape)
    values, places = pool(x)
    back = unpool(values, places)
    assert back.shape == shape and abs(back.sum().item() - values.sum().item()) < 1e-3
    run = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}[dims]
    np.testing.assert_array_equal(run(values, places, 2).numpy(), back.numpy())
    assert ((back == x) | (back == 0)).all().item()


def test_functions_with_indices():
    x, y, z = dt.rand(LINE), dt.rand(IMAGE), dt.rand(VOLUME)
    for found, plain in (
        (F.adaptive_max_pool1d_with_indices(x, 3), F.adaptive_max_pool1d(x, 3)),
        (F.adaptive_max_pool2d_with_indices(y, 3), F.adaptive_max_pool2d(y, 3)),
        (F.adaptive_max_pool3d_with_indices(z, 3), F.adaptive_max_pool3d(z, 3)),
    ):
        np.testing.assert_array_equal(found[0].numpy(), plain.numpy())
    for run, given in ((F.fractional_max_pool2d_with_indices, y), (F.fractional_max_pool3d_with_indices, z)):
        values, places = run(given, 2, 3)
        flat = given.flatten(2).gather(2, places.flatten(2))
        np.testing.assert_array_equal(flat.numpy(), values.flatten(2).numpy())


def test_norm_pooling_of_order_one_sums():
    for run, shape, dims in ((F.lp_pool1d, LINE, 1), (F.lp_pool2d, IMAGE, 2), (F.lp_pool3d, VOLUME, 3)):
        x = dt.rand(shape)
        mean = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[dims](x, 2)
        np.testing.assert_allclose(run(x, 1.0, 2).numpy(), mean.numpy() * 2**dims, rtol=1e-5)


def test_whole_channels_are_dropped():
    for run, shape in ((F.dropout1d, LINE), (F.dropout2d, IMAGE), (F.dropout3d, VOLUME)):
        out = run(dt.ones(shape), 0.5).flatten(2).numpy()
        assert set(np.unique(out)) <= {0.0, 2.0} and (out.std(-1) == 0).all()
        assert run(dt.ones(shape), 0.5, False).numpy().min() == 1
