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


# ---- schedules that go round, and those made of others ----

MORE = {
    "multiplicative": (lambda o: lr.MultiplicativeLR(o, lambda t: 1 / t), [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120]),
    "polynomial": (lambda o: lr.PolynomialLR(o, 4, 2), [1, 9 / 16, 1 / 4, 1 / 16, 0, 0]),
    "cyclic": (
        lambda o: lr.CyclicLR(o, 0, 1, 2, 1, mode="triangular2", cycle_momentum=False),
        [0, 0.5, 1, 0, 0.25, 0.5],
    ),
    "one cycle": (
        lambda o: lr.OneCycleLR(o, 1, 6, pct_start=0.5, anneal_strategy="linear", cycle_momentum=False, div_factor=2),
        [0.5, 0.75, 1, 1 - 0.99995 / 3, 1 - 2 * 0.99995 / 3, 0.00005],  # the top is step 0.5 * 6 - 1
    ),
    "sequential": (
        lambda o: lr.SequentialLR(o, [lr.ConstantLR(o, 0.5, 9), lr.ExponentialLR(o, 0.5)], [2]),
        [0.5, 0.5, 1, 0.5, 0.25, 0.125],
    ),
    "chained": (
        lambda o: lr.ChainedScheduler([lr.ConstantLR(o, 0.5, 2), lr.StepLR(o, 3)]),
        [0.5, 0.5, 1, 0.1, 0.1, 0.1],
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_more_formulas(name):
    make, expected = MORE[name]
    assert rates(make) == pytest.approx(expected)


@pytest.mark.parametrize("name", [*CASES, *MORE])
def test_every_schedule_resumes(name, tmp_path):
    make = {**CASES, **MORE}[name][0]
    opt, other = optimizer(), optimizer()
    schedule, resumed = make(opt), make(other)
    for _ in range(3):
        schedule.step()
    dt.save(schedule.state_dict(), tmp_path / "schedule.safetensors")
    resumed.load_state_dict(dt.load(tmp_path / "schedule.safetensors"))
    assert resumed.get_last_lr() == schedule.get_last_lr()
    schedule.step()
    resumed.step()
    assert resumed.get_last_lr() == schedule.get_last_lr()


def test_momentum_goes_the_other_way():
    for opt in (SGD([dt.ones(1)], lr=1.0, momentum=0.5), dt.optim.Adam([dt.ones(1)], lr=1.0)):
        schedule = lr.OneCycleLR(opt, 1.0, 11, pct_start=0.5, base_momentum=0.8, max_momentum=0.9)
        seen = []
        for step in range(11):
            group = opt.param_groups[0]
            seen.append(group["betas"][0] if "betas" in group else group["momentum"])
            if step < 10:
                schedule.step()
        assert (
            seen[0] == pytest.approx(0.9) and seen[-1] == pytest.approx(0.9) and min(seen) == pytest.approx(0.8, 1e-2)
        )
        schedule.step()  # after the last batch
        with pytest.raises(ValueError, match="^OneCycleLR: the schedule ends with step 11, got step 12"):
            schedule.step()


def test_schedules_of_one_optimizer_act_one_on_the_other():
    opt = optimizer()
    first, second = lr.StepLR(opt, 1, 0.5), lr.ExponentialLR(opt, 0.1)
    first.step()
    assert opt.param_groups[0]["lr"] == 0.5
    second.step()
    assert opt.param_groups[0]["lr"] == pytest.approx(0.05)


def test_a_schedule_begins_from_a_rate_set_by_hand():
    opt = optimizer()
    lr.StepLR(opt, 1, 0.5).step()
    opt.param_groups[0]["lr"] = 8.0
    lr.ExponentialLR(opt, 0.5).step()
    assert opt.param_groups[0]["lr"] == 4.0


def test_get_lr_may_be_defined_as_with_pytorch():
    class Halved(lr.LRScheduler):
        def get_lr(self):
            return [group["lr"] * (0.5 if self.last_epoch else 1) for group in self.optimizer.param_groups]

    assert rates(Halved, 4) == [1, 0.5, 0.25, 0.125]
    with pytest.raises(TypeError, match="^Nothing: a schedule must define rate"):
        type("Nothing", (lr.LRScheduler,), {})(optimizer())


def test_plateau():
    opt = optimizer()
    schedule = lr.ReduceLROnPlateau(opt, factor=0.5, patience=1, cooldown=2, min_lr=0.2)
    seen = []
    for loss in (3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2):
        schedule.step(loss)
        seen.append(opt.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2]
    other = optimizer()
    resumed = lr.ReduceLROnPlateau(other, factor=0.5, patience=1, cooldown=2, min_lr=0.2)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.get_last_lr() == [0.2] and resumed.num_bad_epochs == schedule.num_bad_epochs
    assert resumed.in_cooldown == schedule.in_cooldown
    schedule.step(dt.tensor(1.0))
    assert schedule.best == 1.0 and schedule.is_better(0.5, schedule.best)


def test_a_group_that_comes_later_begins_from_its_own_rate():
    opt = optimizer()
    schedule = lr.ExponentialLR(opt, 0.5)
    opt.add_param_group({"params": [dt.ones(1)], "lr": 8.0})
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 4.0]


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda o: lr.CyclicLR(o, 0.1, 1.0, mode="square"), "^CyclicLR: mode must be one of .*'square'"),
        (lambda o: lr.CyclicLR(dt.optim.Adagrad([dt.ones(1)]), 0.1, 1.0), "^CyclicLR: cycle_momentum needs .*Adagrad"),
        (lambda o: lr.OneCycleLR(o, 1.0), "^OneCycleLR: needs total_steps"),
        (lambda o: lr.OneCycleLR(o, 1.0, 5, pct_start=2.0), "^OneCycleLR: pct_start .*2.0"),
        (lambda o: lr.OneCycleLR(o, [1.0, 2.0], 5), "^OneCycleLR: expected 1 values of max_lr.*got 2"),
        (lambda o: lr.SequentialLR(o, [lr.StepLR(o, 1)], [3]), "^SequentialLR: 1 schedules need 0 .*3"),
        (lambda o: lr.SequentialLR(o, [], []), "^SequentialLR: expected a list"),
        (lambda o: lr.ChainedScheduler([lr.ReduceLROnPlateau(o)]), "^ChainedScheduler: ReduceLROnPlateau depends"),
        (lambda o: lr.ChainedScheduler([lr.StepLR(o, 1), lr.StepLR(optimizer(), 1)]), "of another optimizer"),
        (lambda o: lr.ReduceLROnPlateau(o, factor=2.0), "^ReduceLROnPlateau: factor .*2.0"),
        (lambda o: lr.PolynomialLR(o, 0), "^PolynomialLR: total_iters .*0"),
    ],
)
def test_more_refusals(make, match):
    with pytest.raises(ValueError, match=match):
        make(optimizer())


def test_a_metric_that_is_none():
    with pytest.raises(TypeError, match="^ReduceLROnPlateau: metrics must be a number, got str 'low'"):
        lr.ReduceLROnPlateau(optimizer()).step("low")
