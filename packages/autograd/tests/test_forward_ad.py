"""forward_ad: tensors that carry a tangent."""

from __future__ import annotations

import pytest

import dovetail as dt
import dovetail.autograd.forward_ad as fwAD
from dovetail.autograd import _engine
from dovetail.autograd.func import grad, jvp, vmap


def values(*numbers: float) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dt.float64)


def test_tangents_travel() -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(values(1.0, 2.0), values(1.0, 10.0))
        y = (x * x).sum() + values(5.0)
        primal, tangent = fwAD.unpack_dual(y)
        assert (primal.tolist(), tangent.tolist()) == ([10.0], [42.0])
        assert fwAD.unpack_dual(primal).tangent is None
        x2 = fwAD.make_dual(values(1.0), values(3.0))
        x2.add_(1)
        assert fwAD.unpack_dual(x2 * x2).tangent.tolist() == [12.0]
    assert not _engine.any_level()
    assert (y * 2).tolist() == [20.0]  # a plain tensor again


def test_with_transforms_inside_and_ordinary_gradients_below() -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(values(2.0), values(1.0))
        slope = grad(lambda t: (t**3 * x).sum())(x)  # 3 t^2 x with x a constant: its rate is 9 x^2
        assert fwAD.unpack_dual(slope).tangent.tolist() == [36.0]
        assert jvp(lambda t: t * x, (x,), (values(1.0),))[1].tolist() == [2.0]
        assert fwAD.unpack_dual(vmap(lambda t: t * t)(x)).tangent.tolist() == [4.0]
        leaf = values(3.0).requires_grad_()
        rate = fwAD.unpack_dual(leaf * leaf * x).tangent
    rate.backward()
    assert leaf.grad.tolist() == [6.0]


def test_what_is_refused() -> None:
    with pytest.raises(RuntimeError, match="dual_level"):
        fwAD.make_dual(values(1.0), values(1.0))
    assert fwAD.unpack_dual(values(1.0)).tangent is None
    with pytest.raises(RuntimeError, match="not entered"):
        fwAD.exit_dual_level()
    with fwAD.dual_level():
        with pytest.raises(RuntimeError, match="Nested"), fwAD.dual_level():
            pass
        with pytest.raises(RuntimeError, match="shape"):
            fwAD.make_dual(values(1.0), values(1.0, 2.0))
        with pytest.raises(RuntimeError, match="dtype"):
            fwAD.make_dual(values(1.0), dt.tensor([1.0]))
        with pytest.raises(ValueError, match="floating"):
            fwAD.make_dual(dt.tensor([1]), dt.tensor([1]))
    with pytest.raises(ZeroDivisionError), fwAD.dual_level():
        _ = 1 / 0
    assert not _engine.any_level()
