"""An error says in which module of the model it happened."""

import pytest

import dovetail as dt
from dovetail import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Linear(3, 4)) for _ in range(2))

    def forward(self, x):
        return self.layers[1](x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()

    def forward(self, x):
        return self.encoder(x)


def test_path_and_class_come_first():
    with pytest.raises(ValueError, match=r"^Net\.encoder\.layers\.1\.1 \(Linear\): the last dim of input must match"):
        Net()(dt.ones(2, 4))


def test_an_op_in_a_forward_keeps_its_name():
    class Product(nn.Module):
        def forward(self, x):
            return x @ x

    with pytest.raises(ValueError, match=r"^Sequential\.0 \(Product\): matmul: "):
        nn.Sequential(Product())(dt.ones(2, 3))


@pytest.mark.parametrize("error", [KeyError("gone"), ValueError("mine"), ZeroDivisionError()])
def test_errors_of_others_keep_their_words(error):
    class Fails(nn.Module):
        def forward(self, x):
            raise error

    with pytest.raises(type(error)) as caught:
        nn.Sequential(nn.Sequential(Fails()))(dt.ones(1))
    assert caught.value is error and caught.value.__notes__ == ["in Sequential.0.0 (Fails)"]
    del error.__notes__, error._module_place


def test_a_module_alone_is_as_before():
    with pytest.raises(ValueError, match=r"^linear: the last dim"):
        nn.Linear(3, 4)(dt.ones(2, 2))


def test_with_hooks_and_unregistered_modules():
    hidden = [nn.Linear(3, 4)]

    class Hides(nn.Module):
        def forward(self, x):
            return hidden[0](x)

    net = nn.Sequential(Hides())
    net.register_forward_hook(lambda *args: None)
    with pytest.raises(ValueError, match=r"^linear: the last dim"):
        net(dt.ones(2, 2))
