"""Kernels of several instruction sets: v3 and v4 give the same bits, and all are accurate."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

OPS = ["exp", "exp2", "expm1", "log", "log2", "log1p", "tanh", "sigmoid", "silu", "erf", "erfc", "gelu", "special_ndtr"]

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


# Arguments, the function in float64, and how many ulp floats may be off.
ACCURATE = {
    "exp": ("(-104, 88.7), (-1, 1)", "np.exp(x)", 1.1),
    "tanh": ("(-12, 12), (-0.3, 0.3), (-1e-30, 1e-30)", "np.tanh(x)", 2.5),
    "erfinv": ("(-0.9999999, 0.9999999), (-0.3, 0.3), (0.999, 0.9999999)", "scipy.special.erfinv(x)", 4.0),
    "gelu": ("(-13, 10), (-1, 1)", "x * scipy.special.ndtr(x)", 5.5),
}


@pytest.mark.parametrize("op", ACCURATE)
@pytest.mark.parametrize("isa", ["base", "v3", "v4"])
def test_floats_are_accurate(isa: str, op: str) -> None:
    spans, function, bound = ACCURATE[op]
    program = f"""
import numpy as np
import scipy.special
import dovetail as dt
import dovetail.nn
given = np.concatenate([np.linspace(*span, 300_007) for span in ({spans},)]).astype(np.float32)
x = given.astype(np.float64)
true = {function}
ulp = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(true), 2.0**-126))) - 23)
print(np.max(np.abs(np.from_dlpack(dt._core.get_op("{op}")(dt.from_dlpack(given))) - true) / ulp))
"""
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert float(done.stdout) <= (1.0 if op == "exp" and isa != "base" else bound)


def test_slopes_of_gelu_are_accurate() -> None:
    """Within an ulp of 1, whichever way they are computed; the same bits with and without AVX-512."""
    program = """
