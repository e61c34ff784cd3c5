"""Eigenvalues and eigenvectors of real symmetric matrices: backward errors and orthogonality of hard ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops.framework import rng_for

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
SIZES = (2, 31, 48, 65, 130, 200)


def symmetric(n: int) -> np.ndarray:
    a = rng_for("eigh").standard_normal((n, n))
    return np.asarray(a + a.T)


def with_values(values: np.ndarray) -> np.ndarray:
    """A matrix with these eigenvalues, and random eigenvectors."""
    q = np.linalg.qr(rng_for("eigh").standard_normal((len(values), len(values))))[0]
    a = (q * values) @ q.T
    return np.asarray(a + a.T) / 2


def tridiagonal(diagonal: np.ndarray, beside: np.ndarray) -> np.ndarray:
    return np.asarray(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))


def wilkinson(n: int) -> np.ndarray:
    """Pairs of eigenvalues that agree in many digits, in each of the blocks that tiny numbers join."""
    diagonal = np.abs(np.resize(np.arange(-10.0, 11.0), n))
    return tridiagonal(diagonal, np.where(np.arange(1, n) % 21, 1.0, 1e-7))


def two_blocks(n: int, size: float) -> np.ndarray:
    a, half = symmetric(n), n // 2
    a[:half, half:] = a[half:, :half] = 0
    a[half:, half:] *= size
    return a


def arrow(n: int) -> np.ndarray:
    a = np.diag(np.linspace(0, 1, n))
    a[0, 1:] = a[1:, 0] = 1
    return a


MATRICES: dict[str, Callable[[int], np.ndarray]] = {
    "random": symmetric,
    "four values": lambda n: with_values(np.arange(n) % 4 * 1.0),
    "one cluster": lambda n: with_values(1 + 1e-9 * rng_for("eigh").standard_normal(n)),
    "one large": lambda n: with_values(np.r_[1e4, np.ones(n - 1)]),
    "graded": lambda n: with_values(10.0 ** -np.linspace(0, 30, n)),
    "both signs": lambda n: with_values(np.where(np.arange(n) % 2, 1, -1) * 10.0 ** -np.linspace(0, 12, n)),
    "low rank": lambda n: with_values(np.where(np.arange(n) < 3, np.arange(n) - 1.5, 0)),
    "graded rows": lambda n: symmetric(n) * np.outer(*[10.0 ** -np.linspace(0, 15, n)] * 2),
    "diagonal": lambda n: np.diag(rng_for("eigh").standard_normal(n)),
    "identity": np.eye,
    "zero": lambda n: np.zeros((n, n)),
    "ones": lambda n: np.ones((n, n)),
    "second differences": lambda n: tridiagonal(np.full(n, 2.0), np.full(n - 1, -1.0)),
    "no diagonal": lambda n: tridiagonal(np.zeros(n), np.ones(n - 1)),
    "wilkinson": wilkinson,
    "almost diagonal": lambda n: np.diag(np.arange(n) * 1.0) + 1e-20 * symmetric(n),
    "two blocks": lambda n: two_blocks(n, 1e-12),
    "a block next to nothing": lambda n: two_blocks(n, 1e-36),
    "arrow": arrow,
}


def check(a: np.ndarray, values: Any, vectors: Any, values_alone: Any) -> None:
    """Of a matrix whose other triangle may hold anything: its lower one counts."""
    n, eps = len(a), EPS[a.dtype.name]
    size = float(np.abs(np.tril(a)).max()) or 1.0
    whole = np.tril(a).astype(np.float64) / size
    whole += np.tril(whole, -1).T
    exact = np.linalg.eigvalsh(whole)
    w, V = np.asarray(values).astype(np.float64) / size, np.asarray(vectors).astype(np.float64)
    alone = np.asarray(values_alone).astype(np.float64) / size
    least = 2e-45 / size if eps > 1e-10 else 5e-324 / size  # what the numbers next to nothing are rounded to
    bound = (8 + n) * eps
    scale = float(np.abs(exact).max())
    assert np.all(np.diff(w) >= 0)
    assert np.abs(V.T @ V - np.eye(n)).max() <= bound
    assert np.abs(whole @ V - V * w).max() <= bound * scale + n * least
    assert np.abs(w - exact).max() <= bound * scale + n * least
    assert np.abs(alone - exact).max() <= bound * scale + n * least


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("kind", MATRICES)
def test_backward_errors(kind: str, dtype: str) -> None:
    for n in SIZES:
        a = MATRICES[kind](n).astype(dtype)
        check(a, *dt.linalg.eigh(dt.tensor(a)), dt.linalg.eigvalsh(dt.tensor(a)))


@pytest.mark.parametrize("dtype", EPS)
def test_sums_of_equal_terms_do_not_add_up_their_rounding(dtype: str) -> None:
    """All of one row's numbers are alike, and so is what their sums are rounded by."""
    n = 513
    values, vectors = (
        np.asarray(t).astype(np.float64) for t in dt.linalg.eigh(dt.ones(n, n, dtype=getattr(dt, dtype)))
    )
    assert np.abs(vectors.T @ vectors - np.eye(n)).max() <= 130 * EPS[dtype]
    assert abs(values[-1] - n) <= 50 * EPS[dtype] * n


