"""An op with both a kernel and a decomposition gives the same by either."""

from __future__ import annotations

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import LOOSER, SAMPLES, Sample, check, positional, run_all, samples, tensors


def both_ways() -> list[str]:
    ops = [dt._core.get_op(name) for name in sorted(SAMPLES)]
    return [op.name for op in ops if op.decomposes and op.form != "composite"]


@pytest.mark.parametrize("name", both_ways())
def test_op_decomposes(name: str, device: str) -> None:
    run_all((sample for sample in samples(name) if sample.decompose), lambda sample: run(name, sample, device), device)


def run(name: str, sample: Sample, device: str) -> None:
    op = dt._core.get_op(name)
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    result = op.decompose(*positional(op, args, kwargs))
    check(sample, result, sample.expected(), device, LOOSER)
