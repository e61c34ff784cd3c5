"""ReduceLROnPlateau: the one schedule that looks at how training goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dovetail import checks

from ..optimizer import Optimizer
from .base import LRScheduler, apply, per_group

KEPT = ("best", "num_bad_epochs", "cooldown_counter", "reductions")


class ReduceLROnPlateau(LRScheduler):
    """Lower the rate when a metric has stopped improving: ``lr = max(lr * factor, min_lr)``.

    Args:
        optimizer: whose learning rates are set.
        mode: whether the metric is better when lower ("min") or higher ("max").
        factor: what the rate is multiplied by; below 1.
        patience: how many steps without improvement are borne.
        threshold: what counts as an improvement.
        threshold_mode: by this part of the best value ("rel"), or by this much ("abs").
        cooldown: how many steps after a reduction are not counted.
        min_lr: the lowest rate, or one a group.
        eps: a smaller reduction is not made.

    Raises:
        ValueError: for an option out of range.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = ReduceLROnPlateau(opt, factor=0.5, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     sched.step(loss)
        >>> sched.get_last_lr()
        [0.5]
    """

    is_function_of_step = False

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        who = "ReduceLROnPlateau"
        checks.numbers(who, factor=factor, threshold=threshold, eps=eps)
        checks.integers(who, patience=patience, cooldown=cooldown)
        if not 0 < factor < 1:
            raise ValueError(f"{who}: factor must be between 0 and 1, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"{who}: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{who}: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}")
        self.mode, self.factor, self.patience, self.cooldown = mode, factor, patience, cooldown
        self.threshold, self.threshold_mode, self.eps = threshold, threshold_mode, eps
        self.min_lrs = per_group(who, "min_lr", min_lr, optimizer)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.reductions = 0
        self.last_epoch = 0
        self._attach(optimizer)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        lr = base_lr
        for _ in range(self.reductions):
            lower = max(lr * self.factor, self.min_lrs[index])
            lr = lower if lr - lower > self.eps else lr
        return lr

    @checks.in_class_name
    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the metric of one more step into account.

        Args:
            metrics: a number, or a tensor of one element.
            epoch: the step's number; one more than the last where None.
        """
        checks.numbers("ReduceLROnPlateau", metrics=metrics)
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reductions += 1
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        apply(self.optimizer)

    def is_better(self, value: float, best: float) -> bool:
        """Whether a value is an improvement on the best."""
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            margin = self.threshold * best * sign if math.isfinite(best) else 0.0
        else:
            margin = self.threshold
        return value * sign < best * sign - margin

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def extra_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in KEPT}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        missing = [name for name in KEPT if name not in state]
        if missing:
            raise ValueError(f"ReduceLROnPlateau: {', '.join(missing)} was not saved; got {sorted(state)}")
        for name in KEPT:
            setattr(self, name, state[name])
