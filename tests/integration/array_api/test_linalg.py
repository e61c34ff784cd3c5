"""The extension for linear algebra beside array-api-strict.

What is unique is compared; of factors that are unique but for signs or order the product is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail as dt
import dovetail.array_api as xp
from tests.integration.array_api.reference import FLOATING, NUMERIC, array, check, few, several, shapes

UNIQUE = {"cholesky", "cross", "det", "diagonal", "eigvalsh", "inv", "matrix_norm", "matrix_power", "matrix_rank"}
UNIQUE |= {"outer", "pinv", "slogdet", "solve", "svdvals", "trace", "vector_norm"}
FACTORS = {"eigh", "qr", "svd"}
OF_THE_NAMESPACE = {"matmul", "matrix_transpose", "tensordot", "vecdot"}

stacks = st.sampled_from([(), (2,), (0,), (2, 3)])
tolerance = {"within": 2e-3}


def test_every_function_is_tested() -> None:
    assert set(xp.linalg.__all__) == UNIQUE | FACTORS | OF_THE_NAMESPACE
    for name in OF_THE_NAMESPACE:
        assert getattr(xp.linalg, name) is getattr(xp, name)


@st.composite
def matrices(draw: Any, hermitian: bool = False, dtype: str = "") -> np.ndarray:
    """Square matrices, well enough conditioned for any dtype."""
    size = draw(st.integers(1, 4))
    x = draw(array(dtype or FLOATING, (*draw(stacks), size, size), low=-1, high=1))
    x = x + x.conj().swapaxes(-1, -2) if hermitian else x
    return (x + 9 * np.eye(size)).astype(x.dtype)


def adjoint(x: dt.Tensor) -> dt.Tensor:
    return xp.conj(x).mT


def close(result: dt.Tensor, wanted: np.ndarray) -> None:
    assert result.dtype.name == wanted.dtype.name and tuple(result.shape) == wanted.shape
    single = wanted.dtype.name in ("float32", "complex64")
    np.testing.assert_allclose(result.numpy(), wanted, rtol=0, atol=1e-4 if single else 1e-11)


@few
@given(data=st.data())
def test_square(data: Any) -> None:
    x, h = data.draw(matrices()), data.draw(matrices(hermitian=True))
    for name in ("det", "inv", "slogdet"):
        check(f"linalg.{name}", x, **tolerance)
    check("linalg.matrix_power", x, data.draw(st.integers(-2, 4)), **tolerance)
    check("linalg.cholesky", h, **tolerance)
    check("linalg.cholesky", h, upper=True, **tolerance)
    check("linalg.eigvalsh", h, **tolerance)
    found = xp.linalg.eigh(dt.from_numpy(h))
    assert found._fields == ("eigenvalues", "eigenvectors")
    close(found.eigenvectors * xp.expand_dims(found.eigenvalues, axis=-2) @ adjoint(found.eigenvectors), h)
    check("linalg.eigvalsh", h, **tolerance)


@few
@given(data=st.data())
def test_solve(data: Any) -> None:
    x = data.draw(matrices())
    size = x.shape[-1]
    check("linalg.solve", x, data.draw(array(x.dtype.name, (size,))), **tolerance)
    check("linalg.solve", x, data.draw(array(x.dtype.name, (*x.shape[:-1], 3))), **tolerance)
    check("linalg.solve", x, data.draw(array(x.dtype.name, (size, 2))), **tolerance)


def test_solve_takes_what_has_one_axis_for_a_vector() -> None:
    x1 = np.broadcast_to(np.eye(2) * 2, (2, 2, 2)).copy()
    check("linalg.solve", x1, np.asarray([[2.0, 4.0], [6.0, 8.0]]))


@few
@given(data=st.data())
def test_any_shape(data: Any) -> None:
    x = data.draw(array(FLOATING, shapes(min_dims=2, min_side=1)))
    check("linalg.svdvals", x, **tolerance)
    check("linalg.matrix_rank", x)
    check("linalg.matrix_rank", x, rtol=0.05)
    check("linalg.pinv", x, rtol=0.01, **tolerance)
    each = np.full(x.shape[:-2], 0.01, x.real.dtype)  # one for every matrix
    check("linalg.matrix_rank", x, rtol=each)
    check("linalg.pinv", x, rtol=each, **tolerance)
    tensor = dt.from_numpy(x)
    for full in (False, True):
        found = xp.linalg.svd(tensor, full_matrices=full)
        assert found._fields == ("U", "S", "Vh")
        rank = found.S.shape[-1]
        close(found.U[..., :rank] * xp.expand_dims(found.S, axis=-2) @ found.Vh[..., :rank, :], x)
        assert found.U.shape[-1] == (x.shape[-2] if full else rank)
        assert found.Vh.shape[-2] == (x.shape[-1] if full else rank)
    for mode in ("reduced", "complete"):
        found = xp.linalg.qr(tensor, mode=mode)
        assert found._fields == ("Q", "R") and found.Q.shape[-1] == (x.shape[-2] if mode == "complete" else rank)
        close(found.Q @ found.R, x)
        product = adjoint(found.Q) @ found.Q
        close(product, np.broadcast_to(np.eye(product.shape[-1], dtype=x.dtype), product.shape))
        assert xp.all(xp.triu(found.R) == found.R)


@few
@given(data=st.data())
def test_norms(data: Any) -> None:
    x = data.draw(array(FLOATING, shapes(min_dims=2, min_side=1)))
    for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")):
        check("linalg.matrix_norm", x, ord=order, keepdims=data.draw(st.booleans()), within=2e-3)
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1) | st.sampled_from([(0,), (0, 1), (1, 0)]))
    for order in (2, 0, 1, 3, 0.5, float("inf"), float("-inf"), -1.0):
        y = np.where(x == 0, x.dtype.type(1), x) if order in (-1.0, 0.5) else x
        check("linalg.vector_norm", y, ord=order, axis=axis, keepdims=data.draw(st.booleans()), within=1e-3)


@few
@given(data=st.data())
def test_products(data: Any) -> None:
    first, second = (each.dtype.name for each in data.draw(several(NUMERIC)))
    check("linalg.outer", data.draw(array(first, shapes(1, 1))), data.draw(array(second, shapes(1, 1))))
    shape = data.draw(shapes(max_dims=2))
    axis = data.draw(st.integers(-len(shape) - 1, -1))
    whole = list(shape)
    whole.insert(len(shape) + 1 + axis, 3)
    check("linalg.cross", data.draw(array(first, tuple(whole))), data.draw(array(second, tuple(whole))), axis=axis)


@few
@given(data=st.data())
def test_diagonals(data: Any) -> None:
    x = data.draw(array(NUMERIC, shapes(min_dims=2, min_side=1)))
    offset = data.draw(st.integers(1 - x.shape[-2], x.shape[-1] - 1))
    check("linalg.diagonal", x, offset=offset)
    check("linalg.trace", x, offset=offset)
    check("linalg.trace", x, dtype=np.dtype("complex128" if x.dtype.kind == "c" else "float64"))


def test_refusals() -> None:
    with pytest.raises(ValueError, match='qr: mode must be "reduced" or "complete", got str \'r\''):
        xp.linalg.qr(xp.ones((2, 2)), mode="r")
    with pytest.raises(ValueError, match="cross: axis 1 is out of range"):
        xp.linalg.cross(xp.ones(3), xp.ones((3, 3)), axis=1)
    for name in ("inv", "det", "cholesky", "eigh"):
        with pytest.raises((ValueError, RuntimeError), match=f"^{name}: "):
            getattr(xp.linalg, name)(xp.ones((2, 3)))
    with pytest.raises(RuntimeError, match="inv: The diagonal element 1 is zero"):
        xp.linalg.inv(xp.zeros((2, 2)))
