"""The conformance check of an optimizer: `python -m dovetail.testing.optimizer package:Class [--option value ...]`.

Checks what every optimizer of Dovetail promises: that it finds known minima, that its state is kept by name and takes a
run up again to the bit, that groups have options of their own, that a parameter without a gradient stays, and what it
refuses. It needs nothing but the optimizer: gradients are set by hand, so autograd need not be installed.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dovetail as dt
from dovetail import Tensor

from .optimizer_subject import CHECKS, Check, NotOffered, Report, Subject, promise, same
from .problems import PROBLEMS, Problem, Quadratic

__all__ = ["CHECKS", "NotOffered", "Report", "Subject", "check", "main"]


# ---- it optimizes ----------------------------------------------------------------------------------------------------

STEPS = 1500
RATES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3)


def minimises(wanted_problem: Problem) -> Check:
    """The loss comes within 1 % of its way to the minimum, at one learning rate of several (or the one given)."""

    def run(subject: Subject) -> None:
        problem = subject.problem(wanted_problem)
        given = "lr" in subject.options or "lr" not in subject.defaults()
        reached = {}
        for rate in [None] if given else RATES:
            params = problem.start()
            wanted = problem.minimum + 0.01 * (problem.loss(params).item() - problem.minimum)
            optimizer = subject.make(params, **({} if rate is None else {"lr": rate}))
            for _ in range(STEPS // 100):
                subject.run(optimizer, params, 100, problem)
                if problem.loss(params).item() <= wanted:
                    return
            reached[rate] = problem.loss(params).item()
        raise AssertionError(f"after {STEPS} steps the loss is above {wanted:.3g}, by learning rate: {reached}")

    return run


for _name, _problem in PROBLEMS.items():
    promise(f"finds the minimum of {_name}")(minimises(_problem))


@promise("is deterministic")
def is_deterministic(subject: Subject) -> None:
    same(subject.trained()[0], subject.trained()[0], "two runs differ")


@promise("works in float64")
def works_in_float64(subject: Subject) -> None:
    params = subject.problem().start(dt.float64)
    optimizer = subject.make(params)
    subject.run(optimizer, params, 2)
    assert all(p.dtype == dt.float64 for p in params), "the parameters' dtype changed"
    assert all(p.abs().sum().item() > 0 for p in params), "a float64 parameter did not move"


@promise("takes zero-size and strided parameters")
def takes_any_layout(subject: Subject) -> None:
    problem = subject.problem(First())
    plain = problem.start()
    strided = [dt.zeros(4, 3).t()]
    subject.run(subject.make(plain), plain, 2, problem)
    subject.run(subject.make([*strided, subject.zeros(0)]), strided, 2, problem)
    for a, b in zip(plain, strided, strict=True):
        assert dt.allclose(a, b, rtol=1e-5, atol=1e-7), "a transposed parameter ends elsewhere"


@promise("changes parameters in place and leaves gradients alone")
def in_place(subject: Subject) -> None:
    params = subject.problem().start()
    optimizer = subject.make(params)
    problem = subject.problem()
    problem.differentiate(params)
    gradients: list[Any] = [p.grad for p in params]
    before = [g.tolist() for g in gradients]
    views, versions = [p.reshape(-1) for p in params], [p._version for p in params]
    optimizer.step(lambda: problem.loss(params))
    assert all(p.grad is g for p, g in zip(params, gradients, strict=True)), "step() put other gradients in place"
    assert [g.tolist() for g in gradients] == before, "step() changed a gradient"
    same(views, [p.reshape(-1) for p in params], "step() gave a parameter other memory")
    assert all(p._version > v for p, v in zip(params, versions, strict=True)), "step() changed no parameter"


# ---- which parameters it changes -------------------------------------------------------------------------------------


@promise("leaves a parameter without a gradient as it is")
def without_gradients(subject: Subject) -> None:
    problem, params = subject.problem(), subject.problem().start()
    alone = subject.problem().start()[:1]
    optimizer, other = subject.make(params), subject.make(alone)

    def closure() -> Tensor:
        loss = problem.differentiate(params)
        params[1].grad = params[2].grad = None
        return loss

    for _ in range(2):
        optimizer.step(closure)
        subject.run(other, alone, 1, subject.problem(First()))
    same(params[1:], problem.start()[1:], "a parameter without a gradient moved")
    same(params[:1], alone, "a neighbour without a gradient changed the step of another parameter")
    subject.run(optimizer, params, 1)  # it joins in later
    assert params[1].abs().sum().item() > 0, "a parameter whose first gradient came late did not move"


class First(Quadratic):
    """The quadratic over its first parameter alone."""

    shapes = Quadratic.shapes[:1]


@promise("steps in any order of the parameters")
def any_order(subject: Subject) -> None:
    problem = subject.problem()
    straight, turned = problem.start(), problem.start()
    first, second = subject.make(straight), subject.make(turned[::-1])
    subject.run(first, straight, 3)
    subject.run(second, turned, 3)
    same(straight, turned, "the order in which parameters were given changes the result")


@promise("gives groups options of their own")
def groups(subject: Subject) -> None:
    subject.needs("lr")
    subject.takes_groups()
    if not getattr(subject.cls, "lr_scales_steps", True):
        raise NotOffered("lr is only where its steps begin")
    params = subject.problem().start()
    optimizer = subject.make([{"params": params[:2]}, {"params": params[2:], "lr": 0.0}])
    subject.run(optimizer, params, 2)
    same(params[2:], subject.problem().start()[2:], "a group whose lr is 0 moved")
    assert params[0].abs().sum().item() > 0, "the other group did not move"
    optimizer.param_groups[0]["lr"] = 0.0  # as a schedule does
    before = [p.clone() for p in params]
    subject.run(optimizer, params, 1)
    same(params, before, "an lr changed between steps was not heeded")


@promise("adds groups")
def adds_groups(subject: Subject) -> None:
    subject.takes_groups()
    params = subject.problem().start()
    optimizer = subject.make(params[:2])
    subject.run(optimizer, params, 1)
    optimizer.add_param_group({"params": params[2:]})
    assert len(optimizer.param_groups) == 2
    subject.run(optimizer, params, 1)
    assert params[2].item() != 0, "the added parameter did not move"
    subject.refuses(ValueError, lambda: optimizer.add_param_group({"params": params[:1]}), "a parameter twice")
    optimizer.add_param_group({"params": [subject.zeros()], "note": "the user's"})
    assert optimizer.param_groups[-1]["note"] == "the user's", "a key that is no option must be kept"


@promise("drops gradients, or fills them with zeros")
def zero_grad(subject: Subject) -> None:
    params, optimizer = subject.trained()
    optimizer.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.any().item() for p in params), "set_to_none=False must leave zeros"
    optimizer.zero_grad()
    assert all(p.grad is None for p in params), "zero_grad() must drop the gradients"


@promise("climbs with maximize")
def maximizes(subject: Subject) -> None:
    subject.needs("maximize")

    down, up = subject.problem().start(), subject.problem().start()
    subject.run(subject.make(down), down, 3)
    optimizer = subject.make(up, maximize=True)
    for _ in range(3):
        for p, g in zip(up, subject.problem().gradients(up), strict=True):
            p.grad = -g
        optimizer.step(lambda: -subject.problem().loss(up))
    same(down, up, "climbing along -g must be descending along g")


@promise("returns the closure's value, and calls hooks")
def closures(subject: Subject) -> None:
    params, seen = subject.problem().start(), list[str]()
    optimizer = subject.make(params)
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    remove = optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    problem = subject.problem()
    loss = optimizer.step(lambda: problem.differentiate(params))
    assert dt.allclose(loss, problem.loss(problem.start())), f"step(closure) returned {loss!r}"
    remove()
    subject.run(optimizer, params, 1)
    assert seen == ["before", "after", "before"], f"hooks were called as {seen}"


# ---- its state -------------------------------------------------------------------------------------------------------


def flat(state: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a state, tensors as lists, by where it is."""
    if isinstance(state, dict):
        for key, value in state.items():
            yield from flat(value, f"{path}/{key}")
    elif isinstance(state, (list, tuple)):
        for i, value in enumerate(state):
            yield from flat(value, f"{path}/{i}")
    else:
        yield path, state.tolist() if isinstance(state, Tensor) else state


