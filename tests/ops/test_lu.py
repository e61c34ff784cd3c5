"""LU and Cholesky of real matrices, triangular systems: backward errors, pivots, bits that no neighbour changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import dovetail as dt
from tests.ops.framework import rng_for

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
DTYPES = tuple(EPS)
EDGES = (1, 23, 24, 25, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257)
getrf = dt._core.get_op("linalg_getrf")


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = dt.get_num_threads()
    yield dt.set_num_threads
    dt.set_num_threads(before)


def random(*shape: int, dtype: str = "float64") -> np.ndarray:
    return np.asarray(rng_for("lu").standard_normal(shape), dtype)


def in_layout(x: np.ndarray, layout: int) -> dt.Tensor:
    """As it is; with columns side by side; with gaps."""
    if layout == 0:
        return dt.tensor(x)
    if layout == 1:
        return dt.tensor(np.ascontiguousarray(x.swapaxes(-1, -2))).mT
    gaps = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
    gaps[..., ::2] = x
    return dt.tensor(gaps)[..., ::2]


def factors(a: np.ndarray, layout: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """P A, L, U and info."""
    LU, pivots, info = (x.numpy() for x in getrf(in_layout(a, layout)))
    m, n = a.shape
    k = min(m, n)
    permuted = a.astype(np.float64)
    for i, pivot in enumerate(pivots - 1):
        assert i <= pivot < m
        permuted[[i, pivot]] = permuted[[pivot, i]]
    lower = np.tril(LU[:, :k].astype(np.float64), -1) + np.eye(m, k)
    return permuted, lower, np.triu(LU[:k]).astype(np.float64), int(info)


def check(a: np.ndarray, layout: int = 0) -> int:
    permuted, lower, upper, info = factors(a, layout)
    eps = EPS[a.dtype.name]
    assert np.abs(lower).max(initial=0) <= 1
    bound = (min(a.shape) + 2) * eps * (np.abs(lower) @ np.abs(upper))
    assert (np.abs(permuted - lower @ upper) <= bound + 1e-40).all()
    return info


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", EDGES)
def test_square(n: int, dtype: str) -> None:
    for layout in range(3):
        assert check(random(n, n, dtype=dtype), layout) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 200), (200, 1), (300, 33), (33, 300), (65, 31), (31, 65), (96, 97), (500, 130)])
def test_rectangular(shape: tuple[int, int], dtype: str) -> None:
    for layout in range(3):
        assert check(random(*shape, dtype=dtype), layout) == 0


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (0, 40, 40)])
def test_empty(shape: tuple[int, ...]) -> None:
    LU, pivots, _ = getrf(dt.zeros(*shape))
    assert LU.shape == shape and pivots.numel() == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", (40, 100))
def test_hard_matrices(n: int, dtype: str) -> None:
    growth = np.eye(n) - np.tril(np.ones((n, n)), -1)  # Wilkinson's: elements double in every step
    growth[:, -1] = 1
    assert check(growth.astype(dtype)) == 0
    assert check(np.full((n, n), 0.3, dtype)) == 2
    assert check(np.zeros((n, n), dtype)) == 1
    assert check(np.diag(np.ones(n - 1), 1).astype(dtype)) == 1
    holed = random(n, n, dtype=dtype)
    holed[:, 35] = 0
    assert check(holed) == 36
    tiny = random(n, n) * (1e-40 if dtype == "float32" else 1e-310)
    assert factors(tiny.astype(dtype))[3] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_equal_rows_is_taken(dtype: str) -> None:
    a = random(100, 100, dtype=dtype)
    a[:, 0], a[70:, 0] = 1, -1
    assert getrf(dt.tensor(a))[1].numpy()[0] == 1
    a[40:, 0] *= 2
    assert getrf(dt.tensor(a))[1].numpy()[0] == 41


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite(dtype: str) -> None:
    for at in ((5, 7), (60, 70), (99, 0)):
        for value in (np.nan, np.inf):
            a = random(100, 100, dtype=dtype)
            a[at] = value
            _, pivots, info = (x.numpy() for x in getrf(dt.tensor(a)))
            assert info == 0 and (pivots >= np.arange(1, 101)).all() and (pivots <= 100).all()
            if np.isnan(value):
                assert np.isnan(dt.linalg.solve(dt.tensor(a), dt.ones(100, 1, dtype=dt.tensor(a).dtype)).numpy()).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits(dtype: str, threads: Callable[[int], None]) -> None:
    """Neither threads, nor a batch, nor strides, nor other right-hand sides change them."""
    for n in (70, 257):
        a, b = dt.tensor(random(3, n, n, dtype=dtype)), dt.tensor(random(3, n, 100, dtype=dtype))
        results = []
        for count in (1, 2):
            threads(count)
            x = dt.linalg.solve(a, b)
            results.append([x, *getrf(a)])
            assert dt.equal(dt.linalg.solve(a, b[..., 49:60]), x[..., 49:60])
            assert dt.equal(dt.linalg.solve(a[1], b[1]), x[1])
            assert dt.equal(getrf(in_layout(a.numpy(), 1))[0], results[0][1])
            for alone, together in zip(getrf(a[2]), getrf(a), strict=True):
                assert dt.equal(alone, together[2])
        for one, two in zip(*results, strict=True):
            assert dt.equal(one, two)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", (1, 25, 31, 32, 40, 65, 130))
@pytest.mark.parametrize("upper", (False, True))
@pytest.mark.parametrize("left", (False, True))
def test_triangular_systems(n: int, upper: bool, left: bool, dtype: str) -> None:
    for columns in (0, 1, 16, 17, 33, 97, 300):
        for unit in (False, True):
            a = random(n, n, dtype=dtype) / n
            np.fill_diagonal(a, 1 if unit else 3)
            triangle = np.triu(a) if upper else np.tril(a)
            unread = np.where(triangle == 0, np.nan, triangle).astype(dtype)
            if unit:
                np.fill_diagonal(unread, np.nan)
            b = random(n, columns, dtype=dtype) if left else random(columns, n, dtype=dtype)
            for layout in range(3):
                x = dt.linalg.solve_triangular(
                    in_layout(unread, layout),
                    in_layout(b, (layout + columns) % 3),
                    upper=upper,
                    left=left,
                    unitriangular=unit,
                ).numpy()
                product = triangle.astype(np.float64) @ x if left else x @ triangle.astype(np.float64)
                assert np.abs(product - b).max(initial=0) <= 40 * EPS[dtype] * max(1, np.abs(x).max(initial=0))


def test_triangular_system_into_a_transposed_result() -> None:
    a, b = np.tril(random(50, 50)) + 8 * np.eye(50), random(50, 20)
    out = dt.zeros(20, 50, dtype=dt.float64).T
    dt.linalg.solve_triangular(dt.tensor(a), dt.tensor(b), upper=False, out=out)
    assert np.abs(a @ out.numpy() - b).max() < 1e-13


# ---- Cholesky ----

potrf = dt._core.get_op("linalg_potrf")


def positive(*shape: int, dtype: str) -> np.ndarray:
    g = random(*shape)
    return np.asarray(g @ g.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1]), dtype)


@pytest.mark.parametrize("upper", (False, True))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", EDGES)
def test_cholesky(n: int, dtype: str, upper: bool) -> None:
    a = positive(n, n, dtype=dtype)
    half = np.triu(np.ones((n, n))) if upper else np.tril(np.ones((n, n)))
    read = np.where(half > 0, a, np.nan).astype(dtype)
    for layout in range(3):
        L, info = (x.numpy() for x in potrf(in_layout(read, layout), upper))
        assert info == 0 and (L[half == 0] == 0).all()
        exact = L.astype(np.float64).T if upper else L.astype(np.float64)
        assert (np.abs(exact @ exact.T - a) <= (n + 2) * EPS[dtype] * (np.abs(exact) @ np.abs(exact.T))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", (1, 33, 100, 256))
def test_cholesky_of_others(n: int, dtype: str) -> None:
    for at in (0, n // 3, n // 2, n - 1):
        for value in (-1e9, 0, np.nan):
            a = positive(n, n, dtype=dtype)
            a[at, at] = value
            assert int(potrf(dt.tensor(a))[1]) == at + 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_cholesky(dtype: str, threads: Callable[[int], None]) -> None:
    for n in (70, 257, 512):
        a = dt.tensor(positive(2, n, n, dtype=dtype))
        threads(1)
        L = dt.linalg.cholesky(a)
        threads(2)
        assert dt.equal(dt.linalg.cholesky(a), L)
        for _ in range(10):
            assert dt.equal(dt.linalg.cholesky(a[1]), L[1])
