"""Every sample again where memory makes it hard: other strides, destinations that overlap inputs or themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import SAMPLES, Sample, T, _replace, run_all, samples, tensors
from tests.ops.test_ops import can_hold, judge

OPS = {name: dt._core.get_op(name) for name in sorted(SAMPLES)}
LAYOUTS = ("reversed", "strided", "transposed", "offset")
# What these give depends on the strides themselves.
ABOUT_STRIDES = {"as_strided", "as_strided_scatter"}


@pytest.mark.parametrize("name", [n for n, op in OPS.items() if op.form != "view" and n not in ABOUT_STRIDES])
def test_strides(name: str, device: str) -> None:
    def run(numbered: tuple[int, Sample]) -> None:
        number, sample = numbered
        layout = LAYOUTS[number % len(LAYOUTS)]
        args, kwargs = tensors(relaid((sample.args, sample.kwargs), layout), device)
        judge(OPS[name], sample, OPS[name](*args, **kwargs), sample.expected(), device)

    run_all(enumerate(samples(name)), run, device)


def relaid(value: Any, layout: str) -> Any:
    return _replace(value, lambda t: replace(t, layout=layout) if t.layout == "contiguous" else t)


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.has_out])
def test_out_overlaps_an_input(name: str, device: str) -> None:
    """The result is right, or the call is refused and nothing was written."""
    op = OPS[name]

    def run(sample: Sample) -> None:
        expected = sample.expected()
        if not sample.variants or len(expected) != 1:
            return
        for index, shift in [(i, s) for i in fitting(sample, expected[0]) for s in (0, 1)]:
            (args, kwargs), out = overlapping(sample, index, shift, device)
            before = out.clone()
            try:
                op(*args, out=out, **kwargs)
            except RuntimeError as error:
                assert "overlap" in str(error), f"{name}: out= overlapping argument {index}: {error}"
                assert np.array_equal(bits(out), bits(before)), "refused, but written"
                continue
            judge(op, sample, out, expected, device)

    run_all(samples(name), run, device)


def fitting(sample: Sample, result: np.ndarray) -> list[int]:
    """The arguments in whose memory the result could lie."""
    return [
        i
        for i, arg in enumerate(sample.args)
        if isinstance(arg, T) and arg.array.shape == result.shape and arg.array.dtype == result.dtype and result.ndim
    ]


def overlapping(sample: Sample, index: int, shift: int, device: str) -> tuple[Any, Any]:
    """The arguments, and a destination that begins `shift` rows behind argument `index` in the same memory."""
    args, kwargs = tensors((sample.args, sample.kwargs), device)
    rows = args[index].shape[0]
    memory = dt.cat([args[index], args[index][:shift]]) if rows else args[index].clone()
    shift = min(shift, len(memory) - rows)
    args = (*args[:index], memory[:rows], *args[index + 1 :])
    return (args, kwargs), memory[shift : shift + rows]


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.is_inplace])
def test_inplace_with_overlapping_operands(name: str, device: str) -> None:
    """Other operands may share the target's memory; the target may not lie over itself."""
    op = OPS[name]

    def run(sample: Sample) -> None:
        expected = sample.expected()
        if not sample.variants or not can_hold(sample, expected) or expected[0].ndim == 0:
            return
        method = f"{name}_"
        args, kwargs = tensors((sample.args, sample.kwargs), device)
        for index in [i for i in fitting(sample, sample.args[0].array) if i]:
            # The target holds what the operand holds, a row later: fit for the op as the operand is.
            (shared, kwargs), target = overlapping(sample, index, 1, device)
            right = op(target.clone(), *[each.clone() if i == index - 1 else each for i, each in enumerate(shared[1:])],
                       **kwargs)  # fmt: skip
            try:
                getattr(target, method)(*shared[1:], **kwargs)
            except RuntimeError as error:
                assert "overlap" in str(error), f"{method}: operand {index} overlapping: {error}"
                continue
            np.testing.assert_array_equal(bits(target), bits(right.to(target.dtype)))
        if args[0].shape[0] > 1 and args[0].numel():
            wide = args[0][:1].clone().expand(args[0].shape)
            with pytest.raises(RuntimeError, match=f"^{name}_?: .*share one memory location"):
                getattr(wide, method)(*args[1:], **kwargs)

    run_all(samples(name), run, device)


def bits(tensor: Any) -> np.ndarray:
    return np.ascontiguousarray(tensor.cpu().numpy()).reshape(-1).view(np.uint8)