@promise("gives its state by name, and takes it over")
def state_round_trip(subject: Subject) -> None:
    _, optimizer = subject.trained()
    state = optimizer.state_dict()
    assert set(state["state"]) <= {"w", "b", "s"}, f"the state is not by parameter names: {list(state['state'])}"
    assert [list(group["params"]) for group in state["param_groups"]] == [["w", "b", "s"]]
    fresh = subject.make(list(zip("wbs", subject.problem().start(), strict=True)))
    fresh.load_state_dict(state)
    assert dict(flat(fresh.state_dict())) == dict(flat(state)), "load_state_dict(state_dict()) changes the state"
    before = dict(flat(state))
    subject.run(fresh, fresh.param_groups[0]["params"], 1)
    assert dict(flat(optimizer.state_dict())) == before, "a state that was taken over is shared with its source"


@promise("resumes to the bit, from a file too")
def resumes(subject: Subject) -> None:
    for steps in (1, 4):
        params, optimizer = subject.trained(steps)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state.safetensors"
            dt.save(optimizer.state_dict(), path)
            saved = dt.load(path)
        copies = [p.clone() for p in params]
        resumed = subject.make(list(zip("wbs", copies, strict=True)))
        resumed.load_state_dict(saved)
        subject.run(optimizer, params, 3)
        subject.run(resumed, copies, 3)
        same(params, copies, f"a run resumed after step {steps} goes elsewhere")
    if getattr(subject.cls, "takes_groups", True):
        _resumes_two_groups(subject)


