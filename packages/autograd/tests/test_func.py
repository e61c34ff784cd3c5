"""grad and its like, as functions of functions."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap


def values(*numbers: float) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dt.float64)


def test_grad_and_value() -> None:
    x = values(1.0, 2.0)
    gradient, value = grad_and_value(lambda t: (t**3).sum())(x)
    assert gradient.tolist() == [3.0, 12.0]
    assert value.item() == 9.0
    assert not gradient.requires_grad
    assert not value.requires_grad
    assert x.grad is None


def test_grads_nest() -> None:
    f = lambda t: t**5  # noqa: E731
    for expected in (80.0, 160.0, 240.0, 240.0):
        f = grad(f)
        found = f(dt.tensor(2.0))
        assert found.item() == expected
        assert not found.requires_grad


def test_the_inner_grad_sees_the_outer_argument() -> None:
    def outer(x: dt.Tensor) -> dt.Tensor:
        inner = grad(lambda y: x * y * y)(dt.tensor(3.0))  # 2 x y
        return inner * x

    assert grad(outer)(dt.tensor(5.0)).item() == 2 * 2 * 3 * 5.0


def test_arguments() -> None:
    def f(params: dict[str, Any], x: dt.Tensor, scale: float = 1.0) -> dt.Tensor:
        return (params["w"] * x + params["b"][0]).sum() * scale

    params = {"w": values(1.0, 2.0), "b": [values(0.5)], "name": "linear"}
    x = values(3.0, 4.0)
    found = grad(f)(params, x, scale=2.0)
    assert found["w"].tolist() == [6.0, 8.0]
    assert found["b"][0].tolist() == [4.0]
    assert found["name"] == "linear"
    by_params, by_x = grad(f, argnums=(0, 1))(params, x)
    assert by_params["w"].tolist() == [3.0, 4.0]
    assert by_x.tolist() == [1.0, 2.0]
    assert grad(f, argnums=-1)(params, x).tolist() == [1.0, 2.0]


def test_aux() -> None:
    gradient, aux = grad(lambda x: (x * x, {"twice": x * 2}), has_aux=True)(dt.tensor(3.0))
    assert gradient.item() == 6.0
    assert aux["twice"].item() == 6.0
    assert not aux["twice"].requires_grad


def test_captured_tensors_keep_their_history() -> None:
    w = values(2.0).requires_grad_()
    gradient = grad(lambda x: (w * x * x).sum())(values(3.0))
    assert gradient.requires_grad
    gradient.backward()
    assert w.grad.tolist() == [6.0]
    with dt.no_grad():
        assert not grad(lambda x: (w * x).sum())(values(3.0)).requires_grad


def test_arguments_with_a_history() -> None:
    x = values(3.0).requires_grad_()
    grad(lambda t: (t**3).sum())(x * 2).backward()
    assert x.grad.tolist() == [6 * 6.0 * 2]


def test_vjp() -> None:
    output, pull = vjp(lambda x, y: (x * y, x.sum()), values(1.0, 2.0), values(3.0, 4.0))
    assert output[0].tolist() == [3.0, 8.0]
    for _ in range(2):
        gx, gy = pull((values(1.0, 10.0), dt.tensor(100.0, dtype=dt.float64)))
        assert gx.tolist() == [103.0, 140.0]
        assert gy.tolist() == [1.0, 20.0]
    with pytest.raises(RuntimeError, match="shapes of the output"):
        pull((values(1.0), values(1.0)))


def test_jvp() -> None:
    output, derivative = jvp(lambda x: x**3, (values(1.0, 2.0),), (values(1.0, 10.0),))
    assert output.tolist() == [1.0, 8.0]
    assert derivative.tolist() == [3.0, 120.0]
    assert not derivative.requires_grad
    # forward over reverse
    product = jvp(grad(lambda x: (x**4).sum()), (values(1.0, 2.0),), (values(1.0, 1.0),))[1]
    assert product.tolist() == [12.0, 48.0]


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
def test_jacobians(transform: Any) -> None:
    assert transform(lambda x: x.outer(x))(values(1.0, 2.0)).shape == (2, 2, 2)
    assert transform(dt.sin)(values(0.0, 0.0)).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    by_x, by_y = transform(lambda x, y: x * y, argnums=(0, 1))(values(1.0, 2.0), values(3.0, 4.0))
    assert by_x.tolist() == [[3.0, 0.0], [0.0, 4.0]]
    assert by_y.tolist() == [[1.0, 0.0], [0.0, 2.0]]


def test_hessian() -> None:
    assert hessian(lambda x: (x**3).sum())(values(1.0, 2.0)).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    found = hessian(lambda x: grad(lambda y: (y**4).sum())(x).sum())(values(1.0))
    assert found.tolist() == [[24.0]]


def test_linearize() -> None:
    calls = []

    def f(x: dt.Tensor, others: dict[str, dt.Tensor]) -> dict[str, Any]:
        calls.append(1)
        y = x.sin() * others["w"]
        y[0] = y[1] * 2  # in place, through a view
        return {"sums": y.cumsum(0), "rest": (x.exp() @ y, x.argmax(), dt.ones(2))}

    x, w = values(0.5, -1.0, 2.0), values(3.0, 1.0, -1.0)
    output, push = linearize(f, x, {"w": w})
    assert output["rest"][1].item() == 2
    assert not output["sums"].requires_grad
    for direction in (values(1.0, 0.0, 0.0), values(-1.0, 2.0, 0.5)):
        tangents = (direction, {"w": direction * 2})
        found = push(*tangents)
        assert len(calls) == 1  # f is not called again
        _, wanted = jvp(f, (x, {"w": w}), tangents)
        calls.pop()
        assert dt.allclose(found["sums"], wanted["sums"], rtol=1e-12)
        assert dt.allclose(found["rest"][0], wanted["rest"][0], rtol=1e-12)
        assert found["rest"][1].dtype == dt.int64
        assert found["rest"][2].tolist() == [0.0, 0.0]


def test_linearize_of_constants_and_empty_tensors() -> None:
    assert linearize(dt.floor, values(1.5, 2.5))[1](values(1.0, 1.0)).tolist() == [0.0, 0.0]
    assert linearize(lambda x: dt.ones(3), values(1.0))[1](values(1.0)).tolist() == [0.0, 0.0, 0.0]
    assert linearize(lambda x: x * 2, dt.ones(0, 3))[1](dt.ones(0, 3)).shape == (0, 3)
    assert linearize(lambda x: x * x, dt.tensor(3.0))[1](dt.tensor(2.0)).item() == 12.0
    assert linearize(lambda x, y: x * 2, values(1.0), values(1.0))[1](values(5.0), values(7.0)).tolist() == [10.0]


@pytest.mark.parametrize("f", [dt.exp, dt.abs, lambda z: z * z.conj() * z, lambda z: z.real, lambda z: z.sum() * 1j])
def test_linearize_of_complex_functions(f: Any) -> None:
    z = dt.tensor([1 + 2j, -0.5 + 1j], dtype=dt.complex128)
    direction = dt.tensor([2 - 1j, 1j], dtype=dt.complex128)
    found, wanted = linearize(f, z)[1](direction), jvp(f, (z,), (direction,))[1]
    assert found.dtype == wanted.dtype
    assert dt.allclose(found, wanted, rtol=1e-12)


def test_linearize_draws_its_random_numbers_once() -> None:
    def noisy(x: dt.Tensor) -> dt.Tensor:
        return x * dt.rand(3, dtype=dt.float64)

    output, push = linearize(noisy, values(1.0, 1.0, 1.0))
    assert push(values(2.0, 2.0, 2.0)).tolist() == (2 * output).tolist()


def test_linearize_composes() -> None:
    x, direction = values(1.0, 2.0), values(3.0, 5.0)
    cube = lambda t: (t**3).sum()  # noqa: E731
    assert vmap(linearize(lambda t: t**3, x)[1])(dt.eye(2, dtype=dt.float64)).tolist() == [[3.0, 0.0], [0.0, 12.0]]
    assert grad(lambda t: linearize(cube, t)[1](direction))(x).tolist() == [18.0, 60.0]  # 6 x v
    assert grad(lambda v: linearize(cube, x)[1](v))(direction).tolist() == [3.0, 12.0]
    assert linearize(grad(cube), x)[1](direction).tolist() == [18.0, 60.0]
    assert vmap(lambda t, v: linearize(cube, t)[1](v), in_dims=(0, None))(dt.stack([x, 2 * x]), direction).tolist() == [
        69.0,
        276.0,
    ]
    w = values(2.0, 3.0).requires_grad_()
    linearize(lambda t: t * w * w, x)[1](direction).sum().backward()
    assert w.grad.tolist() == [12.0, 30.0]
    with dt.no_grad():
        assert not linearize(lambda t: t * w, x)[1](direction).requires_grad
        assert linearize(cube, x)[1](direction).item() == 69.0


def test_what_linearize_refuses() -> None:
    _, push = linearize(lambda x: x * 2, values(1.0, 2.0))
    with pytest.raises(RuntimeError, match=r"linearize: tangent 0 has shape .*3.*primal has .*2"):
        push(values(1.0, 2.0, 3.0))
    with pytest.raises(RuntimeError, match=r"linearize: tangent 0 has dtype .*float32.*float64"):
        push(dt.ones(2))
    with pytest.raises(TypeError, match="linearize: tangent 0 must be a Tensor"):
        push(1.0)
    for wrong in ((), (values(1.0, 2.0), values(1.0, 2.0)), ([values(1.0, 2.0)],)):
        with pytest.raises(RuntimeError, match="linearize: the tangents must have the form"):
            push(*wrong)
    with pytest.raises(TypeError, match="linearize: the primals must be tensors"):
        linearize(lambda x, n: x * n, values(1.0), 2)
    with pytest.raises(RuntimeError, match="linearize: only tensors of floating point"):
        linearize(lambda x: x * 2, dt.arange(3))
    with pytest.raises(RuntimeError, match="linearize: the function must return tensors"):
        linearize(lambda x: 3, values(1.0))


def test_what_is_refused() -> None:
    with pytest.raises(RuntimeError, match="one tensor of one element"):
        grad(lambda x: x)(values(1.0, 2.0))
    with pytest.raises(RuntimeError, match="out of range"):
        grad(lambda x: x, argnums=1)(values(1.0))
    with pytest.raises(RuntimeError, match="has_aux"):
        grad(lambda x: x, has_aux=True)(values(1.0))
    with pytest.raises(TypeError, match="tuples"):
        jvp(dt.exp, values(1.0), values(1.0))


def test_the_name_at_the_root() -> None:
    assert dt.func.grad is grad
