"""Functions: operations whose forward and backward are Python."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import Function, once_differentiable


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), dtype=dt.float64, requires_grad=True)


class Exp(Function):
    @staticmethod
    def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
        (result,) = ctx.saved_tensors
        return gradient * result


class Scale(Function):
    """With setup_context, attributes and an argument that is no tensor."""

    @staticmethod
    def forward(x: dt.Tensor, factor: float, w: dt.Tensor) -> dt.Tensor:
        return x * factor * w

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: dt.Tensor) -> None:
        x, ctx.factor, w = inputs
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx: Any, gradient: dt.Tensor) -> tuple[Any, ...]:
        x, w = ctx.saved_tensors
        assert ctx.needs_input_grad[1] is False
        return (
            gradient * ctx.factor * w if ctx.needs_input_grad[0] else None,
            None,
            gradient * ctx.factor * x if ctx.needs_input_grad[2] else None,
        )


def test_both_styles() -> None:
    assert dt.autograd.gradcheck(Exp.apply, leaf(0.5, 1.0))
    assert dt.autograd.gradgradcheck(Exp.apply, leaf(0.5, 1.0))
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert dt.autograd.gradcheck(lambda a, b: Scale.apply(a, 2.5, b), (x, w))
    assert dt.autograd.gradgradcheck(lambda a, b: Scale.apply(a, 2.5, b), (x, w))
    Scale.apply(x, 2.0, w.detach()).sum().backward()
    assert x.grad.tolist() == [6.0, 8.0]


def test_the_node() -> None:
    y = Exp.apply(leaf(1.0))
    assert y.grad_fn.name() == "ExpBackward"
    assert y.grad_fn.next_functions[0][0].name() == "AccumulateGrad"
    assert y.grad_fn.saved_tensors[0].tolist() == y.tolist()
    assert y.grad_fn.needs_input_grad == (True,)


def test_without_gradients_nothing_is_recorded() -> None:
    assert not Exp.apply(dt.zeros(1)).requires_grad
    with dt.no_grad():
        assert not Exp.apply(leaf(1.0)).requires_grad


def test_forward_is_not_recorded() -> None:
    class Look(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            assert not dt.is_grad_enabled()
            return (x * 2).exp()

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            return gradient * 0

    y = Look.apply(leaf(1.0))
    assert y.grad_fn.name() == "LookBackward"


def test_several_results() -> None:
    class SinCos(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> tuple[Any, ...]:
            ctx.save_for_backward(x)
            places = dt.arange(x.numel())
            sign = x.sign()
            ctx.mark_non_differentiable(sign)
            return x.sin(), x.cos(), places, "text", sign

        @staticmethod
        def backward(ctx: Any, s: Any, c: Any, places: Any, text: Any, sign: Any) -> dt.Tensor:
            assert text is None
            (x,) = ctx.saved_tensors
            return s * x.cos() - c * x.sin()

    x = leaf(0.3, 0.6)
    sin, cos, places, text, sign = SinCos.apply(x)
    assert text == "text"
    assert not places.requires_grad
    assert not sign.requires_grad
    assert (sin.output_nr, cos.output_nr) == (0, 1)
    assert dt.autograd.gradcheck(lambda t: SinCos.apply(t)[:2], x)
    cos.sum().backward()  # sin got no gradient: backward sees zeros
    assert x.grad.tolist() == pytest.approx((-x.detach().sin()).tolist())


def test_gradients_that_did_not_arrive() -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> tuple[dt.Tensor, dt.Tensor]:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> dt.Tensor:
            assert a is None
            return b * 3

    x = leaf(1.0)
    Two.apply(x)[1].sum().backward()
    assert x.grad.tolist() == [3.0]


def test_an_argument_returned_as_it_is() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            return gradient * 7

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    assert x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [7.0]
    with pytest.raises(RuntimeError, match="custom Function that returns a view"):
        Same.apply(x * 1).mul_(2)


# ---- writing in place -----------------------------------------------------------------------------------------


class Double_(Function):
    @staticmethod
    def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
        return gradient * 2


def test_mark_dirty() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    assert Double_.apply(y) is y
    assert y.grad_fn.name() == "Double_Backward"
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_mark_dirty_on_a_view() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    Double_.apply(y[:1])
    assert y.grad_fn.name() == "CopySlices"
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 3.0]


def test_mark_dirty_is_checked() -> None:
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        Double_.apply(leaf(1.0))

    class Forgets(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.mark_dirty(x)
            return x * 1

    with pytest.raises(RuntimeError, match="not returned as output"):
        Forgets.apply(leaf(1.0) * 1)


# ---- saved tensors --------------------------------------------------------------------------------------------


def test_saved_tensors_are_guarded() -> None:
    x = leaf(1.0)
    y = Exp.apply(x)
    z = (y * 1).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_saved_tensors_are_freed() -> None:
    y = Exp.apply(leaf(1.0))
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="already been freed"):
        _ = y.grad_fn.saved_tensors


def test_saving_what_is_no_tensor() -> None:
    class Saves(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(x, None)
            ctx.bad = 3
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            _, nothing = ctx.saved_tensors
            assert nothing is None
            return gradient * 2

    x = leaf(1.0)
    Saves.apply(x).backward()
    assert x.grad.tolist() == [2.0]

    class Wrong(Saves):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(3)
            return x * 2

    with pytest.raises(TypeError, match="save_for_backward can only save"):
        Wrong.apply(x)


def test_a_saved_result_returned_as_gradient_is_not_kept() -> None:
    class Odd(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            y = x * 2
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            return ctx.saved_tensors[0]

    x = leaf(3.0)
    y = Odd.apply(x)
    y.backward()
    x.grad.zero_()
    assert y.tolist() == [6.0]


# ---- what is refused ------------------------------------------------------------------------------------------


def function_returning(value: Any) -> type[Function]:
    class Returns(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor, factor: float) -> dt.Tensor:
            return x * factor

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> Any:
            return value

    return Returns


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (dt.ones(1), RuntimeError, r"incorrect number of gradients \(expected 2, got 1\)"),
        ((dt.ones(1), dt.ones(1)), RuntimeError, "gradient different from None at position 2"),
        ((3.0, None), TypeError, "must return a Tensor or None"),
        ((dt.ones(3), None), RuntimeError, "invalid gradient at index 0"),
    ],
)
def test_what_backward_returns_is_checked(value: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        function_returning(value).apply(leaf(1.0, 2.0), 2.0).sum().backward()


def test_more_gradients_are_allowed_if_none() -> None:
    x = leaf(1.0)
    function_returning((dt.ones(1, dtype=dt.float64), None, None)).apply(x, 2.0).backward()
    assert x.grad.tolist() == [1.0]


def test_missing_methods() -> None:
    class Bare(Function):
        pass

    with pytest.raises(NotImplementedError, match="forward"):
        Bare.apply(leaf(1.0))

    class NoBackward(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 2

    with pytest.raises(NotImplementedError, match="either the backward or vjp method"):
        NoBackward.apply(leaf(1.0)).backward()
    with pytest.raises(RuntimeError, match="not instantiated"):
        NoBackward()


def test_vjp_is_backward() -> None:
    class ByVjp(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def vjp(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            return gradient * 2

    x = leaf(1.0)
    ByVjp.apply(x).backward()
    assert x.grad.tolist() == [2.0]

    class Both(ByVjp):
        backward = ByVjp.vjp

    with pytest.raises(RuntimeError, match="Implementing both"):
        Both.apply(x).backward()


def test_exceptions_come_through_unchanged() -> None:
    class Complaint(Exception):
        pass

    complaint = Complaint("no")

    class Raises(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            raise complaint

    with pytest.raises(Complaint) as caught:
        (Raises.apply(leaf(1.0)) * 2).sum().backward()
    assert caught.value is complaint


def test_once_differentiable() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * 2 * x

    x = leaf(3.0)
    (g,) = dt.autograd.grad(Once.apply(x), x)
    assert g.tolist() == [6.0]
    y = Once.apply(x * x)
    (g,) = dt.autograd.grad(y, x, dt.ones(1, dtype=dt.float64, requires_grad=True), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


# ---- backward inside backward ---------------------------------------------------------------------------------


def test_backward_inside_backward() -> None:
    class Inner(Function):
        """Computes its gradient by running a graph of its own."""

        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            with dt.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.y = ctx.x**3
            return ctx.y.detach()

        @staticmethod
        def backward(ctx: Any, gradient: dt.Tensor) -> dt.Tensor:
            ctx.y.backward(gradient, retain_graph=True)
            found, ctx.x.grad = ctx.x.grad, None
            return found

    x = leaf(2.0)
    y = x
    for _ in range(3):
        y = Inner.apply(y)
    y.backward()
    assert x.grad.item() == pytest.approx(27 * 2.0**26)


def test_backward_of_the_same_graph_inside_a_hook() -> None:
    x = leaf(2.0)
    y = x * x
    z = (y * 3).sum()
    inner = []

    def again(g: dt.Tensor) -> None:
        if not inner:
            inner.append(None)
            inner[0] = dt.autograd.grad(z, x, retain_graph=True)[0].item()

    y.register_hook(again)
    z.backward(retain_graph=True)
    assert inner == [12.0]
    assert x.grad.tolist() == [12.0]
