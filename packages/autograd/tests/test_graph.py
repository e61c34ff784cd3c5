"""How the graph keeps tensors, checkpointing, and anomaly mode."""

from __future__ import annotations

import pytest

import dovetail as dt
from dovetail.autograd import checkpoint, checkpoint_sequential, detect_anomaly, set_detect_anomaly
from dovetail.autograd.graph import get_gradient_edge, save_on_cpu, saved_tensors_hooks


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), dtype=dt.float64, requires_grad=True)


# ---- saved_tensors_hooks --------------------------------------------------------------------------------------


def test_tensors_are_packed_and_unpacked() -> None:
    x, w = leaf(2.0, 3.0), leaf(5.0, 7.0)
    packed, unpacked = [], []

    def pack(t: dt.Tensor) -> list[float]:
        packed.append(t.tolist())
        return t.tolist()

    def unpack(values: list[float]) -> dt.Tensor:
        unpacked.append(values)
        return dt.tensor(values, dtype=dt.float64)

    with saved_tensors_hooks(pack, unpack):
        y = (x * w).exp().log()
    assert len(packed) == 4
    assert not unpacked
    y.sum().backward()
    assert sorted(packed) == sorted(unpacked)
    assert x.grad.tolist() == pytest.approx([5.0, 7.0])
    assert w.grad.tolist() == pytest.approx([2.0, 3.0])


def test_packed_tensors_keep_their_history() -> None:
    def cube(t: dt.Tensor) -> dt.Tensor:
        with saved_tensors_hooks(lambda s: s.detach().clone(), lambda s: s):
            return (t * t * t).exp()

    assert dt.autograd.gradcheck(cube, leaf(0.3, 0.5))
    assert dt.autograd.gradgradcheck(cube, leaf(0.3, 0.5))


def test_packed_tensors_may_be_overwritten() -> None:
    x, w = leaf(2.0), dt.tensor([3.0], dtype=dt.float64)
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = x * w
    w.zero_()
    y.backward()
    assert x.grad.tolist() == [3.0]


def test_hooks_nest() -> None:
    x = leaf(2.0)
    seen = []
    with saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert seen == ["inner", "outer"]


def test_what_hooks_do_wrong() -> None:
    x = leaf(2.0)
    with pytest.raises(ZeroDivisionError), saved_tensors_hooks(lambda t: 1 / 0, lambda t: t):
        x.exp()
    with saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook must return a Tensor"):
        y.backward()
    with saved_tensors_hooks(lambda t: t, lambda t: dt.zeros(5)):
        y = x.exp()
    with pytest.raises(RuntimeError, match=r"ExpBackward0: the unpack hook of a saved float64 tensor of shape \(1,\)"):
        y.backward()


def test_functions_use_the_hooks() -> None:
    class Square(dt.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: dt.Tensor) -> dt.Tensor:
            ctx.save_for_backward(x, None)
            return x * x

        @staticmethod
        def backward(ctx: object, g: dt.Tensor) -> dt.Tensor:
            return 2 * ctx.saved_tensors[0] * g

    x = leaf(3.0)
    with save_on_cpu():
        y = Square.apply(x)
    y.backward()
    assert x.grad.tolist() == [6.0]


# ---- checkpoint -----------------------------------------------------------------------------------------------


def test_checkpoint_computes_again() -> None:
    calls = []
    x, w = leaf(0.5, 1.0), leaf(2.0, 3.0)

    def block(t: dt.Tensor, *, scale: float) -> dt.Tensor:
        calls.append(dt.is_grad_enabled())
        return (t * w).sin().exp() * scale

    expected = dt.autograd.grad(block(x, scale=2.0).sum(), (x, w))
    calls.clear()
    y = checkpoint(block, x, scale=2.0)
    assert len(calls) == 1
    y.sum().backward()
    assert calls == [True, True]
    assert x.grad.tolist() == expected[0].tolist()
    assert w.grad.tolist() == expected[1].tolist()


def test_checkpoint_draws_the_same_numbers() -> None:
    x = dt.ones(100, requires_grad=True)
    drawn = []

    def noise(t: dt.Tensor) -> dt.Tensor:
        drawn.append(dt.rand((100,)))
        return t * drawn[-1] * t

    y = checkpoint(noise, x)
    after = dt.rand((3,)).tolist()
    dt.manual_seed(0)
    state = dt.get_rng_state()
    y.sum().backward()
    assert drawn[0].tolist() == drawn[1].tolist()
    assert dt.get_rng_state().tolist() == state.tolist()
    assert after != dt.rand((3,)).tolist()


