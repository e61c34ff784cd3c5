"""Autocast and autograd: gradients come back in their tensors' dtypes; the cache of casts; transforms, checkpoints and
Functions."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

import pytest

import dovetail as dt
from dovetail.autograd import Function, _engine, checkpoint, forward_ad, func
from packages.autograd.tests.sixteen import BF16, F16, F32, F64, cast_by_hand, leaf

pytestmark = pytest.mark.usefixtures("autocast_left_as_found")


# ---- gradients ----


def test_gradients_come_back_in_float32() -> None:
    a, b = leaf(3, 4), leaf(4, 2)
    with dt.autocast("cpu"):
        loss = (a @ b).float().square().sum()
    loss.backward()
    assert a.grad is not None and b.grad is not None
    assert a.grad.dtype == b.grad.dtype == F32
    exact = 2 * (a @ b).detach() @ b.detach().T
    assert dt.allclose(a.grad, exact, rtol=0.05, atol=0.1)
    by_hand, other = a.detach().requires_grad_(), b.detach().requires_grad_()
    cast_by_hand(by_hand, other).float().square().sum().backward()
    assert by_hand.grad is not None and dt.equal(a.grad, by_hand.grad)


def test_backward_inside_the_region_is_the_same() -> None:
    def run(inside: bool) -> tuple[dt.Tensor, dt.Tensor]:
        dt.manual_seed(0)
        a, b = leaf(3, 4), leaf(4, 4)
        with dt.autocast("cpu"):
            loss = ((a @ b).float() @ b).exp().sum()
            if inside:
                loss.backward()
                assert dt.is_autocast_enabled("cpu")
        if not inside:
            loss.backward()
        assert a.grad is not None and b.grad is not None
        return a.grad, b.grad

    for one, other in zip(run(True), run(False), strict=True):
        assert one.dtype == F32 and dt.equal(one, other)


def test_hooks_see_autocast_off() -> None:
    a, seen = leaf(2, 2), []
    with dt.autocast("cpu"):
        out = a @ a
        out.register_hook(lambda g: seen.append((g.dtype, dt.is_autocast_enabled("cpu"))))
        out.sum().backward()
    assert seen == [(BF16, False)]


def test_second_derivatives() -> None:
    x = dt.tensor([[0.5]], requires_grad=True)
    with dt.autocast("cpu"):
        y = (x @ x) @ x
    (slope,) = dt.autograd.grad(y.float().sum(), x, create_graph=True)
    (curvature,) = dt.autograd.grad(slope.sum(), x)
    assert slope.dtype == curvature.dtype == F32
    assert abs(slope.item() - 0.75) < 0.02 and abs(curvature.item() - 3.0) < 0.05


def test_what_is_saved_for_backward_is_in_sixteen_bits() -> None:
    saved: list[dt.dtype] = []

    def pack(t: dt.Tensor) -> dt.Tensor:
        saved.append(t.dtype)
        return t

    a, b = leaf(2, 2), leaf(2, 2)
    with dt.autocast("cpu"), dt.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        a @ b
    assert saved and set(saved) == {BF16}


# ---- the cache ----


def casts(function: object) -> int:
    """How many casts a function makes."""
    count = 0

    def look(op: dt.Op, args: tuple[object, ...], out: object) -> object:
        nonlocal count
        count += op.name == "cast"
        return op.call(args, out)

    with dt.layers.intercept(look, at="trace"):
        function()  # type: ignore[operator]
    return count


def test_a_parameter_is_cast_once() -> None:
    weight, x = leaf(2, 2), dt.ones(2, 2, dtype=BF16)

    def three() -> None:
        with dt.autocast("cpu"):
            for _ in range(3):
                x @ weight

    def three_without() -> None:
        with dt.autocast("cpu", cache_enabled=False):
            for _ in range(3):
                x @ weight

    assert casts(three) == 1
    assert casts(three_without) == 3


def test_the_cache_lives_until_the_outermost_region_ends() -> None:
    weight, x = leaf(2, 2), dt.ones(2, 2, dtype=BF16)
    with dt.autocast("cpu"):
        with dt.autocast("cpu"):
            x @ weight
        assert _engine.autocast_cache_size() == 1
        dt.clear_autocast_cache()
        assert _engine.autocast_cache_size() == 0
        x @ weight
    assert _engine.autocast_cache_size() == 0


def test_a_written_parameter_is_cast_again() -> None:
    weight, x = leaf(2, 2), dt.ones(2, 2, dtype=BF16)
    with dt.autocast("cpu"):
        x @ weight
        with dt.no_grad():
            weight.fill_(3.0)
        assert (x @ weight)[0, 0].item() == 6.0
        weight.data = dt.ones(2, 2)
        assert (x @ weight)[0, 0].item() == 2.0
    with dt.autocast("cpu"):
        x @ weight
        with dt.autocast("cpu", F16):
            assert (x @ weight).dtype == F16


def test_a_cast_made_without_recording_is_not_used_where_gradients_are_wanted() -> None:
    weight, x = leaf(2, 2), dt.ones(2, 2, dtype=BF16)
    with dt.autocast("cpu"):
        for mode in (dt.no_grad, dt.inference_mode):
            with mode():
                x @ weight
            weight.grad = None
            (x @ weight).sum().backward()
            assert weight.grad is not None and weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
            dt.clear_autocast_cache()


def test_several_backwards_through_one_cast() -> None:
    weight, x = leaf(2, 2), dt.ones(2, 2, dtype=BF16)
    with dt.autocast("cpu"):
        for _ in range(2):
            (x @ weight).sum().backward()
    assert weight.grad is not None and weight.grad.tolist() == [[4.0, 4.0], [4.0, 4.0]]


def test_parameters_that_are_gone_leave_the_cache() -> None:
    x = dt.ones(2, 2, dtype=BF16)
    kept = leaf(2, 2)
    with dt.autocast("cpu"):
        for recording in (True, False):
            for _ in range(500):
                with dt.set_grad_enabled(recording):
                    x @ leaf(2, 2)
                    x @ kept
        assert _engine.autocast_cache_size() < 200


def test_nothing_of_a_region_outlives_it() -> None:
    weight = leaf(2, 2)
    watched = weakref.ref(weight)
    with dt.autocast("cpu"):
        dt.ones(2, 2) @ weight
    del weight
    gc.collect()
    assert watched() is None


def test_results_views_and_other_dtypes_are_not_kept() -> None:
    x, weight = dt.ones(2, 2), leaf(2, 2)
    with dt.autocast("cpu"):
        x @ (weight * 2)
        x @ weight.T
        x @ weight.detach()
        assert _engine.autocast_cache_size() == 0


# ---- transforms, checkpoints, Functions ----


def test_grad_and_vmap() -> None:
    w, xs = dt.randn(4, 4), dt.randn(5, 4)

    def loss(w: dt.Tensor, x: dt.Tensor) -> dt.Tensor:
        with dt.autocast("cpu"):
            out = x @ w
            assert out.dtype == BF16
        return out.float().square().sum()

    each = func.vmap(func.grad(loss), in_dims=(None, 0))(w, xs)
    assert each.dtype == F32 and each.shape == (5, 4, 4)
    for i in range(5):
        leaf_w = w.detach().requires_grad_()
        loss(leaf_w, xs[i]).backward()
        assert leaf_w.grad is not None
        assert dt.allclose(each[i], leaf_w.grad, rtol=0.02, atol=0.02)
        assert dt.allclose(func.grad(loss)(w, xs[i]), leaf_w.grad)


def test_a_region_around_transforms() -> None:
    w, x = dt.randn(3, 3), dt.randn(2, 3)
    with dt.autocast("cpu"):
        slope = func.grad(lambda w: (x @ w).float().sum())(w)
        value, push = func.vjp(lambda w: x @ w, w)
        (back,) = push(dt.ones_like(value))
        out, tangent = func.jvp(lambda w: x @ w, (w,), (dt.ones(3, 3),))
    assert slope.dtype == back.dtype == F32 and dt.equal(slope, back)
    assert value.dtype == out.dtype == tangent.dtype == BF16
    assert dt.allclose(tangent.float(), x.sum(1, keepdim=True).expand(2, 3), rtol=0.03, atol=0.03)


def test_parameters_inside_transforms_are_never_mixed_up() -> None:
    w = leaf(2, 2)
    with dt.autocast("cpu"):
        dt.ones(2, 2) @ w
        inner = func.grad(lambda t: ((dt.ones(2, 2) @ t) @ w).float().sum())(w)
        outer = dt.autograd.grad((dt.ones(2, 2) @ w).float().sum(), w)[0]
    assert outer.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert inner.shape == (2, 2) and inner.abs().sum().item() > 0


def test_forward_mode() -> None:
    with forward_ad.dual_level(), dt.autocast("cpu"):
        dual = forward_ad.make_dual(dt.ones(2, 2), dt.full((2, 2), 0.5))
        out = forward_ad.unpack_dual(dual @ dt.ones(2, 2))
    assert out.primal.dtype == BF16
    assert out.tangent is not None and out.tangent.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("dtype", [BF16, F16])
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint_computes_again_in_the_same_dtypes(dtype: dt.dtype, reentrant: bool) -> None:
    w, x = leaf(4, 4), leaf(3, 4)
    seen: list[dt.dtype] = []

    def block(x: dt.Tensor) -> dt.Tensor:
        out = x @ w
        seen.append(out.dtype)
        return out.float().exp()

    with dt.autocast("cpu", dtype):
        out = checkpoint(block, x, use_reentrant=reentrant)
        plain = block(x)
    out.sum().backward()
    assert w.grad is not None and seen == [dtype] * 3
    found, w.grad = w.grad, None
    plain.sum().backward()
    assert w.grad is not None and dt.equal(found, w.grad)


def test_checkpoint_outside_a_region_inside_which_backward_runs() -> None:
    w, x = leaf(4, 4), dt.randn(3, 4)
    seen: list[dt.dtype] = []

    def block(x: dt.Tensor) -> dt.Tensor:
        seen.append((x @ w).dtype)
        return x @ w

    out = checkpoint(block, x)
    with dt.autocast("cpu"):
        out.sum().backward()
    assert seen == [F32, F32]


class Product(Function):
    seen: ClassVar[list[tuple[str, dt.dtype, bool]]] = []

    @staticmethod
    @dt.amp.custom_fwd(device_type="cpu")
    def forward(ctx, a, b):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(a, b)
        out = a @ b
        Product.seen.append(("forward", out.dtype, dt.is_autocast_enabled("cpu")))
        return out

    @staticmethod
    @dt.amp.custom_bwd(device_type="cpu")
    def backward(ctx, g):  # type: ignore[no-untyped-def]
        a, b = ctx.saved_tensors
        out = g @ b.T
        Product.seen.append(("backward", out.dtype, dt.is_autocast_enabled("cpu")))
        return out, a.T @ g


def test_custom_functions_run_backward_as_forward() -> None:
    Product.seen.clear()
    a, b = leaf(2, 2), leaf(2, 2)
    with dt.autocast("cpu", F16):
        out = Product.apply(a, b)
    out.sum().backward()
    assert Product.seen == [("forward", F16, True), ("backward", F16, True)]
    assert a.grad is not None and a.grad.dtype == F32
    Product.seen.clear()
    out = Product.apply(a, b)
    with dt.autocast("cpu"):
        out.sum().backward()
    assert Product.seen == [("forward", F32, False), ("backward", F32, False)]


def test_custom_functions_may_ask_for_a_dtype() -> None:
    seen = []

    class Exact(Function):
        @staticmethod
        @dt.amp.custom_fwd(device_type="cpu", cast_inputs=F32)
        def forward(ctx, xs, scale):  # type: ignore[no-untyped-def]
            seen.append([x.dtype for x in xs] + [dt.is_autocast_enabled("cpu")])
            return xs[0] @ xs[1] * scale

        @staticmethod
        @dt.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            return None, None

    low = dt.ones(2, 2, dtype=BF16)
    with dt.autocast("cpu"):
        assert Exact.apply((low, low), 2.0).dtype == F32
        assert Exact.apply((low, dt.ones(2, 2, dtype=F64)[:, :1].to(F32)), 2.0).dtype == F32
    assert Exact.apply((low, low), 2.0).dtype == BF16
    assert seen == [[F32, F32, False], [F32, F32, False], [BF16, BF16, False]]


def test_custom_functions_with_setup_context() -> None:
    class Twice(Function):
        @staticmethod
        @dt.amp.custom_fwd(device_type="cpu", cast_inputs=F32)
        def forward(x):  # type: ignore[no-untyped-def]
            return 2 * x

        @staticmethod
        def setup_context(ctx, inputs, output):  # type: ignore[no-untyped-def]
            pass

        @staticmethod
        @dt.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            return 2 * g

    x = leaf(2, dtype=BF16)
    with dt.autocast("cpu"):
        out = Twice.apply(x)
    assert out.dtype == F32
    out.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2.0, 2.0] and x.grad.dtype == BF16
