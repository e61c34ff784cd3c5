"""Transforms over the samples of every op: forward derivatives against backward ones, vmap against a loop."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import Sample, samples, tensors

if importlib.util.find_spec("dovetail.autograd._engine") is None:
    pytest.skip("transforms come with dovetail-autograd", allow_module_level=True)

from dovetail.autograd.func import jvp, vjp, vmap
from dovetail.autograd.nests import mapped, tensors_in
from tests.ops.derivative_cases import Case, cases, differentiable_ops

dt.ops.load_all()

CASES = 4  # samples of an op for derivatives, of real and of complex numbers each
SMALL = 60  # elements of their inputs
SAMPLES = 16  # and for values
LARGEST = 2000  # elements of a sample's tensors
BATCH = 3
# Results of which no element is defined.
UNDEFINED = {"empty_like", "new_empty"}
# They see how a slice of a batch lies in memory.
OF_MEMORY = {"as_strided", "as_strided_scatter", "view_as_complex", "view_dtype"}

# They look at values that vmap would map.
READERS = {"istft"}

Function = Callable[..., tuple[dt.Tensor, ...]]


def random_like(t: dt.Tensor, rng: np.random.Generator) -> dt.Tensor:
    numbers = rng.uniform(0.5, 1.5, tuple(t.shape))
    if t.is_complex():
        numbers = numbers + 1j * rng.uniform(0.5, 1.5, tuple(t.shape))
    return dt.tensor(numbers, dtype=t.dtype).reshape(t.shape)


def small_cases(name: str) -> Iterator[Case]:
    found = {True: 0, False: 0}
    for case in cases(name):
        if case.size <= SMALL and found[case.is_complex] < CASES:
            found[case.is_complex] += 1
            yield case


def close(a: dt.Tensor, b: dt.Tensor, tolerance: float = 1e-9) -> None:
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def inner(a: Any, b: Any) -> float:
    """The inner product of real numbers, complex ones being two."""
    return sum(
        (x.conj() * y).real.sum().item() if x.is_complex() else (x * y).sum().item() for x, y in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("name", differentiable_ops())
def test_derivatives(name: str) -> None:
    """Forward and backward are adjoint, to second order, and each is mapped as it is."""
    rng = np.random.default_rng(0)
    for case in small_cases(name):
        f, at = case.function, [t.detach() for t in case.inputs]
        outputs = f(*at)
        direction, weights = [random_like(t, rng) for t in at], tuple(random_like(t, rng) for t in outputs)
        values, rates = jvp(f, tuple(at), tuple(direction))
        for value, output, rate in zip(values, outputs, rates, strict=True):
            close(value, output)
            assert (rate.shape, rate.dtype) == (output.shape, output.dtype)
        _, pull = vjp(f, *at)
        forward, backward = inner(rates, weights), inner(pull(weights), direction)
        assert forward == pytest.approx(backward, rel=1e-8, abs=1e-8)

        def pulled(*given: dt.Tensor, f: Function = f, weights: Any = weights) -> Any:
            return vjp(f, *given)[1](weights)

        curved = jvp(pulled, tuple(at), tuple(direction))[1]
        again = vjp(pulled, *at)[1](tuple(direction))
        assert inner(curved, direction) == pytest.approx(inner(again, direction), rel=1e-7, abs=1e-7)
        if name not in READERS:
            check_mapped_derivatives(f, at, direction, weights)


def check_mapped_derivatives(f: Function, at: list[dt.Tensor], direction: Any, weights: Any) -> None:
    factors = (1.0, 0.999, 1.001)
    points = [tuple((t * k).contiguous() for t in at) for k in factors]
    stacked = tuple(dt.stack(list(each)) for each in zip(*points, strict=True))

    def gradients(*given: dt.Tensor) -> Any:
        return vjp(f, *given)[1](tuple(weights))

    def rates(*given: dt.Tensor) -> Any:
        return jvp(f, given, tuple(direction))[1]

    for function in (gradients, rates):
        found = vmap(function)(*stacked)
        for i, point in enumerate(points):
            for batch, one in zip(found, function(*point), strict=True):
                close(batch[i], one, 1e-8)
    # several weights at one point: what a Jacobian is made of
    _, pull = vjp(f, *at)
    rows = vmap(lambda *w: pull(w))(*(dt.stack([w, 2 * w, -w]) for w in weights))
    for batch, one in zip(rows, pull(tuple(weights)), strict=True):
        close(batch[1], 2 * one, 1e-8)


# ---- values ----------------------------------------------------------------------------------------------------


def shuffled(t: dt.Tensor, i: int) -> dt.Tensor:
    """The same elements in another order, for another sample of the batch."""
    return t.reshape((-1,)).roll(i * 8, 0).reshape(t.shape) if i and t.numel() else t


class Batch:
    """A sample's call, of whose tensors some are mapped."""

    def __init__(self, op: Any, sample: Sample, is_mapped: Callable[[int], bool], dim: int) -> None:
        self.op, self.args, self.kwargs = op, tuple(tensors(sample.args)), tensors(sample.kwargs)
        own = [t.contiguous().clone() if op.name in OF_MEMORY else t for t in tensors_in((self.args, self.kwargs))]
        self.flags = [is_mapped(i) for i in range(len(own))]
        self.variants = [
            [shuffled(t, i) if flag else t for t, flag in zip(own, self.flags, strict=True)] for i in range(BATCH)
        ]
        self.size = sum(t.numel() for t in own)
        self.dim = dim

    def call(self, *given: dt.Tensor) -> tuple[dt.Tensor, ...]:
        each = iter(given)
        args, kwargs = mapped((self.args, self.kwargs), lambda _: next(each))
        return tuple(tensors_in(self.op(*args, **kwargs)))

    def expected(self) -> list[dt.Tensor] | None:
        """The results of a loop; None where the op refuses such arguments, or shapes depend on values."""
        try:
            one_by_one = [self.call(*variant) for variant in self.variants]
        except Exception:
            return None
        if len({tuple(t.shape for t in results) for results in one_by_one}) > 1:
            return None
        return [dt.stack(list(each)) for each in zip(*one_by_one, strict=True)]

    def found(self) -> tuple[dt.Tensor, ...]:
        dims = tuple(self.dim if flag else None for flag in self.flags)
        given = [
            dt.stack(list(each), self.dim) if flag else each[0]
            for each, flag in zip(zip(*self.variants, strict=True), self.flags, strict=True)
        ]
        return vmap(self.call, in_dims=dims)(*given)