def test_checkpoint_notices_another_computation() -> None:
    x = leaf(1.0)
    steps = iter([1, 3])

    def changes(t: dt.Tensor) -> dt.Tensor:
        for _ in range(next(steps)):
            t = t.exp()
        return t

    with pytest.raises(RuntimeError, match="it must do the same both times"):
        checkpoint(changes, x, early_stop=False).backward()


def test_checkpoint_twice_and_nested() -> None:
    x = leaf(0.3)
    y = checkpoint(lambda t: checkpoint(dt.sin, t * t).exp(), x)
    first = dt.autograd.grad(y, x, retain_graph=True)[0].item()
    assert dt.autograd.grad(y, x)[0].item() == first
    assert dt.autograd.gradcheck(lambda t: checkpoint(lambda s: s.sin().exp(), t), x)


def test_checkpoint_without_gradients() -> None:
    calls = []
    with dt.no_grad():
        checkpoint(lambda t: calls.append(1) or t, leaf(1.0))
    assert calls == [1]


@pytest.mark.parametrize("segments", [1, 2, 3, 4])
def test_checkpoint_sequential(segments: int) -> None:
    steps = [dt.sin, dt.exp, dt.tanh, dt.cos]
    x = leaf(0.3)
    y = x
    for step in steps:
        y = step(y)
    expected = dt.autograd.grad(y, x)[0].item()
    assert dt.autograd.grad(checkpoint_sequential(steps, segments, x), x)[0].item() == expected


def test_pytorchs_place_for_it() -> None:
    from dovetail.utils.checkpoint import checkpoint as there

    assert there is checkpoint


def test_save_on_cpu_takes_pytorch_s_arguments() -> None:
    x = leaf(2.0)
    for arguments in ({}, {"pin_memory": True}, {"pin_memory": True, "device_type": "cpu"}):
        x.grad = None
        with save_on_cpu(**arguments):
            y = x * x
        y.backward()
        assert x.grad.tolist() == [4.0]
    with pytest.raises(TypeError, match="save_on_cpu: pin_memory must be a bool, got int 3"):
        save_on_cpu(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="save_on_cpu: device_type must be a str"):
        save_on_cpu(device_type=3)  # type: ignore[arg-type]


def test_gradient_edges() -> None:
    x = leaf(1.0, 2.0)
    node, nr = get_gradient_edge(x)
    assert (node.name(), nr, node.variable is x) == ("AccumulateGrad", 0, True)
    y = x * 2
    assert get_gradient_edge(y).node is y.grad_fn
    parts = x.unbind()
    assert [get_gradient_edge(part).output_nr for part in parts] == [0, 1]
    assert y.grad_fn.next_functions[0] == get_gradient_edge(x)
    with pytest.raises(RuntimeError, match=r"get_gradient_edge: .*float64 tensor of shape \(2,\)"):
        get_gradient_edge(x.detach())
    with pytest.raises(TypeError, match="get_gradient_edge: tensor must be a Tensor"):
        get_gradient_edge(3)  # type: ignore[arg-type]


# ---- anomaly mode ---------------------------------------------------------------------------------------------


def test_the_first_nan_is_traced_to_its_line() -> None:
    x = leaf(0.0)
    with detect_anomaly(), pytest.raises(RuntimeError) as caught:
        y = x.sqrt() * 0  # the line
        y.backward()
    for words in ("'SqrtBackward0' returned nan values in its 0th output", "test_graph.py", "# the line"):
        assert words in str(caught.value)


def test_a_nan_of_the_forward_is_named_too() -> None:
    x = leaf(-1.0)
    with detect_anomaly(), pytest.raises(RuntimeError) as caught:
        bad = x.log()  # the first NaN
        (bad * x).backward()
    assert "The first NaN came from the forward of LogBackward0" in str(caught.value)
    assert "# the first NaN" in str(caught.value)


def test_a_nan_that_does_not_reach_backward_is_none() -> None:
    x = leaf(-1.0)
    with detect_anomaly():
        dt.where(x > 0, x.log(), x).sum().backward()
    assert x.grad.tolist() == [1.0]


def test_the_overflow_before_a_nan_is_named() -> None:
    x = leaf(1000.0)
    with detect_anomaly(), pytest.raises(RuntimeError) as caught:
        big = x.exp()  # the overflow
        odd = big - big  # inf - inf
        (odd * x).backward()
    assert "The first Inf came from the forward of ExpBackward0" in str(caught.value)
    assert "# the overflow" in str(caught.value)
    assert "The first NaN came from the forward of SubBackward0" in str(caught.value)
    assert "# inf - inf" in str(caught.value)


