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


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_dirac_passes_channels_on(dims, groups):
    """A convolution with such a weight gives back the first channels of every group, and zeros for what is more."""
    weight = init.dirac_(dt.empty(6, 2, *[3] * dims, requires_grad=True), groups)
    x = dt.randn(1, 2 * groups, *[5] * dims)
    out = getattr(nn.functional, f"conv{dims}d")(x, weight, padding=1, groups=groups).detach()
    each = 6 // groups
    for group in range(groups):
        assert dt.equal(out[:, group * each : group * each + 2], x[:, group * 2 : group * 2 + 2])
        assert not out[:, group * each + 2 : (group + 1) * each].any()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (4, 2, 3), (2, 3, 3, 3), (0, 3)])
def test_orthogonal_rows_or_columns(shape):
    weight = init.orthogonal_(dt.empty(*shape, dtype=dt.float64, requires_grad=True), gain=2.0)
    flat = weight.detach().reshape(shape[0], math.prod(shape[1:]))
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert dt.allclose(product, 4 * dt.eye(product.shape[0], dtype=dt.float64), atol=1e-10)
    again = (init.orthogonal_(dt.empty(3, 3), generator=dt.Generator().manual_seed(1)) for _ in range(2))
    assert dt.equal(*again)
    with pytest.raises(ValueError, match="^orthogonal_: expected a tensor of at least 2 dims"):
        init.orthogonal_(dt.empty(3))


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.25, 2), (0.3, 3), (1.0, 8)])
def test_sparse_columns(sparsity, zeros):
    dt.manual_seed(0)
    weight = init.sparse_(dt.empty(8, 500, requires_grad=True), sparsity, std=0.5).detach()
    assert ((weight == 0).sum(0) == zeros).all()
    kept = weight[weight != 0]
    assert zeros == 8 or abs(kept.std().item() - 0.5) < 0.02
    assert zeros in (0, 8) or (weight == 0).any(1).all()  # not always the same rows
    for shape, fraction in (((3,), 0.5), ((3, 3), 1.5), ((3, 3), float("nan"))):
        with pytest.raises(ValueError, match="^sparse_: "):
            init.sparse_(dt.empty(*shape), fraction)


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
