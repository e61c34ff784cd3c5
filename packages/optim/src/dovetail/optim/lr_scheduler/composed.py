"""Schedules made of schedules: one after another, or one on top of another."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from dovetail import checks

from ..optimizer import Optimizer
from .base import LRScheduler, detach


class _Composed(LRScheduler):
    """A schedule that calls others, which act on the optimizer no more by themselves."""

    def _take(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
        who = type(self).__name__
        if not isinstance(schedulers, (list, tuple)) or not schedulers:
            raise ValueError(f"{who}: expected a list of at least one schedule, got {checks.shown(schedulers)}")
        for schedule in schedulers:
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"{who}: expected schedules, got {checks.shown(schedule)}")
            if not schedule.is_function_of_step:
                raise ValueError(f"{who}: {type(schedule).__name__} depends on more than the step; step it by itself")
            if schedule.optimizer is not optimizer:
                raise ValueError(f"{who}: {type(schedule).__name__} is a schedule of another optimizer")
            detach(schedule)
        self._schedulers = list(schedulers)

    def extra_state(self) -> dict[str, Any]:
        return {"schedulers": [schedule.extra_state() for schedule in self._schedulers]}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        saved = state["schedulers"]
        if len(saved) != len(self._schedulers):
            raise ValueError(
                f"{type(self).__name__}: {len(saved)} schedules were saved, there are {len(self._schedulers)}"
            )
        for schedule, its in zip(self._schedulers, saved, strict=True):
            schedule.load_extra_state(its)


class SequentialLR(_Composed):
    """One schedule after another: from each milestone on, the next one, from its own step 0.

    Args:
        optimizer: whose learning rates are set.
        schedulers: in their order; made of the same optimizer.
        milestones: the steps at which the second, third, ... begin.
        last_epoch: the last step that was done.

    Example:
        >>> lr = dt.optim.lr_scheduler
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = SequentialLR(opt, [lr.LinearLR(opt, 0.25, 1.0, 3), lr.ExponentialLR(opt, 0.5)], milestones=[3])
        >>> [sched.group_rate(0, 1.0, t) for t in range(6)]
        [0.25, 0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._take(optimizer, schedulers)
        checks.ints("SequentialLR", milestones=milestones)
        if len(milestones) != len(schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} rising milestones, "
                f"got {list(milestones)}"
            )
        self._milestones = list(milestones)
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        schedule, own = self._at(step)
        return schedule.group_rate(index, base_lr, own)

    def group_momentum(self, index: int, step: int) -> float | None:
        schedule, own = self._at(step)
        return schedule.group_momentum(index, own)

    def _at(self, step: int) -> tuple[LRScheduler, int]:
        which = bisect.bisect_right(self._milestones, step)
        return self._schedulers[which], step - (self._milestones[which - 1] if which else 0)


class ChainedScheduler(_Composed):
    """Schedules on top of one another: each goes on from the rate that the one before gives.

    Args:
        schedulers: in their order; of one optimizer.
        optimizer: theirs; may be left out.

    Example:
        >>> lr = dt.optim.lr_scheduler
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = ChainedScheduler([lr.ConstantLR(opt, 0.5, 2), lr.ExponentialLR(opt, 0.5)])
        >>> [sched.group_rate(0, 1.0, t) for t in range(4)]
        [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if optimizer is None and isinstance(schedulers, (list, tuple)) and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        self._take(optimizer, schedulers)  # type: ignore[arg-type]
        self._done = [schedule.last_epoch for schedule in self._schedulers]  # where each one is at step 0
        super().__init__(optimizer)  # type: ignore[arg-type]

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        for schedule, done in zip(self._schedulers, self._done, strict=True):
            base_lr = schedule.group_rate(index, base_lr, done + step)
        return base_lr

    def group_momentum(self, index: int, step: int) -> float | None:
        momentum = None
        for schedule, done in zip(self._schedulers, self._done, strict=True):
            given = schedule.group_momentum(index, done + step)
            momentum = momentum if given is None else given
        return momentum
