"""Initial values, clipping, and parameters as one vector."""

import math

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn import init, utils


def drawn(fn, *args, **kwargs):
    dt.manual_seed(0)
    return fn(dt.empty(200, 100), *args, **kwargs)


def test_distributions():
    assert abs(drawn(init.uniform_, -2, 2).mean().item()) < 0.05
    assert abs(drawn(init.normal_, 1, 3).std().item() - 3) < 0.05
    bound = math.sqrt(6 / 300)
    assert 0.95 * bound < drawn(init.xavier_uniform_).abs().max().item() <= bound
    assert abs(drawn(init.xavier_normal_).std().item() / math.sqrt(2 / 300) - 1) < 0.05
    assert abs(drawn(init.kaiming_normal_, nonlinearity="relu").std().item() / math.sqrt(2 / 100) - 1) < 0.05
    bound = math.sqrt(3) * math.sqrt(2) / math.sqrt(200)
    assert 0.95 * bound < drawn(init.kaiming_uniform_, mode="fan_out").abs().max().item() <= bound * 1.001
    cut = drawn(init.trunc_normal_, std=2.0, a=-1.0, b=3.0)
    assert cut.min().item() >= -1 and cut.max().item() <= 3 and cut.std().item() < 2


def test_constants():
    x = dt.empty(2, 3, requires_grad=True)
    assert init.ones_(x) is x and x.sum().item() == 6 and x.is_leaf
    assert init.zeros_(x).sum().item() == 0 and init.constant_(x, 2).sum().item() == 12
    assert init.eye_(x).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_refusals():
    for make in (lambda: init.calculate_gain("x"), lambda: init.fans(dt.zeros(3)), lambda: init.eye_(dt.zeros(3)),
                 lambda: init.kaiming_uniform_(dt.zeros(2, 2), mode="x")):  # fmt: skip
        with pytest.raises(ValueError):
            make()


def test_clipping():
    net = nn.Linear(3, 2)
    net.weight.grad, net.bias.grad = dt.full((2, 3), 2.0), dt.full((2,), 1.0)
    total = utils.clip_grad_norm_(net.parameters(), 1.0)
    assert abs(total.item() - math.sqrt(26)) < 1e-5
    assert abs(utils.get_total_norm([p.grad for p in net.parameters()]).item() - 1) < 1e-4
    utils.clip_grad_value_(net.parameters(), 0.1)
    assert net.weight.grad.max().item() <= 0.1 + 1e-7
    assert utils.clip_grad_norm_(net.parameters(), 1.0, math.inf).item() == pytest.approx(0.1)
    net.bias.grad = dt.tensor([float("nan"), 0.0])
    with pytest.raises(RuntimeError, match="^clip_grad_norm_: .*nan"):
        utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)


def test_vectors():
    net = nn.Linear(3, 2)
    vector = utils.parameters_to_vector(net.parameters())
    assert vector.shape == (8,)
    utils.vector_to_parameters(dt.arange(8.0), net.parameters())
    assert net.weight.tolist() == [[0, 1, 2], [3, 4, 5]] and net.bias.tolist() == [6, 7]
    with pytest.raises(ValueError, match="expected a vector of 8"):
        utils.vector_to_parameters(dt.zeros(7), net.parameters())
