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
    with pytest.raises(ValueError, match="need float64 or complex128"):
        gradcheck(dt.exp, dt.ones(1, requires_grad=True))
    with pytest.raises(ValueError, match="no output"):
        gradcheck(lambda t: t.detach(), leaf(1.0))


def test_inputs_are_left_as_they_were() -> None:
    x = leaf(1.0, 2.0)
    gradcheck(lambda t: t * t, x)
    assert x.tolist() == [1.0, 2.0]
    assert x.grad is None
    assert x._version == 0


# ---- the modes ---------------------------------------------------------------------------------------------


class Twisted(Function):
    """A square whose forward derivative is wrong, and whose backward is right."""

    @staticmethod
    def forward(x: dt.Tensor) -> dt.Tensor:
        return x * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
        (x,) = ctx.saved_tensors
        return g * 2 * x

    @staticmethod
    def jvp(ctx: Any, t: dt.Tensor) -> dt.Tensor:
        (x,) = ctx.saved_tensors
        return t * 3 * x


def test_forward_mode() -> None:
    x = leaf(1.0, 2.0)
    assert gradcheck(Twisted.apply, x)
    for fast in (False, True):
        assert gradcheck(dt.tanh, x, check_forward_ad=True, check_backward_ad=False, fast_mode=fast)
        with pytest.raises(GradcheckError, match="in forward mode"):
            gradcheck(Twisted.apply, x, check_forward_ad=True, fast_mode=fast)


def test_fast_mode() -> None:
    x, y = leaf(1.0, 2.0, 3.0), leaf(0.5, -1.0, 4.0)
    assert gradcheck(lambda a, b: (a * b, dt.sin(a)), (x, y), fast_mode=True)
    assert gradgradcheck(lambda a, b: a * a * b, (x, y), fast_mode=True, check_fwd_over_rev=True)
    with pytest.raises(GradcheckError, match="along one direction"):
        gradcheck(wrong(2.1).apply, x, fast_mode=True)


def test_fast_mode_calls_little() -> None:
    calls = 0

    def counted(t: dt.Tensor) -> dt.Tensor:
        nonlocal calls
        calls += 1
        return t.sin()

    assert gradcheck(counted, dt.rand(500, dtype=dt.float64, requires_grad=True), fast_mode=True)
    assert calls <= 4


@pytest.mark.parametrize("fast", [False, True])
def test_complex(fast: bool) -> None:
    z = dt.tensor([1 + 2j, -0.5j], dtype=dt.complex128, requires_grad=True)
    for function in (dt.exp, dt.abs, lambda t: (t * t.conj()).real, lambda t: t.conj() * 2j):
        assert gradcheck(function, z, check_forward_ad=True, fast_mode=fast)
        assert gradgradcheck(function, z, check_fwd_over_rev=True, fast_mode=fast)
    assert gradcheck(lambda x: dt.complex(x, x * x), leaf(1.0, 2.0), fast_mode=fast)


def test_a_complex_gradient_without_its_conjugate() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx: Any, z: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            (z,) = ctx.saved_tensors
            return g * 2 * z

    z = dt.tensor([1 + 2j], dtype=dt.complex128, requires_grad=True)
    for fast in (False, True):
        assert not gradcheck(Square.apply, z, fast_mode=fast, raise_exception=False)


@pytest.mark.parametrize("fast", [False, True])
def test_under_vmap(fast: bool) -> None:
    x = leaf(1.0, 2.0)
    assert gradcheck(
        lambda t: (t.sin(), t * t.sum()),
        x,
        check_batched_grad=True,
        check_forward_ad=True,
        check_batched_forward_grad=True,
        fast_mode=fast,
    )


def test_empty_and_zero_dim() -> None:
    for shape in ((), (0,), (2, 0)):
        x = dt.full(shape, 0.5, dtype=dt.float64, requires_grad=True)
        for fast in (False, True):
            assert gradcheck(dt.exp, x, check_forward_ad=True, fast_mode=fast)
            assert gradgradcheck(dt.exp, x, check_fwd_over_rev=True, fast_mode=fast)


def test_weights_that_are_not_contiguous() -> None:
    assert gradgradcheck(lambda t: t**3, leaf(1.0, 2.0, 3.0), gen_non_contig_grad_outputs=True)


def test_modes_that_do_not_fit() -> None:
    x = leaf(1.0)
    with pytest.raises(ValueError, match="at least one of check_forward_ad and check_backward_ad"):
        gradcheck(dt.exp, x, check_backward_ad=False)
    with pytest.raises(ValueError, match="check_batched_forward_grad=True needs check_forward_ad=True"):
        gradcheck(dt.exp, x, check_batched_forward_grad=True)
    with pytest.raises(ValueError, match="at least one of check_fwd_over_rev and check_rev_over_rev"):
        gradgradcheck(dt.exp, x, check_rev_over_rev=False)