@pytest.mark.parametrize("dtype, sizes", [("float32", (1e-42, 1e-38, 3e37)), ("float64", (1e-320, 1e-307, 1e307))])
@pytest.mark.parametrize("n", [5, 40, 70, 256])
def test_tiny_and_huge_matrices(n: int, dtype: str, sizes: tuple[float, ...]) -> None:
    for size in sizes:
        a = symmetric(n)
        a = (a / np.abs(np.linalg.eigvalsh(a)).max() * size).astype(dtype)
        check(a, *dt.linalg.eigh(dt.tensor(a)), dt.linalg.eigvalsh(dt.tensor(a)))


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("n", [64, 75])
def test_layouts_batches_and_triangles(n: int, dtype: str) -> None:
    a = rng_for("eigh").standard_normal((2, 3, n, n)).astype(dtype)
    one_triangle = np.where(np.tri(n, dtype=bool), a, np.nan)
    x = dt.tensor(one_triangle)
    ways = {
        "whole": (x, "L"),
        "transposed": (x.mT, "U"),
        "turned": (x.mT.contiguous(), "U"),
        "apart": (dt.tensor(np.repeat(one_triangle, 2, -1))[..., ::2], "L"),
    }
    wanted = [dt.linalg.eigh(x[i, j]) for i in range(2) for j in range(3)]
    for y, triangle in ways.values():
        values, vectors = dt.linalg.eigh(y, triangle)
        alone = dt.linalg.eigvalsh(y, triangle)
        for k, one in enumerate(wanted):
            i, j = divmod(k, 3)
            assert np.array_equal(values[i, j].numpy(), one[0].numpy())
            assert np.array_equal(vectors[i, j].numpy(), one[1].numpy())
            check(a[i, j], values[i, j], vectors[i, j], alone[i, j])


@pytest.mark.parametrize("n", [20, 64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad: float, n: int) -> None:
    a = symmetric(n).astype(np.float32)
    a[n - 1, 3] = bad
    for function in (dt.linalg.eigh, dt.linalg.eigvalsh):
        with pytest.raises(dt.linalg.LinAlgError, match=f"linalg_{function.__name__.removeprefix('linalg_')}"):
            function(dt.tensor(a))
        function(dt.tensor(a), "U")  # its triangle is well


PROGRAM = """
import sys
import numpy as np
import dovetail as dt
dt.set_num_threads(int(sys.argv[1]))
for dtype in (np.float32, np.float64):
    for shape in ((60, 60), (3, 131, 131), (256, 256), (300, 300)):
        a = dt.tensor(np.random.default_rng(0).standard_normal(shape).astype(dtype))
        for result in (*dt.linalg.eigh(a), dt.linalg.eigvalsh(a)):
            sys.stdout.buffer.write(result.numpy().tobytes())
"""


def results(threads: int, isa: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(threads)],
        env={**os.environ, "DOVETAIL_ISA": isa},
        check=True,
        capture_output=True,
    ).stdout


def test_neither_threads_nor_avx512_change_a_bit() -> None:
    one = results(1, "v4")
    assert len(one) > 1_000_000
    for threads, isa in ((2, "v4"), (3, "v4"), (8, "v4"), (1, "v3")):
        assert results(threads, isa) == one


@pytest.mark.parametrize("dtype", EPS)
def test_without_wide_vectors(dtype: str) -> None:
    program = f"""
import numpy as np
import dovetail as dt
from tests.ops.test_symmetric_eigen import MATRICES, check
for name in ("random", "wilkinson", "graded"):
    a = MATRICES[name](100).astype("{dtype}")
    check(a, *dt.linalg.eigh(dt.tensor(a)), dt.linalg.eigvalsh(dt.tensor(a)))
"""
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "DOVETAIL_ISA": "base"}, check=True)
