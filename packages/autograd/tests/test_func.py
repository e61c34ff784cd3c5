"""grad and its like, as functions of functions."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp


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
