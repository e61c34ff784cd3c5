"""The number of threads changes no bit, in any dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dovetail as dt

REAL = {
    "sort": lambda x: x.sort(1).values,
    "argmax": lambda x: x.argmax(),
    "amax": lambda x: x.amax(0),
}
SUMS = {
    "sum": lambda x: x.sum(),
    "sum of columns": lambda x: x.sum(0),
    "sum of rows": lambda x: x.sum(1),
    "product": lambda x: x.prod(1),
    "running sum": lambda x: x.reshape(-1).cumsum(0),
    "matrix product": lambda x: x @ x.transpose(0, 1),
    "dot": lambda x: dt.dot(x.reshape(-1), x.reshape(-1)),
    "any": lambda x: x.any(1),
    "scatter_add": lambda x: x.scatter_add(0, (x.abs() * 5).real.to(dt.int64) % 50, x),
    "index_add": lambda x: x.index_add(0, dt.arange(300) % 7, x),
}
INEXACT = {
    "mean": lambda x: x.mean(0),
    "variance": lambda x: x.var(0),
    "convolution": lambda x: dt.conv2d(x.reshape(1, 4, 75, 500), x.reshape(-1)[:144].reshape(4, 4, 3, 3)),
}
FLOATING = {
    "softmax": lambda x: dt.softmax(x, 0),
    "layer_norm": lambda x: dt.layer_norm(x, (500,)),
}


def functions(dtype: dt.dtype) -> dict[str, Callable[[Any], Any]]:
    found = dict(SUMS)
    if not dtype.is_complex:
        found |= REAL
    if dtype.is_floating_point or dtype.is_complex:
        found |= INEXACT
    return found | FLOATING if dtype.is_floating_point else found


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "complex64", "complex128", "int8", "uint64"])
def test_threads_change_no_bit(name: str) -> None:
    dtype = getattr(dt, name)
    generator = dt.Generator().manual_seed(0)
    if dtype.is_floating_point or dtype.is_complex:
        x = dt.randn((300, 500), generator=generator, dtype=dtype)
    else:
        x = dt.randint(0, 100, (300, 500), generator=generator, dtype=dtype)
    before = dt.get_num_threads()
    results: list[dict[str, bytes]] = []
    try:
        for threads in (1, 2, 3):
            dt.set_num_threads(threads)
            results.append({name: np.asarray(fn(x)).tobytes() for name, fn in functions(dtype).items()})
    finally:
        dt.set_num_threads(before)
    for other in results[1:]:
        assert [name for name in other if other[name] != results[0][name]] == []
