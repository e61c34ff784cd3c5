"""Checkpointing in both ways: what is computed again, when, and what is refused."""

import contextlib
import gc
import weakref

import pytest

import dovetail as dt
from dovetail.autograd import graph
from dovetail.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    SelectiveCheckpointContext,
    checkpoint,
    create_selective_checkpoint_contexts,
    noop_context_fn,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

both_ways = pytest.mark.parametrize("use_reentrant", [False, True])


def leaf(*values):
    return dt.tensor(values, dtype=dt.float64, requires_grad=True)


def gradient(function, x, **options):
    t = x.detach().requires_grad_()
    checkpoint(function, t, **options).sum().backward()
    return t.grad


@both_ways
def test_gradients_are_those_without_checkpointing(use_reentrant):
    def function(t):
        y = t.sin()
        y.register_hook(lambda g: g * 3) if y.requires_grad else None
        z = y * 1
        z.mul_(t)
        with dt.no_grad():
            c = z.exp()
        return z.exp() * c

    x = leaf(0.5, -1.0, 2.0)
    function(x).sum().backward()
    assert dt.allclose(gradient(function, x, use_reentrant=use_reentrant), x.grad)


@both_ways
def test_outputs_may_be_anything(use_reentrant):
    x = leaf(1.0, 2.0)
    y, text, none, nest = checkpoint(
        lambda t, n, s: (t * n, s, None, {"twice": t * 2}), x, 3, "s", use_reentrant=use_reentrant
    )
    assert (text, none, nest["twice"].tolist()) == ("s", None, [2.0, 4.0])
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@both_ways
@pytest.mark.parametrize("preserve", [False, True])
def test_random_numbers(use_reentrant, preserve):
    masks = []

    def noise(t):
        masks.append(dt.rand(20, dtype=dt.float64))
        return t * masks[-1]

    dt.manual_seed(3)
    x = dt.ones(20, dtype=dt.float64, requires_grad=True)
    y = checkpoint(noise, x, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    after = dt.rand(1)
    y.sum().backward()
    drawn = dt.rand(1)
    assert dt.equal(*masks) is preserve
    assert dt.equal(x.grad, masks[1])
    dt.manual_seed(3)
    dt.rand(20, dtype=dt.float64)
    assert dt.equal(dt.rand(1), after)
    assert dt.equal(dt.rand(1), drawn) is preserve


@both_ways
def test_nothing_is_recorded_without_gradients(use_reentrant):
    with dt.no_grad():
        assert not checkpoint(dt.exp, leaf(1.0), use_reentrant=use_reentrant).requires_grad
    y = checkpoint(lambda t: t.detach(), leaf(1.0), use_reentrant=use_reentrant)
    with pytest.raises(RuntimeError, match="does not require grad|none of the outputs requires a gradient"):
        y.backward()


def test_the_reentrant_way_has_its_limits():
    x = leaf(1.0)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint(dt.exp, dt.ones(2), use_reentrant=True)
    y = checkpoint(dt.exp, x, use_reentrant=True)
    with pytest.raises(RuntimeError, match=r"grad: checkpoint: with use_reentrant=True neither autograd.grad"):
        dt.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="with use_reentrant=True neither"):
        y.backward(inputs=[x])
    with pytest.raises(ValueError, match="checkpoint: unexpected keyword arguments with use_reentrant=True: scale"):
        checkpoint(dt.exp, x, use_reentrant=True, scale=3)
    with pytest.raises(ValueError, match="checkpoint: context_fn and debug are for use_reentrant=False only"):
        checkpoint(dt.exp, x, use_reentrant=True, debug=True)


