"""Sequential, lists and dicts of modules and parameters."""

from collections import OrderedDict

import pytest

import dovetail as dt
from dovetail import nn


def test_sequential():
    net = nn.Sequential(OrderedDict(a=nn.Linear(2, 3), b=nn.ReLU()))
    net.append(nn.Linear(3, 1)).extend([nn.Tanh()])
    assert len(net) == 4 and [n for n, _ in net.named_children()] == ["a", "b", "2", "3"]
    assert isinstance(net[-1], nn.Tanh) and isinstance(net[1:3], nn.Sequential) and len(net[1:3]) == 2
    net[0] = nn.Linear(4, 3)
    assert net(dt.zeros(5, 4)).shape == (5, 1)
    net.insert(0, nn.Identity())
    del net[-1]
    assert [type(m).__name__ for m in net] == ["Identity", "Linear", "ReLU", "Linear"]
    with pytest.raises(IndexError, match="^Sequential: index 9"):
        net[9]
    with pytest.raises(TypeError, match="must be a Module"):
        nn.Sequential(3)


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 1), nn.ReLU()])
    layers.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in layers] == ["Linear", "Tanh", "ReLU"]
    assert isinstance(layers.pop(), nn.ReLU) and len(layers) == 2
    layers[0] = nn.Sigmoid()
    assert isinstance(layers[-2], nn.Sigmoid) and isinstance(layers[:1], nn.ModuleList)
    assert len(layers + [nn.ReLU()]) == 3
    del layers[0]
    assert list(layers._modules) == ["0"]
    with pytest.raises(NotImplementedError):
        layers(1)


def test_module_dict():
    d = nn.ModuleDict({"a": nn.Linear(1, 1)})
    d.update([("b", nn.ReLU())])
    assert list(d) == ["a", "b"] == list(d.keys()) and "a" in d and len(d) == 2
    assert [n for n, _ in d.named_parameters()] == ["a.weight", "a.bias"]
    assert isinstance(d.pop("b"), nn.ReLU)
    del d["a"]
    assert len(d) == 0


def test_parameter_list_and_dict():
    ps = nn.ParameterList([dt.zeros(1), nn.Parameter(dt.ones(2))])
    ps.append(dt.ones(3))
    assert [tuple(p.shape) for p in ps] == [(1,), (2,), (3,)] and all(isinstance(p, nn.Parameter) for p in ps)
    assert len(list(ps.parameters())) == 3 and "(1): Parameter containing: [dovetail.float32 of size 2]" in repr(ps)
    ps[0] = dt.ones(4)
    assert tuple(ps[0].shape) == (4,) and len(ps[1:]) == 2
    d = nn.ParameterDict({"w": dt.zeros(2)})
    assert [n for n, _ in d.named_parameters()] == ["w"] and "w" in d
