"""Backward runs that are refused, fail or are interrupted: what is said, and what is left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import dovetail as dt
from dovetail.ops import op


def leaf(*numbers: float, dtype: dt.dtype = dt.float64) -> dt.Tensor:
    return dt.tensor(list(numbers), dtype=dtype, requires_grad=True)


# ---- gradients that do not fit --------------------------------------------------------------------------------


def test_a_gradient_is_complex_where_its_tensor_is() -> None:
    x, z = leaf(1.0, 2.0), leaf(1.0, 2.0, dtype=dt.complex128)
    with pytest.raises(RuntimeError, match=r"backward: Mismatch in dtype: .*complex128 tensor.*float64 tensor"):
        (x * 2).backward(dt.ones(2, dtype=dt.complex128))
    with pytest.raises(RuntimeError, match=r"grad: Mismatch in dtype: .*float64 tensor.*complex128 tensor"):
        dt.autograd.grad(z * 2, z, dt.ones(2, dtype=dt.float64))
    assert x.grad is None
    assert z.grad is None
    for given in (dt.float16, dt.float32, dt.int64, dt.bool):  # other dtypes are cast
        (x * 2).backward(dt.ones(2, dtype=given))
        assert x.grad.tolist() == [2.0, 2.0]
        assert x.grad.dtype == dt.float64
        x.grad = None


def test_a_complex_scalar_begins_with_no_one() -> None:
    z = leaf(1.0, dtype=dt.complex64)
    with pytest.raises(RuntimeError, match=r"only for real scalar outputs, got a complex64 tensor"):
        (z * z).sum().backward()
    (z * z).sum().backward(dt.ones((), dtype=dt.complex64))
    assert z.grad.tolist() == [2.0]


@pytest.mark.parametrize("shape", [(3,), (1, 2), (), (2, 1)])
def test_a_gradient_is_not_broadcast(shape: tuple[int, ...]) -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    with pytest.raises(RuntimeError, match=r"backward: Mismatch in shape: grad_output\[0\]"):
        y.backward(dt.ones(shape, dtype=dt.float64))
    y.backward(dt.ones(2, dtype=dt.float64))  # the graph was not used up
    assert dt.equal(x.grad, x.detach().exp())


@pytest.mark.parametrize("result", [dt.argmax, lambda t: t.to(dt.int64).sum(), lambda t: t > 0])
def test_integers_have_no_graph(result: Callable[[dt.Tensor], dt.Tensor]) -> None:
    with pytest.raises(RuntimeError, match=r"element 0 of tensors does not require grad.*(int64|bool) tensor"):
        result(leaf(1.0)).backward()


# ---- graphs that are used up ----------------------------------------------------------------------------------


def test_through_a_part_that_is_freed() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0)
    shared = x * x
    shared.sum().backward()
    x.grad = None
    with pytest.raises(RuntimeError, match=r"MulBackward0: Trying to backward through the graph a second time"):
        (shared.sum() * w).backward()
    assert x.grad is None


def test_a_refused_second_run_adds_nothing() -> None:
    x = leaf(3.0)
    y = x * x
    y.backward()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()
    assert x.grad.tolist() == [6.0]


# ---- rules that return what does not fit ----------------------------------------------------------------------


@op("test_product(Tensor self, Tensor other) -> Tensor", method=False)
def product(self: dt.Tensor, other: dt.Tensor) -> dt.Tensor:
    """self * other"""
    return self * other


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (lambda g: (g, g, g), RuntimeError, r"the derivative of test_product returned 3 gradients for 2 arguments"),
        (lambda g: (dt.ones(3), g), RuntimeError, r"TestProductBackward0 returned an invalid gradient at index 0"),
        (
            lambda g: (3.0, g),
            TypeError,
            r"the derivative of test_product must return a Tensor or None as a gradient for self, got float",
        ),
        (
            lambda g: (g, "g"),
            TypeError,
            r"the derivative of test_product must return a Tensor or None as a gradient for other, got str",
        ),
        (
            lambda g: "gradient",
            TypeError,
            r"the derivative of test_product must return a Tensor or None as a gradient for self, got str",
        ),
    ],
)
def test_what_a_rule_returns_is_checked(
    returned: Callable[[dt.Tensor], Any], error: type[Exception], match: str
) -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    dt.autograd.register_vjp("test_product", lambda ctx, g: returned(g))
    z = product(x, y)
    with pytest.raises(error, match=match):
        z.sum().backward()
    assert x.grad is None
    assert y.grad is None
    dt.autograd.register_vjp("test_product", lambda ctx, g: (g * ctx.args[1], g * ctx.args[0]))
    product(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3.0, 4.0], [1.0, 2.0])


@op("test_stretched(Tensor self, float by) -> (Tensor, Tensor)", method=False)
def stretched(self: dt.Tensor, by: float) -> tuple[dt.Tensor, dt.Tensor]:
    """self * by, and self"""
    return self * by, self * 1


def test_a_rule_has_gradients_for_tensors_only() -> None:
    x = leaf(1.0)
    dt.autograd.register_vjp("test_stretched", lambda ctx, g, h: (g * ctx.args[1], g))
    with pytest.raises(
        RuntimeError, match=r"the derivative of test_stretched returned a gradient for by, which is no tensor"
    ):
        stretched(x, 2.0)[0].backward()
    assert x.grad is None
    dt.autograd.register_vjp("test_stretched", lambda ctx, g, h: (g * ctx.args[1], None, None))
    stretched(x, 2.0)[0].backward()  # None too many does no harm
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (
            lambda t: (t, t, t),
            RuntimeError,
            r"the forward derivative of test_stretched returned 3 tangents for 2 results",
        ),
        (
            lambda t: (t, 3.0),
            TypeError,
            r"the derivative of test_stretched must return a Tensor or None as a tangent, got float",
        ),
        (lambda t: (dt.ones(2, 2, dtype=dt.float64), t), ValueError, r"test_stretched.*\(2, 2\).*\(3,\)"),
    ],
)
def test_what_a_forward_rule_returns_is_checked(
    returned: Callable[[dt.Tensor], Any], error: type[Exception], match: str
) -> None:
    dt.autograd.register_jvp("test_stretched", lambda ctx, t, by: returned(t))
    x = dt.ones(3, dtype=dt.float64)
    with pytest.raises(error, match=match):
        dt.func.jvp(lambda t: stretched(t, 2.0), (x,), (x,))
    dt.autograd.register_jvp("test_stretched", lambda ctx, t, by: (t * 2, None))
    assert dt.func.jvp(lambda t: stretched(t, 2.0), (x,), (x,))[1][0].tolist() == [2.0, 2.0, 2.0]


def of_function(returned: Callable[[dt.Tensor], Any]) -> Callable[[dt.Tensor], dt.Tensor]:
    class Returns(dt.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: dt.Tensor) -> Any:
            return returned(g)

    return lambda x: Returns.apply(x).sum()


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (lambda g: (g, g), RuntimeError, r"an incorrect number of gradients \(expected 1, got 2\)"),
        (lambda g: (), RuntimeError, r"an incorrect number of gradients \(expected 1, got 0\)"),
        (lambda g: 3.0, TypeError, r"must return a Tensor or None as gradient 0, got float"),
        (lambda g: dt.ones(3), RuntimeError, r"an invalid gradient at index 0 - got \(3,\) but expected .* \(2,\)"),
        (lambda g: dt.ones(()), RuntimeError, r"an invalid gradient at index 0 - got \(\) but expected .* \(2,\)"),
        (
            lambda g: g * (1 + 2j),
            RuntimeError,
            r"a complex gradient at position 0, whose input is a float64 tensor of shape \(2,\)",
        ),
    ],
)
def test_what_a_function_returns_is_checked(
    returned: Callable[[dt.Tensor], Any], error: type[Exception], match: str
) -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0)
    with pytest.raises(error, match=match):
        (of_function(returned)(x) * w).backward()
    assert x.grad is None
    of_function(lambda g: g * 2)(x).backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("dtype", [dt.int64, dt.bool, dt.float32, dt.float16])
def test_a_function_s_gradient_is_cast(dtype: dt.dtype) -> None:
    x = leaf(1.0, 2.0)
    of_function(lambda g: dt.ones(3, 2, dtype=dtype))(x).backward()  # and summed over what was broadcast
    assert x.grad.dtype == dt.float64
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("returned", "error", "match"),
    [
        (lambda g: "gradient", TypeError, r"hook '<lambda>' must return a Tensor or None, got str"),
        (lambda g: g[:1], RuntimeError, r"has changed the size of value: .* \(2,\), .* \(1,\)"),
        (lambda g: g.to(dt.float32), RuntimeError, r"has changed the type of value: .*float64.* float32"),
        (lambda g: g * 1j, RuntimeError, r"has changed the type of value: .*float64.* complex128"),
        (lambda g: g.to(dt.int64), RuntimeError, r"has changed the type of value: .*float64.* int64"),
    ],
)
def test_what_a_hook_returns_is_checked(
    returned: Callable[[dt.Tensor], Any], error: type[Exception], match: str
) -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    handle = y.register_hook(returned)
    with pytest.raises(error, match=match):
        y.sum().backward(retain_graph=True)
    assert x.grad is None
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# ---- runs that end early --------------------------------------------------------------------------------------


def fail_at_first(error: BaseException) -> Callable[[Any], None]:
    """A hook that raises when it is first called."""
    errors = [error]

    def hook(*_: Any) -> None:
        if errors:
            raise errors.pop()

    return hook


HOOKS: dict[str, Callable[[dt.Tensor, dt.Tensor, Any], Any]] = {
    "tensor": lambda x, y, hook: y.register_hook(hook),
    "leaf": lambda x, y, hook: x.register_hook(hook),
    "node": lambda x, y, hook: y.grad_fn.register_hook(lambda a, b: hook()),
    "before a node": lambda x, y, hook: y.grad_fn.register_prehook(hook),
}


@pytest.mark.parametrize(
    "error", [LookupError("mine"), KeyboardInterrupt(), SystemExit(3)], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("place", HOOKS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_that_raises(place: str, error: BaseException, create_graph: bool) -> None:
    x, w = leaf(2.0), leaf(3.0)
    y = x * x
    handle = HOOKS[place](x, y, fail_at_first(error))
    z = (y * w).exp().sum()
    with pytest.raises(type(error)) as caught:
        z.backward(retain_graph=True, create_graph=create_graph)
    assert caught.value is error
    assert x.grad is None  # it comes after the hook
    assert dt.is_grad_enabled()
    w.grad = None
    z.backward(retain_graph=True)  # the graph is as it was
    value = z.item()
    assert x.grad.tolist() == [pytest.approx(2 * 2 * 3 * value)]
    assert w.grad.tolist() == [pytest.approx(4 * value)]
    handle.remove()


def test_a_run_that_failed_has_used_up_what_it_ran() -> None:
    x = leaf(2.0)
    y = x * x
    y.register_hook(fail_at_first(LookupError("mine")))
    z = y.exp()
    with pytest.raises(LookupError):
        z.backward()
    with pytest.raises(RuntimeError, match="ExpBackward0: Trying to backward through the graph a second time"):
        z.backward()
    assert x.grad is None
    y.backward()  # this part was not reached, and is whole
    assert x.grad.tolist() == [4.0]


def test_leaves_have_all_of_their_gradient_or_none() -> None:
    leaves = [leaf(float(i + 1)) for i in range(20)]
    x = leaf(1.0)
    y = x * 1
    y.register_hook(fail_at_first(LookupError("mine")))
    total = y.sum()
    for each in leaves:
        total = total + (each * each + each).sum()
    with pytest.raises(LookupError):
        total.backward(retain_graph=True)
    assert x.grad is None
    for i, each in enumerate(leaves):
        assert each.grad is None or each.grad.tolist() == [2.0 * (i + 1) + 1]
        each.grad = None
    total.backward()
    assert [each.grad.item() for each in leaves] == [2.0 * (i + 1) + 1 for i in range(20)]


@contextmanager
def alarm_is_an_interrupt() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that signal")
@pytest.mark.parametrize("run", ["backward", "grad", "vjp"])
def test_an_interrupt_in_the_middle(run: str) -> None:
    """The run is in compiled code alone when the signal comes, and ends there."""

    def chain(t: dt.Tensor) -> dt.Tensor:
        y = t
        for _ in range(300_000):
            y = y * 1.000001
        return y.sum()

    x = leaf(1.0, 2.0)
    with alarm_is_an_interrupt():
        if run == "vjp":
            _, pull = dt.func.vjp(chain, x.detach())
            once = lambda: pull(dt.ones((), dtype=dt.float64))[0]  # noqa: E731
        else:
            y = chain(x)
            once = lambda: dt.autograd.grad(y, x, retain_graph=True)[0]  # noqa: E731
        if run == "backward":
            once = lambda: y.backward(retain_graph=True)  # noqa: E731
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        with pytest.raises(KeyboardInterrupt):
            once()
    assert x.grad is None
    found = once()
    found = x.grad if run == "backward" else found
    assert found.tolist() == [pytest.approx(1.000001**300_000)] * 2
    assert dt.is_grad_enabled()
