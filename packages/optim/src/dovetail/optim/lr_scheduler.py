"""Learning-rate schedules, each a pure function of the step: ``rate(base_lr, step)``.

    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    for epoch in range(epochs):
        train()
        scheduler.step()

Because nothing is remembered but the step, resuming at step n needs only n.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail import checks

from .optimizer import Optimizer


class LRScheduler:
    """The base of all schedules: sets every group's ``lr`` to ``rate(initial lr, step)``.

    Args:
        optimizer: whose learning rates are set. Each group's ``lr`` at this moment becomes its ``initial_lr``, unless
            it has one from an earlier schedule.
        last_epoch: the last step that was done; -1 starts at step 0.

    A subclass defines ``rate``.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(self).__name__}: expected an Optimizer, got {checks.shown(optimizer)}")
        checks.integers(type(self).__name__, last_epoch=last_epoch)
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        self.last_epoch = last_epoch
        self.step()

    def rate(self, base_lr: float, step: int) -> float:
        """The learning rate at ``step`` (from 0) of a group whose initial one is ``base_lr``."""
        raise TypeError(f"{type(self).__name__}: a schedule must define rate(self, base_lr, step)")

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        """As ``rate``, for schedules that treat groups differently."""
        return self.rate(base_lr, step)

    @property
    def base_lrs(self) -> list[float]:
        return [group["initial_lr"] for group in self.optimizer.param_groups]

    @checks.in_class_name
    def step(self, epoch: int | None = None) -> None:
        """Go on to the next step, or to step ``epoch``."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for i, group in enumerate(self.optimizer.param_groups):
            _set_rate(group, self.group_rate(i, group["initial_lr"], self.last_epoch))

    def get_last_lr(self) -> list[float]:
        """Every group's learning rate as it is now."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        checks.dicts("load_state_dict", state_dict=state_dict)
        if len(state_dict["base_lrs"]) != len(self.optimizer.param_groups):
            raise ValueError(
                f"{type(self).__name__}: {len(state_dict['base_lrs'])} groups were saved, "
                f"the optimizer has {len(self.optimizer.param_groups)}"
            )
        for group, base in zip(self.optimizer.param_groups, state_dict["base_lrs"], strict=True):
            group["initial_lr"] = base
        self.step(state_dict["last_epoch"])


def _set_rate(group: dict[str, Any], value: float) -> None:
    if isinstance(group["lr"], dt.Tensor):
        group["lr"].fill_(value)
    else:
        group["lr"] = value


class LambdaLR(LRScheduler):
    """``lr = initial * lr_lambda(step)``; one function, or one a group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"LambdaLR: expected an Optimizer, got {checks.shown(optimizer)}")
        count = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * count if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != count:
            raise ValueError(f"LambdaLR: expected {count} functions, one a group, got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        return base_lr * self.lr_lambdas[index](step)


class StepLR(LRScheduler):
    """``lr = initial * gamma ** (step // step_size)``.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = StepLR(opt, step_size=2, gamma=0.1)
        >>> [sched.rate(1.0, t) for t in range(4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        checks.integers("StepLR", step_size=step_size)
        checks.numbers("StepLR", gamma=gamma)
        if step_size < 1:
            raise ValueError(f"StepLR: step_size must be at least 1, got {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return base_lr * self.gamma ** (step // self.step_size)


class MultiStepLR(LRScheduler):
    """``lr = initial * gamma ** (number of milestones reached)``."""

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, (list, tuple)):
            raise TypeError(f"MultiStepLR: milestones must be a list of ints, got {checks.shown(milestones)}")
        checks.ints("MultiStepLR", milestones=milestones)
        checks.numbers("MultiStepLR", gamma=gamma)
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return base_lr * self.gamma ** bisect.bisect_right(self.milestones, step)


class ExponentialLR(LRScheduler):
    """``lr = initial * gamma ** step``."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        checks.numbers("ExponentialLR", gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return base_lr * self.gamma**step


class ConstantLR(LRScheduler):
    """``lr = initial * factor`` for the first ``total_iters`` steps, then ``initial``."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        checks.numbers("ConstantLR", factor=factor, total_iters=total_iters)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return base_lr * (self.factor if step < self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """From ``initial * start_factor`` to ``initial * end_factor`` in a straight line over ``total_iters`` steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        checks.numbers("LinearLR", start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        if total_iters < 1:
            raise ValueError(f"LinearLR: total_iters must be at least 1, got {total_iters}")
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError(
                "LinearLR: start_factor must be in (0, 1] and end_factor in [0, 1], "
                f"got {start_factor} and {end_factor}"
            )
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        done = min(step, self.total_iters) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate down to ``eta_min``, and up again.

        lr = eta_min + (initial - eta_min) * (1 + cos(pi * step / T_max)) / 2

    Source: Loshchilov and Hutter, "SGDR", arXiv:1608.03983 (without restarts).

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = CosineAnnealingLR(opt, T_max=2)
        >>> [round(sched.rate(1.0, t), 3) for t in range(3)]
        [1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        checks.numbers("CosineAnnealingLR", T_max=T_max, eta_min=eta_min)
        if not T_max >= 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be at least 1, got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1 + math.cos(math.pi * step / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that starts again after ``T_0`` steps, each period ``T_mult`` times as long as the last.

    Source: Loshchilov and Hutter, "SGDR", arXiv:1608.03983.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        checks.integers("CosineAnnealingWarmRestarts", T_0=T_0, T_mult=T_mult)
        checks.numbers("CosineAnnealingWarmRestarts", eta_min=eta_min)
        if T_0 < 1 or T_mult < 1:
            raise ValueError(f"CosineAnnealingWarmRestarts: T_0 and T_mult must be at least 1, got {T_0} and {T_mult}")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        period = self.T_0
        if self.T_mult == 1:
            step %= period
        else:
            while step >= period:
                step -= period
                period *= self.T_mult
        return self.eta_min + (base_lr - self.eta_min) * (1 + math.cos(math.pi * step / period)) / 2


__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "StepLR",
]
