"""The conformance kit: every built-in optimizer passes it, and it finds what is wrong with faulty ones."""

import subprocess
import sys

import pytest

import dovetail as dt
from dovetail.optim import SGD, Adam, Optimizer
from dovetail.testing import optimizer as conformance

BUILT_IN = [
    each
    for each in map(dt.optim.__dict__.get, dt.optim.__all__)
    if isinstance(each, type) and issubclass(each, Optimizer) and each is not Optimizer
]


@pytest.mark.parametrize("cls", BUILT_IN)
def test_every_optimizer_conforms(cls):
    report = conformance.check(cls)
    assert report.passed, report.text()


@pytest.mark.parametrize(
    "cls, options",
    [
        (SGD, {"momentum": 0.9, "nesterov": True}),
        (SGD, {"momentum": 0.5, "dampening": 0.5, "weight_decay": 1e-4}),
        (Adam, {"amsgrad": True}),
    ],
)
def test_with_options(cls, options):
    report = conformance.check(cls, **options)
    assert report.passed, report.text()


# ---- faulty ones -----------------------------------------------------------------------------------------


class Upwards(SGD):
    def update(self, group, params):
        for p in params:
            p.add_(group["lr"] * p.grad)


class Forgetful(SGD):
    """Its momentum is not in its state."""

    def update(self, group, params):
        for p in params:
            self.means = getattr(self, "means", {})
            self.means[id(p)] = p.grad + 0.5 * self.means.get(id(p), 0)
            p.sub_(group["lr"] * self.means[id(p)])


class Greedy(SGD):
    """Moves what has no gradient."""

    def step(self, closure=None):
        loss = super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(1e-3)
        return loss


class Restless(SGD):
    def update(self, group, params):
        for p in params:
            p.sub_(group["lr"] * (p.grad + dt.rand(tuple(p.shape)).to(p.dtype)))


class Trusting(SGD):
    def check_options(self, group):
        pass


class Scaling(SGD):
    """Scales the gradients themselves."""

    def update(self, group, params):
        for p in params:
            p.grad.mul_(group["lr"])
            p.sub_(p.grad)


class Stubborn(SGD):
    """Reads lr once."""

    def update(self, group, params):
        for p in params:
            p.sub_(self.defaults["lr"] * p.grad)


@pytest.mark.parametrize(
    "cls, failed",
    [
        (Upwards, "finds the minimum of a quadratic"),
        (Forgetful, "resumes to the bit, from a file too"),
        (Greedy, "leaves a parameter without a gradient as it is"),
        (Restless, "is deterministic"),
        (Trusting, "refuses options out of range"),
        (Scaling, "changes parameters in place and leaves gradients alone"),
        (Stubborn, "gives groups options of their own"),
    ],
)
def test_what_is_wrong_is_found(cls, failed):
    report = conformance.check(cls)
    assert not report.passed and failed in report.failed, report.text()
    assert f"FAILED  {failed}: " in report.text() and "did not pass" in report.text()


def test_what_need_not_be_there_is_said():
    class Plain(Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        def update(self, group, params):
            for p in params:
                p.sub_(group["lr"] * p.grad)

    report = conformance.check(Plain)
    assert report.passed and report.not_offered == {"climbs with maximize": "there is no option maximize"}


# ---- the command -----------------------------------------------------------------------------------------


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "dovetail.testing.optimizer", *arguments], capture_output=True, text=True
    )


def test_the_command():
    done = run("dovetail.optim:Adam", "--lr", "0.1", "--betas=0.8,0.9")
    assert done.returncode == 0 and done.stdout.endswith("checks: passed\n"), done.stdout + done.stderr
    done = run("dovetail.optim:SGD", "--lr", "1e-9")
    assert done.returncode == 1 and "FAILED  finds the minimum" in done.stdout and "did not pass" in done.stdout


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["dovetail.optim"], "expected package:Class"),
        (["dovetail.optim:Adamant"], "has no attribute 'Adamant'"),
        (["nowhere:Adam"], "No module named 'nowhere'"),
        (["dovetail.optim:get"], "is no class"),
        (["dovetail.optim:SGD", "--lr"], "expected --option value, got '--lr'"),
        (["dovetail.optim:SGD", "--lr", "-1"], "SGD: lr must be >= 0"),
        (["dovetail.optim:SGD", "--speed", "1"], "unexpected keyword argument 'speed'"),
    ],
)
def test_a_wrong_command_says_why(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2 and words in done.stderr, done.stderr
