"""Host ops: a CPU library's work, for tensors of every device."""

import numpy as np
import pytest

import dovetail as dt
from dovetail.ops import op

DEVICES = ["cpu", "reference", "cedar:1"]


@op("host_sorted(Tensor self, *, bool descending=False) -> (Tensor values, Tensor indices)", host=True, out=True)
def host_sorted(self, descending):
    """The elements of a vector in order, and where they were."""
    assert isinstance(self, np.ndarray)
    order = np.argsort(-self if descending else self)
    return self[order], order


@op("host_total(Tensor[] tensors, Tensor? weight=None) -> Tensor", host=True, non_differentiable=True)
def host_total(tensors, weight):
    """The sum of everything."""
    return sum(each.sum() for each in tensors) * (1 if weight is None else weight)


@dt.autograd.register_vjp("host_sorted", saves=("indices",))
def host_sorted_vjp(context, values, indices):
    return dt.zeros_like(values).scatter(0, context.outputs[1], values)


@pytest.mark.parametrize("device", DEVICES)
def test_results_come_back_to_the_device(device):
    x = dt.tensor([3.0, 1.0, 2.0], device=device)
    values, indices = host_sorted(x, descending=True)
    assert values.device == indices.device == x.device
    assert (values.tolist(), indices.tolist()) == ([3.0, 2.0, 1.0], [0, 2, 1])
    total = host_total([x, x[1:]], x[0])
    assert total.device == x.device
    assert total.shape == () and total.item() == 27.0


@pytest.mark.parametrize("device", DEVICES)
def test_destinations_and_strides(device):
    x = dt.tensor([[3.0, 0.0], [1.0, 0.0]], device=device)[:, 0]
    values, indices = dt.empty(2, device=device), dt.empty(2, dtype=dt.int64, device=device)
    host_sorted(x, out=(values, indices))
    assert (values.tolist(), indices.tolist()) == ([1.0, 3.0], [1, 0])


@pytest.mark.parametrize("device", DEVICES)
def test_the_derivative_is_a_rule(device):
    x = dt.tensor([3.0, 1.0, 2.0], device=device, requires_grad=True)
    (host_sorted(x).values * dt.tensor([1.0, 10.0, 100.0], device=device)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]
    assert not host_total([x]).requires_grad


def test_it_has_no_decomposition():
    assert host_sorted.host and not host_sorted.decomposes
    with pytest.raises(RuntimeError, match="host_sorted.decompose: this op is primitive"):
        host_sorted.decompose(dt.ones(2))


def test_it_writes_into_nothing():
    with pytest.raises(ValueError, match="^host_writes: a host op does not write into its arguments"):
        op("host_writes(Tensor(a!) self) -> ()", host=True)(lambda self: None)


@pytest.mark.parametrize("device", DEVICES)
def test_what_the_function_raises_comes_out(device):
    with pytest.raises(np.exceptions.AxisError):

        @op("host_broken(Tensor self) -> Tensor", host=True)
        def host_broken(self):
            """Never."""
            return np.sum(self, axis=7)

        host_broken(dt.ones(2, device=device))


def test_the_default_device_is_not_the_hosts():
    x = dt.ones(64, 1024, device="cpu")
    dt.set_default_device("reference")
    try:
        spectrum = dt.fft.rfft(x)
    finally:
        dt.set_default_device(None)
    assert spectrum.device == x.device
    assert spectrum.real[:, 0].tolist() == [1024.0] * 64
