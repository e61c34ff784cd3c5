"""Which gradient there is where a function has a kink, a tie or an edge: docs/gradients.md in full.

Values are PyTorch's, except where a comment says what PyTorch gives.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F

if importlib.util.find_spec("dovetail.autograd._engine") is None:
    pytest.skip("derivatives come with dovetail-autograd", allow_module_level=True)

INF, NAN = math.inf, math.nan
Row = tuple[str, Callable[..., Any], list[list[float]], list[list[float]]]

# Name, function, its arguments, the gradients of the sum of its results.
PIECEWISE: list[Row] = [
    ("abs", dt.abs, [[0.0, -0.0]], [[0, 0]]),
    ("sign", dt.sign, [[0.0, 2.0]], [[0, 0]]),
    ("relu", dt.relu, [[0.0]], [[0]]),
    ("floor", dt.floor, [[1.0]], [[0]]),
    ("frac", dt.frac, [[1.0]], [[1]]),
    ("clamp", lambda x: dt.clamp(x, -1, 1), [[-1.0, 1.0, 2.0, NAN]], [[1, 1, 0, 0]]),
    (
        "clamp by tensors",
        dt.clamp,
        [[1.0, 2.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0], [3.0, 2.0, 3.0, 3.0]],
        [[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    ),
    ("hardtanh", lambda x: F.hardtanh(x, -2.0, 3.0), [[-2.0, 3.0, 0.0, -5.0, INF, NAN]], [[0, 0, 1, 0, 0, 1]]),
    ("relu6", F.relu6, [[0.0, 6.0, 1.0, -INF, NAN]], [[0, 0, 1, 0, 1]]),
    ("hardsigmoid", F.hardsigmoid, [[-3.0, 3.0, 0.0, INF, NAN]], [[0, 0, 1 / 6, 0, 0]]),
    ("hardswish", F.hardswish, [[-3.0, 3.0, 0.0, 4.0, -4.0, INF, -INF, NAN]], [[0, 1, 0.5, 1, 0, 1, 0, 1]]),
    ("hardtanh in place", lambda x: F.hardtanh_(x + 0, -2.0, 3.0), [[-2.0, 3.0, 0.0]], [[0, 0, 1]]),
    ("maximum", dt.maximum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 1], [0.5, 0]]),
    ("minimum", dt.minimum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 0], [0.5, 1]]),
    ("remainder", dt.remainder, [[4.0], [2.0]], [[1], [-2]]),
    ("fmod", dt.fmod, [[4.0], [2.0]], [[1], [-2]]),
    ("copysign", lambda x: dt.copysign(x, dt.ones(2)), [[0.0, -2.0]], [[0, -1]]),
    ("heaviside", dt.heaviside, [[0.0, 1.0], [0.5, 0.5]], [[0, 0], [1, 0]]),  # PyTorch has no derivative
    ("nan_to_num", dt.nan_to_num, [[NAN, INF, 1.0]], [[0, 0, 1]]),
    ("nansum", dt.nansum, [[NAN, 1.0]], [[0, 1]]),
]
TIES: list[Row] = [
    ("max", dt.max, [[1.0, 2.0, 2.0]], [[0, 0.5, 0.5]]),
    ("max along a dim", lambda x: dt.max(x, 0)[0], [[1.0, 2.0, 2.0]], [[0, 1, 0]]),
    ("min along a dim", lambda x: dt.min(x, 0)[0], [[1.0, 1.0, 2.0]], [[1, 0, 0]]),
    ("amax", lambda x: dt.amax(x, 0), [[1.0, 2.0, 2.0]], [[0, 0.5, 0.5]]),
    ("median", dt.median, [[1.0, 2.0, 2.0, 3.0]], [[0, 0.5, 0.5, 0]]),
    ("median of NaN", dt.median, [[1.0, NAN, 2.0]], [[0, 1, 0]]),
    ("nanmedian", dt.nanmedian, [[2.0, 2.0, 1.0, NAN]], [[0.5, 0.5, 0, 0]]),
    ("sort", lambda x: dt.sort(x, stable=True)[0] * dt.tensor([1.0, 2.0, 3.0]), [[2.0, 2.0, 1.0]], [[2, 3, 1]]),
    ("topk", lambda x: dt.topk(x, 1)[0], [[2.0, 2.0, 1.0]], [[1, 0, 0]]),
    ("cummax", lambda x: dt.cummax(x, 0)[0], [[2.0, 2.0, 1.0]], [[1, 2, 0]]),
    (
        "scatter_reduce amax",
        lambda x, s: x.scatter_reduce(0, dt.tensor([0, 0]), s, "amax"),
        [[1.0], [1.0, 1.0]],
        [[1 / 3], [1 / 3, 1 / 3]],
    ),
]
NORMS: list[Row] = [
    ("norm of 0", dt.linalg.vector_norm, [[0.0, 0.0]], [[0, 0]]),
    ("norm of order 1", lambda x: dt.linalg.vector_norm(x, 1), [[0.0, 1.0]], [[0, 1]]),
    ("norm of order 1/2", lambda x: dt.linalg.vector_norm(x, 0.5), [[0.0, 1.0]], [[0, 1]]),
    ("norm of order 3", lambda x: dt.linalg.vector_norm(x, 3), [[0.0, 0.0]], [[0, 0]]),
    ("norm of order inf", lambda x: dt.linalg.vector_norm(x, INF), [[1.0, -1.0, 0.0]], [[0.5, -0.5, 0]]),
    ("dist", dt.dist, [[1.0, 2.0], [1.0, 2.0]], [[0, 0], [0, 0]]),
    ("cdist", lambda x, y: dt.cdist(x.unsqueeze(0), y.unsqueeze(0)), [[1.0, 2.0], [1.0, 2.0]], [[0, 0], [0, 0]]),
    ("std of a constant", dt.std, [[1.0, 1.0]], [[0, 0]]),
    ("var of a constant", dt.var, [[1.0, 1.0]], [[0, 0]]),
    ("hypot", dt.hypot, [[0.0], [0.0]], [[0], [0]]),  # PyTorch: NaN
    ("atan2", dt.atan2, [[0.0], [0.0]], [[0], [0]]),
    ("abs of a complex 0", lambda x: dt.abs(dt.complex(x, x * 0)), [[0.0]], [[0]]),
    ("angle of a complex 0", lambda x: dt.angle(dt.complex(x, x * 0)), [[0.0]], [[0]]),
]
EDGES: list[Row] = [
    ("sqrt", dt.sqrt, [[0.0]], [[INF]]),
    ("log", dt.log, [[0.0]], [[INF]]),
    ("asin", dt.asin, [[1.0]], [[INF]]),
    ("pow", dt.pow, [[0.0, 0.0, 0.0, 2.0], [0.0, 2.0, 0.5, 0.0]], [[0, 0, INF, 0], [0, 0, 0, math.log(2)]]),
    ("pow of a number", lambda y: 0.0**y, [[0.0, 2.0]], [[0, 0]]),
    ("xlogy", dt.xlogy, [[0.0, 0.0], [0.0, 2.0]], [[0, math.log(2)], [0, 0]]),  # PyTorch: NaN by the second at (0, 0)
    ("sinc", dt.sinc, [[0.0]], [[0]]),
    ("prod with a 0", dt.prod, [[0.0, 2.0, 3.0]], [[6, 0, 0]]),
    ("prod with two", dt.prod, [[0.0, 0.0, 3.0]], [[0, 0, 0]]),
    ("cumprod", lambda x: dt.cumprod(x, 0), [[2.0, 0.0, 3.0, 0.0]], [[1, 8, 0, 0]]),
    ("logsumexp of -inf", lambda x: dt.logsumexp(x, 0), [[-INF, 1.0]], [[0, 1]]),
    ("logaddexp of -inf", dt.logaddexp, [[-INF, -INF], [-INF, 1.0]], [[0.5, 0], [0.5, 1]]),  # PyTorch: NaN, 0
    ("softmax of -inf", lambda x: dt.softmax(x, 0) * dt.tensor([1.0, 2.0]), [[-INF, 1.0]], [[0, 0]]),
    ("log_softmax of -inf", lambda x: dt.log_softmax(x, 0)[1], [[-INF, 1.0]], [[0, 0]]),
    # PyTorch: 0, though a neighbour's determinant is another
    ("det of a singular matrix", lambda x: dt.linalg.det(x.reshape(2, 2)), [[1.0, 1.0, 1.0, 1.0]], [[1, -1, -1, 1]]),
]
ROWS = PIECEWISE + TIES + NORMS + EDGES


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_gradient(row: Row) -> None:
    _, function, arguments, gradients = row
    inputs = [dt.tensor(values, dtype=dt.float64, requires_grad=True) for values in arguments]
    found = dt.autograd.grad(function(*inputs).sum(), inputs, materialize_grads=True)
    for gradient, wanted in zip(found, gradients, strict=True):
        np.testing.assert_allclose(np.asarray(gradient), np.asarray(wanted, dtype=np.float64), rtol=1e-12, atol=1e-12)


FORWARD = [row for row in ROWS if row[0] not in ("clamp", "pow")]


@pytest.mark.parametrize("row", FORWARD, ids=[row[0] for row in FORWARD])
def test_forward_mode_agrees(row: Row) -> None:
    """The tangent along a direction is the gradient's product with it, also here."""
    _, function, arguments, gradients = row
    if not np.isfinite(np.concatenate([np.ravel(g) for g in gradients])).all():
        return
    inputs = tuple(dt.tensor(values, dtype=dt.float64) for values in arguments)
    directions = tuple(dt.arange(1, t.numel() + 1, dtype=dt.float64) for t in inputs)
    _, tangent = dt.func.jvp(lambda *given: function(*given).sum(), inputs, directions)
    wanted = sum(float((np.asarray(g) * np.asarray(d)).sum()) for g, d in zip(gradients, directions, strict=True))
    assert tangent.item() == pytest.approx(wanted, abs=1e-12)


