"""Every schedule beside PyTorch's, fifty steps: rates and momenta."""

import pytest
import torch
import torch.optim.swa_utils

import dovetail as dt
from dovetail.optim import lr_scheduler as ours_module

STEPS = 50


def one(name, *args, **kwargs):
    """A schedule, given the library and its optimizer."""
    return lambda lib, optimizer: getattr(lib.optim.lr_scheduler, name)(optimizer, *args, **kwargs)


def several(name, *makers, **kwargs):
    def make(lib, optimizer):
        schedules = [maker(lib, optimizer) for maker in makers]
        cls = getattr(lib.optim.lr_scheduler, name)
        return cls(schedules) if name == "ChainedScheduler" else cls(optimizer, schedules, **kwargs)

    return make


def swalr(**kwargs):
    def make(lib, optimizer):
        return lib.optim.swa_utils.SWALR(optimizer, **kwargs)

    return make


SCHEDULES = {
    "LambdaLR": [one("LambdaLR", lambda t: 0.95**t), one("LambdaLR", [lambda t: 1 / (t + 1), lambda t: 0.9**t])],
    "MultiplicativeLR": [one("MultiplicativeLR", lambda t: 1 - 0.01 * (t % 3))],
    "StepLR": [one("StepLR", 7), one("StepLR", 3, gamma=0.7)],
    "MultiStepLR": [one("MultiStepLR", [30, 10, 10], gamma=0.5)],
    "ConstantLR": [one("ConstantLR"), one("ConstantLR", factor=0.2, total_iters=11)],
    "LinearLR": [one("LinearLR"), one("LinearLR", start_factor=0.1, end_factor=0.7, total_iters=20)],
    "ExponentialLR": [one("ExponentialLR", 0.9)],
    "PolynomialLR": [one("PolynomialLR"), one("PolynomialLR", total_iters=30, power=2.5)],
    "CosineAnnealingLR": [one("CosineAnnealingLR", 20), one("CosineAnnealingLR", 49, eta_min=0.01)],
    "CosineAnnealingWarmRestarts": [
        one("CosineAnnealingWarmRestarts", 7),
        one("CosineAnnealingWarmRestarts", 4, T_mult=2, eta_min=0.01),
    ],
    "CyclicLR": [
        one("CyclicLR", 0.1, 1.0, step_size_up=6),
        one("CyclicLR", [0.1, 0.2], 1.0, step_size_up=4, step_size_down=7, mode="triangular2"),
        one("CyclicLR", 0.1, 1.0, step_size_up=5, mode="exp_range", gamma=0.97),
        one("CyclicLR", 0.1, 1.0, step_size_up=5, scale_fn=lambda x: 1 / x, scale_mode="cycle", cycle_momentum=False),
    ],
    "OneCycleLR": [
        one("OneCycleLR", 1.0, total_steps=51),
        one("OneCycleLR", [1.0, 2.0], epochs=17, steps_per_epoch=3, pct_start=0.4, anneal_strategy="linear"),
        one("OneCycleLR", 1.0, total_steps=60, three_phase=True, div_factor=10.0, final_div_factor=100.0),
        one("OneCycleLR", 1.0, total_steps=51, cycle_momentum=False),
    ],
    "SequentialLR": [
        several("SequentialLR", one("LinearLR", 0.1, 1.0, 10), one("CosineAnnealingLR", 40), milestones=[10]),
        several(
            "SequentialLR", one("ConstantLR", 0.1, 20), one("ExponentialLR", 0.9), one("StepLR", 5), milestones=[5, 30]
        ),
    ],
    "ChainedScheduler": [
        several("ChainedScheduler", one("ConstantLR", 0.1, 20), one("ExponentialLR", 0.9)),
        several("ChainedScheduler", one("StepLR", 10, 0.5), one("LinearLR", 0.1, 1.0, 30)),
    ],
    "SWALR": [
        swalr(swa_lr=0.05),
        swalr(swa_lr=[0.05, 0.2], anneal_epochs=20, anneal_strategy="linear"),
        swalr(swa_lr=0.05, anneal_epochs=1),
    ],
}
LOOKS_AT_METRICS = {"ReduceLROnPlateau"}
CASES = [(name, i) for name, makers in SCHEDULES.items() for i in range(len(makers))]
METRICS = [1.0, 0.9, 0.91, 0.92, 0.93, 0.5, *([0.6] * 20), 0.4, *([0.45] * 23)]


def optimizers(cls="SGD", **options):
    for lib, zeros in ((torch, torch.zeros), (dt, dt.zeros)):
        groups = [{"params": [zeros(1)]}, {"params": [zeros(1)], "lr": 0.3}]
        yield lib, getattr(lib.optim, cls)(groups, lr=0.5, **options)


def momentum(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def path(lib, optimizer, schedule, steps=STEPS):
    seen = []
    for _ in range(steps):
        seen.append([(float(g["lr"]), momentum(g)) for g in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return seen


def close(theirs, ours):
    for step, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        for x, y in zip(a, b, strict=True):
            assert y == pytest.approx(x, rel=1e-9, abs=1e-12), f"at step {step}"


def test_every_schedule_is_compared():
    assert set(ours_module.__all__) - {"LRScheduler"} == (set(SCHEDULES) | LOOKS_AT_METRICS) - {"SWALR"}


@pytest.mark.parametrize("cls", ["SGD", "Adam"])
@pytest.mark.parametrize("name, which", CASES)
def test_fifty_steps(name, which, cls):
    options = {"momentum": 0.9} if cls == "SGD" else {}
    paths = [path(lib, opt, SCHEDULES[name][which](lib, opt)) for lib, opt in optimizers(cls, **options)]
    close(*paths)


def test_two_schedules_stepped_side_by_side():
    paths = []
    for lib, optimizer in optimizers(momentum=0.9):
        schedules = [one("LinearLR", 0.1, 1.0, 20)(lib, optimizer), one("ExponentialLR", 0.9)(lib, optimizer)]
        seen = []
        for _ in range(STEPS):
            seen.append([(float(g["lr"]), 0.0) for g in optimizer.param_groups])
            optimizer.step()
            for schedule in schedules:
                schedule.step()
        paths.append(seen)
    close(*paths)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 1, "factor": 0.5, "cooldown": 3, "min_lr": [0.1, 0.2]},
        {"patience": 0, "mode": "max", "threshold": 0.05, "threshold_mode": "abs"},
        {"patience": 3, "threshold": 0.2, "eps": 0.2},
    ],
)
def test_plateau(options):
    paths = []
    for lib, optimizer in optimizers(momentum=0.9):
        schedule, seen = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options), []
        for metric in METRICS:
            schedule.step(metric)
            seen.append([(float(g["lr"]), schedule.num_bad_epochs) for g in optimizer.param_groups])
        paths.append(seen)
    close(*paths)
