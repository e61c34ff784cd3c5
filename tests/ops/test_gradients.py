"""Derivatives against finite differences, over all samples of every op: first and second order, in reverse and in
forward mode.

Samples are widened to float64 and complex128. By default a product with every Jacobian is compared, along a direction
without equal elements; with DOVETAIL_WHOLE_JACOBIANS=1 every entry is, of samples that are small.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Callable

import pytest

import dovetail as dt
from tests.ops.framework import HELD

if importlib.util.find_spec("dovetail.autograd._engine") is None:
    pytest.skip("derivatives come with dovetail-autograd", allow_module_level=True)

from dovetail.autograd import grad, gradcheck, gradgradcheck
from tests.ops.derivative_cases import Case, Tally, cases, differentiable_ops, has_second_order

WHOLE = os.environ.get("DOVETAIL_WHOLE_JACOBIANS") == "1"
# Elements of a sample up to which every entry of its Jacobians is compared, and the largest result: beside it, small
# entries are lost in the differences (a polynomial of degree 30 at -2).
SMALL, LARGEST = 40, 1e8


def is_whole(case: Case) -> bool:
    if not WHOLE or case.size > SMALL:
        return False
    return all(t.detach().abs().amax().item() < LARGEST for t in case.function(*case.inputs) if t.numel())


def check(case: Case, counts: Counter[str]) -> None:
    fast = not is_whole(case)
    dtype = "complex128" if case.is_complex else "float64"
    gradcheck(case.function, case.inputs, check_forward_ad=True, fast_mode=fast)
    counts[f"gradcheck {dtype}"] += 1
    if has_second_order(case):
        gradgradcheck(case.function, case.inputs, check_fwd_over_rev=True, fast_mode=fast)
        counts[f"gradgradcheck {dtype}"] += 1


@pytest.mark.parametrize("name", differentiable_ops())
def test_gradients(name: str, record_property: Callable[[str, object], None]) -> None:
    counts: Counter[str] = Counter()
    tally = Tally()
    for number, case in enumerate(cases(name, tally)):
        try:
            check(case, counts)
        except Exception as error:
            raise AssertionError(f"{name}, case {number}, inputs {[tuple(t.shape) for t in case.inputs]}") from error
    for key, count in counts.items():
        record_property(key, count)
    assert counts or name in NOT_REACHED, "add a smooth sample of floats, or mark the op non_differentiable"


# Results of which no element is defined, or that are drawn anew by every call.
NOT_REACHED = {"empty_like", "gumbel_softmax"}


@pytest.mark.parametrize("name", HELD)
def test_what_has_no_derivative_is_refused(name: str) -> None:
    op = dt._core.get_op(name)
    for i in HELD[name]:
        args = [dt.full((2,), 1.5, requires_grad=True) for _ in op.args]
        result = op(*args).sum()
        with pytest.raises(NotImplementedError, match=f"no derivative for {name} with respect to self"):
            result.backward()
        others = [arg for k, arg in enumerate(args) if k != i]
        assert all(g.isfinite().all() for g in grad(op(*args).sum(), others))