SECOND: list[Row] = [
    ("hardtanh", F.hardtanh, [[-1.0, 1.0, 0.0, INF]], [[0, 0, 0, 0]]),
    ("relu6", F.relu6, [[0.0, 6.0, 1.0, INF]], [[0, 0, 0, 0]]),
    ("hardsigmoid", F.hardsigmoid, [[-3.0, 3.0, 0.0, INF]], [[0, 0, 0, 0]]),  # PyTorch has no derivative
    ("hardswish", F.hardswish, [[-3.0, 3.0, 0.0, 4.0, -4.0, INF]], [[0, 0, 1 / 3, 0, 0, 0]]),
]


@pytest.mark.parametrize("row", SECOND, ids=[row[0] for row in SECOND])
def test_second_order(row: Row) -> None:
    """The derivative of the gradient, by the argument and by the gradient that came."""
    _, function, (values,), (wanted,) = row
    x = dt.tensor(values, dtype=dt.float64, requires_grad=True)
    g = dt.ones(len(values), dtype=dt.float64, requires_grad=True)
    (gradient,) = dt.autograd.grad(function(x), x, g, create_graph=True)
    by_x, by_g = dt.autograd.grad(gradient.sum(), (x, g), materialize_grads=True)
    np.testing.assert_allclose(np.asarray(by_x), np.asarray(wanted, dtype=np.float64), rtol=1e-12)
    np.testing.assert_array_equal(np.asarray(by_g), np.asarray(gradient.detach()))


