"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.utils import functional_call


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("scale", dt.ones(1))

    def forward(self, x: dt.Tensor, times: float = 1.0) -> dt.Tensor:
        return self.b(self.a(x)) * self.scale * times


def test_other_tensors_are_used_and_given_back() -> None:
    module = Tied()
    before = module.a.weight
    x = dt.tensor([[1.0, 2.0]])
    eye = dt.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert functional_call(module, {"a.weight": 2 * eye}, x).tolist() == [[4.0, 8.0]]  # both, as they are one
    one = functional_call(module, {"a.weight": 2 * eye, "b.weight": eye}, x)
    assert one.tolist() == [[2.0, 4.0]]
    found = functional_call(module, [{"a.weight": eye}, {"scale": dt.tensor([3.0])}], (x,), {"times": 2.0}, strict=True)
    assert found.tolist() == [[6.0, 12.0]]
    assert module.a.weight is before
    assert module.b.weight is before
    assert module.scale.tolist() == [1.0]
    with pytest.raises(ValueError, match="7 inputs"):
        functional_call(module, {"a.weight": dt.ones(3, 7)}, x)
    assert module.a.weight is before


def test_what_is_refused() -> None:
    module = Tied()
    x = dt.ones(1, 2)
    with pytest.raises(RuntimeError, match=r"has no c.weight"):
        functional_call(module, {"c.weight": x}, x)
    with pytest.raises(RuntimeError, match="scale of Tied"):
        functional_call(module, {"a.weight": dt.ones(2, 2)}, x, strict=True)
    with pytest.raises(ValueError, match="several"):
        functional_call(module, [{"scale": x}, {"scale": x}], x)
    with pytest.raises(TypeError, match="must be a Tensor"):
        functional_call(module, {"scale": 1.0}, x)  # type: ignore[dict-item]


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