import sys
import numpy as np
import scipy.special
import dovetail as dt
x = np.concatenate([np.linspace(-14, 14, 400_009), np.linspace(-3.9, -3.8, 1001), [0.0, -0.0]]).astype(np.float32)
grad = np.linspace(-2, 2, x.size, dtype=np.float32)
z = x.astype(np.float64)
true = grad * (scipy.special.ndtr(z) + z * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
got = np.from_dlpack(dt._core.get_op("gelu_grad")(dt.from_dlpack(grad), dt.from_dlpack(x)))
assert np.abs(got - true).max() < 2.0**-22, np.abs(got - true).max()
sys.stdout.buffer.write(got.tobytes())
"""
    bits = {}
    for isa in ("base", "v3", "v4"):
        environment = {**os.environ, "DOVETAIL_ISA": isa}
        bits[isa] = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert bits["v3"].stdout == bits["v4"].stdout


@pytest.mark.parametrize("isa", ["base", "v3"])
def test_remainders_are_exact(isa: str) -> None:
    """Over all magnitudes, beside Python's own (whose % and // are of doubles, into which floats go exactly)."""
    program = """
import math
import numpy as np
import dovetail as dt
rng = np.random.default_rng(0)
special = [0.0, -0.0, 1.0, -1.0, 3.0, 0.1, 1e30, 1e-30, 1e-45, 3e38, math.inf, -math.inf, math.nan]
a, b = (10.0 ** rng.uniform(-9, 9, 4096) * rng.choice([-1, 1], 4096) for _ in range(2))
a = np.concatenate([a, np.repeat(special, 13), np.arange(-64.0, 64)])
b = np.concatenate([b, special * 13, np.full(128, 3.0)])
for dtype in (np.float32, np.float64):
    with np.errstate(over="ignore"):
        x, y = a.astype(dtype), b.astype(dtype)
    t, u = dt.from_dlpack(x), dt.from_dlpack(y)
    with np.errstate(all="ignore"):
        rest = np.fmod(x, y)
        moved = np.where((rest < 0) != (y < 0), rest + y, rest)
        modulo = np.where(rest == 0, np.copysign(dtype(0), y), moved)
    np.testing.assert_array_equal(np.from_dlpack(dt.fmod(t, u)), rest)
    assert (np.signbit(rest) == np.signbit(np.from_dlpack(dt.fmod(t, u))))[~np.isnan(rest)].all()
    np.testing.assert_array_equal(np.from_dlpack(dt.remainder(t, u)), modulo)
    quotient = np.from_dlpack(dt.floor_divide(t, u))
    for p, q, r in zip(x.tolist(), y.tolist(), quotient.tolist()):
        if math.isfinite(p) and math.isfinite(q) and q != 0 and math.isfinite(r) and abs(p // q) < 2**20:
            assert r == p // q, (p, q, r)
"""
    environment = {**os.environ, "DOVETAIL_ISA": isa}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


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


LARGE = 8 * 2**20 + 21  # floats: beyond what is stored through the cache

BY_PARTS = {
    "both in line": lambda dt, x, y, c: x + y,
    "a number on the right": lambda dt, x, y, c: x * 3,
    "a number on the left": lambda dt, x, y, c: 3 - x,
    "a step": lambda dt, x, y, c: x / y.expand(2, -1).t().reshape(-1)[::2],
    "one input": lambda dt, x, y, c: x.relu(),
    "one input with a step": lambda dt, x, y, c: -x.repeat_interleave(2)[::2],
    "choice": lambda dt, x, y, c: dt.where(c, x, y),
    "choice of a number": lambda dt, x, y, c: dt.where(c, x, 2.0),
    "choice by a mask with a step": lambda dt, x, y, c: dt.where(c.repeat_interleave(2)[::2], x, y),
    "doubles": lambda dt, x, y, c: x.double() * y.double(),
    "choice of doubles": lambda dt, x, y, c: dt.where(c, x.double(), y.double()),
    "choice of integers": lambda dt, x, y, c: dt.where(c, x.to(dt.int32), y.to(dt.int32)),
    "three inputs": lambda dt, x, y, c: dt.addcmul(x, y, y, value=0.5),
    "three inputs, one a number": lambda dt, x, y, c: dt.addcdiv(x, y, y[:1].abs() + 1),
}


@pytest.mark.parametrize("name", BY_PARTS)
def test_large_outputs_of_every_form_are_those_of_parts(name: str) -> None:
    import dovetail as dt

    x, y = dt.linspace(-50, 60, LARGE), dt.linspace(7, -9, LARGE)
    y[:1] = 7  # what is a number for one is the same for all parts
    mask = (x * 1.7).to(dt.int32) % 2 == 0
    whole = BY_PARTS[name](dt, x, y, mask)
    for at in (0, 1, 2**20 + 1, LARGE - 1_000):
        here = slice(at, at + 1_000)
        beginning = dt.cat([y[:1], y[here]])
        part = BY_PARTS[name](dt, dt.cat([x[:1], x[here]]), beginning, dt.cat([mask[:1], mask[here]]))[1:]
        assert (whole[here] == part).all().item()


def test_large_outputs_of_long_rows_are_those_of_parts() -> None:
    """Rows that begin in the middle of a line and are stored by themselves."""
    import dovetail as dt

    rows, row = dt.linspace(-1, 1, 257 * 40_001).reshape(257, 40_001), dt.linspace(0, 1, 40_001)
    whole, columns = rows + row, rows * row[:257].reshape(257, 1)
    for at in (0, 1, 100, 256):
        assert (whole[at] == rows[at].clone() + row).all().item()
        assert (columns[at] == rows[at].clone() * row[at]).all().item()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("width", [15, 127, 257, 1_003])
def test_large_outputs_of_short_rows_are_those_of_numpy(width: int, dtype: str) -> None:
    """Rows that are no whole lines long, through a buffer or by themselves, beside a row or a column."""
    import dovetail as dt

    rows = dt.arange(LARGE // width * width, dtype=getattr(dt, dtype)).reshape(-1, width)
    row, column = rows[1].clone(), rows[:, :1].clone()
    for other in (row, column):
        np.testing.assert_array_equal(np.from_dlpack(rows + other), np.from_dlpack(rows) + np.from_dlpack(other))
    out = dt.zeros(rows.numel() + 3, dtype=rows.dtype)
    dt.add(rows, row, out=out[3:].reshape(rows.shape))
    np.testing.assert_array_equal(np.from_dlpack(out)[3:].reshape(-1, width), np.from_dlpack(rows + row))


def test_large_outputs_of_planes_are_those_of_parts() -> None:
    import dovetail as dt

    rows = dt.arange(8_400 * 1_003, dtype=dt.float32).reshape(8_400, 1_003)
    planes = rows.reshape(2, 4_200, 1_003)
    moved = dt.cat([planes, planes], dim=1)
    assert (moved[:, :4_200] == planes).all().item() and (moved[:, 4_200:] == planes).all().item()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_large_casts_are_those_of_parts(dtype: str) -> None:
    """To half the size and to twice as much, from any alignment; the parts are small enough for the cache."""
    import dovetail as dt

    sixteen = getattr(dt, dtype)
    wide = dt.linspace(-70_000, 70_000, 10 * 2**20 + 7)  # beyond what float16 holds, too
    wide[12_345] = float("nan")
    for begin in (0, 3):
        narrow, back = dt.empty(len(wide) + 3, dtype=sixteen), dt.empty(len(wide) + 3)
        narrow[begin : begin + len(wide)].copy_(wide)
        back[begin : begin + len(wide)].copy_(narrow[begin : begin + len(wide)])
        for at in range(0, len(wide), 2**20 + 1):
            part = wide[at : at + 2**20 + 1].clone().to(sixteen)
            found = narrow[begin + at : begin + at + len(part)]
            assert (found.view(dt.int16) == part.view(dt.int16)).all().item()
            found = back[begin + at : begin + at + len(part)]
            assert (found.view(dt.int32) == part.float().view(dt.int32)).all().item()


@pytest.mark.parametrize("dtype", ["uint8", "bfloat16", "int16", "float32", "int64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(64, 64), (67, 129), (1, 300), (5, 300), (300, 33)])
def test_transposed_copies(dtype: str, shape: tuple[int, int]) -> None:
    """Squares of vectors, and what is left at the edges."""
    import dovetail as dt

    x = dt.arange(shape[0] * shape[1]).reshape(*shape).to(getattr(dt, dtype))
    copy = x.t().contiguous()
    for i in range(shape[1]):
        assert (copy[i] == x[:, i]).all().item()
    assert (x.flip(1)[:, 0] == x[:, -1]).all().item() and (x.flip(1).flip(1) == x).all().item()