def test_pow_to_the_0th_has_its_mixed_derivative() -> None:
    """d/dx x ** y at y = 0 is 0, but it grows with y, by 1 / x."""
    x, y = (dt.tensor(value, dtype=dt.float64, requires_grad=True) for value in (4.0, 0.0))
    (by_x,) = dt.autograd.grad(dt.pow(x, y), x, create_graph=True)
    assert by_x.item() == 0
    assert dt.autograd.grad(by_x, y)[0].item() == 0.25


def test_draws_do_not_move() -> None:
    p = dt.full((4,), 0.5, requires_grad=True)
    for draw in (dt.bernoulli, dt.poisson, lambda p: dt.normal(p, p)):
        (gradient,) = dt.autograd.grad(draw(p).sum(), p)
        assert gradient.tolist() == [0, 0, 0, 0]
        assert dt.func.jvp(draw, (p.detach(),), (dt.ones(4),))[1].tolist() == [0, 0, 0, 0]


REFUSED: list[tuple[str, Callable[[dt.Tensor], Any]]] = [
    ("geqrf", lambda x: dt.geqrf(x)[1]),
    ("linalg_ldl_factor", lambda x: dt.linalg.ldl_factor(x)[0]),
    ("linalg_ldl_factor_ex", lambda x: dt.linalg.ldl_factor_ex(x)[0]),
    ("linalg_ldl_solve", lambda x: dt.linalg.ldl_solve(*dt.linalg.ldl_factor(dt.eye(2)), x)),
    ("binomial", lambda x: dt.binomial(dt.full((2, 2), 5.0), x.abs().clamp(max=1))),
    ("special_chebyshev_polynomial_t", lambda x: dt.special.chebyshev_polynomial_t(x, 3)),
]


@pytest.mark.parametrize(("name", "call"), REFUSED, ids=[name for name, _ in REFUSED])
def test_what_has_no_derivative_is_not_silent(name: str, call: Callable[[dt.Tensor], Any]) -> None:
    x = dt.tensor([[2.0, 0.5], [0.5, 1.0]], requires_grad=True)
    result = call(x)
    assert result.requires_grad
    with pytest.raises(NotImplementedError, match=f"no derivative for {name}"):
        result.sum().backward()
    with pytest.raises(NotImplementedError, match=f"no derivative for {name}"):
        dt.func.jvp(call, (x.detach(),), (dt.ones(2, 2),))
    assert x.grad is None
