"""Tensors that are given no device are made where the thread says; those made of others stay with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

import pytest

import dovetail as dt

DEVICE = "reference"

MADE: dict[str, Callable[[], dt.Tensor]] = {
    "zeros": lambda: dt.zeros(2),
    "empty": lambda: dt.empty(2),
    "full": lambda: dt.full((2,), 3),
    "arange": lambda: dt.arange(3),
    "linspace": lambda: dt.linspace(0, 1, 3),
    "eye": lambda: dt.eye(2),
    "tril_indices": lambda: dt.tril_indices(2, 2),
    "rand": lambda: dt.rand(2),
    "randint": lambda: dt.randint(3, (2,)),
    "randperm": lambda: dt.randperm(3),
    "normal": lambda: dt.normal(0.0, 1.0, (2,)),
    "tensor": lambda: dt.tensor([1, 2]),
    "as_tensor": lambda: dt.as_tensor([1.0]),
    "scalar_tensor": lambda: dt.scalar_tensor(1.0),
    "empty_strided": lambda: dt.empty_strided((2,), (1,)),
    "with a number": lambda: dt.ones(2) + 1,
}

C = dt.tensor([[1.0, 2.0], [4.0, 3.0]])
KEPT: dict[str, Callable[[], dt.Tensor]] = {
    "given": lambda: dt.zeros(2, device="cpu"),
    "like": lambda: dt.rand_like(C),
    "new": lambda: C.new_zeros(2),
    "computed": lambda: (C * 2 + 1).softmax(0),
    "cov": lambda: dt.cov(C),
    "histc": lambda: dt.histc(C, 3),
    "histogram": lambda: dt.histogram(C, 3).hist,
    "gradient": lambda: dt.gradient(C)[0],
    "multinomial": lambda: dt.multinomial(C, 1),
    "dropout": lambda: dt.dropout(C),
    "combinations": lambda: dt.combinations(C[0]),
    "from_numpy": lambda: dt.from_numpy(C.numpy()),
    "frombuffer": lambda: dt.frombuffer(bytearray(8), dtype=dt.float32),
}


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    dt.set_default_device(None)


@pytest.mark.parametrize("name", MADE)
def test_made_there(name: str) -> None:
    with dt.device(DEVICE):
        assert MADE[name]().device.type == DEVICE
    assert MADE[name]().device.type == "cpu"
    dt.set_default_device(DEVICE)
    assert MADE[name]().device.type == dt.get_default_device().type == DEVICE


@pytest.mark.parametrize("name", KEPT)
def test_stays_with_what_it_is_made_of(name: str) -> None:
    with dt.device(DEVICE):
        assert KEPT[name]().device.type == "cpu"


def test_with_nests_and_ends_after_errors() -> None:
    with dt.device(DEVICE), dt.device("cpu"):
        assert dt.zeros(1).device.type == "cpu"
    with pytest.raises(KeyError), dt.device(DEVICE):
        raise KeyError
    assert dt.get_default_device().type == "cpu"


def test_each_thread_has_its_own() -> None:
    seen = []
    with dt.device(DEVICE):
        thread = Thread(target=lambda: seen.append(dt.zeros(1).device.type))
        thread.start()
        thread.join()
    assert seen == ["cpu"]
