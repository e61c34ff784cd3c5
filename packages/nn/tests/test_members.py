"""Where a module's attributes are found: the class, the instance, parameters, buffers and children, __getattr__."""

import copy
import pickle
from collections import OrderedDict

import pytest

import dovetail as dt
from dovetail import nn


class Whole(nn.Module):
    shadow = "of the class"

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(dt.ones(2))
        self.child = nn.Linear(2, 1)
        self.register_buffer("count", dt.zeros(1))
        self.register_parameter("none", None)
        self.plain = 3

    @property
    def doubled(self):
        return self.weight * 2

    @property
    def broken(self):
        return self.not_there


def test_what_is_registered_is_found():
    net = Whole()
    assert net.weight is net._parameters["weight"] and net.child is net._modules["child"]
    assert net.count is net._buffers["count"] and net.none is None and net.plain == 3
    assert net.doubled.tolist() == [2.0, 2.0] and net.shadow == "of the class"


def test_dicts_that_are_written_directly_count():
    net, other = Whole(), nn.Parameter(dt.zeros(2))
    net._parameters["weight"] = other
    assert net.weight is other
    net._parameters = OrderedDict(new=other)
    assert net.new is other and not hasattr(net, "weight")
    net.__dict__["plain"] = 4
    net.__dict__["new"] = "the instance comes first"
    assert net.plain == 4 and net.new == "the instance comes first"
    net._parameters["shadow"] = other
    assert net.shadow == "of the class"
    del net.child
    assert not hasattr(net, "child")


def test_dicts_with_a_lookup_of_their_own():
    class Doubling(dict):
        def __getitem__(self, name):
            return super().__getitem__(name) * 2

    net = Whole()
    net._parameters = Doubling(weight=dt.ones(2))
    assert net.weight.tolist() == [2.0, 2.0]


def test_what_is_missing():
    net = Whole()
    with pytest.raises(AttributeError, match="^'Whole' object has no attribute 'absent'$") as caught:
        _ = net.absent
    assert caught.value.name == "absent" and caught.value.obj is net
    with pytest.raises(AttributeError, match="'broken'"):  # a property's own error asks __getattr__ for the property
        _ = net.broken
    assert getattr(net, "absent", 5) == 5
    with pytest.raises(AttributeError, match="_parameters"):
        _ = Whole.__new__(Whole)._parameters


def test_a_getattr_of_its_own_is_asked():
    class Outer(Whole):
        def __getattr__(self, name):
            if name == "weight" and name in self._parameters:
                return "intercepted"
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(super().__getattr__("child"), name)

    class Below(Outer):
        pass

    for net in (Outer(), Below()):
        assert net.weight == "intercepted" and net.in_features == 2 and net.count.tolist() == [0.0]
        with pytest.raises(AttributeError, match="'Linear' object has no attribute 'absent'"):
            _ = net.absent


def test_a_getattribute_of_its_own_is_asked():
    class Logged(Whole):
        def __getattribute__(self, name):
            return "seen" if name == "other" else super().__getattribute__(name)

    net = Logged()
    net._parameters["other"] = net.weight
    assert net.other == "seen" and net.plain == 3 and net.weight.tolist() == [1.0, 1.0]


def test_a_getattr_that_comes_later(monkeypatch):
    class Later(Whole):
        pass

    class Below(Later):
        pass

    net, below = Later(), Below()
    Later.__getattr__ = lambda self, name: name
    assert net.weight == below.weight == "weight"
    del Later.__getattr__
    assert net.weight.tolist() == below.weight.tolist() == [1.0, 1.0]
    monkeypatch.setattr(nn.Module, "__getattr__", lambda self, name: "patched")
    assert net.weight == "patched"
    monkeypatch.undo()
    assert net.weight.tolist() == [1.0, 1.0]


def test_attributes_of_the_class_that_come_later():
    class Later(Whole):
        pass

    net = Later()
    assert net.weight.tolist() == [1.0, 1.0]
    Later.weight = property(lambda self: "a property")
    assert net.weight == "a property"
    del Later.weight
    assert net.weight.tolist() == [1.0, 1.0]


def test_copies_have_their_own():
    net = Whole()
    made = copy.deepcopy(net)
    assert made.weight is made._parameters["weight"] and made.weight is not net.weight
    assert made.child is made._modules["child"] and made.child is not net.child
    assert pickle.loads(pickle.dumps(nn.Sequential(nn.Tanh())))[0].training