def test_a_backward_twice():
    x = leaf(1.0)
    calls = []
    y = checkpoint(lambda t: calls.append(1) or t.exp() * t, x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == pytest.approx(4 * dt.e)
    assert len(calls) == 3
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_the_second_call_happens_once_for_all_nodes():
    x = leaf(0.3, 0.4)
    calls = []

    def function(t):
        calls.append(1)
        return (t / t.exp()) * t.sin() / (1 + t * t)

    checkpoint(function, x).sum().backward()
    assert len(calls) == 2


def test_what_is_computed_again_is_let_go():
    x = leaf(1.0, 2.0)
    saved = []
    y = checkpoint(lambda t: saved.append(weakref.ref(a := t.exp())) or a.sin(), x)
    y.sum().backward(retain_graph=True)
    gc.collect()
    assert [each() for each in saved] == [None, None]


def test_early_stop():
    ends = []

    def function(t):
        y = t.exp()
        ends.append("first")
        z = y.sin()
        ends.append("last")
        return z + 0

    def run(**options):
        ends.clear()
        checkpoint(function, leaf(1.0), **options).backward()
        return ends[2:]

    assert run() == ["first"]
    assert run(early_stop=False) == ["first", "last"]
    with set_checkpoint_early_stop(False):
        assert run() == ["first", "last"]
    with set_checkpoint_early_stop(True):
        assert run(early_stop=False) == ["first"]


def test_nested():
    x = leaf(0.3, 0.5)
    calls = []

    def inner(t):
        calls.append("inner")
        return t.sin().exp()

    def outer(t):
        calls.append("outer")
        return checkpoint(inner, checkpoint(inner, t)).cos() * 2

    expected = x.detach().requires_grad_()
    (expected.sin().exp().sin().exp().cos() * 2).sum().backward()
    checkpoint(outer, x).sum().backward()
    assert dt.allclose(x.grad, expected.grad)
    assert calls[:4] == ["outer", "inner", "inner", "outer"]
    assert dt.autograd.gradgradcheck(lambda t: checkpoint(outer, t), x)


def test_an_outer_scope_has_the_inputs_of_an_inner_one():
    x = leaf(0.3, 0.5)
    middle = []

    def outer(t):
        y = t.sin()
        middle.append(weakref.ref(y))
        return checkpoint(lambda s: s.exp().cos(), y)

    z = checkpoint(outer, x)
    gc.collect()
    assert middle[0]() is None
    z.sum().backward()
    assert dt.allclose(x.grad, -dt.sin(x.detach().sin().exp()) * x.detach().sin().exp() * x.detach().cos())


def test_hooks_of_an_outer_scope_get_the_inputs():
    packed = []
    x = leaf(1.0, 2.0)
    with graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = checkpoint(lambda t: t.exp().sin(), x)
    y.sum().backward()
    assert [t is x or dt.equal(t, x) for t in packed] == [True]


def test_inputs_that_were_written_are_noticed():
    x = leaf(1.0, 2.0)
    given = x * 1
    y = checkpoint(dt.exp, given)
    given.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_what_is_written_after_it_was_saved_is_noticed():
    def function(t):
        y = t.exp()
        z = y.sin()
        y.add_(1)
        return z

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        checkpoint(function, leaf(1.0, 2.0), early_stop=False).sum().backward()


def test_gradients_inside_the_function():
    def function(t):
        (slope,) = dt.autograd.grad((t**3).sum(), t, create_graph=True)
        return slope.square()

    x = leaf(1.0, 2.0)
    expected = x.detach().requires_grad_()
    function(expected).sum().backward()
    assert dt.allclose(gradient(function, x), expected.grad)


def test_another_computation_is_noticed():
    x = leaf(1.0, 2.0)
    calls = []

    def turn(first, then):
        calls.clear()
        return lambda t: calls.append(1) or (first(t) if len(calls) == 1 else then(t))

    with pytest.raises(CheckpointError, match=r"tensor 0 .* of shape \(2,\) .* shape \(1,\) on cpu now"):
        checkpoint(turn(dt.sin, lambda t: t[:1].sin()), x).sum().backward()
    fewer = turn(lambda t: t.sin().exp(), dt.sin)
    with pytest.raises(CheckpointError, match="saved 2 tensors in forward, and 1 when it was computed again"):
        checkpoint(fewer, x).sum().backward()
    more = turn(dt.sin, lambda t: t.sin().exp())
    checkpoint(more, x).sum().backward()
    more = turn(dt.sin, lambda t: t.sin().exp())
    with pytest.raises(CheckpointError, match="saved 1 tensors in forward, and 2") as error:
        checkpoint(more, x, early_stop=False, debug=True).sum().backward()
    assert str(error.value).count("  sin(a Tensor of shape (2,))") == 2
    assert str(error.value).count("  exp(") == 1
    with set_checkpoint_debug_enabled(True), pytest.raises(CheckpointError, match="Computed again it called"):
        checkpoint(turn(lambda t: t.sin().exp(), dt.sin), x).sum().backward()


def test_determinism_check_can_be_left_out():
    calls = []

    def function(t):
        calls.append(1)
        return t.sin() if len(calls) == 1 else t.float().sin()

    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="unpack hook"):
        checkpoint(function, x, determinism_check="none").backward()
    with pytest.raises(ValueError, match="checkpoint: determinism_check must be 'default' or 'none', got str 'some'"):
        checkpoint(function, x, determinism_check="some")


