"""Every sample of every op: as a function, as a method, in place and with out=."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import (
    LOOSER,
    SAMPLES,
    Sample,
    T,
    as_list,
    check,
    dtype_name,
    judged,
    run_all,
    samples,
    tensors,
    to_numpy,
)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_op(name: str, device: str) -> None:
    run_all(samples(name), lambda sample: run(name, sample, device), device)


def run(name: str, sample: Sample, device: str) -> None:
    op = dt._core.get_op(name)
    expected = sample.expected()
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    given = [to_numpy(arg).copy() for arg in args if isinstance(arg, dt.Tensor)]

    result = op(*args, **kwargs)
    judge(op, sample, result, expected, device)
    for arg, before in zip([arg for arg in args if isinstance(arg, dt.Tensor)], given, strict=True):
        np.testing.assert_array_equal(judged(to_numpy(arg)), judged(before), err_msg="an argument was changed")

    if op.is_method and args and isinstance(args[0], dt.Tensor):
        args, kwargs = tensors((sample.args, sample.kwargs), device)  # a generator has moved on
        judge(op, sample, getattr(args[0], name)(*args[1:], **kwargs), expected, device)
    if sample.variants and op.has_out:
        check_out(op, sample, args, kwargs, expected, device)
    if sample.variants and op.is_inplace and can_hold(sample, expected):
        check_inplace(op, sample, expected, device)


def judge(op: Any, sample: Sample, result: Any, expected: list[np.ndarray], device: str) -> None:
    """What a backend may decompose has the rounding of a decomposition there."""
    check(sample, result, expected, device, LOOSER if device != "cpu" and op.decomposes else None)


def check_out(op: Any, sample: Sample, args: Any, kwargs: Any, expected: list[np.ndarray], device: str) -> None:
    """Into tensors of the result's shape, into ones with gaps, and into empty ones that grow."""
    for make in (plain, gapped, nothing):
        outs = tuple(make(array, device) for array in expected)
        versions = [out._version for out in outs]
        if op.random:
            args, kwargs = tensors((sample.args, sample.kwargs), device)  # a generator has moved on
        result = op(*args, out=outs if len(outs) > 1 else outs[0], **kwargs)
        judge(op, sample, outs, expected, device)
        assert all(a is b for a, b in zip(as_list(result), outs, strict=True)), "out= is not what came back"
        assert all(out._version > version for out, version in zip(outs, versions, strict=True))


def plain(array: np.ndarray, device: str) -> Any:
    return dt.full(array.shape, 1, dtype=getattr(dt, str(array.dtype)), device=device)


def gapped(array: np.ndarray, device: str) -> Any:
    if array.ndim == 0:
        return plain(np.zeros((3,), array.dtype), device)[1]
    shape = (*array.shape[:-1], 2 * array.shape[-1])
    return plain(np.broadcast_to(array[..., :1], shape) if array.size else np.zeros(shape, array.dtype), device)[
        ..., ::2
    ]


def nothing(array: np.ndarray, device: str) -> Any:
    return dt.empty((0,), dtype=getattr(dt, str(array.dtype)), device=device)


def can_hold(sample: Sample, expected: list[np.ndarray]) -> bool:
    """Whether the first argument has room for the result: its shape, a dtype that keeps the category, own memory."""
    first = sample.args[0] if sample.args else None
    if not isinstance(first, T) or first.layout == "expanded":
        return False
    array, result = first.array, expected[0]
    order = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}  # V: bfloat16
    keeps = order[result.dtype.kind] <= order[array.dtype.kind]
    return array.shape == result.shape and keeps


def check_inplace(op: Any, sample: Sample, expected: list[np.ndarray], device: str) -> None:
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    target = args[0]
    version = target._version
    result = getattr(target, f"{op.name}_")(*args[1:], **kwargs)
    assert result is target
    assert target._version > version
    held = [expected[0].astype(dtype_name(target.dtype))]
    judge(op, sample, target, held, device)
