"""Each optimizer beside its formula in NumPy, number by number."""

import numpy as np
import pytest

import dovetail as dt

STEPS = 6


def rmsprop(p, grads, lr=0.01, alpha=0.99, eps=1e-8, momentum=0, centered=False):
    v, m, buf = 0 * p, 0 * p, 0 * p
    for g in grads:
        v, m = alpha * v + (1 - alpha) * g * g, alpha * m + (1 - alpha) * g
        buf = momentum * buf + g / (np.sqrt(v - m * m if centered else v) + eps)
        p = p - lr * buf
    return p


def adagrad(p, grads, lr=0.01, lr_decay=0, initial_accumulator_value=0, eps=1e-10):
    s = 0 * p + initial_accumulator_value
    for t, g in enumerate(grads):
        s = s + g * g
        p = p - lr / (1 + t * lr_decay) * g / (np.sqrt(s) + eps)
    return p


def adadelta(p, grads, lr=1.0, rho=0.9, eps=1e-6):
    v = u = 0 * p
    for g in grads:
        v = rho * v + (1 - rho) * g * g
        delta = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * delta * delta
        p = p - lr * delta
    return p


def adamax(p, grads, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
    m = u = 0 * p
    for t, g in enumerate(grads, 1):
        m, u = betas[0] * m + (1 - betas[0]) * g, np.maximum(betas[1] * u, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def nadam(p, grads, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3):
    m, v, product = 0 * p, 0 * p, 1.0

    def mu(t):
        return betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    for t, g in enumerate(grads, 1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        product *= mu(t)
        ahead = (1 - mu(t)) / (1 - product) * g + mu(t + 1) / (1 - product * mu(t + 1)) * m
        p = p - lr * ahead / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def radam(p, grads, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    m, v, longest = 0 * p, 0 * p, 2 / (1 - betas[1]) - 1
    for t, g in enumerate(grads, 1):
        m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g * g
        rho = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        scale = 1.0
        if rho > 5:
            r = ((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)) ** 0.5
            scale = r * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
        p = p - lr * m / (1 - betas[0] ** t) * scale
    return p


def asgd(p, grads, lr=0.01, lambd=1e-4, alpha=0.75):
    for t, g in enumerate(grads):
        eta = lr / (1 + lambd * lr * t) ** alpha
        p = (1 - lambd * eta) * p - eta * g
    return p


def rprop(p, grads, lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    size, previous = 0 * p + lr, 0 * p
    for g in grads:
        sign = np.sign(g * previous)
        size = np.clip(size * np.where(sign > 0, etas[1], np.where(sign < 0, etas[0], 1)), *step_sizes)
        previous = np.where(sign < 0, 0, g)
        p = p - np.sign(previous) * size
    return p


def lion(p, grads, lr=1e-4, betas=(0.9, 0.99), weight_decay=0):
    m = 0 * p
    for g in grads:
        p = p - lr * (np.sign(betas[0] * m + (1 - betas[0]) * g) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
    return p


def adafactor(p, grads, lr=0.01, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0):
    eps1 = np.finfo(p.dtype).eps if eps[0] is None else eps[0]
    row = column = v = 0.0
    for t, g in enumerate(grads, 1):
        keep, size = 1 - t**beta2_decay, max(eps[1], np.sqrt(np.mean(p * p)))
        if p.ndim > 1:
            row = keep * row + (1 - keep) * (g * g).mean(-1, keepdims=True)
            column = keep * column + (1 - keep) * (g * g).mean(-2, keepdims=True)
            v = row @ column / np.maximum(row.mean(-2, keepdims=True), eps1)
        else:
            v = keep * v + (1 - keep) * g * g
        u = g / np.sqrt(np.maximum(v, eps1**2))
        p = p - size * min(lr, t**-0.5) * u / max(1, np.sqrt(np.mean(u * u)) / d)
    return p


CASES = [
    ("RMSprop", rmsprop, {}),
    ("RMSprop", rmsprop, {"lr": 0.1, "alpha": 0.5, "momentum": 0.9, "centered": True, "eps": 1e-2}),
    ("Adagrad", adagrad, {}),
    ("Adagrad", adagrad, {"lr": 0.1, "lr_decay": 0.5, "initial_accumulator_value": 0.3, "eps": 1e-2}),
    ("Adadelta", adadelta, {}),
    ("Adadelta", adadelta, {"lr": 0.5, "rho": 0.5, "eps": 1e-2}),
    ("Adamax", adamax, {}),
    ("Adamax", adamax, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2}),
    ("NAdam", nadam, {}),
    ("NAdam", nadam, {"lr": 0.1, "betas": (0.5, 0.7), "momentum_decay": 0.5, "eps": 1e-2}),
    ("RAdam", radam, {}),
    ("RAdam", radam, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-2}),
    ("ASGD", asgd, {}),
    ("ASGD", asgd, {"lr": 0.1, "lambd": 0.5, "alpha": 0.5}),
    ("Rprop", rprop, {}),
    ("Rprop", rprop, {"lr": 0.1, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.15)}),
    ("Lion", lion, {}),
    ("Lion", lion, {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.1}),
    ("Adafactor", adafactor, {}),
    ("Adafactor", adafactor, {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-2, 0.5), "d": 1.5}),
]


@pytest.mark.parametrize("dtype", [dt.float64, dt.float32], ids=str)
@pytest.mark.parametrize("name, rule, options", CASES, ids=[f"{case[0]}-{i % 2}" for i, case in enumerate(CASES)])
def test_the_formula(name, rule, options, dtype):
    random = np.random.default_rng(0)
    starts = [random.standard_normal(shape) for shape in ((3, 4), (5,), (), (2, 3, 4))]
    grads = [[random.standard_normal(p.shape) for p in starts] for _ in range(STEPS)]
    params = [dt.tensor(p, dtype=dtype) for p in starts]
    optimizer = getattr(dt.optim, name)(params, **options)
    for step in grads:
        for p, g in zip(params, step):
            p.grad = dt.tensor(g, dtype=dtype)
        optimizer.step()
    tolerance = 1e-10 if dtype == dt.float64 else 2e-4
    if name == "NAdam":
        tolerance = max(tolerance, 1e-6)  # its product is a float32
    for i, p in enumerate(params):
        start = starts[i] if dtype == dt.float64 else starts[i].astype(np.float32)
        expected = rule(np.asarray(start), [step[i] for step in grads], **options)
        np.testing.assert_allclose(p.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "SGD"])
def test_maximize_and_weight_decay(name):
    random = np.random.default_rng(1)
    start, gradient = random.standard_normal(4), random.standard_normal(4)
    up, plain = dt.tensor(start), dt.tensor(start)
    one = getattr(dt.optim, name)([up], maximize=True, weight_decay=0.5)
    other = getattr(dt.optim, name)([plain])
    for _ in range(3):
        up.grad, plain.grad = dt.tensor(gradient), -dt.tensor(gradient) + 0.5 * plain
        one.step()
        other.step()
    assert dt.allclose(up, plain, rtol=1e-12)


def test_muon_moves_along_orthogonal_matrices():
    w = dt.zeros(6, 3)
    optimizer = dt.optim.Muon([w], lr=1.0, weight_decay=0, adjust_lr_fn="match_rms_adamw")
    w.grad = dt.randn(6, 3, generator=dt.Generator().manual_seed(0))
    optimizer.step()
    sizes = dt.linalg.svdvals(w / (0.2 * 6**0.5))
    assert ((sizes > 0.5) & (sizes < 1.5)).all().item()


def test_asgd_averages_from_t0_on():
    w = dt.zeros((), dtype=dt.float64)
    optimizer = dt.optim.ASGD([w], lr=1.0, lambd=0.0, t0=2)
    path = []
    for _ in range(6):
        w.grad = dt.full((), -1.0, dtype=dt.float64)
        optimizer.step()
        path.append(w.item())
    assert path == [1, 2, 3, 4, 5, 6]
    average = 0.0
    for step, value in enumerate(path):
        average += (value - average) / max(1, step - 2)
    assert optimizer.state[w]["ax"].item() == pytest.approx(average)


# ---- L-BFGS ----


def rosenbrock(params):
    (x,) = params
    a, b = x[:-1], x[1:]
    inside = b - a * a
    gradient = dt.zeros_like(x)
    gradient[:-1] += -400 * a * inside - 2 * (1 - a)
    gradient[1:] += 200 * inside
    x.grad = gradient
    return (100 * inside * inside + (1 - a) ** 2).sum()


def test_lbfgs_finds_the_valleys_end():
    x = dt.full((6,), -1.2, dtype=dt.float64)
    optimizer = dt.optim.LBFGS([x], line_search_fn="strong_wolfe", max_iter=100)
    for _ in range(3):
        loss = optimizer.step(lambda: rosenbrock([x]))
    assert loss.item() < 1e-6 and dt.allclose(x, dt.ones_like(x), atol=1e-6)


def test_lbfgs_is_one_quadratic_in_as_many_steps_as_dims():
    scale = dt.tensor([1.0, 3.0, 10.0, 0.5], dtype=dt.float64)
    x = dt.ones(4, dtype=dt.float64)

    def closure():
        x.grad = scale * x
        return (scale * x * x).sum() / 2

    optimizer = dt.optim.LBFGS([x], line_search_fn="strong_wolfe", max_iter=12, tolerance_change=0)
    optimizer.step(closure)
    assert x.abs().max().item() < 1e-5


def test_lbfgs_refuses():
    x = dt.ones(2)
    with pytest.raises(TypeError, match="^LBFGS: step.. needs a closure"):
        dt.optim.LBFGS([x]).step()
    with pytest.raises(ValueError, match="^LBFGS: takes one parameter group"):
        dt.optim.LBFGS([{"params": [x]}, {"params": [dt.ones(1)]}])
    with pytest.raises(ValueError, match="^LBFGS: line_search_fn must be .*'wolfe'"):
        dt.optim.LBFGS([x], line_search_fn="wolfe")


@pytest.mark.parametrize("hint", ["foreach", "fused", "capturable"])
def test_pytorchs_hints_are_accepted(hint):
    assert dt.optim.Adam([dt.ones(1)], **{hint: True}).defaults["lr"] == 1e-3
    with pytest.raises(TypeError, match=f"^Adam: {hint} must be a bool, got str 'yes'"):
        dt.optim.Adam([dt.ones(1)], **{hint: "yes"})


def test_other_keywords_are_refused():
    with pytest.raises(TypeError, match="^Adam: got an unexpected keyword argument 'momentum', float 0.9"):
        dt.optim.Adam([dt.ones(1)], momentum=0.9)
    with pytest.raises(NotImplementedError, match="^Adam: differentiable=True"):
        dt.optim.Adam([dt.ones(1)], differentiable=True)


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("RMSprop", {"alpha": 1.5}, "alpha must be in"),
        ("Adadelta", {"rho": -0.1}, "rho must be >= 0"),
        ("Adagrad", {"lr_decay": -1}, "lr_decay must be >= 0"),
        ("SGD", {"lr": float("inf")}, "lr must be finite"),
        ("Rprop", {"etas": (1.1, 1.2)}, "etas must be"),
        ("Rprop", {"step_sizes": (1, 0.5)}, "step_sizes must be"),
        ("Adafactor", {"d": 0.5}, "d must be >= 1"),
        ("Adafactor", {"beta2_decay": 0.5}, "beta2_decay must be <= 0"),
        ("Muon", {"ns_steps": 100}, "ns_steps"),
        ("LBFGS", {"max_iter": 0}, "max_iter must be at least 1"),
    ],
)
def test_options_out_of_range(name, options, match):
    with pytest.raises(ValueError, match=f"^{name}: {match}.*"):
        getattr(dt.optim, name)([dt.ones(1, 1)], **options)


def test_muon_and_adafactor_refuse_other_parameters():
    with pytest.raises(ValueError, match=r"^Muon: parameters must be real matrices, got bias of shape \(3,\)"):
        dt.optim.Muon([("bias", dt.ones(3))])
    with pytest.raises(TypeError, match="^Adafactor: parameters must be real, got w"):
        dt.optim.Adafactor([("w", dt.ones(2, dtype=dt.complex64))])