WAYS: list[tuple[Callable[[int], bool], int]] = [
    (lambda i: True, 0),  # all tensors
    (lambda i: i == 0, -1),  # the first
    (lambda i: i > 0, 0),  # the others
]


def mapped_ops() -> list[str]:
    return sorted(op.name for op in dt._core.ops() if not op.random and next(samples(op.name), None))


def compare(name: str, found: dt.Tensor, wanted: dt.Tensor) -> None:
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    tolerance = {dt.float64: 1e-11, dt.complex128: 1e-11, dt.float16: 4e-3, dt.bfloat16: 4e-2}.get(found.dtype, 1e-5)
    a, b = (t.to(dt.float32) if t.dtype in (dt.float16, dt.bfloat16) else t for t in (found, wanted))
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("name", mapped_ops())
def test_vmap(name: str) -> None:
    op = dt._core.get_op(name)
    for _, sample in zip(range(SAMPLES), samples(name), strict=False):
        for is_mapped, dim in WAYS:
            try:
                batch = Batch(op, sample, is_mapped, 0 if name in OF_MEMORY else dim)
            except Exception:
                continue
            if not any(batch.flags) or batch.size > LARGEST:
                continue
            wanted = batch.expected()
            if not wanted:
                continue
            for found, one in zip(batch.found(), wanted, strict=True):
                if name in UNDEFINED:
                    assert (found.shape, found.dtype) == (one.shape, one.dtype)
                else:
                    compare(name, found, one)


def in_place_ops() -> list[str]:
    return sorted(op.name for op in dt._core.ops() if op.is_inplace and not op.random and next(samples(op.name), None))


@pytest.mark.parametrize("name", in_place_ops())
def test_vmap_in_place(name: str) -> None:
    """The in-place form writes what the other returns, also through a view."""
    op = dt._core.get_op(name)
    for _, sample in zip(range(4), samples(name), strict=False):
        args, kwargs = tensors(sample.args), tensors(sample.kwargs)
        if not isinstance(args[0], dt.Tensor) or args[0].numel() > LARGEST:
            continue
        own = [shuffled(args[0], i).contiguous().clone() for i in range(BATCH)]
        try:
            wanted = [getattr(t.clone(), name + "_")(*args[1:], **kwargs) for t in own]
        except Exception:
            continue
        stacked = dt.stack(own, -1)

        def write(t: dt.Tensor, args: Any = args, kwargs: Any = kwargs) -> dt.Tensor:
            getattr(t, name + "_")(*args[1:], **kwargs)
            return t

        found = vmap(write, in_dims=-1)(stacked)
        compare(name, found, dt.stack(wanted))
        compare(name, stacked, dt.stack(wanted, -1))
        assert op.is_inplace


def test_every_op_has_a_forward_derivative() -> None:
    without = [name for name in differentiable_ops() if dt.autograd.forward_by(name) == "none"]
    assert without == []
