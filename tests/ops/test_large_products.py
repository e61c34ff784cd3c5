"""Products large enough for packed panels: every layout, edge and start, the same bits for any threads and AVX."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

import dovetail as dt

# Rows, columns, depth: whole panels, slivers of all sides, several depths, more than is laid out at a time.
SHAPES = [
    (48, 48, 600),
    (96, 128, 128),
    (97, 129, 131),
    (128, 512, 784),
    (49, 4100, 33),
    (4100, 60, 17),
    (300, 300, 9001),
    (133, 67, 321),
    (517, 101, 411),
    (49, 190, 140),
    (128, 65, 128),
    (250, 100, 401),
]
FLOATS = [dt.float32, dt.float64, dt.bfloat16]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = dt.get_num_threads()
    yield
    dt.set_num_threads(before)


def numbers(*shape: int, seed: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def laid_out(x: npt.NDArray[np.float64], layout: str, dtype: dt.dtype) -> dt.Tensor:
    """A tensor of x's values, kept in rows, in columns, as every second element, or backwards."""
    t = dt.tensor(x, dtype=dtype)
    if layout == "columns":
        return t.T.contiguous().T
    if layout == "apart":
        apart = dt.zeros(2 * x.shape[0], 2 * x.shape[1], dtype=dtype)
        apart[::2, ::2] = t
        return apart[::2, ::2]
    if layout == "backwards":
        return t.flip(0).contiguous()[::-1]
    return t


def rounded(x: npt.NDArray[np.float64], dtype: dt.dtype) -> npt.NDArray[np.float64]:
    """The nearest numbers that a dtype has."""
    return np.from_dlpack(dt.tensor(x, dtype=dtype).to(dt.float64))


def assert_product(got: dt.Tensor, wanted: npt.NDArray[np.float64], depth: int) -> None:
    """That sums are right to their dtype's last bits, and for bfloat16 rounded once."""
    exact = got.dtype == dt.float64
    rtol = 2**-8 if got.dtype == dt.bfloat16 else 0
    atol = (1e-15 if exact else 2e-7) * depth**0.5 * 40
    np.testing.assert_allclose(np.from_dlpack(got.to(dt.float64).contiguous()), wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_all_shapes(m: int, n: int, k: int, dtype: dt.dtype) -> None:
    a, b = rounded(numbers(m, k, seed=1), dtype), rounded(numbers(k, n, seed=2), dtype)
    assert_product(dt.tensor(a, dtype=dtype) @ dt.tensor(b, dtype=dtype), a @ b, k)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("left", ["rows", "columns", "apart", "backwards"])
@pytest.mark.parametrize("right", ["rows", "columns", "apart", "backwards"])
def test_all_layouts(left: str, right: str, dtype: dt.dtype) -> None:
    a, b = rounded(numbers(101, 333, seed=3), dtype), rounded(numbers(333, 67, seed=4), dtype)
    x, y = laid_out(a, left, dtype), laid_out(b, right, dtype)
    assert_product(x @ y, a @ b, 333)
    for layout in ("columns", "apart"):
        out = laid_out(np.zeros((101, 67)), layout, dtype)
        dt.mm(x, y, out=out)
        assert_product(out, a @ b, 333)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("start", [(67,), (101, 1), (101, 67), (1, 1)])
def test_all_starts(start: tuple[int, ...], dtype: dt.dtype) -> None:
    shapes = (101, 700), (700, 67), start
    a, b, c = (rounded(numbers(*shape, seed=i), dtype) for i, shape in enumerate(shapes))
    x, y, z = (dt.tensor(t, dtype=dtype) for t in (a, b, c))
    assert_product(dt.addmm(z, x, y), c + a @ b, 700)
    assert_product(dt.addmm(z, x, y, beta=-0.5, alpha=2.0), -0.5 * c + 2 * (a @ b), 700)
    out = laid_out(np.zeros((101, 67)), "columns", dtype)
    dt.addmm(z, x, y, out=out)
    assert_product(out, c + a @ b, 700)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("n, k", [(48, 600), (97, 333), (500, 700), (130, 9001), (4100, 17)])
def test_times_its_own_transpose(n: int, k: int, dtype: dt.dtype) -> None:
    """Half of such a product is made, where its start is symmetric too: to the bit what the whole is."""
    x = dt.tensor(numbers(n, k, seed=5), dtype=dtype)
    start = dt.tensor(numbers(n, n, seed=6), dtype=dtype)
    assert dt.equal(x @ x.T, x @ x.clone().T)
    both = dt.stack([x, -x])
    assert dt.equal(both @ both.mT, both @ both.clone().mT)
    for z in (start, start + start.T, start[0], start[:, :1]):
        assert dt.equal(dt.addmm(z, x, x.T, beta=0.5, alpha=2), dt.addmm(z, x, x.clone().T, beta=0.5, alpha=2))
    wide = dt.tensor(numbers(k, n, seed=7), dtype=dtype)
    assert dt.equal(wide.T @ wide, wide.T @ wide.clone())
    out = dt.empty((n, n), dtype=dtype).T
    assert dt.equal(dt.mm(x, x.T, out=out), x @ x.clone().T)


def test_beta_zero_ignores_what_was_there() -> None:
    a, b = numbers(64, 300, seed=8), numbers(300, 64, seed=9)
    nothing = dt.full((64, 64), float("nan"), dtype=dt.float64)
    assert_product(dt.addmm(nothing, dt.tensor(a), dt.tensor(b), beta=0), a @ b, 300)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_linear_starts_from_its_bias(dtype: dt.dtype) -> None:
    x, w, bias = (rounded(numbers(*s, seed=len(s)), dtype) for s in ((3, 50, 400), (77, 400), (77,)))
    got = dt._core.get_op("linear")(*(dt.tensor(t, dtype=dtype) for t in (x, w, bias)))
    assert_product(got.reshape(150, 77), (x @ w.T + bias).reshape(150, 77), 400)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("m, n, k", [(64, 48, 768), (500, 90, 700), (131, 256, 1025), (49, 255, 1300)])
def test_gradients_of_weights(m: int, n: int, k: int, dtype: dt.dtype) -> None:
    """A narrow matrix, from the left one's columns."""
    a, b = rounded(numbers(k, m, seed=18), dtype), rounded(numbers(k, n, seed=19), dtype)
    assert_product(dt.tensor(a, dtype=dtype).T @ dt.tensor(b, dtype=dtype), a.T @ b, k)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("count, m, n, k", [(3, 150, 160, 190), (70, 33, 34, 35), (2, 16, 16, 17)])
def test_batches(count: int, m: int, n: int, k: int, dtype: dt.dtype) -> None:
    a, b = rounded(numbers(count, m, k, seed=13), dtype), rounded(numbers(count, k, n, seed=14), dtype)
    x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
    assert_product(x @ y, a @ b, k)
    assert_product(x @ y[0], a @ b[0], k)
    assert_product(x[0] @ y.mT.contiguous().mT, a[0] @ b, k)


def test_infinities_and_nans_stay_in_their_rows_and_columns() -> None:
    """What fills up a last panel never reaches the results."""
    a, b = numbers(101, 300, seed=15), numbers(300, 67, seed=16)
    a[100, 5], b[7, 66] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        wanted = a @ b
    got = np.from_dlpack(dt.tensor(a) @ dt.tensor(b))
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))


