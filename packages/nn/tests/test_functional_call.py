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
    one = functional_call(module, {"a.weight": 2 * eye, "b.weight": eye}, x, tie_weights=False)
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


def normed(wide: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, wide))


@pytest.mark.at_head
def test_modules_are_stacked() -> None:
    models = [normed() for _ in range(3)]
    for i, model in enumerate(models):
        model[1].running_mean.fill_(float(i))
        model.eval()
    params, buffers = dt.func.stack_module_state(models)
    assert list(params) == [name for name, _ in models[0].named_parameters()]
    assert list(buffers) == [name for name, _ in models[0].named_buffers()]
    assert params["2.weight"].shape == (3, 2, 4)
    assert params["2.weight"].is_leaf
    assert params["2.weight"].requires_grad
    assert buffers["1.running_mean"].tolist() == [[float(i)] * 4 for i in range(3)]
    assert not buffers["1.running_mean"].requires_grad
    x = dt.randn(5, 3)

    def call(params: dict[str, dt.Tensor], buffers: dict[str, dt.Tensor], x: dt.Tensor) -> dt.Tensor:
        return dt.func.functional_call(models[0], (params, buffers), x)

    found = dt.func.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    for i, model in enumerate(models):
        assert dt.allclose(found[i], model(x), rtol=1e-5, atol=1e-6)
    found.sum().backward()
    models[1](x).sum().backward()
    assert dt.allclose(params["0.weight"].grad[1], models[1][0].weight.grad, rtol=1e-4, atol=1e-5)
    with dt.no_grad():
        params["0.weight"].zero_()
    assert models[0][0].weight.abs().sum().item() > 0  # memory of its own


@pytest.mark.at_head
def test_stacked_modules_keep_requires_grad() -> None:
    models = [nn.Linear(2, 2), nn.Linear(2, 2)]
    for model in models:
        model.bias.requires_grad_(False)
    params, buffers = dt.func.stack_module_state(models)
    assert (params["weight"].requires_grad, params["bias"].requires_grad) == (True, False)
    assert buffers == {}
    models[1].bias.requires_grad_(True)
    with pytest.raises(RuntimeError, match=r"stack_module_state: bias must have the same requires_grad"):
        dt.func.stack_module_state(models)


@pytest.mark.at_head
def test_modules_that_do_not_stack() -> None:
    def stack(*models: object) -> None:
        dt.func.stack_module_state(models)

    with pytest.raises(RuntimeError, match=r"stack_module_state: expected at least one model"):
        stack()
    with pytest.raises(TypeError, match=r"stack_module_state: expected Modules, got int 3"):
        stack(nn.Linear(2, 2), 3)
    with pytest.raises(RuntimeError, match=r"one class, got Linear, Sequential"):
        stack(nn.Linear(2, 2), normed())
    with pytest.raises(RuntimeError, match=r"all be training or all not"):
        stack(nn.Linear(2, 2), nn.Linear(2, 2).eval())
    with pytest.raises(RuntimeError, match=r"2\.weight must have the same shape"):
        stack(normed(), normed(5))
    with pytest.raises(RuntimeError, match=r"weight must have the same dtype"):
        stack(nn.Linear(2, 2), nn.Linear(2, 2).double())
    with pytest.raises(RuntimeError, match=r"not every model has bias"):
        stack(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
