"""gradcheck finds wrong derivatives, and says where."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import Function, GradcheckError, gradcheck, gradgradcheck


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), dtype=dt.float64, requires_grad=True)


def wrong(factor: float) -> type[Function]:
    class Square(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            (x,) = ctx.saved_tensors
            return g * x * factor

    return Square


def test_right_and_wrong() -> None:
    x = leaf(1.0, 2.0, 3.0)
    assert gradcheck(wrong(2.0).apply, x)
    assert not gradcheck(wrong(2.1).apply, x, raise_exception=False)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(wrong(2.1).apply, x)
    for words in (
        "output 0 with respect to input 0",
        "3 of 9 entries differ",
        "output element 2 by input element 2",
        "numerical: 6.0",
        "analytical: 6.3",
        "numerical Jacobian",
    ):
        assert words in str(caught.value)


def test_several_inputs_and_outputs() -> None:
    def function(x: dt.Tensor, name: str, y: dt.Tensor) -> tuple[dt.Tensor, ...]:
        return x * y, x.sum(), (x > 0)

    assert gradcheck(function, (leaf(1.0, 2.0), "text", leaf(3.0, 4.0)))


def test_an_output_that_depends_on_nothing() -> None:
    assert gradcheck(lambda x: (x * 2, dt.ones(2, dtype=dt.float64)), leaf(1.0, 2.0))


@pytest.mark.parametrize("layout", ["transposed", "strided", "expanded"])
def test_layouts(layout: str) -> None:
    base = dt.rand((4, 6), dtype=dt.float64)
    x = {"transposed": base.t(), "strided": base[:, ::2], "expanded": base[:1].expand(3, 6)}[layout]
    x = x.detach().requires_grad_()
    assert gradcheck(lambda t: t.sin() * t, x)
    assert gradgradcheck(lambda t: t.sin() * t, x)


def test_a_derivative_that_is_not_linear() -> None:
    class Clipped(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            return g.clamp(-1, 1)

    with pytest.raises(GradcheckError, match="not linear"):
        gradcheck(Clipped.apply, leaf(1.0))


def test_second_order() -> None:
    class Once(Function):
        """Its backward is right, but not recorded."""

        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            (x,) = ctx.saved_tensors
            return g * 3 * x.detach() ** 2

    x = leaf(1.0, 2.0)
    assert gradcheck(Once.apply, x)
    assert gradgradcheck(lambda t: t**3, x)
    assert gradgradcheck(lambda t: t**3, x, dt.tensor([1.0, 2.0], dtype=dt.float64, requires_grad=True))
    with pytest.raises(GradcheckError):
        gradgradcheck(Once.apply, x)


def test_what_can_not_be_checked() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(dt.exp, dt.ones(1, dtype=dt.float64))
    with pytest.raises(ValueError, match="need float64"):
        gradcheck(dt.exp, dt.ones(1, requires_grad=True))
    with pytest.raises(ValueError, match="no output"):
        gradcheck(lambda t: t.detach(), leaf(1.0))


def test_inputs_are_left_as_they_were() -> None:
    x = leaf(1.0, 2.0)
    gradcheck(lambda t: t * t, x)
    assert x.tolist() == [1.0, 2.0]
    assert x.grad is None
    assert x._version == 0
