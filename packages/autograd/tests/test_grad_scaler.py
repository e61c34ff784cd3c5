"""GradScaler: scaling, unscaling, skipped steps, the scale's course, what is refused. The optimizers are anybody's."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail.amp import GradScaler
from dovetail.amp.unscaling import amp_unscale

INF, NAN = float("inf"), float("nan")


class Descent:
    """An optimizer that owes nothing to anybody."""

    def __init__(self, *params: dt.Tensor) -> None:
        self.param_groups = [{"params": [p]} for p in params]
        self.steps: list[Any] = []

    def step(self, *args: Any, **kwargs: Any) -> str:
        self.steps.append((args, kwargs))
        with dt.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(p.grad)
                        p.grad = None
        return "stepped"


def leaf(*values: float, dtype: dt.dtype = dt.float32) -> dt.Tensor:
    return dt.tensor(values, dtype=dtype, requires_grad=True)


def iterate(scaler: GradScaler, optimizer: Descent, w: dt.Tensor, factor: float = 1.0) -> Any:
    scaler.scale((w * factor).sum()).backward()
    result = scaler.step(optimizer)
    scaler.update()
    return result


# ---- scaling ----


def test_scale_keeps_the_form_of_what_it_is_given() -> None:
    scaler = GradScaler("cpu", init_scale=4.0)
    Pair = namedtuple("Pair", "a b")
    one = dt.tensor(1.0)
    assert scaler.scale(one).item() == 4.0
    assert [t.item() for t in scaler.scale([one, one])] == [4.0, 4.0]
    made = scaler.scale({"x": (one, [one]), "y": Pair(one, one)})
    assert made["x"][0].item() == made["x"][1][0].item() == made["y"].b.item() == 4.0
    assert isinstance(made["y"], Pair)
    assert [t.item() for t in scaler.scale(t for t in [one])] == [4.0]
    with pytest.raises(ValueError, match="^scale: outputs must be a Tensor or an iterable of Tensors, got float"):
        scaler.scale([1.0])
    with pytest.raises(ValueError, match="^scale: outputs must be a Tensor"):
        scaler.scale("loss")


def test_scaling_is_differentiable() -> None:
    w = leaf(1.0, 2.0)
    GradScaler("cpu", init_scale=8.0).scale((3 * w).sum()).backward()
    assert w.grad is not None and w.grad.tolist() == [24.0, 24.0]


def test_sixteen_bit_losses_are_scaled_without_overflow() -> None:
    scaled = GradScaler("cpu").scale(dt.tensor(3.0, dtype=dt.bfloat16))
    assert scaled.item() == 3 * 65536


# ---- steps ----


def test_steps_use_unscaled_gradients() -> None:
    w = leaf(1.0, 2.0)
    optimizer, scaler = Descent(w), GradScaler("cpu", init_scale=1024.0)
    assert iterate(scaler, optimizer, w, 0.5) == "stepped"
    assert w.tolist() == [0.5, 1.5]
    assert scaler.get_scale() == 1024.0


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
@pytest.mark.parametrize("dtype", [dt.float32, dt.float64, dt.bfloat16, dt.complex64])
def test_steps_with_infinities_are_skipped(bad: float, dtype: dt.dtype) -> None:
    w, other = leaf(1.0, 2.0, dtype=dtype), leaf(*[0.0] * 100)
    optimizer, scaler = Descent(other, w), GradScaler("cpu", init_scale=1024.0)
    scaler.scale(other.sum()).backward()
    w.grad = dt.tensor([1.0, bad], dtype=dtype)
    assert scaler.step(optimizer) is None
    scaler.update()
    assert optimizer.steps == [] and w.tolist() == [1.0, 2.0]
    assert scaler.get_scale() == 512.0
    w.grad = other.grad = None
    scaler.scale(other.sum()).backward()
    assert scaler.step(optimizer) == "stepped"


def test_arguments_are_passed_on() -> None:
    w = leaf(1.0)
    optimizer, scaler = Descent(w), GradScaler("cpu")
    scaler.scale(w.sum()).backward()
    scaler.step(optimizer, 3, key="x")
    assert optimizer.steps == [((3,), {"key": "x"})]


def test_gradients_can_be_clipped_before_the_step() -> None:
    w = leaf(1.0, 1.0)
    optimizer, scaler = Descent(w), GradScaler("cpu", init_scale=256.0)
    scaler.scale((w * dt.tensor([3.0, 4.0])).sum()).backward()
    scaler.unscale_(optimizer)
    assert w.grad is not None and w.grad.tolist() == [3.0, 4.0]
    w.grad.mul_(0.2)
    scaler.step(optimizer)
    assert np.allclose(w.tolist(), [0.4, 0.2])


def test_several_optimizers_are_judged_each_for_itself() -> None:
    good, bad = leaf(1.0), leaf(1.0)
    first, second = Descent(good), Descent(bad)
    scaler = GradScaler("cpu", init_scale=16.0)
    scaler.scale([good.sum(), bad.sum()])
    scaler.scale(good.sum() + bad.sum() * INF).backward()
    assert (scaler.step(first), scaler.step(second)) == ("stepped", None)
    scaler.update()
    assert (good.item(), bad.item(), scaler.get_scale()) == (0.0, 1.0, 8.0)


def test_accumulated_gradients() -> None:
    w = leaf(8.0)
    optimizer, scaler = Descent(w), GradScaler("cpu", init_scale=32.0)
    for _ in range(3):
        scaler.scale(w.sum()).backward()
    scaler.step(optimizer)
    assert w.item() == 5.0


def test_an_optimizer_that_unscales_by_itself() -> None:
    class Own(Descent):
        _step_supports_amp_scaling = True

        def step(self, *args: Any, **kwargs: Any) -> str:
            self.steps.append((self.grad_scale.item(), self.found_inf.item()))  # type: ignore[attr-defined]
            return "own"

    w = leaf(1.0)
    optimizer, scaler = Own(w), GradScaler("cpu", init_scale=64.0)
    for factor in (1.0, INF):
        w.grad = None
        assert iterate(scaler, optimizer, w, factor) == "own"
    assert optimizer.steps == [(64.0, 0.0), (64.0, 1.0)]
    assert w.grad is not None and w.grad.item() == INF
    assert scaler.get_scale() == 32.0
    assert not hasattr(optimizer, "grad_scale") and not hasattr(optimizer, "found_inf")


# ---- the scale ----


def test_the_scale_grows_after_enough_finite_steps() -> None:
    w = leaf(0.0)
    optimizer = Descent(w)
    scaler = GradScaler("cpu", init_scale=2.0, growth_factor=4.0, backoff_factor=0.25, growth_interval=3)
    scales = []
    for factor in (1, 1, INF, 1, 1, 1, 1, 1, 1, NAN):
        w.grad = None
        iterate(scaler, optimizer, w, factor)
        scales.append(scaler.get_scale())
    assert scales == [2.0, 2.0, 0.5, 0.5, 0.5, 2.0, 2.0, 2.0, 8.0, 2.0]


def test_the_scale_does_not_grow_to_infinity() -> None:
    w = leaf(0.0)
    scaler = GradScaler("cpu", init_scale=2.0**127, growth_interval=1)
    iterate(scaler, Descent(w), w, 0.0)
    assert scaler.get_scale() == 2.0**127


def test_the_scale_can_be_set() -> None:
    w = leaf(0.0)
    optimizer, scaler = Descent(w), GradScaler("cpu")
    scaler.scale(w.sum())
    scaler.update(8.0)
    assert scaler.get_scale() == 8.0
    given = dt.tensor([4.0])
    scaler.update(given)
    given.fill_(9.0)
    assert scaler.get_scale() == 4.0
    scaler.update(2)
    iterate(scaler, optimizer, w)
    assert scaler.get_scale() == 2.0
    with pytest.raises(ValueError, match="^update: new_scale must not require grad"):
        scaler.update(leaf(1.0))
    with pytest.raises(TypeError, match="^update: new_scale must be a number, got a Tensor of shape \\(2,\\)"):
        scaler.update(dt.ones(2))


def test_factors_can_be_read_and_set() -> None:
    scaler = GradScaler("cpu", 4.0, 3.0, 0.25, 7)
    assert (scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval()) == (3.0, 0.25, 7)
    scaler.set_growth_factor(2.5)
    scaler.set_backoff_factor(0.75)
    scaler.set_growth_interval(9)
    assert (scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval()) == (2.5, 0.75, 9)
    assert scaler.is_enabled()


# ---- state ----


def test_state_goes_to_another_scaler() -> None:
    w = leaf(0.0)
    optimizer = Descent(w)
    scaler = GradScaler("cpu", init_scale=2.0, growth_interval=4)
    for _ in range(3):
        iterate(scaler, optimizer, w)
    state = scaler.state_dict()
    assert state == {
        "scale": 2.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 4,
        "_growth_tracker": 3,
    }
    fresh, used = GradScaler("cpu"), GradScaler("cpu")
    iterate(used, optimizer, w)
    for other in (fresh, used):
        other.load_state_dict(state)
        assert other.state_dict() == state
        iterate(other, optimizer, w)
        assert other.get_scale() == 4.0


def test_bad_states() -> None:
    scaler = GradScaler("cpu")
    with pytest.raises(RuntimeError, match="^load_state_dict: the state is empty"):
        scaler.load_state_dict({})
    before = scaler.state_dict()
    with pytest.raises(ValueError, match="^load_state_dict: the state has no _growth_tracker, growth_factor"):
        scaler.load_state_dict({"scale": 1.0, "backoff_factor": 0.5, "growth_interval": 3})
    with pytest.raises(TypeError, match="^load_state_dict: state_dict must be a dict"):
        scaler.load_state_dict(3)  # type: ignore[arg-type]
    assert scaler.state_dict() == before


# ---- disabled ----


def test_a_disabled_scaler_only_steps() -> None:
    w = leaf(1.0)
    optimizer, scaler = Descent(w), GradScaler("cpu", enabled=False)
    loss = w.sum()
    assert scaler.scale(loss) is loss
    loss.backward()
    scaler.unscale_(optimizer)
    assert scaler.step(optimizer) == "stepped"
    scaler.update()
    scaler.load_state_dict({})
    assert (scaler.get_scale(), scaler.state_dict(), scaler.is_enabled()) == (1.0, {}, False)


@pytest.mark.skipif(dt.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda_it_is_disabled() -> None:
    with pytest.warns(UserWarning, match="GradScaler: there is no backend for 'cuda' here"):
        assert not GradScaler().is_enabled()


# ---- what is refused ----


def test_the_order_of_calls() -> None:
    w = leaf(1.0)
    optimizer, scaler = Descent(w), GradScaler("cpu")
    for call in (lambda: scaler.step(optimizer), lambda: scaler.unscale_(optimizer), scaler.update):
        with pytest.raises(RuntimeError, match="nothing has been scaled yet"):
            call()
    loss = scaler.scale(w.sum())
    with pytest.raises(RuntimeError, match="^step: no inf checks were recorded for this optimizer"):
        scaler.step(optimizer)
    scaler = GradScaler("cpu")
    scaler.scale(w.sum())
    with pytest.raises(RuntimeError, match="^update: no inf checks were recorded prior to update"):
        scaler.update()
    loss.backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="^unscale_.* has already been called on this optimizer since the last upda"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="step.* has already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="^unscale_.* is being called after step"):
        scaler.unscale_(optimizer)
    scaler.update()
    scaler.scale(w.sum()).backward()
    scaler.step(optimizer)


def test_closures_half_gradients_and_what_is_no_optimizer() -> None:
    w = leaf(1.0)
    optimizer, scaler = Descent(w), GradScaler("cpu")
    scaler.scale(w.sum()).backward()
    for call in (lambda: scaler.step(optimizer, closure=None), lambda: scaler.step(optimizer, lambda: w.sum())):
        with pytest.raises(RuntimeError, match="^step: a closure can't be used"):
            call()
    with pytest.raises(TypeError, match="^step: expected an optimizer, with param_groups and step"):
        scaler.step(w)
    half = leaf(1.0, dtype=dt.float16)
    half.grad = dt.ones(1, dtype=dt.float16)
    with pytest.raises(ValueError, match="^unscale_: attempting to unscale float16 gradients"):
        scaler.unscale_(Descent(half))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"growth_factor": 1.0}, ValueError, "the growth factor must be > 1, got 1.0"),
        ({"backoff_factor": 1.0}, ValueError, "the backoff factor must be between 0 and 1, got 1.0"),
        ({"backoff_factor": 0.0}, ValueError, "the backoff factor must be between 0 and 1, got 0.0"),
        ({"growth_interval": 0}, ValueError, "the growth interval must be at least 1, got 0"),
        ({"growth_interval": 1.5}, TypeError, "growth_interval must be an int, got float 1.5"),
        ({"init_scale": 0}, ValueError, "init_scale must be positive, got 0"),
        ({"init_scale": NAN}, ValueError, "init_scale must be positive, got nan"),
        ({"init_scale": "big"}, TypeError, "init_scale must be a number, got str 'big'"),
        ({"device": "abacus"}, RuntimeError, "unsupported autocast device_type 'abacus'"),
        ({"device": 3}, TypeError, "device_type must be a str"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^GradScaler: {message}"):
        GradScaler(**{"device": "cpu", **options})


# ---- the op ----


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64, dt.float16, dt.bfloat16])
@pytest.mark.parametrize("contiguous", [True, False])
def test_unscaling_of_many_gradients(dtype: dt.dtype, contiguous: bool) -> None:
    shapes = [(), (0, 3), (5,), (300, 301), (2, 3, 4)]
    rng = np.random.default_rng(0)
    grads = [dt.tensor(rng.uniform(-4, 4, shape), dtype=dtype) for shape in shapes]
    if not contiguous:
        grads = [g.mT.clone().mT if g.ndim > 1 else g for g in grads]
    expected = [(g.double() * 0.375).to(dtype) for g in grads]
    found, inverse = dt.zeros(()), dt.tensor(0.375)
    versions = [g._version for g in grads]
    amp_unscale(grads, found, inverse)
    assert found.item() == 0
    for g, e, v in zip(grads, expected, versions, strict=True):
        assert dt.equal(g, e) and g._version > v
    amp_unscale(grads, found, inverse)
    assert found.item() == 0
    grads[3][299, 300] = NAN
    amp_unscale(grads, found, inverse)
    assert found.item() == 1
    amp_unscale(grads[:3], found, inverse)
    assert found.item() == 1  # as it was
    amp_unscale([], found, inverse)


def test_unscaling_large_finite_values() -> None:
    huge = [dt.full((3,), 3e38), dt.full((3,), 1e308, dtype=dt.float64)]
    for grad in huge:
        found = dt.zeros(())
        amp_unscale([grad], found, dt.tensor(0.5))
        assert found.item() == 0


def test_one_op_unscales_all_gradients_of_a_kind() -> None:
    params = [leaf(1.0, 2.0) for _ in range(20)] + [leaf(1.0, dtype=dt.float64) for _ in range(20)]
    optimizer, scaler = Descent(*params), GradScaler("cpu")
    scaler.scale(sum((p.sum() for p in params), dt.zeros(()))).backward()
    with dt.profiler.profile() as prof:
        scaler.unscale_(optimizer)
    counts = {each.key: each.count for each in prof.key_averages()}
    assert counts["amp_unscale"] == 2 and sum(counts.values()) < 15
    for p in params:
        assert p.grad is not None and p.grad.tolist() == [1.0] * p.numel()


def test_anything_else_than_steps_is_left_alone() -> None:
    w, frozen = leaf(1.0), dt.ones(1)
    optimizer, scaler = Descent(w, frozen), GradScaler("cpu", init_scale=2.0)
    assert iterate(scaler, optimizer, w) == "stepped"
    assert frozen.item() == 1.0 and frozen.grad is None
