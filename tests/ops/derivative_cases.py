"""Samples as functions of their floating-point tensors: what derivatives are checked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import dovetail as dt
from dovetail.ops import load_all
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import COMPLEXES, FLOATS, HELD, SAMPLES, Sample, T, as_list, samples, tensors

load_all()

# More elements only cost time: derivatives of a scan take the square of its length.
LARGEST = 8000
# How far elements are moved to see whether a sample is at a kink.
STEP = 1e-6

Function = Callable[..., tuple[dt.Tensor, ...]]


@dataclass
class Case:
    """One sample's call as a function of its leaves, which are float64 or complex128."""

    function: Function
    inputs: list[dt.Tensor]

    @property
    def is_complex(self) -> bool:
        return any(t.is_complex() for t in self.inputs)

    @property
    def size(self) -> int:
        return sum(t.numel() for t in self.inputs)


@dataclass
class Tally:
    """What became of an op's samples with floating-point tensors."""

    cases: int = 0
    repeated: int = 0  # the same call as another in a narrower dtype
    constant: int = 0  # the result does not depend on the leaves
    rough: int = 0  # not finite, or at a jump or a kink
    large: int = 0


def differentiable_ops() -> list[str]:
    """Those of which an argument can have a gradient that differences can show: no draws, nothing refused."""
    ops = {op.name: op for op in dt._core.ops()}
    return sorted(
        name
        for name in SAMPLES
        if any(arg.type.startswith("Tensor") for arg in ops[name].args)
        and not ops[name].random
        and dt.autograd.backward_by(name) in ("rule", "decomposition")
    )


# ---- samples as functions ------------------------------------------------------------------------------------------


def _with_gradients(value: Any) -> Any:
    """Arguments in which every floating-point tensor is a float64 leaf, and every complex one a complex128 leaf, laid
    out as they were."""
    if isinstance(value, T) and str(value.array.dtype) in FLOATS + COMPLEXES:
        wide = np.complex128 if str(value.array.dtype) in COMPLEXES else np.float64
        return T(value.array.astype(wide), value.layout).tensor().detach().requires_grad_()
    if isinstance(value, (list, tuple)):
        return type(value)(_with_gradients(item) for item in value)
    if isinstance(value, dict):
        return {key: _with_gradients(item) for key, item in value.items()}
    return tensors(value)


def _leaves(value: Any) -> Iterator[dt.Tensor]:
    if isinstance(value, dt.Tensor) and value.requires_grad:
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))


def _filled(value: Any, given: Iterator[dt.Tensor]) -> Any:
    """The arguments with their leaves replaced, in order."""
    if isinstance(value, dt.Tensor):
        return next(given) if value.requires_grad else value
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(item, given) for item in value)
    if isinstance(value, dict):
        return {key: _filled(item, given) for key, item in value.items()}
    return value


def as_case(op: Any, sample: Sample) -> Case:
    held = HELD.get(op.name, ())
    args = tuple(tensors(arg) if i in held else _with_gradients(arg) for i, arg in enumerate(sample.args))
    kwargs = _with_gradients(sample.kwargs)

    def function(*given: dt.Tensor) -> tuple[dt.Tensor, ...]:
        replaced = iter(given)
        first = () if sample.through is None else (op,)
        result = (sample.through or op)(*first, *_filled(args, replaced), **_filled(kwargs, replaced))
        found = [t for t in as_list(result) if isinstance(t, dt.Tensor)]
        return tuple(t for t in found if t.dtype in (dt.float64, dt.complex128))

    return Case(function, list(_leaves((args, kwargs))))


def _array(t: dt.Tensor) -> np.ndarray:
    return np.asarray(t.detach())


def is_smooth(case: Case, outputs: tuple[dt.Tensor, ...]) -> bool:
    """Whether finite differences mean something here: all is finite and about the same a step further on either side,
    and no slope on one side is another than on the other."""
    here = [_array(t) for t in outputs]
    if not all(np.isfinite(a).all() for a in here):
        return False
    if any(np.abs(_array(t)).max(initial=0) > 1 / STEP for t in case.inputs):  # a step would be rounded away
        return False
    rng = np.random.default_rng(0)
    steps = [rng.uniform(0.5, 1.5, tuple(t.shape)) * STEP for t in case.inputs]

    def moved(sign: int) -> list[np.ndarray]:
        at = [_array(t) + sign * step for t, step in zip(case.inputs, steps, strict=True)]
        given = [dt.tensor(np.ascontiguousarray(a)).reshape(a.shape).requires_grad_() for a in at]
        with dt.no_grad():
            return [_array(t) for t in case.function(*given)]

    try:
        further, before = moved(1), moved(-1)
    except (ValueError, RuntimeError):  # an argument's bound is near
        return False
    for a, up, down in zip(here, further, before, strict=True):
        if up.shape != a.shape or down.shape != a.shape or not (np.isfinite(up).all() and np.isfinite(down).all()):
            return False
        change, turn = np.abs(up - a).max(initial=0), np.abs((up - a) - (a - down)).max(initial=0)
        if change > 1e-2 * (1 + np.abs(a).max(initial=0)) or turn > 1e-2 * (STEP + change):
            return False
    return True


def has_second_order(case: Case) -> bool:
    """Whether a gradient depends on anything (that of a rounding does not)."""
    outputs = [t for t in case.function(*case.inputs) if t.requires_grad]
    starts = [dt.ones_like(t).requires_grad_() for t in outputs]
    found = dt.autograd.grad(outputs, case.inputs, starts, create_graph=True, allow_unused=True)
    return any(g is not None and g.requires_grad for g in found)


def _shape_of(sample: Sample) -> tuple[str, str]:
    """The call in words, and the same without the width of its floats, which is widened anyway."""
    words = repr((sample.args, sample.kwargs))
    return words, words.replace("float32[", "float64[").replace("complex64[", "complex128[")


def cases(name: str, tally: Tally | None = None) -> Iterator[Case]:
    """All samples of an op at which it has a derivative, each once."""
    op, tally = dt._core.get_op(name), tally or Tally()
    first: dict[str, str] = {}
    for sample in samples(name):
        words, widened = _shape_of(sample)
        case = as_case(op, sample)
        if not case.inputs:
            continue
        tally.cases += 1
        if first.setdefault(widened, words) != words:
            tally.repeated += 1
            continue
        outputs = case.function(*case.inputs)
        if not any(t.requires_grad for t in outputs):
            tally.constant += 1
        elif case.size + sum(t.numel() for t in outputs) > LARGEST:
            tally.large += 1
        elif not is_smooth(case, outputs):
            tally.rough += 1
        else:
            yield case