def test_a_nan_of_the_data_is_named() -> None:
    x, data = leaf(1.0), dt.tensor([float("nan")])
    with detect_anomaly(), pytest.raises(RuntimeError) as caught:
        ((x * data).exp() * x).sum().backward()  # the first use
    assert "The first NaN came from an input of MulBackward0" in str(caught.value)
    assert "# the first use" in str(caught.value)


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16, dt.float32, dt.float64, dt.complex64, dt.complex128])
def test_a_forward_is_stopped_at_its_first_nan(dtype: dt.dtype) -> None:
    x = dt.tensor([0.0, 1.0]).to(dtype).requires_grad_()
    with detect_anomaly(check_forward=True):
        fine = x.exp() / 2
        with pytest.raises(RuntimeError, match=r"(?s)div: returned NaN, at .*test_graph\.py.*# 0 / 0"):
            fine * (x / x)  # 0 / 0
        fine.sum().abs().backward()
    assert x.grad is not None


def test_a_forward_is_stopped_at_its_first_inf() -> None:
    x = leaf(0.0)
    with detect_anomaly(check_forward=True):
        x.log()  # an Inf is none by default
    with (
        detect_anomaly(check_inf=True, check_forward=True),
        pytest.raises(RuntimeError, match=r"(?s)log: returned Inf, at .*# minus infinity"),
    ):
        x.log()  # minus infinity
    with (
        detect_anomaly(check_forward=True),
        pytest.raises(RuntimeError, match=r"sub: returned NaN, at .*the first Inf came from the forward of Log"),
    ):
        y = x.log()
        y - y


def test_a_forward_that_is_given_a_nan() -> None:
    with (
        detect_anomaly(check_forward=True),
        pytest.raises(RuntimeError, match=r"mul: was given NaN, which no recorded operation had made, at .*test_graph"),
    ):
        leaf(1.0) * float("nan") * dt.tensor([float("nan")])


def test_an_inf_in_a_backward() -> None:
    x = leaf(0.0)
    with detect_anomaly():
        x.sqrt().backward()
    assert x.grad.tolist() == [float("inf")]
    with (
        detect_anomaly(check_inf=True),
        pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned inf values in its 0th output.*# the root"),
    ):
        x.sqrt().backward()  # the root
    with detect_anomaly(check_nan=False, check_inf=True):
        (leaf(-1.0).sqrt() * 1).backward()  # NaN is let through


def test_a_function_s_forward_is_looked_at() -> None:
    class Bad(dt.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: dt.Tensor) -> dt.Tensor:
            return x / 0 * 0

        @staticmethod
        def backward(ctx: object, g: dt.Tensor) -> dt.Tensor:
            return g

    with (
        detect_anomaly(check_forward=True),
        pytest.raises(RuntimeError, match=r"BadBackward: returned NaN, at .*# the call"),
    ):
        Bad.apply(leaf(1.0))  # the call


def test_errors_in_backward_come_with_the_forward() -> None:
    class Fails(dt.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: dt.Tensor) -> dt.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, g: dt.Tensor) -> dt.Tensor:
            raise LookupError("mine")

    x = leaf(1.0)
    with detect_anomaly(check_nan=False):
        y = Fails.apply(x).exp()
        with (
            pytest.raises(LookupError, match="mine"),
            pytest.warns(UserWarning, match=r"(?s)Error detected in FailsBackward.*y = Fails\.apply"),
        ):
            y.backward()
        z = x.exp()
        value = z * 1
        z.add_(1)
        with (
            pytest.raises(RuntimeError, match="modified by an inplace"),
            pytest.warns(UserWarning, match=r"(?s)Error detected in ExpBackward0.*z = x\.exp\(\)"),
        ):
            value.backward()


def test_turning_it_on_and_off() -> None:
    assert not dt.autograd.is_anomaly_enabled()
    with detect_anomaly():
        assert dt.autograd.is_anomaly_enabled()
        with set_detect_anomaly(False):
            assert not dt.autograd.is_anomaly_enabled()
        assert dt.autograd.is_anomaly_enabled()
    assert not dt.autograd.is_anomaly_enabled()
    set_detect_anomaly(True, check_nan=False)
    assert not dt.autograd.is_anomaly_check_nan_enabled()
    set_detect_anomaly(False)
    (leaf(0.0).sqrt() * 0).backward()
