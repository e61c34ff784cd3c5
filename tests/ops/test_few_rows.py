"""Products of few rows, with a matrix that passes by as it lies: every layout, edge and start, the same bits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

import dovetail as dt

FLOATS = [dt.float32, dt.float64, dt.bfloat16, dt.float16]
ROWS = [1, 2, 3, 4, 5, 8, 9, 13, 16, 17]
# Columns and depth: lines, strips and units of columns, blocks of both, and what is left of them.
OTHERS = [(64, 64), (64, 8), (65, 33), (79, 17), (100, 100), (127, 512), (130, 513), (193, 1100), (1030, 70), (4200, 9)]


def numbers(*shape: int, seed: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def rounded(x: npt.NDArray[np.float64], dtype: dt.dtype) -> npt.NDArray[np.float64]:
    """The nearest numbers that a dtype has."""
    return np.from_dlpack(dt.tensor(x, dtype=dtype).to(dt.float64))


def in_columns(t: dt.Tensor) -> dt.Tensor:
    return t.mT.contiguous().mT


def apart(t: dt.Tensor) -> dt.Tensor:
    """The same numbers as every second element."""
    wide = dt.zeros([2 * n for n in t.shape], dtype=t.dtype)
    every_second = wide[tuple(slice(None, None, 2) for _ in t.shape)]
    every_second.copy_(t)
    return every_second


def assert_close(got: dt.Tensor, wanted: npt.NDArray[np.float64], depth: int) -> None:
    rtol = {dt.bfloat16: 2**-8, dt.float16: 2**-10}.get(got.dtype, 0)
    atol = (1e-15 if got.dtype == dt.float64 else 2e-7) * depth**0.5 * 40
    np.testing.assert_allclose(np.from_dlpack(got.to(dt.float64).contiguous()), wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("n, k", OTHERS)
def test_all_shapes(n: int, k: int, dtype: dt.dtype) -> None:
    b = rounded(numbers(k, n, seed=2), dtype)
    y = dt.tensor(b, dtype=dtype)
    for m in ROWS:
        a = rounded(numbers(m, k, seed=1), dtype)
        x = dt.tensor(a, dtype=dtype)
        for right in (y, in_columns(y)):
            assert_close(x @ right, a @ b, k)
            assert_close(right.T @ x.T, (a @ b).T, k)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("m", [1, 3, 6, 12])
def test_all_layouts(m: int, dtype: dt.dtype) -> None:
    k, n = 523, 141
    a, b = rounded(numbers(m, k, seed=3), dtype), rounded(numbers(k, n, seed=4), dtype)
    x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
    for left in (x, in_columns(x), apart(x), x.flip(1).contiguous().flip(1)):
        for right in (y, in_columns(y), apart(y)):
            assert_close(left @ right, a @ b, k)
            for out in (in_columns(dt.zeros(m, n, dtype=dtype)), apart(dt.zeros(m, n, dtype=dtype))):
                assert_close(dt.mm(left, right, out=out), a @ b, k)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("start", [(131,), (3, 1), (3, 131), (1, 1)])
def test_all_starts(start: tuple[int, ...], dtype: dt.dtype) -> None:
    a, b, c = (rounded(numbers(*shape, seed=i), dtype) for i, shape in enumerate([(3, 700), (700, 131), start]))
    x, y, z = (dt.tensor(t, dtype=dtype) for t in (a, b, c))
    for right in (y, in_columns(y)):
        assert_close(dt.addmm(z, x, right), c + a @ b, 700)
        assert_close(dt.addmm(z, x, right, beta=-0.5, alpha=2.0), -0.5 * c + 2 * (a @ b), 700)
        assert_close(dt.addmm(dt.full_like(z, float("nan")), x, right, beta=0), a @ b, 700)
    turned = z.T if z.dim() == 2 else z[:, None]
    assert_close(dt.addmm(turned, y.T, x.T), (c + a @ b).T, 700)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_vectors_batches_and_linear(dtype: dt.dtype) -> None:
    linear = dt._core.get_op("linear")
    a, b = rounded(numbers(5, 3, 150, seed=5), dtype), rounded(numbers(5, 150, 90, seed=6), dtype)
    x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
    for right in (y, in_columns(y)):
        assert_close(x @ right, a @ b, 150)
        assert_close(x[:, :1] @ right, a[:, :1] @ b, 150)
        assert_close(x[:1] @ right[:1].expand(5, 150, 90), a[:1] @ b[:1].repeat(5, 0), 150)
        assert_close(x[0, 0] @ right[0], a[0, 0] @ b[0], 150)
        assert_close(right[0].T @ x[0, 0], b[0].T @ a[0, 0], 150)
        assert_close(linear(x[0], right[0].T, right[1, 0]), a[0] @ b[0] + b[1, 0], 150)
        assert_close(linear(x[0, :1], right[0].T), a[0, :1] @ b[0], 150)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nothing_leaks_from_what_is_not_there(dtype: dt.dtype) -> None:
    """Infinities and NaNs stay in their rows and columns; those around a matrix stay out."""
    for n, k in ((77, 70), (100, 530)):
        for m in (1, 3, 5):
            a, b = numbers(m, k, seed=7), numbers(k, n, seed=8)
            a[0, k - 1], b[3, n - 1] = np.inf, np.nan
            with np.errstate(invalid="ignore"):
                wanted = a @ b
            around = dt.full((k + 2, n + 2), float("nan"), dtype=dtype)
            around[1:-1, 1:-1] = dt.tensor(b, dtype=dtype)
            for right in (around[1:-1, 1:-1], around.T.contiguous().T[1:-1, 1:-1]):
                got = np.from_dlpack((dt.tensor(a, dtype=dtype) @ right).to(dt.float64))
                np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))


def test_nothing_to_multiply() -> None:
    assert dt.zeros(0, 100).matmul(dt.zeros(100, 200)).shape == (0, 200)
    assert dt.zeros(1, 100).matmul(dt.zeros(100, 0)).shape == (1, 0)
    assert dt.equal(dt.ones(1, 0).matmul(dt.ones(0, 100)), dt.zeros(1, 100))


PROGRAM = """
import hashlib, sys
import numpy as np, dovetail as dt
dt.set_num_threads(int(sys.argv[1]))
digest = hashlib.sha256()
rng = np.random.default_rng(17)
for m, n, k in [(1, 1000, 1030), (3, 2050, 300), (8, 515, 777), (14, 131, 2100)]:
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for dtype in (dt.float32, dt.float64, dt.bfloat16, dt.float16):
        x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
        for product in (x @ y, x @ y.T.contiguous().T, (y.T @ x.T).T, dt.stack([x, x]) @ y):
            digest.update(np.from_dlpack(product.to(dt.float64).contiguous()).tobytes())
print(digest.hexdigest())
"""


def digest(threads: int, isa: str) -> str:
    """What PROGRAM's results come to."""
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    command = [sys.executable, "-c", PROGRAM, str(threads)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_same_bits_for_any_threads_and_with_avx512() -> None:
    assert len({digest(threads, isa) for threads in (1, 2, 3, 8) for isa in ("v3", "v4")}) == 1


def test_the_base_set_has_the_same_bits_for_any_threads() -> None:
    assert digest(1, "base") == digest(3, "base")


def test_an_element_does_not_depend_on_its_neighbours() -> None:
    """Rows and columns of a product are the products of those rows and columns, to the bit."""
    a, b = dt.tensor(numbers(8, 600, seed=18)), dt.tensor(numbers(600, 310, seed=19))
    for right in (b, in_columns(b)):
        whole = a @ right
        assert dt.equal(whole[2:3], a[2:3] @ right)
        assert dt.equal(whole[3:8], a[3:8] @ right)
        assert dt.equal(whole[:, 50:149], a @ right[:, 50:149])
