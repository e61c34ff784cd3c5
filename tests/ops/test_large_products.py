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
]
FLOATS = [dt.float32, dt.float64]


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


def assert_product(got: dt.Tensor, wanted: npt.NDArray[np.float64], depth: int) -> None:
    tolerance = (2e-7 if got.dtype == dt.float32 else 1e-15) * depth**0.5 * 40
    np.testing.assert_allclose(np.from_dlpack(got.contiguous()), wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_all_shapes(m: int, n: int, k: int, dtype: dt.dtype) -> None:
    a, b = numbers(m, k, seed=1), numbers(k, n, seed=2)
    assert_product(dt.tensor(a, dtype=dtype) @ dt.tensor(b, dtype=dtype), a @ b, k)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("left", ["rows", "columns", "apart", "backwards"])
@pytest.mark.parametrize("right", ["rows", "columns", "apart", "backwards"])
def test_all_layouts(left: str, right: str, dtype: dt.dtype) -> None:
    a, b = numbers(101, 333, seed=3), numbers(333, 67, seed=4)
    x, y = laid_out(a, left, dtype), laid_out(b, right, dtype)
    assert_product(x @ y, a @ b, 333)
    for layout in ("columns", "apart"):
        out = laid_out(np.zeros((101, 67)), layout, dtype)
        dt.mm(x, y, out=out)
        assert_product(out, a @ b, 333)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("start", [(67,), (101, 1), (101, 67), (1, 1)])
def test_all_starts(start: tuple[int, ...], dtype: dt.dtype) -> None:
    a, b, c = numbers(101, 700, seed=5), numbers(700, 67, seed=6), numbers(*start, seed=7)
    x, y, z = (dt.tensor(t, dtype=dtype) for t in (a, b, c))
    assert_product(dt.addmm(z, x, y), c + a @ b, 700)
    assert_product(dt.addmm(z, x, y, beta=-0.5, alpha=2.0), -0.5 * c + 2 * (a @ b), 700)
    out = laid_out(np.zeros((101, 67)), "columns", dtype)
    dt.addmm(z, x, y, out=out)
    assert_product(out, c + a @ b, 700)


def test_beta_zero_ignores_what_was_there() -> None:
    a, b = numbers(64, 300, seed=8), numbers(300, 64, seed=9)
    nothing = dt.full((64, 64), float("nan"), dtype=dt.float64)
    assert_product(dt.addmm(nothing, dt.tensor(a), dt.tensor(b), beta=0), a @ b, 300)


def test_linear_starts_from_its_bias() -> None:
    x, w, bias = numbers(3, 50, 400, seed=10), numbers(77, 400, seed=11), numbers(77, seed=12)
    got = dt._core.get_op("linear")(dt.tensor(x), dt.tensor(w), dt.tensor(bias))
    assert_product(got.reshape(150, 77), (x @ w.T + bias).reshape(150, 77), 400)


def test_batches_of_large_products() -> None:
    a, b = numbers(3, 150, 190, seed=13), numbers(3, 190, 160, seed=14)
    got = dt.tensor(a) @ dt.tensor(b)
    for i in range(3):
        assert_product(got[i], a[i] @ b[i], 190)
    shared = dt.tensor(a) @ dt.tensor(b[0])
    assert_product(shared[2], a[2] @ b[0], 190)


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
for m, n, k in [(128, 512, 784), (97, 129, 131), (60, 900, 400), (300, 300, 9001)]:
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for dtype in (dt.float32, dt.float64):
        x, y = dt.tensor(a, dtype=dtype), dt.tensor(b, dtype=dtype)
        products = [np.from_dlpack(z.contiguous()) for z in (x @ y, (y.T @ x.T).T, linear(x, y.T.contiguous()))]
        for product in products:
            digest.update(product.tobytes())
            error = max(error, np.abs(product - a @ b).max() / k**0.5)
print(digest.hexdigest(), error)
"""


def digest(threads: int, isa: str) -> str:
    """What PROGRAM's results come to, which are accurate."""
    command = [sys.executable, "-c", PROGRAM, str(threads)]
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    digest, error = done.stdout.split()
    assert float(error) < 1e-5
    return digest


def test_the_same_bits_for_any_threads_and_vectors() -> None:
    assert len({digest(threads, isa) for threads, isa in [(1, "v4"), (2, "v4"), (3, "v4"), (8, "v4"), (2, "v3")]}) == 1


def test_the_base_set_is_accurate_and_the_same_for_any_threads() -> None:
    assert digest(1, "base") == digest(8, "base")


def test_an_element_does_not_depend_on_its_neighbours() -> None:
    """Rows and columns of a product are the products of those rows and columns, to the bit."""
    a, b = dt.tensor(numbers(200, 500, seed=18)), dt.tensor(numbers(500, 210, seed=19))
    whole = a @ b
    assert dt.equal(whole[31:131], a[31:131] @ b)
    assert dt.equal(whole[:, 50:149], a @ b[:, 50:149])
