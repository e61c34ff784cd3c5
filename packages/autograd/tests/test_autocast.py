"""Autocast: what is cast, when, and that gradients come back in their tensors' dtypes."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import dovetail as dt
from dovetail.autograd import Function, _engine, checkpoint, forward_ad, func
from dovetail.ops import op

BF16, F16, F32, F64 = dt.bfloat16, dt.float16, dt.float32, dt.float64


@pytest.fixture(autouse=True)
def left_as_found() -> Iterator[None]:
    yield
    assert not dt.is_autocast_enabled("cpu")
    assert dt.get_autocast_dtype("cpu") == BF16
    assert dt.is_autocast_cache_enabled()
    assert _engine.autocast_cache_size() == 0
    assert (dt.ones(1, 1) @ dt.ones(1, 1)).dtype == F32


def leaf(*shape: int, dtype: dt.dtype = F32) -> dt.Tensor:
    return dt.randn(*shape, dtype=dtype, requires_grad=True)


def cast_by_hand(a: dt.Tensor, b: dt.Tensor) -> dt.Tensor:
    return a.to(BF16) @ b.to(BF16)


# ---- regions ----


def test_products_run_in_sixteen_bits() -> None:
    a, b = dt.randn(3, 4), dt.randn(4, 2)
    with dt.autocast("cpu"):
        out = a @ b
    assert out.dtype == BF16
    assert dt.equal(out, cast_by_hand(a, b))


@pytest.mark.parametrize("dtype", [BF16, F16])
def test_the_dtype_is_the_one_asked_for(dtype: dt.dtype) -> None:
    with dt.autocast("cpu", dtype):
        assert (dt.ones(2, 2) @ dt.ones(2, 2)).dtype == dtype
        assert dt.get_autocast_dtype("cpu") == dtype


def test_regions_nest() -> None:
    a = dt.ones(2, 2)
    with dt.autocast("cpu"):
        with dt.autocast("cpu", enabled=False):
            assert not dt.is_autocast_enabled("cpu")
            assert (a @ a).dtype == F32
            with dt.autocast("cpu", F16):
                assert (a @ a).dtype == F16
            assert (a @ a).dtype == F32
        assert dt.is_autocast_enabled("cpu")
        assert (a @ a).dtype == BF16


def test_one_object_can_be_entered_again_and_again() -> None:
    a, region = dt.ones(2, 2), dt.autocast("cpu")
    for _ in range(2):
        with region as entered, region:
            assert entered is region
            assert (a @ a).dtype == BF16
        assert (a @ a).dtype == F32


def test_leaving_what_was_not_entered_is_refused() -> None:
    with pytest.raises(RuntimeError, match="^autocast: a region was left that had not been entered"):
        dt.autocast("cpu").__exit__(None, None, None)


def test_an_exception_leaves_the_region() -> None:
    with pytest.raises(KeyError), dt.autocast("cpu"):
        raise KeyError("x")
    assert not dt.is_autocast_enabled("cpu")


def test_a_decorated_function_may_call_itself() -> None:
    @dt.autocast("cpu")
    def depth(n: int) -> int:
        """Counts."""
        assert (dt.ones(1, 1) @ dt.ones(1, 1)).dtype == BF16
        return n if n == 0 else 1 + depth(n - 1)

    assert depth(3) == 3
    assert depth.__name__ == "depth" and depth.__doc__ == "Counts."


def test_a_decorated_generator_runs_in_the_region_and_its_user_does_not() -> None:
    @dt.autocast("cpu")
    def products() -> Iterator[dt.dtype]:
        for _ in range(2):
            yield (dt.ones(1, 1) @ dt.ones(1, 1)).dtype

    for dtype in products():
        assert dtype == BF16
        assert (dt.ones(1, 1) @ dt.ones(1, 1)).dtype == F32


def test_each_thread_has_its_own() -> None:
    seen: dict[str, dt.dtype] = {}

    def product(name: str, region: bool) -> None:
        if region:
            with dt.autocast("cpu", F16):
                seen[name] = (dt.ones(1, 1) @ dt.ones(1, 1)).dtype
        else:
            seen[name] = (dt.ones(1, 1) @ dt.ones(1, 1)).dtype

    with dt.autocast("cpu"):
        threads = [threading.Thread(target=product, args=(str(region), region)) for region in (False, True)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert (dt.ones(1, 1) @ dt.ones(1, 1)).dtype == BF16
    assert seen == {"False": F32, "True": F16}


def test_setters_without_a_region() -> None:
    a = dt.ones(2, 2)
    dt.set_autocast_dtype("cpu", F16)
    dt.set_autocast_enabled("cpu", True)
    try:
        assert (a @ a).dtype == F16
        with dt.autocast("cpu", BF16):
            assert (a @ a).dtype == BF16
        assert (a @ a).dtype == F16
    finally:
        dt.set_autocast_enabled("cpu", False)
        dt.set_autocast_dtype("cpu", BF16)
    assert (a @ a).dtype == F32


def test_setters_inside_a_region_end_with_it() -> None:
    a = dt.ones(2, 2)
    with dt.autocast("cpu", enabled=False):
        dt.set_autocast_enabled("cpu", True)
        assert (a @ a).dtype == BF16
    assert (a @ a).dtype == F32


def test_a_layer_of_the_user_at_the_same_position_stays_in_order() -> None:
    seen = []

    def look(op: dt.Op, args: tuple[object, ...], out: object) -> object:
        seen.append(op.name)
        return op.call(args, out)

    a = dt.ones(2, 2)
    with dt.layers.intercept(look, at="autocast"):
        with dt.autocast("cpu"):
            assert dt.mm(a, a).dtype == BF16
        assert dt.mm(a, a).dtype == F32
    assert seen == ["cast", "cast", "mm", "mm"]
    seen.clear()
    with dt.autocast("cpu"), dt.layers.intercept(look, at="autocast"):
        assert dt.mm(a, a).dtype == BF16
    assert seen == ["mm"]


def test_a_region_inside_an_op_of_the_user() -> None:
    @op("narrow_product_of_autocast_test(Tensor x) -> Tensor")
    def narrow_product(x: dt.Tensor) -> dt.Tensor:
        with dt.autocast("cpu", F16):
            return x @ x

    assert narrow_product(dt.ones(2, 2)).dtype == F16
    with dt.autocast("cpu"):
        assert narrow_product(dt.ones(2, 2)).dtype == F16
        assert (dt.ones(2, 2) @ dt.ones(2, 2)).dtype == BF16


# ---- what is cast ----


def test_what_is_not_cast() -> None:
    a64 = dt.ones(2, 2, dtype=F64)
    with dt.autocast("cpu"):
        assert (a64 @ a64).dtype == F64
        assert (dt.ones(2, 2, dtype=dt.int64) @ dt.ones(2, 2, dtype=dt.int64)).dtype == dt.int64
        assert (dt.ones(2, 2) + dt.ones(2, 2)).dtype == F32
        assert (dt.ones(2, 2) * 2.0).dtype == F32
        assert (dt.ones(2, 2, dtype=BF16) * 2.5).dtype == BF16
        assert dt.ones(3).dtype == dt.zeros(3).dtype == F32
        assert dt.ones(2, 2, dtype=dt.complex64).mm(dt.ones(2, 2, dtype=dt.complex64)).dtype == dt.complex64


def test_in_place_and_out_run_on_what_they_are_given() -> None:
    a, b = dt.ones(2, 2), dt.ones(2, 2)
    low = a.to(BF16)
    with dt.autocast("cpu"):
        assert a.clone().addmm_(a, b).dtype == F32
        out = dt.empty(2, 2)
        assert dt.mm(a, b, out=out) is out and out.tolist() == [[2.0, 2.0], [2.0, 2.0]]
        with pytest.raises(TypeError, match="^addmm_?: .*same dtype"):
            a.clone().addmm_(low, b)
        with pytest.raises(TypeError, match="^mm: .*same dtype"):
            dt.mm(a, low, out=dt.empty(2, 2))
        assert low.clone().add_(a).dtype == BF16


def test_lists_of_tensors_and_promotion() -> None:
    x, low = dt.ones(2), dt.ones(2, dtype=BF16)
    with dt.autocast("cpu"):
        assert dt.cat([low, x]).dtype == F32
        assert dt.cat([low, low]).dtype == BF16
        assert dt.stack([x, low]).dtype == F32
        assert dt.cat([low, dt.ones(2, dtype=F64)]).dtype == F64
        assert dt.addcmul(low, x, low).dtype == F32
        assert dt.dot(low, x).dtype == F32
        # Two kinds of 16 bits meet in 32.
        assert dt.atan2(low, dt.ones(2, dtype=F16)).dtype == F32


def test_an_op_with_a_dtype_argument_is_told_it_there() -> None:
    low = dt.rand(3, 4, dtype=BF16)
    with dt.autocast("cpu"):
        assert low.prod().dtype == F32
        assert low.prod(0, dtype=BF16).dtype == BF16
        assert dt.arange(1, 4).prod().dtype == dt.int64
        assert dt.allclose(low.prod(0), low.float().prod(0))


def test_composites_are_taken_apart() -> None:
    a = dt.randn(3, 3)
    with dt.autocast("cpu"):
        assert dt.einsum("ij,jk->ik", a, a).dtype == BF16
        assert dt.einsum("ij->ji", a).dtype == F32
        assert dt.linalg.matrix_power(a, 3).dtype == BF16
        assert dt.cov(a).dtype == BF16


def test_mixed_arguments_keep_the_inputs_dtype_in_layer_norm() -> None:
    x, weight = dt.randn(4, 8), leaf(8)
    low = x.to(BF16)
    layer_norm = dt.ops.get_op("layer_norm")
    with dt.autocast("cpu"):
        assert layer_norm(x, [8], weight).dtype == F32
        out = layer_norm(low, [8], weight)
    assert out.dtype == BF16
    assert dt.equal(out, layer_norm(low.float(), [8], weight).to(BF16))
    out.sum().backward()
    assert weight.grad is not None and weight.grad.dtype == F32


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


# ---- ops of others ----


def test_policies_of_ones_own_ops() -> None:
    @op("affine_of_autocast_test(Tensor x, Tensor w, Tensor? b=None) -> Tensor")
    def affine(x: dt.Tensor, w: dt.Tensor, b: dt.Tensor | None) -> dt.Tensor:
        return x @ w if b is None else x @ w + b

    x, w, b = dt.ones(2, 2), leaf(2, 2), leaf(2)
    name = "affine_of_autocast_test"

    def dtype_with(policy: str) -> dt.dtype:
        dt.amp.register_autocast(name, policy)
        assert dt.amp.autocast_policy(name, "cpu") == dt.amp.autocast_policy(name, "cuda") == policy
        with dt.autocast("cpu"):
            return affine(x, w, b).dtype

    assert dtype_with("none") == F32
    assert dtype_with("lower_precision") == BF16
    assert dtype_with("float32") == F32
    assert dtype_with("decompose") == F32  # the product is bfloat16, the sum with b is not
    with pytest.raises(RuntimeError, match=f"^{name}: banned under autocast"):
        dtype_with("banned")
    dt.amp.register_autocast(name, "lower_precision", "cpu")
    assert dt.amp.autocast_policy(name, "cpu") == "lower_precision"
    assert dt.amp.autocast_policy(name, "cuda") == "banned"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dt.amp.register_autocast("nothing_like_it", "none"), ValueError, "there is no op named .*nothing_lik"),
        (lambda: dt.amp.register_autocast("mm", "float16"), ValueError, "policy must be one of none, lower_precision"),
        (lambda: dt.amp.register_autocast("bmm", "decompose"), ValueError, "bmm is primitive"),
        (lambda: dt.amp.register_autocast("mm", "none", 3), TypeError, "device_type must be a str, got int 3"),
        (lambda: dt.amp.register_autocast(3, "none"), (TypeError, ValueError), "register_autocast: "),
    ],
)
def test_bad_policies(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^register_autocast: .*{message.removeprefix('register_autocast: ')}"):
        call()  # type: ignore[operator]
    assert dt.amp.autocast_policy("mm", "cpu") == "lower_precision"


# ---- bad input ----


def test_unknown_device_types() -> None:
    for use in (
        lambda: dt.autocast("abacus"),
        lambda: dt.is_autocast_enabled("abacus"),
        lambda: dt.get_autocast_dtype("abacus"),
        lambda: dt.set_autocast_enabled("abacus", True),
        lambda: dt.set_autocast_dtype("abacus", BF16),
        lambda: dt.amp.custom_fwd(lambda ctx: None, device_type="abacus"),
    ):
        with pytest.raises(RuntimeError, match="unsupported autocast device_type 'abacus'.*; there are: cpu"):
            use()
    with pytest.raises(RuntimeError, match="leave out the index: 'cpu'"):
        dt.autocast("cpu:0")
    with pytest.raises(TypeError, match="^autocast: device_type must be a str"):
        dt.autocast(dt.device("cpu"))  # type: ignore[arg-type]
    assert not dt.amp.is_autocast_available("abacus")
    assert dt.amp.is_autocast_available("cpu") and dt.amp.is_autocast_available("cuda")


@pytest.mark.parametrize("dtype", [F64, F32, dt.int8, dt.complex64])
def test_other_dtypes_warn_and_do_nothing(dtype: dt.dtype) -> None:
    with pytest.warns(UserWarning, match=f"autocast: dtype must be .*bfloat16 or .*float16, got {dtype}; .*disabled"):
        region = dt.autocast("cpu", dtype)
    with region:
        assert not dt.is_autocast_enabled("cpu")
        assert (dt.ones(2, 2) @ dt.ones(2, 2)).dtype == F32
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with dt.autocast("cpu", dtype, enabled=False):
            pass
    with pytest.raises(ValueError, match="^set_autocast_dtype: dtype must be"):
        dt.set_autocast_dtype("cpu", dtype)


def test_what_is_no_dtype_and_no_function() -> None:
    with pytest.raises(TypeError, match="^autocast: dtype must be .*, got str 'bfloat16'"):
        dt.autocast("cpu", "bfloat16")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="^autocast: function must be callable, got int 3"):
        dt.autocast("cpu")(3)
    with pytest.raises(TypeError, match="^custom_fwd: cast_inputs must be a floating-point dtype"):
        dt.amp.custom_fwd(lambda ctx: None, device_type="cpu", cast_inputs=dt.int32)
    with pytest.raises(TypeError, match="^custom_bwd: bwd must be callable"):
        dt.amp.custom_bwd(3, device_type="cpu")  # type: ignore[arg-type]


@pytest.mark.skipif(dt.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none() -> None:
    with pytest.warns(UserWarning, match="autocast: there is no backend for 'cuda' here; autocast is disabled"):
        region = dt.autocast("cuda")
    with region:
        assert not dt.is_autocast_enabled("cuda") and not dt.is_autocast_enabled()
    with pytest.warns(UserWarning):
        dt.cuda.amp.autocast()
    assert dt.get_autocast_dtype("cuda") == F16
    dt.set_autocast_enabled("cuda", False)
    with pytest.raises(RuntimeError, match="^set_autocast_enabled: there is no backend for 'cuda' here"):
        dt.set_autocast_enabled("cuda", True)


def test_the_older_names() -> None:
    with dt.cpu.amp.autocast(dtype=F16):
        assert (dt.ones(2, 2) @ dt.ones(2, 2)).dtype == F16
    assert dt.cpu.amp.GradScaler(init_scale=2.0).get_scale() == 2.0
    from dovetail.amp import autocast
    from dovetail.cuda.amp import GradScaler, custom_fwd

    assert autocast is dt.autocast
    assert issubclass(GradScaler, dt.amp.GradScaler)
    assert callable(custom_fwd(lambda ctx, x: x))


def test_empty_and_zero_dim_tensors() -> None:
    with dt.autocast("cpu"):
        assert (dt.ones(0, 3) @ dt.ones(3, 0)).shape == (0, 0)
        assert dt.cat([dt.ones(0, dtype=BF16), dt.ones(2)]).dtype == F32
        assert dt.atan2(dt.tensor(1.0), dt.tensor(1.0, dtype=BF16)).dtype == F32
        assert (dt.ones(3, 2).T @ dt.ones(6, 2)[::2]).dtype == BF16
        assert np.isclose((dt.ones(2, 3) @ dt.ones(3)).sum().item(), 6.0)
