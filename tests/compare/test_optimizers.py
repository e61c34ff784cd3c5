"""Every optimizer beside PyTorch's: the same parameters, the same gradients, and the state that comes over."""

import numpy as np
import pytest
import torch

import dovetail as dt
from dovetail.optim import Optimizer
from tests.compare.optimizers import NOT_PYTORCHS, OPTIMIZERS, REAL_ONLY, SHAPES, TOLERANCE

STEPS = 20
CASES = [(name, options) for name, all_options in OPTIMIZERS.items() for options in all_options]
STEPPED = [case for case in CASES if case[0] != "LBFGS"]


def case_id(value):
    return ",".join(f"{k}={v}" for k, v in value.items()) or "default" if isinstance(value, dict) else str(value)


def start(name, dtype, seed=0):
    random = np.random.default_rng(seed)
    shapes = SHAPES.get(name, [(3, 4), (5,), (), (2, 3, 4)])

    def draw(shape):
        imaginary = 1j * random.standard_normal(shape) if dtype.startswith("complex") else 0
        return np.asarray(random.standard_normal(shape) + imaginary).astype(dtype)

    return [draw(s) for s in shapes], [[draw(s) for s in shapes] for _ in range(STEPS)]


def both(name, options, arrays):
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    ours = [dt.tensor(a, requires_grad=True) for a in arrays]
    return theirs, getattr(torch.optim, name)(theirs, **options), ours, getattr(dt.optim, name)(ours, **options)


def advance(theirs, their, ours, our, gradients):
    for step in gradients:
        for p, q, g in zip(theirs, ours, step, strict=True):
            p.grad, q.grad = torch.tensor(g), dt.tensor(g)
        their.step()
        our.step()


def agree(theirs, ours, tolerance):
    for p, q in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(q.detach().numpy(), p.detach().numpy(), rtol=tolerance, atol=tolerance * 0.1)


def test_every_optimizer_is_compared():
    public = {
        name
        for name in dt.optim.__all__
        if isinstance(getattr(dt.optim, name), type) and issubclass(getattr(dt.optim, name), Optimizer)
    }
    assert public - {"Optimizer"} == set(OPTIMIZERS) | NOT_PYTORCHS


@pytest.mark.parametrize("name, options", STEPPED, ids=case_id)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_twenty_steps(name, options, dtype):
    if dtype == "complex128" and name in REAL_ONLY:
        for arrays in (torch.optim, dt.optim):
            assert hasattr(arrays, name)  # neither takes complex parameters
        return
    arrays, gradients = start(name, dtype)
    theirs, their, ours, our = both(name, options, arrays)
    advance(theirs, their, ours, our, gradients)
    agree(theirs, ours, max(TOLERANCE.get(name, 0), 1e-4 if dtype == "float32" else 1e-11))


@pytest.mark.parametrize("name, options", STEPPED, ids=case_id)
def test_a_state_comes_over(name, options):
    arrays, gradients = start(name, "float64")
    theirs, their, _, _ = both(name, options, arrays)
    for step in gradients[:10]:
        for p, g in zip(theirs, step, strict=True):
            p.grad = torch.tensor(g)
        their.step()
    ours = [dt.tensor(p.detach().numpy().copy(), requires_grad=True) for p in theirs]
    our = getattr(dt.optim, name)(ours, **options)
    our.load_state_dict(dt.optim.from_pytorch(their.state_dict(), our))
    advance(theirs, their, ours, our, gradients[10:])
    agree(theirs, ours, max(TOLERANCE.get(name, 0), 1e-11))


# ---- L-BFGS, which asks for the loss itself ----


def rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(4))


def closure(optimizer, x):
    def run():
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss

    return run


@pytest.mark.parametrize("options", OPTIMIZERS["LBFGS"], ids=case_id)
def test_lbfgs(options):
    (x,), their, (y,), our = both("LBFGS", options, [np.full(5, -1.2)])
    for step in range(8):
        if step == 4:  # the rest from a state that came over
            our = dt.optim.LBFGS([y], **options)
            our.load_state_dict(dt.optim.from_pytorch(their.state_dict(), our))
        a, b = their.step(closure(their, x)), our.step(closure(our, y))
        np.testing.assert_allclose(b.item(), a.item(), rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy(), rtol=1e-6)
        assert our.state[y]["func_evals"] == their.state[x]["func_evals"]
