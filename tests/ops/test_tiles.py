"""Products of bfloat16 matrices by every way that the machine has: tiles, pairs of AVX-512, widened numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WAYS = [None, "v4", "v3"]  # what DOVETAIL_ISA allows


def output(program: str, isa: str | None, *arguments: str) -> str:
    """What a program prints that has numpy as np, dovetail as dt and `numbers`, exact in bfloat16."""
    environment = {**os.environ}
    environment.pop("DOVETAIL_ISA", None)
    if isa:
        environment["DOVETAIL_ISA"] = isa
    prelude = """
import hashlib, itertools, os, sys, threading
import numpy as np, dovetail as dt
def numbers(*shape, seed=0):
    t = dt.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=dt.bfloat16)
    return np.from_dlpack(t.to(dt.float64)), t
def values(t):
    return np.from_dlpack(t.to(dt.float64).contiguous())
def assert_near(got, wanted, depth):
    np.testing.assert_allclose(values(got), wanted, rtol=2**-8, atol=8e-6 * depth**0.5)
"""
    command = [sys.executable, "-c", prelude + program, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_sizes_around_tiles(isa: str | None) -> None:
    """Each dimension, in each layout: whole tiles and panels, slivers, one more and one less."""
    program = """
for m, n, k in itertools.product((16, 17, 31, 32, 33, 63, 65), (16, 31, 33, 48, 64), (16, 31, 32, 33, 95, 130)):
    (a, x), (b, y) = numbers(m, k, seed=1), numbers(k, n, seed=2)
    down, across = x.T.contiguous().T, y.T.contiguous().T
    apart = dt.zeros(2 * m, 2 * k, dtype=dt.bfloat16)[::2, ::2]
    apart.copy_(x)
    assert_near(x @ y, a @ b, k)
    for left, right in ((x, across), (down, y), (down, across), (apart, y), (apart, across)):
        assert_near(left @ right, a @ b, k)
"""
    output(program, isa)


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_deep_products_and_starts(isa: str | None) -> None:
    """Depths around those that are laid out at a time, from zeros, a bias and a matrix."""
    program = """
linear = dt._core.get_op("linear")
shapes = [(40, 50, 511), (40, 50, 513), (33, 70, 1025), (70, 33, 2047), (40, 50, 2049), (64, 64, 4200), (2100, 17, 40)]
shapes += [(1, 130, 200), (3, 500, 600), (129, 1, 400), (140, 9, 2100), (150, 160, 1), (200, 129, 7)]
for m, n, k in shapes:
    (a, x), (b, y) = numbers(m, k, seed=1), numbers(k, n, seed=2)
    (c, z), (d, w) = numbers(m, n, seed=3), numbers(n, seed=4)
    assert_near(x @ y, a @ b, k)
    assert_near(linear(x, y.T.contiguous(), w), a @ b + d, k)
    assert_near(dt.addmm(z, x, y, beta=-0.5, alpha=2), -0.5 * c + 2 * (a @ b), 4 * k)
    assert_near(dt.addmm(w, x, y), d + a @ b, k)
    columns = dt.empty(n, m, dtype=dt.bfloat16).T
    assert_near(dt.mm(x, y, out=columns), a @ b, k)
    assert dt.equal(x @ x.T, x @ x.clone().T)
    assert dt.equal(y.T @ y, y.T @ y.clone())
    batch = dt.stack([x, -x, x])
    assert_near((batch @ y)[1], -(a @ b), k)
    # Widened numbers are multiplied in another way from 48 rows and columns on.
    if os.environ.get("DOVETAIL_ISA") != "v3" or not m < 48 <= min(3 * m, n):
        assert dt.equal((batch @ y)[1], -(x @ y))
"""
    output(program, isa)


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_more_than_is_laid_out_at_a_time(isa: str | None) -> None:
    """Either matrix may be the one that is laid out for all, in either layout."""
    program = """
for m, n, k in [(2000, 2100, 40), (2100, 2000, 33), (4200, 130, 70), (130, 4200, 70), (2100, 2100, 17)]:
    (a, x), (b, y) = numbers(m, k, seed=1), numbers(k, n, seed=2)
    for left in (x, x.T.contiguous().T):
        for right in (y, y.T.contiguous().T):
            assert_near(left @ right, a @ b, k)
    assert dt.equal(x @ x.T, x @ x.clone().T)
"""
    output(program, isa)


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_an_element_does_not_depend_on_its_neighbours(isa: str | None) -> None:
    program = """
(_, x), (_, y) = numbers(300, 1100, seed=1), numbers(1100, 290, seed=2)
whole = x @ y
assert dt.equal(whole[31:131], x[31:131] @ y)
assert dt.equal(whole[:, 50:149], x @ y[:, 50:149])
assert dt.equal(whole[7:40, 50:83], x[7:40] @ y[:, 50:83])
"""
    output(program, isa)


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_infinities_and_nans_stay_in_their_rows_and_columns(isa: str | None) -> None:
    program = """
for k in (33, 700):
    (a, x), (b, y) = numbers(101, k, seed=1), numbers(k, 67, seed=2)
    a[100, 5], b[7, 66] = np.inf, np.nan
    x[100, 5], y[7, 66] = float("inf"), float("nan")
    with np.errstate(invalid="ignore"):
        wanted = a @ b
    got = values(x @ y)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))
big = dt.full((32, 32), 3e38, dtype=dt.bfloat16)
assert values(big @ dt.eye(32, dtype=dt.bfloat16)).max() == values(big)[0, 0]
assert (values(big @ big) == np.inf).all()
"""
    output(program, isa)


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_the_same_bits_for_any_threads(isa: str | None) -> None:
    program = """
dt.set_num_threads(int(sys.argv[1]))
digest = hashlib.sha256()
for m, n, k in [(33, 900, 600), (900, 33, 600), (600, 600, 1100), (300, 70, 5000)]:
    (_, x), (_, y) = numbers(m, k, seed=1), numbers(k, n, seed=2)
    for product in (x @ y, x @ x.T, dt.stack([x, x]) @ y, x.T.contiguous().T @ y):
        digest.update(values(product).tobytes())
print(digest.hexdigest())
"""
    assert len({output(program, isa, str(threads)) for threads in (1, 2, 3)}) == 1


@pytest.mark.parametrize("isa", WAYS, ids=str)
def test_threads_and_processes_made_before_and_after_the_first_product(isa: str | None) -> None:
    """What a processor needs for tiles is had by all of them."""
    program = """
dt.set_num_threads(1)
(_, x), (_, y) = numbers(70, 100, seed=1), numbers(100, 90, seed=2)
go, results = threading.Event(), []
def work():
    go.wait()
    results.append(x @ y)
def in_a_child(wanted):
    child = os.fork()
    if child == 0:
        got = x @ y
        os._exit(0 if wanted is None or dt.equal(got, wanted) else 1)
    assert os.waitpid(child, 0)[1] == 0
early = threading.Thread(target=work)
early.start()
in_a_child(None)
wanted = x @ y
go.set()
late = threading.Thread(target=work)
late.start()
early.join(), late.join()
assert len(results) == 2 and all(dt.equal(wanted, r) for r in results)
in_a_child(wanted)
assert dt.equal(x @ y, wanted)
"""
    output(program, isa)
