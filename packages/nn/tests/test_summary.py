"""Module.summary."""

import pytest

import dovetail as dt
from dovetail import nn


def test_counts():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, groups=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    found = net.summary(dt.ones(2, 3, 8, 8))
    assert found.parameters == sum(p.numel() for p in net.parameters()) == found.trainable
    assert found.multiply_adds == 2 * (8 * 3 * 9 * 36 + 288 * 10)
    assert [row.output_shape for row in found.rows] == [
        *((2, 10), (2, 8, 6, 6), (2, 8, 6, 6), (2, 8, 6, 6), (2, 288), (2, 10))
    ]
    assert found.rows[1].multiply_adds == 2 * 8 * 3 * 9 * 36
    assert found.parameter_bytes == 4 * found.parameters + 4 * 16 + 8
    assert net.training and net[1].num_batches_tracked.item() == 0
    text = str(found)
    assert "0 (Conv2d)" in text and "(2, 8, 6, 6)" in text and f"{found.multiply_adds:,}" in text


@pytest.mark.parametrize(
    ("layer", "inputs", "wanted"),
    [
        (nn.ConvTranspose1d(4, 6, 3, 2), (dt.ones(2, 4, 5),), 4 * 6 * 3 * 2 * 5),
        (nn.Conv1d(4, 6, 3, groups=2), (dt.ones(4, 5),), 6 * 2 * 3 * 3),
        (nn.GRU(3, 4), (dt.ones(5, 2, 3),), 5 * 2 * (12 * 3 + 12 * 4)),
        (nn.LSTM(3, 4, 2, bidirectional=True), (dt.ones(5, 2, 3),), 5 * 2 * 2 * (16 * 7 + 16 * 12)),
        (nn.Bilinear(3, 4, 5), (dt.ones(2, 3), dt.ones(2, 4)), None),
        (nn.TransformerEncoderLayer(8, 2, 16), (dt.ones(5, 3, 8),), 15 * (8 * 24 + 64 + 2 * 8 * 16) + 2 * 3 * 25 * 8),
    ],
)
def test_kinds_of_layers(layer, inputs, wanted):
    found = layer.summary(*inputs).multiply_adds
    assert found == wanted if wanted is not None else found > 0


def test_shared_failed_and_unused_layers():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.used = nn.Linear(3, 3)
            self.again = self.used
            self.unused = nn.Linear(3, 2)

        def forward(self, x):
            return self.again(self.used(x))

    found = Net().summary(dt.ones(1, 3))
    assert [row.calls for row in found.rows] == [1, 2, 0] and found.multiply_adds == 18
    assert "x2" in str(found)
    net = Net()
    with pytest.raises(ValueError, match=r"Net\.used \(Linear\)"):
        net.summary(dt.ones(1, 4))
    assert net._hooks.empty and net.used._hooks.empty and net.training
