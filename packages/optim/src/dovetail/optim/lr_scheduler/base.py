"""LRScheduler: the learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks

from ..optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: sets every group's ``lr`` to ``rate(initial lr, step)``.

    Several schedules of one optimizer act one after the other, in the order in which they were made: each one's
    ``base_lr`` is what the one before gives at its own step.

    Args:
        optimizer: whose learning rates are set. Each group's ``lr`` at this moment becomes its ``initial_lr``, unless
            it has one from an earlier schedule.
        last_epoch: the last step that was done; -1 starts at step 0.

    A subclass defines ``rate``; or, as with PyTorch, ``get_lr``, which gives every group's rate at ``last_epoch``.

    Example:
        >>> class Halving(dt.optim.lr_scheduler.LRScheduler):
        ...     def rate(self, base_lr, step):
        ...         return base_lr / 2**step
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> schedule = Halving(opt)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    is_function_of_step = True
    _own_rates: list[float] | None = None  # what get_lr gave, where a subclass defines that

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        checks.integers(type(self).__name__, last_epoch=last_epoch)
        self._attach(optimizer)
        self.last_epoch = last_epoch
        self.step()

    # ---- what a subclass defines ----

    def rate(self, base_lr: float, step: int) -> float:
        """The learning rate at ``step`` (from 0) of a group whose initial one is ``base_lr``."""
        raise TypeError(f"{type(self).__name__}: a schedule must define rate(self, base_lr, step)")

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        """As ``rate``, for schedules that treat groups differently."""
        return self.rate(base_lr, step)

    def group_momentum(self, index: int, step: int) -> float | None:
        """The momentum of a group at ``step``; None leaves it alone."""
        return None

    def extra_state(self) -> dict[str, Any]:
        """What must be saved besides the step."""
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Take over what `extra_state` gave."""

    # ---- stepping ----

    @checks.in_class_name
    def step(self, epoch: int | None = None) -> None:
        """Go on to the next step, or to step ``epoch``."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._own_rates = self.get_lr() if type(self).get_lr is not LRScheduler.get_lr else None
        apply(self.optimizer)

    def get_lr(self) -> list[float]:
        """Every group's learning rate by this schedule alone, at ``last_epoch``."""
        return [self.group_rate(i, base, self.last_epoch) for i, base in enumerate(self.base_lrs)]

    def get_last_lr(self) -> list[float]:
        """Every group's learning rate as it is now."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @property
    def base_lrs(self) -> list[float]:
        return [group["initial_lr"] for group in self.optimizer.param_groups]

    def _attach(self, optimizer: Optimizer) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(self).__name__}: expected an Optimizer, got {checks.shown(optimizer)}")
        self.optimizer = optimizer
        self._own_rates = None
        schedules = schedules_of(optimizer)
        if schedules and not _as_scheduled(optimizer):  # rates set by hand since: begin from them
            schedules.clear()
            for group in optimizer.param_groups:
                group["initial_lr"] = float(group["lr"])
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        schedules.append(self)

    def now(self, index: int, base_lr: float) -> float:
        """A group's rate at this schedule's own step, given what comes before it."""
        if self._own_rates is not None:
            return self._own_rates[index]
        return self.group_rate(index, base_lr, self.last_epoch)

    # ---- state ----

    @checks.in_class_name
    def state_dict(self) -> dict[str, Any]:
        """The step, the initial rates, and what else `extra_state` gives: ready for ``dt.save``."""
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs, **self.extra_state()}

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state saved by ``state_dict``."""
        checks.dicts("load_state_dict", state_dict=state_dict)
        bases, last_epoch = state_dict["base_lrs"], state_dict["last_epoch"]
        checks.integers("load_state_dict", last_epoch=last_epoch)
        if len(bases) != len(self.optimizer.param_groups):
            raise ValueError(
                f"{type(self).__name__}: {len(bases)} groups were saved, "
                f"the optimizer has {len(self.optimizer.param_groups)}"
            )
        self.load_extra_state(state_dict)
        for group, base in zip(self.optimizer.param_groups, bases, strict=True):
            group["initial_lr"] = base
        LRScheduler.step(self, last_epoch)


def schedules_of(optimizer: Optimizer) -> list[LRScheduler]:
    """The schedules that act on an optimizer, in their order."""
    if not hasattr(optimizer, "schedules"):  # one that does without the base class's constructor
        optimizer.schedules = []
    return optimizer.schedules


def detach(schedule: LRScheduler) -> None:
    """Take a schedule off its optimizer: another one calls it from now on."""
    schedules = schedules_of(schedule.optimizer)
    schedules[:] = [other for other in schedules if other is not schedule]


def apply(optimizer: Optimizer) -> None:
    """Set every group's learning rate, and the momentum of schedules that have one, to what the schedules give."""
    for i, group in enumerate(optimizer.param_groups):
        lr = group.setdefault("initial_lr", float(group["lr"]))
        for schedule in schedules_of(optimizer):
            lr = schedule.now(i, lr)
            momentum = schedule.group_momentum(i, schedule.last_epoch)
            if momentum is not None:
                set_momentum(group, momentum)
        _set_rate(group, lr)


def _as_scheduled(optimizer: Optimizer) -> bool:
    """Whether the rates are still those that the schedules gave."""
    for i, group in enumerate(optimizer.param_groups):
        lr = group.get("initial_lr", float(group["lr"]))
        for schedule in schedules_of(optimizer):
            lr = schedule.now(i, lr)
        if not math.isclose(lr, float(group["lr"]), rel_tol=1e-5):
            return False
    return True


def _set_rate(group: dict[str, Any], value: float) -> None:
    if isinstance(group["lr"], dt.Tensor):
        group["lr"].fill_(value)
    else:
        group["lr"] = value


def set_momentum(group: dict[str, Any], value: float) -> None:
    """Set the option ``momentum``, or the first of ``betas``."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def per_group(who: str, name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group, given one for all or a list."""
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(f"{who}: expected an Optimizer, got {checks.shown(optimizer)}")
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, Sequence) else [value] * count
    if len(values) != count:
        raise ValueError(f"{who}: expected {count} values of {name}, one a group, got {len(values)}")
    return values
