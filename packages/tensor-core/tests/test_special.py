"""The namespace dt.special: which ops it holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dovetail as dt
from dovetail import special


def test_every_special_op_is_there() -> None:
    for op in dt._core.ops():
        if op.name.startswith("special_"):
            name = op.name.removeprefix("special_")
            assert getattr(special, name) is op
            assert name in special.__all__
            assert not hasattr(dt, op.name) and not hasattr(dt, name)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("erf", "erf"),
        ("round", "round"),
        ("polygamma", "polygamma"),
        ("expit", "sigmoid"),
        ("psi", "digamma"),
        ("gammaln", "lgamma"),
        ("gammainc", "igamma"),
        ("gammaincc", "igammac"),
        ("multigammaln", "mvlgamma"),
        ("modified_bessel_i0", "i0"),
    ],
)
def test_what_dt_has_too_is_the_same(name: str, other: str) -> None:
    assert getattr(special, name) is getattr(dt, other)


def test_all_names_are_callable() -> None:
    assert special.modified_bessel_i1 is special.i1
    for name in special.__all__:
        assert callable(getattr(special, name))


def test_it_loads_when_it_is_used() -> None:
    code = "import sys, dovetail as dt; assert 'dovetail.special' not in sys.modules; print(dt.special.i0.name)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "i0\n"


def test_orders_come_first_in_functions() -> None:
    x = dt.tensor([1.0, 2.0])
    expected = x.polygamma(1)
    assert dt.equal(dt.polygamma(1, x), expected)
    assert dt.equal(dt.polygamma(n=1, input=x), expected)
    out = dt.empty(2)
    assert dt.polygamma(1, x, out=out) is out and dt.equal(out, expected)
    assert dt.equal(x.clone().polygamma_(1), expected)
    with pytest.raises(ValueError, match="^polygamma: n must not be negative, got -1"):
        dt.polygamma(-1, x)
    with pytest.raises(TypeError, match="^polygamma"):
        dt.polygamma(x, 1)  # type: ignore[arg-type]


def test_numbers_keep_their_digits() -> None:
    x = dt.tensor([0.5], dtype=dt.float64)
    for function in (dt.xlogy, special.xlog1py):
        assert dt.equal(function(x, 1.1), function(x, dt.tensor([1.1], dtype=dt.float64)))
