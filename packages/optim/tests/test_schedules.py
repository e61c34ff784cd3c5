"""Schedules: their formulas, resuming, and learning rates that are tensors."""

import math

import pytest

import dovetail as dt
from dovetail.optim import SGD
from dovetail.optim import lr_scheduler as lr


def optimizer(rate=1.0):
    return SGD([dt.ones(1)], lr=rate)


def rates(make, steps=6):
    opt = optimizer()
    schedule = make(opt)
    seen = []
    for _ in range(steps):
        seen.append(opt.param_groups[0]["lr"])
        schedule.step()
    return seen


CASES = {
    "step": (lambda o: lr.StepLR(o, 2, 0.1), [1, 1, 0.1, 0.1, 0.01, 0.01]),
    "multistep": (lambda o: lr.MultiStepLR(o, [4, 1], 0.5), [1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    "exponential": (lambda o: lr.ExponentialLR(o, 0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    "constant": (lambda o: lr.ConstantLR(o, 0.5, 2), [0.5, 0.5, 1, 1, 1, 1]),
    "linear": (lambda o: lr.LinearLR(o, 0.5, 1.0, 4), [0.5, 0.625, 0.75, 0.875, 1, 1]),
    "lambda": (lambda o: lr.LambdaLR(o, lambda t: 1 / (t + 1)), [1 / t for t in range(1, 7)]),
    "cosine": (
        lambda o: lr.CosineAnnealingLR(o, 4, 0.2),
        [0.2 + 0.4 * (1 + math.cos(math.pi * t / 4)) for t in range(6)],
    ),
    "restarts": (
        lambda o: lr.CosineAnnealingWarmRestarts(o, 2, 2),
        [(1 + math.cos(math.pi * x)) / 2 for x in (0, 0.5, 0, 0.25, 0.5, 0.75)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_formula(name):
    make, expected = CASES[name]
    assert rates(make) == pytest.approx(expected)


def test_resuming_needs_only_the_step():
    opt = optimizer()
    schedule = lr.CosineAnnealingLR(opt, 10)
    for _ in range(4):
        schedule.step()
    other = optimizer()
    resumed = lr.CosineAnnealingLR(other, 10)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.get_last_lr() == schedule.get_last_lr()
    schedule.step()
    resumed.step()
    assert resumed.get_last_lr() == schedule.get_last_lr()


def test_a_tensor_rate_is_written_in_place():
    rate = dt.tensor(1.0)
    opt = optimizer(rate)
    lr.StepLR(opt, 1, 0.5).step()
    assert opt.param_groups[0]["lr"] is rate and rate.item() == 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr.StepLR(o, 0),
        lambda o: lr.CosineAnnealingLR(o, 0),
        lambda o: lr.LinearLR(o, 0.0),
        lambda o: lr.LambdaLR(o, []),
        lambda o: lr.CosineAnnealingWarmRestarts(o, 0),
    ],
)
def test_refusals(make):
    with pytest.raises(ValueError, match="LR|Restarts"):
        make(optimizer())


def test_no_optimizer():
    with pytest.raises(TypeError, match="^StepLR: expected an Optimizer"):
        lr.StepLR(3, 1)
