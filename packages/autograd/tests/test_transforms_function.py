"""Functions at the levels of grad, jvp and vmap."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import Function
from dovetail.autograd.func import grad, jacfwd, jacrev, jvp, vmap


def values(*numbers: float) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dt.float64)


def assert_same(a: Any, b: Any) -> None:
    assert a.shape == b.shape
    assert dt.allclose(a, b, rtol=1e-12, atol=1e-12), (a, b)


class Scaled(Function):
    """x * y, whose derivatives are ten times too large, so that it shows who made them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: dt.Tensor, y: dt.Tensor) -> dt.Tensor:
        return x * y

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.factor = 10

    @staticmethod
    def backward(ctx: Any, gradient: dt.Tensor) -> Any:
        x, y = ctx.saved_tensors
        return gradient * y * ctx.factor, gradient * x * ctx.factor

    @staticmethod
    def jvp(ctx: Any, tx: Any, ty: Any) -> Any:
        x, y = ctx.saved_tensors
        return ((0 if tx is None else tx * y) + (0 if ty is None else ty * x)) * ctx.factor


class ByHand(Scaled):
    generate_vmap_rule = False

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: dt.Tensor, y: dt.Tensor) -> Any:
        assert info.batch_size == 3
        assert info.randomness == "error"
        x = x.unsqueeze(0) if in_dims[0] is None else x.movedim(in_dims[0], 0)
        y = y.unsqueeze(0) if in_dims[1] is None else y.movedim(in_dims[1], 0)
        return ByHand.apply(x, y), 0


def test_grad() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)
    assert grad(lambda t: Scaled.apply(t, y).sum())(x).tolist() == [30.0, 40.0]
    by_x, by_y = grad(lambda a, b: Scaled.apply(a, b).sum(), argnums=(0, 1))(x, y)
    assert (by_x.tolist(), by_y.tolist()) == ([30.0, 40.0], [10.0, 20.0])
    # the backward is differentiated in turn, by its ops
    second = grad(lambda t: grad(lambda u: (Scaled.apply(u, y) * u).sum())(t).sum())(x)
    assert_same(second, 10 * y + y + 10 * y - y)
    # the level below records the Function by itself
    assert grad(lambda t: grad(lambda b: Scaled.apply(t, b).sum())(y).sum())(x).tolist() == [10.0, 10.0]
    leaf = x.clone().requires_grad_()
    (grad(lambda b: Scaled.apply(leaf, b).sum())(y) + Scaled.apply(leaf, y)).sum().backward()
    assert leaf.grad.tolist() == [40.0, 50.0]


def test_jvp() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)
    output, rate = jvp(lambda t: Scaled.apply(t, y), (x,), (values(1.0, 1.0),))
    assert (output.tolist(), rate.tolist()) == ([3.0, 8.0], [30.0, 40.0])
    assert jvp(Scaled.apply, (x, y), (x, y))[1].tolist() == [60.0, 160.0]
    assert jvp(grad(lambda t: Scaled.apply(t, t).sum()), (x,), (values(1.0, 0.0),))[1].tolist() == [20.0, 0.0]
    assert grad(lambda t: jvp(lambda u: Scaled.apply(u, t), (y,), (y,))[1].sum())(x).tolist() == [30.0, 40.0]


@pytest.mark.parametrize("function", [Scaled, ByHand])
def test_vmap(function: Any) -> None:
    x, y = dt.arange(6).to(dt.float64).reshape((3, 2)), values(3.0, 4.0)
    assert_same(vmap(function.apply)(x, x), x * x)
    assert_same(vmap(function.apply, in_dims=(0, None))(x, y), x * y)
    assert_same(vmap(function.apply, in_dims=(None, 1))(y, x.T), x * y)
    found = vmap(grad(lambda a, b: function.apply(a, b).sum()), in_dims=(0, None))(x, y)
    assert_same(found, dt.stack([10 * y] * 3))
    found = grad(lambda b: vmap(function.apply, in_dims=(0, None))(x, b).sum())(y)
    assert_same(found, 10 * x.sum(0))
    found = vmap(lambda a: jvp(lambda b: function.apply(a, b), (y,), (y,))[1])(x)
    assert_same(found, 10 * x * y)
    found = jvp(lambda b: vmap(function.apply, in_dims=(0, None))(x, b), (y,), (y,))[1]
    assert_same(found, 10 * x * y)
    for transform in (jacrev, jacfwd):
        assert_same(transform(lambda b: function.apply(y[:2], b))(y), 10 * dt.diag(y)) if function is Scaled else None


def test_nested_maps_of_a_function() -> None:
    x = dt.arange(6).to(dt.float64).reshape((3, 2))
    found = vmap(lambda row: vmap(lambda t: Scaled.apply(t, row[0]))(row))(x)
    assert_same(found, x * x[:, :1])
    found = vmap(grad(lambda row: vmap(lambda t: Scaled.apply(t, t))(row).sum()))(x)
    assert_same(found, 20 * x)


def test_what_is_refused() -> None:
    class Old(Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> dt.Tensor:
            return g * 2

    class Plain(Function):
        @staticmethod
        def forward(x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            pass

    class Both(Plain):
        generate_vmap_rule = True

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: dt.Tensor) -> Any:
            return x * 2, in_dims[0]

    class Misshapen(Plain):
        @staticmethod
        def jvp(ctx: Any, t: dt.Tensor) -> Any:
            return t[:1]

    x = values(1.0, 2.0)
    with pytest.raises(RuntimeError, match="setup_context"):
        grad(lambda t: Old.apply(t).sum())(x)
    with pytest.raises(RuntimeError, match="generate_vmap_rule"):
        vmap(Plain.apply)(x)
    with pytest.raises(RuntimeError, match="not both"):
        vmap(Both.apply)(x)
    with pytest.raises(RuntimeError, match="jvp function"):
        jvp(Plain.apply, (x,), (x,))
    with pytest.raises(RuntimeError, match="tangent of shape"):
        jvp(Misshapen.apply, (x,), (x,))
    assert vmap(lambda t: t * Old.apply(x).sum())(x).tolist() == [6.0, 12.0]  # no level knows its argument
