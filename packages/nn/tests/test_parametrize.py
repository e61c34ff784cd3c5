"""Parametrizations: registering, assigning, caching, copying, removing; and the older norms, fusion, pruning."""

import copy
import pickle

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.utils import parametrizations, parametrize, prune


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, a):
        return a.triu()


class Square(nn.Module):
    def forward(self, x):
        return x * x


def test_register_assign_remove():
    layer = nn.Linear(3, 3)
    original = layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert type(layer).__name__ == "ParametrizedLinear" and parametrize.type_before_parametrizations(layer) is nn.Linear
    assert layer.parametrizations.weight.original is original and parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert [n for n, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    layer(dt.ones(2, 3)).sum().backward()
    assert original.grad is not None
    a = dt.randn(3, 3)
    layer.weight = a + a.T
    assert dt.allclose(layer.weight, a + a.T)
    value = layer.weight.detach()
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and layer.weight is original and dt.equal(layer.weight, value)


def test_several_in_a_row():
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Symmetric())
    parametrize.register_parametrization(layer, "weight", Square())
    assert dt.allclose(layer.weight, (before.triu() + before.triu(1).T) ** 2)
    with pytest.raises(RuntimeError, match="^Square: it defines no right_inverse"):
        layer.weight = before
    with pytest.raises(ValueError, match="^register_parametrization: a parametrization must not change shape"):
        parametrize.register_parametrization(layer, "weight", nn.Flatten(0))
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert dt.equal(layer.weight, before.triu())


def test_cache_and_copies():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    assert layer.weight is not layer.weight
    with parametrize.cached():
        assert layer.weight is layer.weight
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert dt.equal(twin.weight, layer.weight) and parametrize.is_parametrized(twin)
    with pytest.raises(RuntimeError, match="^ParametrizedLinear: a parametrized module can't be pickled"):
        pickle.dumps(twin)
    other = parametrize.transfer_parametrizations_and_params(twin, nn.Linear(2, 2))
    assert dt.equal(other.weight, twin.weight)
    with pytest.raises(ValueError, match="has 2 originals"):
        parametrize.remove_parametrizations(twin, "weight", leave_parametrized=False)


def test_refusals():
    with pytest.raises(ValueError, match="^register_parametrization: Linear has no parameter or buffer named 'x'"):
        parametrize.register_parametrization(nn.Linear(2, 2), "x", Square())
    with pytest.raises(ValueError, match="must not change shape or dtype"):
        parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.Flatten(0))
    with pytest.raises(ValueError, match="^remove_parametrizations: 'weight' of Linear is not parametrized"):
        parametrize.remove_parametrizations(nn.Linear(2, 2), "weight")
    with pytest.raises(ValueError, match="^orthogonal: orthogonal_map must be one of"):
        parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="x")


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("how", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("base", [True, False])
def test_orthogonal_stays_orthogonal(shape, how, base):
    layer = nn.Linear(*shape).double()
    parametrizations.orthogonal(layer, orthogonal_map=how, use_trivialization=base)
    for _ in range(3):
        w = layer.weight if layer.weight.shape[0] >= layer.weight.shape[1] else layer.weight.T
        assert dt.allclose(w.T @ w, dt.eye(w.shape[1], dtype=dt.float64), atol=1e-10)
        layer(dt.ones(1, shape[0], dtype=dt.float64)).square().sum().backward()
        for p in layer.parametrizations.parameters():
            p.data = p.data - 0.1 * p.grad


def test_spectral_norm_is_one():
    layer = parametrizations.spectral_norm(nn.Linear(6, 4), n_power_iterations=30)
    assert dt.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, rel=1e-3)
    old = nn.utils.spectral_norm(nn.Linear(6, 4), n_power_iterations=30)
    old(dt.ones(1, 6))
    assert dt.linalg.matrix_norm(old.weight, 2).item() == pytest.approx(1, rel=1e-3)
    with pytest.raises(RuntimeError, match="has it already"):
        nn.utils.spectral_norm(old, "weight")
    with pytest.raises(ValueError, match="^remove_weight_norm"):
        nn.utils.remove_weight_norm(old)


def test_pruning():
    layer = nn.Linear(4, 3)
    prune.random_unstructured(layer, "weight", 0.5)
    assert int((layer.weight == 0).sum()) == 6
    kept = layer.weight_mask.clone()
    prune.random_unstructured(layer, "weight", 2)
    assert int((layer.weight == 0).sum()) == 8 and bool((layer.weight_mask <= kept).all())
    layer(dt.ones(1, 4)).sum().backward()
    assert bool(((layer.weight_orig.grad == 0) == (layer.weight_mask == 0)).all())
    orig = layer.weight_orig
    assert prune.is_pruned(nn.Sequential(layer))
    assert sorted(layer.state_dict()) == [
        "bias",
        "weight_mask",
        "weight_orig",
    ]
    prune.remove(layer, "weight")
    assert layer.weight is orig and int((layer.weight == 0).sum()) == 8 and not prune.is_pruned(layer)
    prune.random_structured(layer, "weight", 1, dim=0)
    assert int((layer.weight.abs().sum(1) == 0).sum()) >= 1
    for amount, error in ((-1, ValueError), (1.5, ValueError), ("x", TypeError), (99, ValueError)):
        with pytest.raises(error, match="amount"):
            prune.l1_unstructured(nn.Linear(2, 2), "weight", amount)
    with pytest.raises(ValueError, match="is not pruned"):
        prune.remove(nn.Linear(2, 2), "weight")


def test_fusion_needs_evaluation_mode():
    with pytest.raises(ValueError, match="^fuse_conv_bn_eval: both layers must be in evaluation mode"):
        nn.utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))


def test_skip_init():
    dt.manual_seed(1)
    before = dt.get_rng_state()
    layer = nn.utils.skip_init(nn.Linear, 3, 2)
    assert layer.weight.shape == (2, 3) and dt.equal(dt.get_rng_state(), before)
    with pytest.raises(RuntimeError, match="^skip_init: ReLU must take a device"):
        nn.utils.skip_init(nn.ReLU)
