"""Modules under transforms."""

from __future__ import annotations

import dovetail as dt
from dovetail import nn


def test_gradients_of_every_sample() -> None:
    dt.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.LayerNorm(2))
    params = {name: p.detach() for name, p in module.named_parameters()}
    x, y = dt.randn(5, 3), dt.tensor([0, 1, 1, 0, 1])

    def loss(p: dict[str, dt.Tensor], sample: dt.Tensor, label: dt.Tensor) -> dt.Tensor:
        output = dt.func.functional_call(module, p, sample.unsqueeze(0))
        return nn.functional.cross_entropy(output, label.unsqueeze(0))

    found = dt.vmap(dt.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    for i in range(5):
        module.zero_grad()
        nn.functional.cross_entropy(module(x[i : i + 1]), y[i : i + 1]).backward()
        for name, p in module.named_parameters():
            assert dt.allclose(found[name][i], p.grad, rtol=1e-4, atol=1e-6), name


def test_convolution_of_every_sample() -> None:
    dt.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    params = {name: p.detach() for name, p in module.named_parameters()}
    x = dt.randn(4, 1, 4, 4)

    def loss(p: dict[str, dt.Tensor], sample: dt.Tensor) -> dt.Tensor:
        return (dt.func.functional_call(module, p, sample.unsqueeze(0)) ** 2).sum()

    found = dt.vmap(dt.func.grad(loss), in_dims=(None, 0))(params, x)
    for i in range(4):
        one = dt.func.grad(loss)(params, x[i])
        for name in params:
            assert dt.allclose(found[name][i], one[name], rtol=1e-4, atol=1e-5), name
