"""What autograd does with modules: checkpoints, batch norms under vmap, tied parameters."""

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.func import replace_all_batch_norm_modules_, vmap
from dovetail.utils.checkpoint import checkpoint, checkpoint_sequential

both_ways = pytest.mark.parametrize("use_reentrant", [False, True])


@both_ways
def test_several_outputs_and_parameters(use_reentrant):
    layer = nn.Linear(2, 2)
    x = dt.ones(1, 2, requires_grad=True)
    a, b = checkpoint(lambda t: (layer(t), t.exp()), x, use_reentrant=use_reentrant)
    (a.sum() + b.sum()).backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert dt.allclose(x.grad, layer.weight.detach().sum(0) + dt.e)


@both_ways
@pytest.mark.parametrize("segments", [1, 2, 3, 5, 7])
def test_sequential(use_reentrant, segments):
    x = dt.tensor([0.5, 0.7], dtype=dt.float64, requires_grad=True)
    steps = nn.Sequential(*[nn.Tanh() for _ in range(5)])
    expected = x.detach().requires_grad_()
    steps(expected).sum().backward()
    checkpoint_sequential(steps, segments, x, use_reentrant=use_reentrant).sum().backward()
    assert dt.allclose(x.grad, expected.grad)


def test_batch_norms_without_statistics_can_be_mapped():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert replace_all_batch_norm_modules_(net) is net
    assert net[1].running_var is None
    assert "1.running_mean" not in net.state_dict()
    params = dict(net.named_parameters())
    batches = dt.randn(4, 5, 2)
    together = vmap(lambda x: dt.func.functional_call(net, params, x))(batches)
    assert dt.allclose(together, dt.stack([net(x) for x in batches.unbind()]), atol=1e-5)
    with pytest.raises(TypeError, match="replace_all_batch_norm_modules_: expected a Module, got int 3"):
        replace_all_batch_norm_modules_(3)


def test_tied_parameters_are_given_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: dt.Tensor) -> dt.Tensor:
            return self.a(x) + self.b(x)

    net, x = Tied(), dt.tensor([1.0, 2.0])
    both = {"a.weight": dt.eye(2), "b.weight": dt.ones(2, 2)}
    assert dt.func.functional_call(net, {"a.weight": dt.eye(2)}, x).tolist() == [2.0, 4.0]
    assert dt.func.functional_call(net, both, x, tie_weights=False).tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match=r"a.weight and b.weight are one tensor of the module, and are given two"):
        dt.func.functional_call(net, both, x)
    with pytest.raises(TypeError, match="parameter_and_buffer_dicts must be a dict or several, got int 3"):
        dt.func.functional_call(net, 3, x)


def test_python_functions_of_elements_and_subclasses_beside_gradients():
    x = dt.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="^apply_: the tensor requires gradients"):
        x.apply_(abs)
    with pytest.raises(RuntimeError, match="^map_: tensor requires gradients"):
        dt.ones(2).map_(x, max)
    with pytest.raises(RuntimeError, match="^set_: the shape of a tensor that requires gradients"):
        x.set_(dt.ones(3))

    class Named(dt.Tensor):
        pass

    (x * 3).as_subclass(Named).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [3.0, 3.0]
    assert dt.ones(2).prelu(dt.tensor([0.5])).tolist() == dt.ones(2).hardshrink().tolist() == [1.0, 1.0]
    assert dt.selu(x).tolist() == dt.nn.functional.selu(x).tolist()
