"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.utils import functional_call


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("scale", dt.ones(1))

    def forward(self, x: dt.Tensor, times: float = 1.0) -> dt.Tensor:
        return self.b(self.a(x)) * self.scale * times


def test_other_tensors_are_used_and_given_back() -> None:
    module = Tied()
    before = module.a.weight
    x = dt.tensor([[1.0, 2.0]])
    eye = dt.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert functional_call(module, {"a.weight": 2 * eye}, x).tolist() == [[4.0, 8.0]]  # both, as they are one
    one = functional_call(module, {"a.weight": 2 * eye, "b.weight": eye}, x)
    assert one.tolist() == [[2.0, 4.0]]
    found = functional_call(module, [{"a.weight": eye}, {"scale": dt.tensor([3.0])}], (x,), {"times": 2.0}, strict=True)
    assert found.tolist() == [[6.0, 12.0]]
    assert module.a.weight is before
    assert module.b.weight is before
    assert module.scale.tolist() == [1.0]
    with pytest.raises(ValueError, match="7 inputs"):
        functional_call(module, {"a.weight": dt.ones(3, 7)}, x)
    assert module.a.weight is before


def test_what_is_refused() -> None:
    module = Tied()
    x = dt.ones(1, 2)
    with pytest.raises(RuntimeError, match=r"has no c.weight"):
        functional_call(module, {"c.weight": x}, x)
    with pytest.raises(RuntimeError, match="scale of Tied"):
        functional_call(module, {"a.weight": dt.ones(2, 2)}, x, strict=True)
    with pytest.raises(ValueError, match="several"):
        functional_call(module, [{"scale": x}, {"scale": x}], x)
    with pytest.raises(TypeError, match="must be a Tensor"):
        functional_call(module, {"scale": 1.0}, x)  # type: ignore[dict-item]
