"""Fourier transforms: a line has the same bits alone and among others, in rows and in columns, on all threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import dovetail as dt

LENGTHS = (24, 32, 48, 64, 80, 100, 112, 240, 256, 288, 512, 1000, 1024, 4096, 6561, 16_384, 49_152)
KERNELS = {
    "fft_lines": lambda n: ((n,), (True, 1.0)),
    "fft_real_lines": lambda n: ((2 * n,), (True, 0.5)),
    "fft_half_lines": lambda n: ((n + 1,), (2 * n, 1.0)),
}


def lines(op: str, n: int, dtype: np.dtype) -> tuple[np.ndarray, tuple[object, ...]]:
    """Seventeen lines, an odd number of any vector's, and the kernel's last arguments."""
    shape, more = KERNELS[op](n)
    rng = np.random.default_rng(n)
    x = rng.standard_normal((17 if n < 10_000 else 3, *shape))
    if op != "fft_real_lines":
        return (x + 1j * rng.standard_normal(x.shape)).astype(np.result_type(dtype, np.complex64)), more
    return x.astype(dtype), more


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("op", KERNELS)
def test_a_line_alone_and_among_others(op: str, n: int, dtype: np.dtype) -> None:
    kernel = dt._core.get_op(op)
    x, more = lines(op, n, dtype)
    together = np.asarray(kernel(dt.tensor(x), 1, *more))
    for i in (0, 1, len(x) - 1):
        np.testing.assert_array_equal(np.asarray(kernel(dt.tensor(x[i]), 0, *more)), together[i])
    columns = np.asarray(kernel(dt.tensor(np.ascontiguousarray(x.T)), 0, *more))
    np.testing.assert_array_equal(columns.T, together)
    strided = dt.tensor(np.repeat(x, 2, axis=1))[:, ::2]
    np.testing.assert_array_equal(np.asarray(kernel(strided, 1, *more)), together)


@pytest.mark.parametrize("op", KERNELS)
def test_any_number_of_threads(op: str) -> None:
    kernel, threads = dt._core.get_op(op), dt.get_num_threads()
    for n in (240, 1024, 49_152):
        x, more = lines(op, n, np.dtype(np.float32))
        x = np.tile(x, (24, 1)) if n < 10_000 else x
        found = []
        try:
            for count in (1, 2, 5):
                dt.set_num_threads(count)
                found.append(np.asarray(kernel(dt.tensor(x), 1, *more)))
        finally:
            dt.set_num_threads(threads)
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])


PROGRAM = """
import sys
import numpy as np
import dovetail as dt
rng = np.random.default_rng(0)
for n in (24, 64, 112, 143, 240, 1000, 1024, 16384, 49152):
    z = (rng.standard_normal((9, n + 1)) + 1j * rng.standard_normal((9, n + 1))).astype(np.complex64)
    half = dt.tensor(z)
    for y in (dt.fft.fft(half[:, :n]), dt.fft.ifft(half[:, 1:]), dt.fft.rfft(half.real[:, :n]), dt.fft.irfft(half)):
        sys.stdout.buffer.write(np.asarray(y.contiguous()).tobytes())
"""


def test_the_same_bits_with_and_without_avx512() -> None:
    def results(isa: str) -> bytes:
        environment = {**os.environ, "DOVETAIL_ISA": isa}
        return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True).stdout

    assert results("v3") == results("v4")