def test_contexts():
    log = []

    @contextlib.contextmanager
    def scope(name):
        log.append(f"in {name}")
        yield
        log.append(f"out {name}")

    y = checkpoint(dt.exp, leaf(1.0), context_fn=lambda: (scope("forward"), scope("again")))
    assert log == ["in forward", "out forward"]
    y.backward()
    assert log[2] == "in again"
    assert len(noop_context_fn()) == 2
    with pytest.raises(TypeError, match="checkpoint: context_fn must return two context managers, got int 3"):
        checkpoint(dt.exp, leaf(1.0), context_fn=lambda: 3)


@pytest.mark.parametrize("by_list", [False, True])
def test_selective(by_list):
    runs, again = [], []

    def policy(ctx, op, *args):
        assert isinstance(ctx, SelectiveCheckpointContext)
        assert ctx.is_recompute is bool(again)
        return CheckpointPolicy.MUST_SAVE if op.name == "exp" else CheckpointPolicy.PREFER_RECOMPUTE

    def watch(op, args, out):
        runs.append(op.name)
        return op.call(args, out)

    x = leaf(0.5, 1.0)
    contexts = create_selective_checkpoint_contexts([dt.exp] if by_list else policy)
    with dt.layers.intercept(watch, at="trace"):
        y = checkpoint(lambda t: t.exp().sin().exp().sum(), x, context_fn=lambda: contexts)
        again.append(True)
        y.backward(retain_graph=True)
        first = x.grad.clone()
        y.backward()
    assert runs.count("exp") == 2
    assert runs.count("sin") == 3
    t = x.detach()
    assert dt.allclose(first, t.exp().sin().exp() * t.exp().cos() * t.exp())
    assert dt.allclose(x.grad, 2 * first)
    with pytest.raises(TypeError, match="expected a function or a list of ops"):
        create_selective_checkpoint_contexts([3])


def test_selective_results_that_are_written_are_noticed():
    def function(t):
        y = t.exp()
        z = y.sin()
        y.add_(1)
        return z.sum()

    contexts = create_selective_checkpoint_contexts(["exp"])
    y = checkpoint(function, leaf(1.0), context_fn=lambda: contexts)
    with pytest.raises(RuntimeError, match="a result of exp that the policy keeps was written in place"):
        y.backward()


def test_inside_a_transform_the_function_is_called():
    calls = []

    def function(t):
        calls.append(1)
        return t.sin().sum()

    x = leaf(1.0, 2.0).detach()
    assert dt.allclose(dt.func.grad(lambda t: checkpoint(function, t))(x), x.cos())
    assert len(calls) == 1
