"""SGD, Adam and AdamW: against the update rules in NumPy, and state by name.

Gradients are set by hand: the optimizers need no autograd.
"""

import numpy as np
import pytest

import dovetail as dt
from dovetail.optim import SGD, Adam, AdamW

STEPS = 5


def problem(dtype=dt.float32):
    generator = dt.Generator().manual_seed(0)
    params = [dt.randn(shape, generator=generator, dtype=dtype) for shape in ((3, 4), (5,), ())]
    grads = [[dt.randn(tuple(p.shape), generator=generator, dtype=dtype) for p in params] for _ in range(STEPS)]
    return params, grads


def run(make, dtype=dt.float32):
    params, grads = problem(dtype)
    optimizer = make(params)
    for step in grads:
        for p, g in zip(params, step):
            p.grad = g.clone()
        optimizer.step()
    return [p.numpy() for p in params]


def sgd(p, grads, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    buf = None
    for g in grads:
        g = (-g if maximize else g) + weight_decay * p
        if momentum:
            buf = g if buf is None else momentum * buf + (1 - dampening) * g
            g = g + momentum * buf if nesterov else buf
        p = p - lr * g
    return p


def adam(p, grads, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled=False):
    m = v = most = 0 * p
    for t, g in enumerate(grads, 1):
        g = -g if maximize else g
        if decoupled:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        most = np.maximum(most, v)
        root = np.sqrt((most if amsgrad else v) / (1 - betas[1] ** t))
        p = p - lr / (1 - betas[0] ** t) * m / (root + eps)
    return p


CASES = [
    (SGD, sgd, {"lr": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    (Adam, adam, {"lr": 0.1}),
    (Adam, adam, {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.1, "eps": 1e-3}),
    (Adam, adam, {"lr": 0.1, "amsgrad": True, "maximize": True}),
    (AdamW, lambda *a, **k: adam(*a, **k, decoupled=True), {"lr": 0.1, "weight_decay": 0.1}),
]
IDS = [f"{case[0].__name__}-{i}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64], ids=str)
@pytest.mark.parametrize("cls, rule, options", CASES, ids=IDS)
def test_the_update_rule(cls, rule, options, dtype):
    params, grads = problem(dtype)
    expected = [rule(p.numpy(), [step[i].numpy() for step in grads], **options) for i, p in enumerate(params)]
    got = run(lambda ps: cls(ps, **options), dtype)
    tolerance = 1e-5 if dtype == dt.float32 else 1e-6  # the learning rate itself is a float32
    for have, want in zip(got, expected):
        np.testing.assert_allclose(have, want, rtol=tolerance, atol=tolerance)


def test_a_learning_rate_may_be_a_tensor():
    rate = dt.tensor(0.1)
    got = run(lambda ps: SGD(ps, lr=rate))
    for have, want in zip(got, run(lambda ps: SGD(ps, lr=0.1))):
        np.testing.assert_array_equal(have, want)


def test_parameters_without_a_gradient_keep_their_own_count():
    a, b = dt.ones(2), dt.ones(2)
    optimizer = Adam([a, b], lr=0.1)
    for i in range(4):
        a.grad, b.grad = dt.ones(2), (dt.ones(2) if i % 2 == 0 else None)
        optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in (a, b)] == [4, 2]
    expected = adam(np.ones(2), [np.ones(2)] * 2, 0.1)
    np.testing.assert_allclose(b.numpy(), expected, rtol=1e-5)


def test_strided_and_mixed_parameters_go_by_the_decomposition():
    a, b = dt.ones(3, 4).t(), dt.ones(2, dtype=dt.float64)
    optimizer = Adam([a, b], lr=0.1)
    a.grad, b.grad = dt.ones(4, 3), dt.ones(2, dtype=dt.float64)
    optimizer.step()
    np.testing.assert_allclose(a.numpy(), np.full((4, 3), 0.9), rtol=1e-5)
    np.testing.assert_allclose(b.numpy(), np.full(2, 0.9), rtol=1e-5)


def test_groups_have_their_own_options():
    a, b = dt.ones(1), dt.ones(1)
    optimizer = SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1)
    a.grad, b.grad = dt.ones(1), dt.ones(1)
    optimizer.step()
    assert (round(a.item(), 6), b.item()) == (0.9, 0.0)
    assert "Parameter Group 1" in repr(optimizer)


def test_zero_grad():
    a = dt.ones(1)
    optimizer = SGD([a], lr=0.1)
    a.grad = dt.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.item() == 0
    optimizer.zero_grad()
    assert a.grad is None


def test_closures_and_hooks():
    a, seen = dt.ones(1), []
    optimizer = SGD([a], lr=0.1)
    remove = optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    assert optimizer.step(lambda: 7) == 7
    remove()
    optimizer.step()
    assert seen == ["before", "after", "after"]


# ---- state ----


def trained(cls=Adam, names=("w", "b")):
    params = [dt.ones(2), dt.ones(3)]
    optimizer = cls(list(zip(names, params)), lr=0.1)
    for p in params:
        p.grad = dt.ones(tuple(p.shape))
    optimizer.step()
    return params, optimizer


def test_state_is_kept_by_name_and_survives_a_file(tmp_path):
    _, optimizer = trained()
    state = optimizer.state_dict()
    assert list(state["state"]) == ["w", "b"] and state["param_groups"][0]["params"] == ["w", "b"]
    dt.save(state, tmp_path / "state.safetensors")
    _, other = trained()
    # In another order, the names still find their own.
    fresh = Adam([("b", dt.ones(3)), ("w", dt.ones(2))], lr=0.5)
    with pytest.raises(ValueError, match="was not saved"):
        Adam([("x", dt.ones(2))], lr=1.0).load_state_dict(state)
    fresh.load_state_dict(dt.load(tmp_path / "state.safetensors"))
    assert fresh.param_groups[0]["lr"] == 0.1
    for name, p in zip(fresh.param_groups[0]["names"], fresh.param_groups[0]["params"]):
        assert tuple(fresh.state[p]["exp_avg"].shape) == tuple(p.shape), name
    other.load_state_dict(state)


def test_resuming_gives_the_same_bits():
    params, optimizer = trained()
    copies = [("w", params[0].clone()), ("b", params[1].clone())]
    resumed = Adam(copies, lr=0.1)
    resumed.load_state_dict(optimizer.state_dict())
    for p, (_, c) in zip(params, copies):
        p.grad, c.grad = dt.ones(tuple(p.shape)) * 3, dt.ones(tuple(p.shape)) * 3
    optimizer.step()
    resumed.step()
    for p, (_, c) in zip(params, copies):
        assert p.tolist() == c.tolist()


def test_every_mismatch_is_reported_and_nothing_changes():
    _, optimizer = trained()
    state = optimizer.state_dict()
    other = Adam([("w", dt.ones(5)), ("c", dt.ones(3))], lr=0.5)
    with pytest.raises(ValueError) as error:
        other.load_state_dict(state)
    text = str(error.value)
    assert "c was not saved" in text and "b was saved" in text and "w: exp_avg was saved with shape (2,)" in text
    assert not other.state and other.param_groups[0]["lr"] == 0.5


# ---- refusals ----


@pytest.mark.parametrize(
    "make, error, match",
    [
        (lambda: SGD([]), ValueError, "empty"),
        (lambda: SGD(dt.ones(1)), TypeError, "one tensor"),
        (lambda: SGD([1.0]), TypeError, "float"),
        (lambda: SGD([dt.ones(1, dtype=dt.int64)]), TypeError, "int64"),
        (lambda: SGD([dt.ones(1)], lr=-1), ValueError, "lr must be >= 0"),
        (lambda: SGD([dt.ones(1)], lr=float("nan")), ValueError, "lr must be >= 0"),
        (lambda: SGD([dt.ones(1)], nesterov=True), ValueError, "nesterov"),
        (lambda: SGD([{"params": [dt.ones(1)], "lrr": 1}]), ValueError, "lrr"),
        (lambda: SGD([("a", dt.ones(1)), ("a", dt.ones(1))]), ValueError, "two parameters are named a"),
    ],
)
def test_sgd_refuses(make, error, match):
    with pytest.raises(error, match=f"^SGD: .*{match}"):
        make()


def test_a_parameter_given_twice_is_refused():
    a = dt.ones(1)
    with pytest.raises(ValueError, match="^Adam: .*more than once"):
        Adam([a, a])
    with pytest.raises(ValueError, match="^Adam: betas"):
        Adam([a], betas=(1.0, 0.9))