def _resumes_two_groups(subject: Subject) -> None:
    def make(params: list[Tensor]) -> Any:
        return subject.make([{"params": params[:1]}, {"params": params[1:]}])

    params = subject.problem().start()
    optimizer = make(params)
    subject.run(optimizer, params, 3)
    copies = [p.clone() for p in params]
    resumed = make(copies)
    resumed.load_state_dict(optimizer.state_dict())
    subject.run(optimizer, params, 3)
    subject.run(resumed, copies, 3)
    same(params, copies, "a run of two groups, resumed, goes elsewhere")


@promise("refuses a state that does not fit, and keeps its own")
def refuses_states(subject: Subject) -> None:
    _, optimizer = subject.trained()
    names = list(zip(("w", "other", "s"), subject.problem().start(), strict=True))
    stranger = subject.make(names)
    before = dict(flat(stranger.state_dict()))
    subject.refuses(ValueError, lambda: stranger.load_state_dict(optimizer.state_dict()), "a state of other names")
    if getattr(subject.cls, "takes_groups", True):
        two = subject.make([{"params": [subject.zeros()]}, {"params": [subject.zeros()]}])
        subject.refuses(ValueError, lambda: two.load_state_dict(optimizer.state_dict()), "a state of one group for two")
    assert dict(flat(stranger.state_dict())) == before, "a refused state was taken over in part"


# ---- what it refuses -------------------------------------------------------------------------------------------------

OUT_OF_RANGE: dict[str, list[Any]] = {
    "lr": [-1.0, float("nan")],
    "betas": [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9)],
    "eps": [-1e-3, float("nan")],
    "weight_decay": [-0.1],
    "momentum": [-0.1],
}


@promise("refuses options out of range")
def refuses_options(subject: Subject) -> None:
    for option in subject.defaults().keys() & OUT_OF_RANGE.keys():
        for value in OUT_OF_RANGE[option]:
            what = f"{option}={value}"
            subject.refuses(ValueError, lambda: subject.make([subject.zeros()], **{option: value}), what)  # noqa: B023
            group = [{"params": [subject.zeros()], option: value}]
            subject.refuses(ValueError, lambda: subject.make(group), f"a group's {what}")  # noqa: B023


@promise("refuses what it can't optimize")
def refuses_params(subject: Subject) -> None:
    one = subject.zeros()
    subject.refuses(ValueError, lambda: subject.make([]), "no parameters")
    subject.refuses(TypeError, lambda: subject.make(one), "a tensor in place of a list")
    subject.refuses(TypeError, lambda: subject.make([1.0]), "a number")
    subject.refuses(TypeError, lambda: subject.make([subject.zeros().long()]), "an integer tensor")
    subject.refuses(ValueError, lambda: subject.make([one, one]), "a parameter twice")
    twice = [("a", subject.zeros()), ("a", subject.zeros())]
    subject.refuses(ValueError, lambda: subject.make(twice), "a name twice")


# ---- running it ------------------------------------------------------------------------------------------------------


def check(cls: type[Any], **options: Any) -> Report:
    """Run the conformance check on an optimizer class.

    Args:
        cls: the class.
        options: given to its constructor, such as a learning rate; without one, several are tried.

    Example:
        >>> from dovetail.testing.optimizer import check
        >>> check(dt.optim.SGD, momentum=0.9).passed
        True
    """
    subject = Subject(cls, options)
    report = Report(subject.name)
    for name, run in CHECKS.items():
        try:
            run(subject)
        except NotOffered as reason:
            report.not_offered[name] = str(reason)
        except Exception as error:  # an optimizer may fail in any way
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            report.failed[name] = f"{kind}{error}".splitlines()[0][:300]
        else:
            report.passed_checks.append(name)
    return report


def _find(path: str) -> type[Any]:
    module, _, name = path.partition(":")
    if not name:
        raise ValueError(f"expected package:Class, such as dovetail.optim:Adam, got {path!r}")
    found = getattr(importlib.import_module(module), name)
    if not isinstance(found, type):
        raise TypeError(f"{path} is no class, but {found!r}")
    return found


def _options(rest: list[str]) -> dict[str, Any]:
    """`--lr 0.1 --betas 0.9,0.99` as keyword arguments; a value that is no Python literal is a str."""
    options: dict[str, Any] = {}
    words = iter(word for each in rest for word in (each.split("=", 1) if each.startswith("--") else [each]))
    for word in words:
        value = next(words, None)
        if not word.startswith("--") or value is None:
            raise ValueError(f"expected --option value, got {word!r}")
        try:
            options[word[2:].replace("-", "_")] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            options[word[2:].replace("-", "_")] = value
    return options


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dovetail.testing.optimizer",
        description="The conformance check of an optimizer.",
        epilog="What follows is given to the optimizer: --lr 0.1 --betas 0.9,0.99.",
    )
    parser.add_argument("optimizer", help="package:Class, such as dovetail.optim:Adam")
    known, rest = parser.parse_known_args(arguments)
    try:
        cls, options = _find(known.optimizer), _options(rest)
        Subject(cls, options).defaults()
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    report = check(cls, **options)
    print(report.text())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
