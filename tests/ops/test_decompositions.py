"""An op with both a kernel and a decomposition gives the same by either."""

from __future__ import annotations

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import SAMPLES, Sample, check, positional, samples, tensors


def both_ways(name: str) -> bool:
    op = dt._core.get_op(name)
    return bool(op.decomposes) and op.form != "composite"


PARAMETERS = [
    pytest.param(op, sample, id=f"{op}-{i}-{sample!r}"[:120])
    for op in sorted(SAMPLES)
    if both_ways(op)
    for i, sample in enumerate(samples(op))
    if sample.decompose
]

# A decomposition rounds more often than a kernel does.
LOOSER = {"float32": (2e-5, 5e-6), "float64": (1e-11, 1e-12)}


@pytest.mark.parametrize(("name", "sample"), PARAMETERS)
def test_decomposition(name: str, sample: Sample, device: str) -> None:
    op = dt._core.get_op(name)
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    result = op.decompose(*positional(op, args, kwargs))
    check(sample, result, sample.expected(), device, LOOSER)
