"""Products of small matrices, and convolutions, in tiles: heights, widths, layouts, starts and all instruction sets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BOUND = 80.0  # elements of the factors reach 4, and of their products' sums some times the depth's root

# Prints a digest of all results, and the largest error of one in units of its depth's root times half its dtype's
# epsilon.
PROGRAM = """
import hashlib, itertools, sys
import numpy as np
import dovetail as dt
from numpy.lib.stride_tricks import sliding_window_view

digest, worst, rng = hashlib.sha256(), 0.0, np.random.default_rng(3)
convolution = dt._core.get_op("convolution")

def numbers(*shape):
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

def check(got, wanted, depth):
    global worst
    digest.update(np.from_dlpack(got.contiguous()).tobytes())
    off = np.abs(np.from_dlpack(got.to(dt.float64).contiguous()) - wanted).max() if wanted.size else 0.0
    assert np.isfinite(off)
    worst = max(worst, off / (depth**0.5 * (6e-8 if got.dtype == dt.float32 else 1.1e-16)))

def products():
    rows, cols, depths = (1, 2, 3, 4, 5, 7, 11, 12, 13, 25), (1, 3, 4, 8, 9, 12, 16, 17, 24, 31, 36), (2, 9, 130, 300)
    for m, n, k in itertools.product(rows, cols, depths):
        a, b, c = numbers(2, m, k), numbers(2, k, n), numbers(2, m, n)
        for dtype, left, right in itertools.product((dt.float32, dt.float64), (False, True), (False, True)):
            x, y, z = (dt.tensor(t, dtype=dtype) for t in (a, b, c))
            x = x.mT.contiguous().mT if left else x
            y = y.mT.contiguous().mT if right else y
            check(x @ y, a @ b, k)
            if not left:
                check(dt.baddbmm(z, x, y, beta=-1.0, alpha=0.5), 0.5 * (a @ b) - c, k)
                check(dt.bmm(x, y, out=z.mT.contiguous().mT), a @ b, k)

def convolutions():
    # Lines with and without a last vector of their own, all rows as one, several blocks of depth.
    for filters, channels, kernel, height, width in itertools.product(
        (1, 5, 12, 13, 30), (3, 70), (1, 5), (1, 6), (5, 8, 11, 14, 28, 45)
    ):
        pad = kernel // 2
        x, w, bias = numbers(2, channels, height, width), numbers(filters, channels, kernel, kernel), numbers(filters)
        windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))), (kernel, kernel), (2, 3))
        wanted = np.einsum("ncyxij,ocij->noyx", windows, w, optimize=True) + bias[:, None, None]
        for dtype in (dt.float32, dt.float64):
            given = (dt.tensor(t, dtype=dtype) for t in (x, w, bias))
            got = convolution(*given, [1, 1], [pad, pad], [1, 1], 1)
            check(got, wanted, channels * kernel**2)

products() if sys.argv[1] == "products" else convolutions()
print(digest.hexdigest(), worst)
"""


def run(isa: str, what: str) -> tuple[str, float]:
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    command = [sys.executable, "-c", PROGRAM, what]
    digest, worst = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
    return digest, float(worst)


@pytest.mark.parametrize("what", ["products", "convolutions"])
def test_sums_are_accurate_and_the_same_with_and_without_avx512(what: str) -> None:
    narrow, wide = run("v3", what), run("v4", what)
    assert narrow == wide
    assert wide[1] < BOUND


@pytest.mark.parametrize("what", ["products", "convolutions"])
def test_the_base_set_is_accurate(what: str) -> None:
    assert run("base", what)[1] < BOUND
