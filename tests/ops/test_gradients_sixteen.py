"""Gradients of 16-bit floats: of their dtype, and those of float32 to within their digits."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import HELD, SAMPLES, SIXTEENS, Sample, T, as_list, each_tensor, samples, tensors

if importlib.util.find_spec("dovetail.autograd._engine") is None:
    pytest.skip("derivatives come with dovetail-autograd", allow_module_level=True)

dt.ops.load_all()

COUNT = 8  # samples of an op that are checked
# Of a gradient's largest element, or a quarter: a rule may start from a rounded result, a decomposition may round a few
# times on the way.
NEAR = {"float16": 2**-7, "bfloat16": 2**-4}


def ops_of_sixteen() -> list[str]:
    """The ops with a sample in 16 bits that can have a gradient."""
    return [name for name in sorted(SAMPLES) if has_derivative(name) and next(sixteen_samples(name), None) is not None]


def has_derivative(name: str) -> bool:
    return dt._core.get_op(name).differentiable and dt.autograd.backward_by(name) != "refused"


def sixteen_samples(name: str) -> Iterator[Sample]:
    if dt._core.get_op(name).random:
        return
    for sample in samples(name):
        dtypes = {str(t.array.dtype) for t in each_tensor((sample.args, tuple(sample.kwargs.values())))}
        if dtypes & set(SIXTEENS):
            yield sample


def with_leaves(value: Any, dtype: dt.dtype | None, leaves: list[dt.Tensor]) -> Any:
    """Arguments in which every 16-bit tensor is a leaf: of its own dtype, or of another."""
    if isinstance(value, T) and str(value.array.dtype) in SIXTEENS:
        tensor = value.tensor().detach()
        leaves.append((tensor if dtype is None else tensor.to(dtype)).requires_grad_())
        return leaves[-1]
    if isinstance(value, (list, tuple)):
        return type(value)(with_leaves(item, dtype, leaves) for item in value)
    if isinstance(value, dict):
        return {key: with_leaves(item, dtype, leaves) for key, item in value.items()}
    return tensors(value)


def gradients(name: str, sample: Sample, dtype: dt.dtype | None) -> tuple[list[dt.Tensor], list[Any]]:
    """The leaves, and the gradient of a weighted sum of the results by each."""
    leaves: list[dt.Tensor] = []
    held = HELD.get(name, ())
    args = [tensors(arg) if i in held else with_leaves(arg, dtype, leaves) for i, arg in enumerate(sample.args)]
    kwargs = with_leaves(sample.kwargs, dtype, leaves)
    outputs = [t for t in as_list(dt._core.get_op(name)(*args, **kwargs)) if isinstance(t, dt.Tensor)]
    outputs = [t for t in outputs if t.requires_grad]
    if not outputs:
        return leaves, []
    return leaves, list(dt.autograd.grad(outputs, leaves, [weights(t) for t in outputs], allow_unused=True))


def weights(like: dt.Tensor) -> dt.Tensor:
    """Numbers from 0.5 to 1.5 that 16 bits hold."""
    return (dt.arange(like.numel()) % 9 / 8 + 0.5).reshape(like.shape).to(like.dtype)


@pytest.mark.parametrize("name", ops_of_sixteen())
def test_sixteen_bit_gradients(name: str) -> None:
    for sample in islice(sixteen_samples(name), COUNT):
        leaves, narrow = gradients(name, sample, None)
        _, wide = gradients(name, sample, dt.float32)
        for leaf, got, wanted in zip(leaves, narrow, wide, strict=False):
            assert (got is None) == (wanted is None)
            if got is None:
                continue
            assert got.dtype == leaf.dtype, f"{sample!r}: the gradient of {leaf.dtype} is {got.dtype}"
            a, b = np.asarray(got.float()), np.asarray(wanted)
            finite = np.isfinite(b) & np.isfinite(a)
            near = NEAR[leaf.dtype.name] * np.abs(b[finite]).max(initial=0.25)
            np.testing.assert_allclose(a[finite], b[finite], rtol=0, atol=near, err_msg=repr(sample))
