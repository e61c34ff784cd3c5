"""The fused step of every optimizer beside its rule, which is the decomposition: numbers, dtypes, sizes, and who steps
with whom. Gradients are set by hand: the optimizers need no autograd."""

import numpy as np
import pytest

import dovetail as dt
from dovetail import optim
from dovetail.ops import get_op

STEPS = 7  # RAdam divides by its second moment from the sixth
DECAY, UP = {"weight_decay": 0.1}, {"maximize": True}

CASES = [
    ("SGD", {"lr": 0.1, **DECAY}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, **DECAY}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, **UP}),
    ("Adam", {"lr": 0.1, **DECAY}),
    ("Adam", {"lr": 0.1, "amsgrad": True, **UP}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, **DECAY}),
    ("Adamax", {"lr": 0.1, **DECAY}),
    ("Adamax", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, **UP}),
    ("NAdam", {"lr": 0.1, "momentum_decay": 0.1, **DECAY}),
    ("NAdam", {"lr": 0.1, "decoupled_weight_decay": True, **DECAY, **UP}),
    ("RAdam", {"lr": 0.1, **DECAY}),
    ("RAdam", {"lr": 0.1, "decoupled_weight_decay": True, **DECAY, **UP}),
    ("RAdam", {"lr": 0.1, "betas": (0.9, 0.5)}),  # never trusts it
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, **DECAY}),
    ("Adagrad", {"lr": 0.1, **UP}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, **DECAY, **UP}),
    ("RMSprop", {"lr": 0.1, **DECAY}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "eps": 1e-2}),
    ("RMSprop", {"lr": 0.1, "centered": True, "alpha": 0.5, "eps": 1e-2, **UP}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True, "alpha": 0.5, "eps": 1e-2}),
    ("Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.15)}),
    ("Rprop", {"lr": 0.1, **UP}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 2, **DECAY, **UP}),
    ("ASGD", {"lr": 0.1}),
    ("Lion", {"lr": 0.1, **DECAY}),
    ("Lion", {"lr": 0.1, "betas": (0.5, 0.7), **UP}),
]
PARAMETERS = pytest.mark.parametrize("name, options", CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
ELEMENTWISE = sorted({name for name, _ in CASES})


def op_of(name):
    return "fused_" + {"AdamW": "adam"}.get(name, name.lower())


def problem(dtype=dt.float32, shapes=((3, 4), (5,), (), (0, 2), (8200,))):
    generator = dt.Generator().manual_seed(0)
    params = [dt.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    grads = [[dt.randn(tuple(p.shape), generator=generator, dtype=dtype) for p in params] for _ in range(STEPS)]
    return params, grads


def run(name, options, dtype=dt.float32):
    params, grads = problem(dtype)
    optimizer = getattr(optim, name)(params, **options)
    for step in grads:
        for p, g in zip(params, step):
            p.grad = g.clone()
        optimizer.step()
    return [*params, *(value for p in params for value in optimizer.state[p].values())]


def decomposed(name, options, dtype=dt.float32):
    seen = []

    def decompose(op, args, out):
        if op.name != op_of(name):
            return op.call(args, out)
        seen.append(op)
        return op.decompose(*args)

    with dt.layers.intercept(decompose, at="profiler"):
        result = run(name, options, dtype)
    assert len(seen) == STEPS  # all parameters in one step
    return result


@PARAMETERS
@pytest.mark.parametrize("dtype, tolerance", [(dt.float32, 1e-5), (dt.float64, 1e-12)], ids=str)
def test_the_fused_step_is_the_rule(name, options, dtype, tolerance):
    for have, want in zip(run(name, options, dtype), decomposed(name, options, dtype)):
        assert have.dtype == want.dtype and have.shape == want.shape
        np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=tolerance, atol=tolerance)
    assert get_op(op_of(name)).decomposes


@PARAMETERS
@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16], ids=str)
def test_sixteen_bit_steps_are_float_steps_rounded(name, options, dtype):
    params, grads = problem(dtype)
    wide = [p.float() for p in params]
    optimizer, exact = (getattr(optim, name)(these, **options) for these in (params, wide))
    for i, step in enumerate(grads):
        for p, w, g in zip(params, wide, step):
            w.copy_(p)  # one step at a time, from where the 16-bit ones are
            p.grad, w.grad = g.clone(), g.float()
            for key, value in optimizer.state.get(p, {}).items():
                exact.state[w][key].copy_(value)
        optimizer.step()
        exact.step()
        for p, w in zip(params, wide):
            assert p.dtype == dtype
            assert i == 0 or dt.equal(p, w.to(dtype))  # the first state was made apart, and may have been rounded


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_number_that_is_none_stays_one(name):
    """NaN in a gradient reaches the parameter, or, where only its sign counts, leaves it finite, as in the rule."""
    options = next(options for each, options in CASES if each == name)

    def after(run_op):
        w = dt.ones(3)
        optimizer = getattr(optim, name)([w], **options)
        for value in (1.0, float("nan"), 1.0):
            w.grad = dt.tensor([1.0, value, -1.0])
            with dt.layers.intercept(run_op, at="profiler"):
                optimizer.step()
        return w.numpy()

    fused = after(lambda op, args, out: op.call(args, out))
    rule = after(lambda op, args, out: op.decompose(*args) if op.name == op_of(name) else op.call(args, out))
    np.testing.assert_allclose(fused, rule, rtol=1e-5)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_lists_that_do_not_fit_are_refused(name):
    w = dt.ones(4)
    optimizer = getattr(optim, name)([w], lr=0.1)
    w.grad = dt.ones(4)
    calls = []

    def note(op, args, out):
        calls.append((op, args)) if op.name == op_of(name) else None
        return op.call(args, out)

    with dt.layers.intercept(note, at="profiler"):
        optimizer.step()
    ((op, (params, grads, *rest)),) = calls
    kept = w.clone()
    with pytest.raises(ValueError, match=f"{op_of(name)}: every parameter needs a gradient and states of its own size"):
        op(params, [dt.ones(3)], *rest)
    with pytest.raises(ValueError, match=f"{op_of(name)}: every parameter needs"):
        op([w, w], grads, *rest)
    assert dt.equal(w, kept)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_strided_parameters_step_by_the_rule(name):
    dense, strided = dt.ones(3, 2), dt.ones(2, 3).t()
    for p in (dense, strided):
        p.grad = dt.arange(6.0).reshape(3, 2) - 2
        optimizer = getattr(optim, name)([p], lr=0.1)
        optimizer.step()
        optimizer.step()
    np.testing.assert_allclose(dense.numpy(), strided.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name not in ("SGD", "Lion")])
def test_who_misses_a_step_counts_alone(name):
    """Parameters of two dtypes that share counters, one of which pauses: as if each had an optimizer of its own."""
    together, alone = ([dt.ones(3), dt.ones(3), dt.ones(3, dtype=dt.float64)] for _ in range(2))
    shared = getattr(optim, name)([(str(i), p) for i, p in enumerate(together)], lr=0.1)
    own = [getattr(optim, name)([p], lr=0.1) for p in alone]
    for step in range(6):
        for i, (p, q) in enumerate(zip(together, alone)):
            paused = i == 1 and step in (2, 3)
            grad = None if paused else dt.tensor([1.0, -2.0, 0.5 * step], dtype=p.dtype)
            p.grad, q.grad = grad, grad
        shared.step()
        for optimizer in own:
            optimizer.step()
        if step == 4:  # counters that came from a file are shared by those that were at one step
            shared.load_state_dict(shared.state_dict())
    for p, q in zip(together, alone):
        assert dt.equal(p, q)
    counters = [tuple(id(shared.state[p][key]) for key in shared.counters) for p in together]
    assert counters[0] == counters[2] != counters[1]
