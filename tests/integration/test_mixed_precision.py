"""Training in mixed precision: the layers, the optimizers, GradScaler and another device together."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim

F32, BF16, F16 = dt.float32, dt.bfloat16, dt.float16


def images(n: int = 240) -> tuple[dt.Tensor, dt.Tensor]:
    """Bars of three directions in noise, 8 by 8."""
    generator = dt.Generator().manual_seed(0)
    x = dt.rand((n, 1, 8, 8), generator=generator) * 0.5
    y = dt.arange(n) % 3
    for i in range(n):
        at = i // 3 % 8
        if i % 3 == 0:
            x[i, 0, at, :] += 1
        elif i % 3 == 1:
            x[i, 0, :, at] += 1
        else:
            x[i, 0].diagonal(at - 4).add_(1)
    return x, y


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.hidden = nn.Linear(8 * 16, 32)
        self.scale = nn.LayerNorm(32)
        self.out = nn.Linear(32, 3)

    def forward(self, x: dt.Tensor) -> dt.Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.out(F.gelu(self.scale(self.hidden(x.flatten(1)))))


def train(dtype: dt.dtype | None, device: Any = "cpu", scaler: dt.amp.GradScaler | None = None) -> tuple[Net, float]:
    """A trained net and its accuracy; dtype None: without autocast."""
    dt.manual_seed(0)
    x, y = (t.to(device) for t in images())
    model = Net().to(device)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    scaler = scaler or dt.amp.GradScaler("cpu", enabled=False)
    for _ in range(8):
        for start in range(0, len(x), 60):
            optimizer.zero_grad()
            with dt.autocast(dt.device(device).type, dtype, enabled=dtype is not None):
                scores = model(x[start : start + 60])
                loss = F.cross_entropy(scores, y[start : start + 60])
            assert scores.dtype == (dtype or F32) and loss.dtype == F32
            scaler.scale(loss).backward()
            assert all(p.grad is not None and p.grad.dtype == F32 for p in model.parameters())
            scaler.step(optimizer)
            scaler.update()
    assert all(p.dtype == F32 for p in model.parameters())
    model.eval()
    with dt.no_grad():
        return model, (model(x).argmax(1) == y).to(F32).mean().item()


def test_bfloat16_learns_as_float32_does() -> None:
    plain, mixed = train(None)[1], train(BF16)[1]
    assert plain > 0.95 and mixed > 0.95


def test_float16_learns_with_a_scaler() -> None:
    scaler = dt.amp.GradScaler("cpu", init_scale=2.0**30, growth_interval=8)
    model, accuracy = train(F16, scaler=scaler)
    assert accuracy > 0.95
    # It began far too high: the first steps overflowed and were skipped.
    assert 1 < scaler.get_scale() < 2.0**28
    assert all(p.isfinite().all().item() for p in model.parameters())


def test_another_device() -> None:
    dt.backends.load("reference")
    x, y = images(30)
    model = Net()
    model.eval()
    with dt.autocast("cpu", F16):
        expected = F.cross_entropy(model(x), y)
    model.to("reference")
    with dt.autocast("reference"):
        scores = model(x.to("reference"))
        loss = F.cross_entropy(scores, y.to("reference"))
    assert scores.dtype == F16 and loss.dtype == F32
    assert abs(loss.item() - expected.item()) < 0.02
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    scaler = dt.amp.GradScaler("reference", init_scale=64.0, growth_interval=1)
    scaler.scale(loss).backward()
    before = model.out.weight.clone()
    assert scaler.step(optimizer) is None
    scaler.update()
    assert scaler.get_scale() == 128.0
    assert not dt.equal(before.cpu(), model.out.weight.cpu())


def test_the_same_seeds_give_the_same_bits() -> None:
    one, other = (train(BF16)[0].state_dict() for _ in range(2))
    assert all(dt.equal(one[name], other[name]) for name in one)


def test_clipping_between_unscaling_and_the_step() -> None:
    layer = nn.Linear(3, 1)
    optimizer = optim.SGD(layer.parameters(), lr=1.0)
    scaler = dt.amp.GradScaler("cpu", init_scale=16.0)
    before = layer.weight.clone()
    with dt.autocast("cpu", F16):
        loss = F.mse_loss(layer(dt.ones(2, 3)), dt.full((2, 1), 100.0))
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
    scaler.step(optimizer)
    moved = (layer.weight - before).square().sum().item() + layer.bias.grad.square().sum().item()
    assert abs(moved - 0.25) < 1e-3


def test_a_scaler_is_saved_and_resumed(tmp_path: Any) -> None:
    scaler = dt.amp.GradScaler("cpu", init_scale=8.0)
    dt.save({"scaler": scaler.state_dict()}, tmp_path / "state.safetensors")
    other = dt.amp.GradScaler("cpu")
    other.load_state_dict(dt.load(tmp_path / "state.safetensors")["scaler"])
    assert other.get_scale() == 8.0


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "silu", "sigmoid"])
def test_activations_stay_in_sixteen_bits(name: str) -> None:
    layer = nn.Linear(4, 4)
    with dt.autocast("cpu"):
        assert getattr(F, name)(layer(dt.rand(2, 4))).dtype == BF16


def test_functional_call_of_a_model_of_several_parameters_sets() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    params = {name: p.detach() for name, p in model.named_parameters()}
    x = dt.randn(5, 3)

    def loss(params: dict[str, dt.Tensor], x: dt.Tensor) -> dt.Tensor:
        with dt.autocast("cpu"):
            out = dt.func.functional_call(model, params, (x,))
            assert out.dtype == BF16
            return out.float().square().mean()

    each = dt.func.vmap(dt.func.grad(loss), in_dims=(None, 0))(params, x)
    total = dt.func.grad(loss)(params, x)
    for name in params:
        assert each[name].dtype == F32
        assert dt.allclose(each[name].mean(0), total[name], rtol=0.1, atol=0.02)
