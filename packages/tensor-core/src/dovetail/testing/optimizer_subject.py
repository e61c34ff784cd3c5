"""What the checks of an optimizer share: the optimizer they are about, the promises they are of, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import dovetail as dt
from dovetail import Tensor

from .problems import AsMatrices, Problem, Quadratic

__all__ = ["CHECKS", "Check", "NotOffered", "Report", "Subject", "promise", "same"]


class NotOffered(Exception):
    """A check asks for what this optimizer need not have."""


@dataclass
class Report:
    """What an optimizer does and doesn't do.

    Attributes:
        name: the class's.
        passed_checks: the checks that passed.
        not_offered: checks of what an optimizer may leave out, with the reason.
        failed: the others, with the reason.
    """

    name: str
    passed_checks: list[str] = field(default_factory=list)
    not_offered: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def text(self) -> str:
        """The report to read: a line a check, and a summary."""
        lines = [f"optimizer {self.name}"]
        lines += [f"  ok      {name}" for name in self.passed_checks]
        lines += [f"  -       {name}: {reason}" for name, reason in self.not_offered.items()]
        lines += [f"  FAILED  {name}: {reason}" for name, reason in self.failed.items()]
        total = len(self.passed_checks) + len(self.failed)
        verdict = "passed" if self.passed else "did not pass"
        return "\n".join([*lines, f"{len(self.passed_checks)} of {total} checks: {verdict}"])


class Subject:
    """The optimizer class under test, and how to make and drive one.

    Args:
        cls: the class.
        options: given to its constructor wherever a check does not set them.
    """

    def __init__(self, cls: type[Any], options: dict[str, Any] | None = None) -> None:
        self.cls = cls
        self.options = dict(options or {})

    @property
    def name(self) -> str:
        return self.cls.__name__

    def make(self, params: Any, **options: Any) -> Any:
        """An optimizer of these parameters."""
        return self.cls(params, **{**self.options, **options})

    def defaults(self) -> dict[str, Any]:
        """The options there are, with their defaults."""
        return dict(self.make([self.zeros()]).defaults)

    def problem(self, problem: Problem | None = None) -> Problem:
        """A problem, the quadratic unless said, in parameters that the optimizer takes."""
        problem = problem or Quadratic()
        return AsMatrices(problem) if self._only_matrices else problem

    def zeros(self, size: int = 1) -> Tensor:
        """A parameter of that many zeros."""
        return dt.zeros(size, 1) if self._only_matrices else dt.zeros(size)

    @property
    def _only_matrices(self) -> bool:
        return getattr(self.cls, "only_matrices", False)

    def needs(self, option: str) -> None:
        """Raise NotOffered unless the optimizer has the option."""
        if option not in self.defaults():
            raise NotOffered(f"there is no option {option}")

    def takes_groups(self) -> None:
        """Raise NotOffered where there is but one parameter group."""
        if not getattr(self.cls, "takes_groups", True):
            raise NotOffered("there is only one parameter group")

    def run(self, optimizer: Any, params: list[Tensor], steps: int, problem: Problem | None = None) -> None:
        """Take steps on a problem, each with a closure, which those that try several points need."""
        problem = problem or self.problem()
        for _ in range(steps):
            optimizer.step(lambda: problem.differentiate(params))

    def trained(self, steps: int = 3, **options: Any) -> tuple[list[Tensor], Any]:
        """Parameters named w, b and s after some steps on the quadratic, and their optimizer."""
        params = self.problem().start()
        optimizer = self.make(list(zip("wbs", params, strict=True)), **options)
        self.run(optimizer, params, steps)
        return params, optimizer

    def refuses(self, error: type[Exception], call: Callable[[], Any], what: str) -> None:
        """Fail unless the call raises this error, with a message that begins with the optimizer's name."""
        try:
            call()
        except error as refusal:
            text = str(refusal)
            assert text.startswith(f"{self.name}: "), f"the error for {what} must begin with {self.name!r}: {text}"
        else:
            raise AssertionError(f"{what} must raise {error.__name__}")


Check = Callable[[Subject], None]
CHECKS: dict[str, Check] = {}


def promise(name: str) -> Callable[[Check], Check]:
    """Register a check under the promise that it is of."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def same(ours: Iterable[Tensor], theirs: Iterable[Tensor], what: str) -> None:
    """Fail unless the tensors are equal to the bit."""
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.tolist() == b.tolist(), f"{what} (parameter {i}: {a.tolist()} and {b.tolist()})"
