"""Products with Jacobians and Hessians, and the matrices."""

from __future__ import annotations

import pytest

import dovetail as dt
from dovetail.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


def values(*numbers: float) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dt.float64)


def two(x: dt.Tensor, y: dt.Tensor) -> tuple[dt.Tensor, dt.Tensor]:
    return x * y, (x * x).sum()


def test_vjp() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)
    outputs, products = vjp(two, (x, y), (values(1.0, 10.0), dt.tensor(100.0, dtype=dt.float64)))
    assert [o.tolist() for o in outputs] == [[3.0, 8.0], 5.0]
    assert [p.tolist() for p in products] == [[3.0 + 200, 40.0 + 400], [1.0, 20.0]]
    assert not any(t.requires_grad for t in (*outputs, *products))
    assert x.grad is None


def test_jvp() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)
    _, (a, b) = jvp(two, (x, y), (values(1.0, 0.0), values(0.0, 1.0)))
    assert a.tolist() == [3.0, 2.0]
    assert b.item() == 2.0
    _, slope = jvp(lambda t: t**3, dt.tensor(2.0))
    assert slope.item() == 12.0


def test_jacobian() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)
    (xx, xy), (sx, sy) = jacobian(two, (x, y))
    assert xx.tolist() == [[3.0, 0.0], [0.0, 4.0]]
    assert xy.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert sx.tolist() == [2.0, 4.0]
    assert sy.tolist() == [0.0, 0.0]
    assert jacobian(lambda t: t.reshape(2, 1), x).shape == (2, 1, 2)
    assert jacobian(lambda t: t[:0], x).shape == (0, 2)


def test_hessian() -> None:
    x, y = values(1.0, 2.0), values(3.0, 4.0)

    def energy(a: dt.Tensor, b: dt.Tensor) -> dt.Tensor:
        return (a * a * b).sum()

    (aa, ab), (ba, bb) = hessian(energy, (x, y))
    assert aa.tolist() == [[6.0, 0.0], [0.0, 8.0]]
    assert ab.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert ba.tolist() == ab.tolist()
    assert bb.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("product", [vhp, hvp])
def test_products_with_the_hessian(product: object) -> None:
    def function(t: dt.Tensor) -> dt.Tensor:
        return t.prod() * t.exp().sum()

    x, v = values(0.5, 1.0, 2.0), values(1.0, -1.0, 3.0)
    matrix = hessian(function, x)
    _, found = product(function, x, v)
    assert found.tolist() == pytest.approx((matrix @ v).tolist())


def test_results_with_a_history() -> None:
    x = values(1.0, 2.0).requires_grad_()
    matrix = jacobian(lambda t: t**3, x, create_graph=True)
    matrix.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert dt.autograd.gradcheck(lambda t: hessian(lambda s: (s**4).sum(), t, create_graph=True), x)
    _, product = jvp(lambda t: t**3, x, values(1.0, 1.0), create_graph=True)
    assert product.requires_grad


def test_what_does_not_depend() -> None:
    x = values(1.0, 2.0)
    constant = dt.ones(2, dtype=dt.float64)
    assert jacobian(lambda t: constant, x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert hessian(lambda t: t.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="strict=True"):
        jacobian(lambda t: constant, x, strict=True)


def test_what_is_refused() -> None:
    x = values(1.0, 2.0)
    with pytest.raises(RuntimeError, match="vjp: v must have the shapes of the outputs"):
        vjp(lambda t: t, x, values(1.0))
    with pytest.raises(RuntimeError, match="left out"):
        vjp(lambda t: t, x)
    with pytest.raises(RuntimeError, match="one tensor of one element"):
        hessian(lambda t: t, x)
    with pytest.raises(TypeError, match="inputs must be a Tensor"):
        jacobian(lambda t: t, 3.0)
    with pytest.raises(TypeError, match="what the function returns"):
        jacobian(lambda t: 3.0, x)


def test_grad_mode_does_not_matter() -> None:
    with dt.no_grad():
        assert jacobian(lambda t: t * 2, values(1.0)).tolist() == [[2.0]]


# Every complex value here is PyTorch's.
Z = dt.tensor([1 + 2j, 3 - 1j], dtype=dt.complex128)
BY_ROWS = {"vectorize": True}
BY_COLUMNS = {"vectorize": True, "strategy": "forward-mode"}


@pytest.mark.parametrize(
    ("function", "at", "options", "diagonal"),
    [
        (lambda z: z**2 * 1j, Z, BY_ROWS, [-4 - 2j, 2 - 6j]),  # conj(f')
        (lambda z: z**2 * 1j, Z, BY_COLUMNS, [-4 + 2j, 2 + 6j]),  # f'
        (lambda z: z.abs() ** 2 + z.real, Z, {}, [3 + 4j, 7 - 2j]),
        (lambda z: z.abs() ** 2 + z.real, Z, BY_ROWS, [3 + 4j, 7 - 2j]),
        (lambda z: z.abs() ** 2 + z.real, Z, BY_COLUMNS, [3.0, 7.0]),
        (lambda x: x**2 * (1 + 1j), values(1.0, 2.0), BY_ROWS, [2.0, 4.0]),
        (lambda x: x**2 * (1 + 1j), values(1.0, 2.0), BY_COLUMNS, [2 + 2j, 4 + 4j]),
    ],
)
def test_jacobian_of_complex_functions(function, at, options, diagonal) -> None:
    found = jacobian(function, at, **options)
    assert found.dtype == (dt.complex128 if isinstance(diagonal[0], complex) else dt.float64)
    assert dt.allclose(found, dt.diag(dt.tensor(diagonal, dtype=found.dtype)))


def test_jacobian_of_complex_and_real_outputs() -> None:
    for options, of_complex in ((BY_ROWS, -1j), (BY_COLUMNS, 1j)):
        real, both = jacobian(lambda z: (z.real * 2, z * 1j), Z, **options)
        assert dt.allclose(real, 2 * dt.eye(2, dtype=real.dtype))
        assert dt.allclose(both, of_complex * dt.eye(2, dtype=dt.complex128))


@pytest.mark.parametrize("options", [{}, {"outer_jacobian_strategy": "forward-mode"}])
def test_hessian_by_complex_inputs(options) -> None:
    found = hessian(lambda z: (z.abs() ** 4).sum(), Z, vectorize=True, **options)
    assert dt.allclose(found, dt.diag(dt.tensor([28 + 16j, 112 - 24j], dtype=dt.complex128)))
