"""Kernels of several instruction sets: v3 and v4 give the same bits, and all are accurate."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

OPS = ["exp", "exp2", "expm1", "log", "log2", "log1p", "tanh", "sigmoid", "silu", "erf", "erfc"]

# Results of every op, of many arguments, with odd lengths and strides, on standard output.
PROGRAM = """
import sys
import numpy as np
import dovetail as dt
for dtype in (np.float32, np.float64):
    x = np.concatenate([np.linspace(-110, 95, 20011), np.logspace(-44, 38, 4001), [np.inf, -np.inf, np.nan, 0.0, -0.0]])
    t = dt.from_dlpack(x.astype(dtype))
    for op in sys.argv[1:]:
        f = dt._core.get_op(op)
        for y in (f(t), f(t[::3]), f(t[:7]), f(t[:19].contiguous())):
            sys.stdout.buffer.write(np.from_dlpack(y.contiguous()).tobytes())
"""


def results(isa: str, *ops: str) -> bytes:
    """What PROGRAM writes where kernels use no more than an instruction set."""
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *ops], env=environment, check=True, capture_output=True
    ).stdout


def test_the_same_bits_with_and_without_avx512() -> None:
    assert results("v3", *OPS) == results("v4", *OPS)


@pytest.mark.parametrize("isa", ["base", "v3", "v4"])
def test_exp_is_accurate(isa: str) -> None:
    program = """
import numpy as np
import dovetail as dt
x = np.concatenate([np.linspace(-104, 88.7, 1_000_003), np.linspace(-1, 1, 1_000_003)]).astype(np.float32)
true = np.exp(x.astype(np.float64))
ulp = 2.0 ** (np.floor(np.log2(np.maximum(true, 2.0**-126))) - 23)
print(np.max(np.abs(np.from_dlpack(dt.exp(dt.from_dlpack(x))) - true) / ulp))
"""
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert float(done.stdout) < (1.1 if isa == "base" else 1.0)


def test_large_outputs_are_those_of_parts() -> None:
    """They are stored past the cache, from any alignment, and end in the middle of a line."""
    import dovetail as dt

    x = dt.linspace(-104, 89, 8 * 2**20 + 21)
    out = dt.empty(len(x) + 3)
    for begin in (0, 1, 3):
        dt.exp(x, out=out[begin : begin + len(x)])
        for at in (0, 5, 2**20 + 1, len(x) - 1000):
            part = np.from_dlpack(dt.exp(x[at : at + 1000].clone()))
            np.testing.assert_array_equal(np.from_dlpack(out)[begin + at : begin + at + len(part)], part)
