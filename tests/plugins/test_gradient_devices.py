"""The gradients that backward begins with are on their tensors' device."""

import pytest

import dovetail as dt


@pytest.mark.parametrize(("here", "there"), [("cpu", "reference"), ("reference", "cpu")])
def test_a_gradient_on_another_device_is_refused(here, there):
    x = dt.ones(3, device=here, requires_grad=True)
    y = x * 2
    with pytest.raises(RuntimeError, match=r"backward: Mismatch in device: grad_output\[0\] and output\[0\]"):
        y.backward(dt.ones(3, device=there))
    assert x.grad is None
    y.backward(dt.ones(3, device=here))
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    assert x.grad.device == x.device
