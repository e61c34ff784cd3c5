"""Autocast: regions, what is cast in them, policies of ops of one's own, and what is refused."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import dovetail as dt
from dovetail.ops import op
from packages.autograd.tests.sixteen import BF16, F16, F32, F64, cast_by_hand, leaf

pytestmark = pytest.mark.usefixtures("autocast_left_as_found")


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
