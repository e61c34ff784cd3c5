"""Derivatives at the places where a choice had to be made, and rules that users add.

That every op's derivative agrees with finite differences is tested in tests/ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

import dovetail as dt
from dovetail.ops import op


def slopes(function: Callable[..., dt.Tensor], *values: list[float]) -> list[list[float]]:
    """The gradients of a function's sum."""
    tensors = [dt.tensor(v, dtype=dt.float64, requires_grad=True) for v in values]
    return [g.tolist() for g in dt.autograd.grad(function(*tensors).sum(), tensors)]


INF = math.inf

# (function, arguments, gradients): what PyTorch gives.
KNOWN = {
    "abs at 0": (dt.abs, [[-2.0, 0.0, 3.0]], [[-1.0, 0.0, 1.0]]),
    "sign": (dt.sign, [[-2.0, 3.0]], [[0.0, 0.0]]),
    "floor": (dt.floor, [[1.5]], [[0.0]]),
    "relu at 0": (dt.relu, [[-1.0, 0.0, 2.0]], [[0.0, 0.0, 1.0]]),
    "sqrt at 0": (dt.sqrt, [[0.0, 4.0]], [[INF, 0.25]]),
    "log at 0": (dt.log, [[0.0]], [[INF]]),
    "square": (dt.square, [[3.0]], [[6.0]]),
    "0 ** 2": (lambda x: x**2, [[0.0]], [[0.0]]),
    "0 ** 0": (lambda x: x**0, [[0.0]], [[0.0]]),
    "0 ** 1": (lambda x: x**1.0, [[0.0]], [[1.0]]),
    "0 ** y": (dt.pow, [[0.0, 0.0, 2.0], [2.0, 0.0, 3.0]], [[0.0, 0.0, 12.0], [0.0, 0.0, 8 * math.log(2)]]),
    "maximum, equal": (dt.maximum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 1.0], [0.5, 0.0]]),
    "minimum, equal": (dt.minimum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 0.0], [0.5, 1.0]]),
    "clamp at its limits": (lambda x: x.clamp(-1, 1), [[-2.0, -1.0, 0.0, 1.0, 2.0]], [[0.0, 1.0, 1.0, 1.0, 0.0]]),
    "clamp, by tensors": (
        dt.clamp,
        [[0.0, 5.0, 9.0], [1.0, 1.0, 1.0], [6.0, 6.0, 6.0]],
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    "amax, equal": (lambda x: x.amax(), [[3.0, 1.0, 3.0]], [[0.5, 0.0, 0.5]]),
    "amin over a dim": (lambda x: x.reshape(2, 2).amin(1), [[1.0, 2.0, 5.0, 5.0]], [[1.0, 0.0, 0.5, 0.5]]),
    "prod without zeros": (lambda x: x.prod(), [[2.0, 3.0, 4.0]], [[12.0, 8.0, 6.0]]),
    "prod with a zero": (lambda x: x.prod(), [[2.0, 0.0, 4.0]], [[0.0, 8.0, 0.0]]),
    "prod with two": (lambda x: x.prod(), [[2.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]),
    "cumprod with zeros": (lambda x: x.cumprod(0), [[2.0, 0.0, 3.0, 0.0]], [[1.0, 8.0, 0.0, 0.0]]),
    "div": (dt.div, [[6.0], [2.0]], [[0.5], [-1.5]]),
    "div, rounded": (lambda a, b: dt.div(a, b, rounding_mode="floor"), [[7.0], [2.0]], [[0.0], [0.0]]),
    "remainder": (dt.remainder, [[7.0], [2.0]], [[1.0], [-3.0]]),
    "fmod": (dt.fmod, [[-7.0], [2.0]], [[1.0], [3.0]]),
    "where": (lambda a, b: dt.where(a > b, a, b), [[1.0, 5.0], [2.0, 3.0]], [[0.0, 1.0], [1.0, 0.0]]),
    "var": (lambda x: x.var(), [[1.0, 2.0, 6.0]], [[-2.0, -1.0, 3.0]]),
    "softmax": (lambda x: x.softmax(0)[0], [[0.0, 0.0]], [[0.25, -0.25]]),
    "sort": (lambda x: x.sort()[0] * dt.tensor([1.0, 2.0, 3.0]), [[3.0, 1.0, 2.0]], [[3.0, 1.0, 2.0]]),
    "gather, twice": (lambda x: x.gather(0, dt.tensor([1, 1, 0])), [[1.0, 2.0, 3.0]], [[1.0, 2.0, 0.0]]),
    "index, twice": (lambda x: x[[1, 1, 0]], [[1.0, 2.0, 3.0]], [[1.0, 2.0, 0.0]]),
    "expand": (lambda x: x.expand(3, 2), [[1.0, 2.0]], [[3.0, 3.0]]),
    "windows": (lambda x: x.unfold(0, 2, 1), [[1.0, 2.0, 3.0]], [[1.0, 2.0, 1.0]]),
    "as_strided, overlapping": (lambda x: x.as_strided((2, 2), (1, 1)), [[1.0, 2.0, 3.0]], [[1.0, 2.0, 1.0]]),
    "erfinv": (dt.erfinv, [[0.0]], [[math.sqrt(math.pi) / 2]]),
    "entr at 0": (dt.special.entr, [[0.0, 1.0]], [[INF, -1.0]]),
    "i1, j1 at 0": (lambda x: dt.special.i1(x) + dt.special.bessel_j1(x), [[0.0]], [[1.0]]),
    "i0e at 0": (dt.special.i0e, [[0.0]], [[0.0]]),
    "spherical_bessel_j0 near 0": (
        dt.special.spherical_bessel_j0,
        [[0.0, 1e-12, 1.5, INF]],
        [[0.0, -1e-12 / 3, -0.3961729707122223, 0.0]],
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_gradients(name: str) -> None:
    function, values, expected = KNOWN[name]
    for found, wanted in zip(slopes(function, *values), expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-12)


def test_where_keeps_nan_out_only_where_it_is_asked_to() -> None:
    x = dt.tensor([0.0, 4.0], requires_grad=True)
    safe = dt.where(x > 0, x, dt.ones_like(x))
    dt.where(x > 0, safe.sqrt(), dt.zeros_like(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_digamma_behind_lgamma() -> None:
    # https://dlmf.nist.gov/5.4: psi(1) = -gamma, psi(1/2) = -gamma - 2 ln 2, psi(-1/2) = psi(1/2) + 2
    gamma = 0.57721566490153286061
    half = -gamma - 2 * math.log(2)
    (found,) = slopes(dt.lgamma, [1.0, 0.5, -0.5, 2.0, 10.0, 1e3, 1e-3])
    assert found == pytest.approx(
        [-gamma, half, half + 2, 1 - gamma, 2.251752589066721, 6.907255195648812, -1000.5755719318336], rel=1e-12
    )


def test_what_the_rule_does_not_need_is_not_saved() -> None:
    x = dt.ones(3, requires_grad=True)
    w = dt.ones(3)
    y = x * w  # needs w, not x
    with dt.no_grad():
        x.mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


# ---- ops without a derivative ---------------------------------------------------------------------------------


def test_no_derivative_is_said_only_when_one_is_needed() -> None:
    @op("opaque_sum(Tensor self, Tensor other) -> Tensor")
    def opaque_sum(self: dt.Tensor, other: dt.Tensor) -> dt.Tensor:
        """The sum."""
        return self + other

    def given(ctx: dt.autograd.RuleContext, g: dt.Tensor) -> dt.Tensor:
        return g

    assert not dt.autograd.has_derivative("opaque_sum")
    x = dt.ones(2, requires_grad=True)
    opaque_sum(x, x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    dt.autograd.register_vjp("opaque_sum", given)
    assert dt.autograd.has_derivative("opaque_sum")
    x.grad = None
    opaque_sum(x, x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]  # the rule leaves out the second


# ---- rules in Python ------------------------------------------------------------------------------------------


@op("test_scaled_sin(Tensor self, Tensor weight, float scale=1.0) -> Tensor", method=False)
def scaled_sin(self: dt.Tensor, weight: dt.Tensor, scale: float = 1.0) -> dt.Tensor:
    """weight * sin(scale * self)"""
    return weight * (self * scale).sin()


def test_register_vjp() -> None:
    calls = []

    @dt.autograd.register_vjp("test_scaled_sin", saves=("self", "weight"))
    def rule(ctx: dt.autograd.RuleContext, g: dt.Tensor) -> tuple[dt.Tensor | None, ...]:
        x, weight, scale = ctx.args
        calls.append((ctx.needs_input_grad, ctx.outputs))
        return g * weight * scale * (x * scale).cos(), g * (x * scale).sin() if ctx.needs_input_grad[1] else None

    x = dt.tensor([0.3, 0.6], dtype=dt.float64, requires_grad=True)
    w = dt.tensor([2.0], dtype=dt.float64, requires_grad=True)
    y = scaled_sin(x, w, 3.0)
    assert y.grad_fn.name() == "TestScaledSinBackward0"
    assert dt.autograd.gradcheck(lambda a, b: scaled_sin(a, b, 3.0), (x, w))
    assert dt.autograd.gradgradcheck(lambda a, b: scaled_sin(a, b, 3.0), (x, w))
    calls.clear()
    scaled_sin(x, w.detach()).sum().backward()
    assert calls == [((True, False, False), (None,))]


def test_register_vjp_names_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"no argument or result 'bias'; it has self, weight, scale, result"):
        dt.autograd.register_vjp("test_scaled_sin", lambda ctx, g: g, saves=("bias",))
    with pytest.raises(KeyError):
        dt.autograd.register_vjp("no_such_op", lambda ctx, g: g)


def test_exceptions_in_rules_come_through() -> None:
    @op("test_faulty(Tensor self) -> Tensor")
    def faulty(self: dt.Tensor) -> dt.Tensor:
        """Itself."""
        return self * 1

    @dt.autograd.register_vjp("test_faulty")
    def rule(ctx: dt.autograd.RuleContext, g: dt.Tensor) -> dt.Tensor:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        faulty(dt.ones(1, requires_grad=True)).backward()


def test_an_op_that_refuses() -> None:
    @op("refusing_double(Tensor self, Tensor other) -> Tensor")
    def refusing_double(self: dt.Tensor, other: dt.Tensor) -> dt.Tensor:
        return self * 2 + other

    assert dt.autograd.backward_by("refusing_double") == "decomposition"
    dt.autograd.refuse_vjp("refusing_double")
    assert dt.autograd.backward_by("refusing_double") == "refused"
    assert dt.autograd.forward_by("refusing_double") == "refused"
    assert not dt.autograd.has_derivative("refusing_double")
    x = dt.ones(2, requires_grad=True)
    y = refusing_double(x, dt.ones(2))
    assert y.requires_grad
    with pytest.raises(NotImplementedError, match="no derivative for refusing_double; call it on detach"):
        (y * 3).sum().backward()
    with pytest.raises(NotImplementedError, match="refusing_double"):
        dt.func.jvp(lambda t: refusing_double(t, t), (dt.ones(2),), (dt.ones(2),))
    assert not refusing_double(x.detach(), dt.ones(2)).requires_grad
    with dt.no_grad():
        assert not refusing_double(x, x).requires_grad
    dt.autograd.register_vjp("refusing_double", lambda c, g: (2 * g, g))
    assert dt.autograd.grad(refusing_double(x, x).sum(), x)[0].tolist() == [3.0, 3.0]