PROGRAM = """
import hashlib, sys
import numpy as np, dovetail as dt
dt.set_num_threads(int(sys.argv[1]))
linear = dt._core.get_op("linear")
digest, error = hashlib.sha256(), 0.0
rng = np.random.default_rng(17)
for m, n, k in [(128, 512, 784), (97, 129, 131), (60, 900, 400), (500, 90, 700), (300, 300, 9001),
                (128, 65, 128), (250, 100, 401)]:
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for dtype in (dt.float32, dt.float64, dt.bfloat16):
        x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
        products = [x @ y, (y.T @ x.T).T, linear(x, y.T.contiguous()), x.T.contiguous().T @ y]
        for product in (np.from_dlpack(z.to(dt.float64).contiguous()) for z in products):
            if dtype != dt.bfloat16 or sys.argv[2]:
                digest.update(product.tobytes())
            if dtype != dt.bfloat16:
                error = max(error, np.abs(product - a @ b).max() / k**0.5)
print(digest.hexdigest(), error)
"""


def digest(threads: int, isa: str, bfloat16: bool = True) -> str:
    """What PROGRAM's results come to, which are accurate."""
    command = [sys.executable, "-c", PROGRAM, str(threads), "bfloat16" if bfloat16 else ""]
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    digest, error = done.stdout.split()
    assert float(error) < 1e-5
    return digest


def test_the_same_bits_for_any_threads() -> None:
    assert len({digest(threads, "v4") for threads in (1, 2, 3, 8)}) == 1


def test_the_same_bits_with_and_without_avx512() -> None:
    """Of bfloat16 too, but where AVX-512 has an instruction for it, which sums in another order."""
    assert digest(2, "v4", bfloat16=False) == digest(2, "v3", bfloat16=False)


def test_the_base_set_is_accurate_and_the_same_for_any_threads() -> None:
    assert digest(1, "base") == digest(8, "base")


def test_an_element_does_not_depend_on_its_neighbours() -> None:
    """Rows and columns of a product are the products of those rows and columns, to the bit."""
    a, b = dt.tensor(numbers(200, 500, seed=18)), dt.tensor(numbers(500, 210, seed=19))
    whole = a @ b
    assert dt.equal(whole[31:131], a[31:131] @ b)
    assert dt.equal(whole[:, 50:149], a @ b[:, 50:149])
