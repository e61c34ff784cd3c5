"""Levels of grad and jvp, alone and inside one another and vmap."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import _engine
from dovetail.autograd.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp, vmap

Scalar = Callable[[dt.Tensor], dt.Tensor]


def values(*numbers: float) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dt.float64)


def scalar(number: float) -> dt.Tensor:
    return dt.tensor(number, dtype=dt.float64)


def derivative(f: Scalar) -> Scalar:
    """By a forward level."""
    return lambda x: jvp(f, (x,), (dt.ones_like(x),))[1]


def batch(rows: int, *shape: int, seed: int = 0) -> dt.Tensor:
    return dt.randn((rows, *shape), dtype=dt.float64, generator=dt.Generator().manual_seed(seed))


def assert_same(a: Any, b: Any) -> None:
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    assert dt.allclose(a, b, rtol=1e-10, atol=1e-12), (a, b)


EITHER = pytest.mark.parametrize("outer", [grad, derivative])
INNER = pytest.mark.parametrize("inner", [grad, derivative])


# ---- perturbation confusion ------------------------------------------------------------------------------------


@EITHER
@INNER
def test_perturbations_are_not_confused(outer: Any, inner: Any) -> None:
    # d/dx x * (d/dy (x + y)) = 1, and not 2
    assert outer(lambda x: x * inner(lambda y: x + y)(scalar(1.0)))(scalar(1.0)).item() == 1.0
    # d/dx x * (d/dy x y) = 2 x
    assert outer(lambda x: x * inner(lambda y: x * y)(scalar(1.0)))(scalar(3.0)).item() == 6.0


@EITHER
@INNER
def test_the_same_tensor_at_two_levels(outer: Any, inner: Any) -> None:
    # d/dx x * (x**2)' = d/dx 2 x**2
    assert outer(lambda x: x * inner(lambda y: y * y)(x))(scalar(3.0)).item() == 12.0
    # the captured x is a constant to the inner level, although y is made of it
    assert outer(lambda x: inner(lambda y: x * y)(x))(scalar(3.0)).item() == 1.0
    t = scalar(3.0)
    assert outer(lambda x: inner(lambda y: y * x * t)(t))(t).item() == 3.0


def test_a_captured_tensor_is_a_constant() -> None:
    w = scalar(2.0)
    assert grad(lambda x: w * x + w)(w).item() == 2.0
    assert derivative(lambda x: w * x + w)(w).item() == 2.0


# ---- nesting ---------------------------------------------------------------------------------------------------


@EITHER
@INNER
@pytest.mark.parametrize("third", [grad, derivative])
def test_third_derivatives_in_every_order(outer: Any, inner: Any, third: Any) -> None:
    assert outer(inner(third(lambda x: x**5)))(scalar(2.0)).item() == 240.0
    found = outer(inner(third(lambda x: x.exp().sin())))(scalar(0.5))
    e = scalar(0.5).exp()
    assert_same(found, e * (e.cos() - 3 * e * e.sin() - e * e * e.cos()))


def test_vmap_of_grad_of_vmap() -> None:
    x = batch(3, 4)

    def total(row: dt.Tensor) -> dt.Tensor:
        return vmap(lambda t: t.sin() * t)(row).sum()

    assert_same(vmap(grad(total))(x), x.cos() * x + x.sin())
    assert_same(grad(lambda rows: vmap(total)(rows).sum())(x), x.cos() * x + x.sin())
    assert_same(vmap(vmap(grad(lambda t: t.sin() * t)))(x), x.cos() * x + x.sin())


def test_jvp_of_grad_of_grad() -> None:
    x, d = values(1.0, 2.0), values(1.0, -1.0)
    second = grad(lambda x: grad(lambda y: (y**4).sum())(x).sum())
    value, rate = jvp(second, (x,), (d,))
    assert_same(value, 12 * x**2)
    assert_same(rate, 24 * x * d)
    value, rate = jvp(grad(grad(lambda t: t**5)), (scalar(2.0),), (scalar(1.0),))
    assert (value.item(), rate.item()) == (160.0, 240.0)


def test_jvp_and_vmap_in_either_order() -> None:
    x, d = batch(3, 4), batch(3, 4, seed=1)

    def f(row: dt.Tensor) -> dt.Tensor:
        return row.softmax(0) * row.sum()

    mapped = vmap(lambda a, b: jvp(f, (a,), (b,))[1])(x, d)
    outside = jvp(vmap(f), (x,), (d,))[1]
    one_by_one = dt.stack([jvp(f, (a,), (b,))[1] for a, b in zip(x, d, strict=True)])
    assert_same(mapped, one_by_one)
    assert_same(outside, one_by_one)
    # tangents differ, primals are shared; and the reverse
    assert_same(vmap(lambda b: jvp(f, (x[0],), (b,))[1])(d)[1], jvp(f, (x[0],), (d[1],))[1])
    assert_same(vmap(lambda a: jvp(f, (a,), (d[0],))[1])(x)[1], jvp(f, (x[1],), (d[0],))[1])


def test_grad_of_jvp() -> None:
    x, d = values(0.3, 0.7), values(1.0, 2.0)
    found = grad(lambda t: jvp(lambda u: u.exp() * u, (t,), (d,))[1].sum())(x)
    assert_same(found, x.exp() * (x + 2) * d)
    # by the direction
    found = grad(lambda v: jvp(lambda u: u.exp() * u, (x,), (v,))[1].sum())(d)
    assert_same(found, x.exp() * (x + 1))


def test_levels_are_seen_by_ordinary_autograd() -> None:
    x = values(1.0, 2.0).requires_grad_()
    grad(lambda t: (t**3).sum())(x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    jvp(lambda t: t**3, (x,), (values(1.0, 1.0),))[1].sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    vmap(lambda t: t**3)(x).sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    x.grad = None
    vmap(grad(lambda t: t**3))(x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_vmap_of_a_vjp() -> None:
    x = values(1.0, 2.0, 3.0)
    output, pull = vjp(lambda t: t.outer(t), x)
    rows = vmap(pull)(batch(4, 3, 3))
    weights = batch(4, 3, 3)
    for i in range(4):
        assert_same(rows[0][i], pull(weights[i])[0])
    assert output.shape == (3, 3)


# ---- matrices --------------------------------------------------------------------------------------------------


def test_hessians_agree() -> None:
    x = values(0.5, 1.0, 1.5)

    def f(t: dt.Tensor) -> dt.Tensor:
        return (t.prod() * t.sin()).sum() + (t @ t) ** 2

    by_double_backward = []
    leaf = x.clone().requires_grad_()
    (slope,) = dt.autograd.grad(f(leaf), leaf, create_graph=True)
    for part in slope:
        by_double_backward.append(dt.autograd.grad(part, leaf, retain_graph=True)[0])
    wanted = dt.stack(by_double_backward)
    for found in (
        hessian(f)(x),
        jacfwd(jacrev(f))(x),
        jacrev(jacfwd(f))(x),
        jacrev(jacrev(f))(x),
        jacfwd(jacfwd(f))(x),
    ):
        assert_same(found, wanted)


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
def test_jacobians_of_nests(transform: Any) -> None:
    def f(p: dict[str, Any], x: dt.Tensor) -> Any:
        return {"a": p["w"] @ x, "b": [p["b"] * x.sum()]}

    p = {"w": batch(2, 3), "b": scalar(2.0)}
    x = values(1.0, 2.0, 3.0)
    found = transform(f)(p, x)
    assert found["a"]["w"].shape == (2, 2, 3)
    assert found["a"]["b"].tolist() == [0.0, 0.0]
    assert found["b"][0]["w"].tolist() == [[0.0] * 3] * 2
    assert found["b"][0]["b"].item() == 6.0
    by_p, by_x = transform(f, argnums=(0, 1))(p, x)["a"]
    assert_same(by_x, p["w"])
    assert by_p["w"][0, 0].tolist() == x.tolist()


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
@pytest.mark.parametrize("chunk_size", [None, 1, 2, 100])
def test_jacobians_in_chunks(transform: Any, chunk_size: int | None) -> None:
    x = batch(5)
    found = transform(lambda t: t.cumsum(0) ** 2, chunk_size=chunk_size)(x)
    assert_same(found, (2 * x.cumsum(0)).unsqueeze(1) * dt.ones(5, 5, dtype=dt.float64).tril())


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
def test_jacobians_of_empty_tensors(transform: Any) -> None:
    assert transform(lambda t: t * 2)(values()).shape == (0, 0)
    assert transform(lambda t: t[:0])(values(1.0, 2.0)).shape == (0, 2)
    assert transform(lambda t: t.sum())(values()).shape == (0,)


# ---- writes in place -------------------------------------------------------------------------------------------


def written(x: dt.Tensor) -> dt.Tensor:
    y = x * 2
    first = y[0]
    y[0] = x[1] * 3
    y[1:].mul_(x[0])
    first.add_(x[2])
    view = y.view(3, 1)
    y.sin_()
    return (y * view[:, 0]).sum()


def test_writes_through_views() -> None:
    x = values(0.1, 0.2, 0.3)
    leaf = x.clone().requires_grad_()
    written(leaf).backward()
    assert_same(grad(written)(x), leaf.grad)
    direction = values(1.0, -2.0, 0.5)
    assert_same(jvp(written, (x,), (direction,))[1], (leaf.grad * direction).sum())
    rows = dt.stack([x, 2 * x])
    assert_same(vmap(grad(written))(rows)[0], leaf.grad)
    assert_same(grad(lambda r: vmap(written)(r).sum())(rows)[0], leaf.grad)
    assert_same(vmap(lambda r: jvp(written, (r,), (direction,))[1])(rows)[0], (leaf.grad * direction).sum())
    assert_same(jvp(vmap(written), (rows,), (dt.stack([direction] * 2),))[1][0], (leaf.grad * direction).sum())


def test_a_level_s_argument_is_not_written() -> None:
    x = values(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        grad(lambda t: t.mul_(2).sum())(x)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        grad(lambda t: t[0].mul_(2).sum())(x)
    assert x.tolist() == [1.0, 2.0]


def test_a_write_into_what_was_made_inside() -> None:
    def f(x: dt.Tensor) -> dt.Tensor:
        out = dt.zeros(3, dtype=dt.float64)
        out[1] = x[0] * x[1]
        out[2:].copy_(x[1:])
        return (out**2).sum()

    x = values(2.0, 3.0)
    assert grad(f)(x).tolist() == [36.0, 30.0]
    assert jvp(f, (x,), (values(1.0, 0.0),))[1].item() == 36.0


def test_a_saved_tensor_that_was_written_is_an_error() -> None:
    def f(x: dt.Tensor) -> dt.Tensor:
        y = x.exp()
        z = y.sin()
        y.mul_(2)
        return z.sum()

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        grad(f)(values(1.0))


def test_out_is_refused() -> None:
    out = dt.empty(2, dtype=dt.float64)
    for transform in (lambda f: grad(f)(values(1.0, 2.0)), lambda f: jvp(f, (values(1.0, 2.0),), (values(1.0, 2.0),))):
        with pytest.raises(RuntimeError, match="out="):
            transform(lambda x: dt.exp(x, out=out).sum())


# ---- modes -----------------------------------------------------------------------------------------------------


def test_no_grad_inside_is_heeded_and_outside_is_not() -> None:
    def f(x: dt.Tensor) -> dt.Tensor:
        with dt.no_grad():
            constant = x * x
        return constant * x

    assert grad(f)(scalar(3.0)).item() == 9.0
    w = scalar(2.0).requires_grad_()
    with dt.no_grad():
        found = grad(lambda x: w * x * x)(scalar(3.0))
        assert found.item() == 12.0
        assert not found.requires_grad
        assert grad(grad(lambda x: x**3))(scalar(2.0)).item() == 12.0
        assert not dt.is_grad_enabled()
    assert dt.is_grad_enabled()


def test_detach_makes_a_constant() -> None:
    assert grad(lambda x: x * x.detach())(scalar(3.0)).item() == 3.0
    assert derivative(lambda x: x * x.detach())(scalar(3.0)).item() == 3.0
    assert_same(vmap(grad(lambda x: x * x.detach()))(values(3.0, 4.0)), values(3.0, 4.0))
    assert_same(grad(lambda r: vmap(lambda x: x * x.detach())(r).sum())(values(3.0, 4.0)), values(3.0, 4.0))


# ---- the stack -------------------------------------------------------------------------------------------------


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    "call",
    [
        lambda f: grad(f)(values(1.0)),
        lambda f: jvp(f, (values(1.0),), (values(1.0),)),
        lambda f: vmap(f)(values(1.0)),
        lambda f: vmap(grad(lambda x: jvp(f, (x,), (x,))[1].sum()))(batch(2, 3)),
        lambda f: hessian(f)(values(1.0)),
    ],
)
def test_exceptions_take_levels_off(call: Any) -> None:
    def fails(x: dt.Tensor) -> dt.Tensor:
        (x * 2).sum()
        raise Stop

    with pytest.raises(Stop):
        call(fails)
    assert not _engine.any_level()
    assert (values(1.0) * 2).item() == 2.0
    with pytest.raises((RuntimeError, ValueError)):
        call(lambda x: (x + dt.ones(7, 5, 3)).reshape((11,)))  # an op's own error
    assert not _engine.any_level()


def test_backward_inside_is_refused() -> None:
    def f(x: dt.Tensor) -> dt.Tensor:
        y = (x * scalar(1.0).requires_grad_()).sum()
        y.backward()
        return y

    for call in (grad(f), vmap(f), lambda x: jvp(f, (x,), (x,))):
        with pytest.raises(RuntimeError, match="inside a transform"):
            call(values(1.0))
    with pytest.raises(RuntimeError, match="inside a transform"):
        grad(lambda x: dt.autograd.grad((x * scalar(1.0).requires_grad_()).sum(), x)[0])(values(1.0))


def test_results_are_rid_of_their_level() -> None:
    seen = []

    def f(x: dt.Tensor) -> Any:
        y = x * x
        seen.append(y)
        return y.sum(), y

    level = _engine.Level("grad")
    gradient, (value, aux) = grad_and_value(f, has_aux=True)(values(1.0, 2.0))
    assert _engine.top_level([gradient, value, aux, *seen]) is None
    assert not _engine.knows(level, aux)
    # What leaks is a constant elsewhere.
    assert grad(lambda x: (x * seen[0]).sum())(values(1.0, 1.0)).tolist() == [1.0, 4.0]
    assert jvp(lambda x: x * seen[0], (values(1.0, 1.0),), (values(1.0, 1.0),))[1].tolist() == [1.0, 4.0]


def test_levels_belong_to_their_thread() -> None:
    seen: list[Any] = []

    def f(x: dt.Tensor) -> dt.Tensor:
        thread = threading.Thread(target=lambda: seen.append((_engine.any_level(), (scalar(2.0) * 2).item())))
        thread.start()
        thread.join()
        return x * x

    assert grad(f)(scalar(3.0)).item() == 6.0
    assert seen == [(False, 4.0)]


def test_random_nests_against_differences() -> None:
    """Directional derivatives of functions in which all transforms occur."""

    def inner(x: dt.Tensor, w: dt.Tensor) -> dt.Tensor:
        mapped = vmap(lambda r: grad(lambda t: (t.sin() * r).sum())(r) + r.tanh())(w)
        rate = jvp(lambda t: t * mapped, (x,), (x.cos(),))[1]
        return (rate * rate).sum()

    x, w, d = values(0.3, 0.6, 0.9), batch(4, 3), values(1.0, -0.5, 0.25)
    eps = 1e-6
    numeric = (inner(x + eps * d, w) - inner(x - eps * d, w)) / (2 * eps)
    assert jvp(lambda t: inner(t, w), (x,), (d,))[1].item() == pytest.approx(numeric.item(), rel=1e-7)
    assert (grad(inner)(x, w) * d).sum().item() == pytest.approx(numeric.item(), rel=1e-7)


# ---- arguments -------------------------------------------------------------------------------------------------


def test_integers_have_no_derivative() -> None:
    for call in (lambda t: grad(lambda x: x.sum())(t), lambda t: jvp(lambda x: x, (t,), (t,))):
        with pytest.raises(RuntimeError, match="floating point and complex"):
            call(dt.tensor([1, 2]))


def test_an_output_that_does_not_depend() -> None:
    constant = values(1.0, 2.0)
    assert grad(lambda x: constant.sum())(values(1.0)).tolist() == [0.0]
    assert jvp(lambda x: constant, (values(1.0),), (values(1.0),))[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="does not depend"):
        jvp(lambda x: constant, (values(1.0),), (values(1.0),), strict=True)
    # an argument returned as it is
    assert grad(lambda x: x)(scalar(1.0)).item() == 1.0
    assert jvp(lambda x: x, (scalar(1.0),), (scalar(5.0),))[1].item() == 5.0


def test_lower_dtypes() -> None:
    x = dt.tensor([1.0, 2.0], dtype=dt.float32)
    assert grad(lambda t: (t.to(dt.float64) ** 2).sum())(x).dtype == dt.float32
    rate = jvp(lambda t: t.to(dt.float64) ** 2, (x,), (x,))[1]
    assert (rate.dtype, rate.tolist()) == (dt.float64, [2.0, 8.0])
    assert jvp(lambda t: (t > 1, t.argmax()), (x,), (x,))[1][0].dtype == dt.bool


# ---- rules -----------------------------------------------------------------------------------------------------


def test_ops_of_python() -> None:
    from dovetail.ops import op

    @op("tests_cubed(Tensor self) -> Tensor")
    def cubed(self: dt.Tensor) -> dt.Tensor:
        return self**3

    assert dt.autograd.forward_by("tests_cubed") == "decomposition"
    assert derivative(cubed)(scalar(2.0)).item() == 12.0
    dt.autograd.register_vjp("tests_cubed", lambda ctx, g: g * 3 * ctx.args[0] ** 2)
    assert derivative(grad(cubed))(scalar(2.0)).item() == 12.0
    dt.autograd.register_jvp("tests_cubed", lambda ctx, t: t * 100)
    assert dt.autograd.forward_by("tests_cubed") == "rule"
    assert derivative(cubed)(scalar(2.0)).item() == 100.0
    assert grad(cubed)(scalar(2.0)).item() == 12.0  # the vjp stays


def test_a_rule_that_raises() -> None:
    from dovetail.ops import op

    @op("tests_raises(Tensor self) -> Tensor")
    def raises(self: dt.Tensor) -> dt.Tensor:
        return self * 2

    def rule(ctx: Any, tangent: dt.Tensor) -> dt.Tensor:
        raise Stop

    dt.autograd.register_jvp("tests_raises", rule)
    with pytest.raises(Stop):
        derivative(raises)(scalar(1.0))
    assert not _engine.any_level()
