"""Schedules that go round: cosines, cycles, and the one cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dovetail import checks

from ..optimizer import Optimizer
from .base import LRScheduler, per_group


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


MODES: dict[str, Callable[[float, int, int], float]] = {  # how a cycle's height depends on gamma, cycle and step
    "triangular": lambda gamma, cycle, step: 1.0,
    "triangular2": lambda gamma, cycle, step: 0.5 ** (cycle - 1),
    "exp_range": lambda gamma, cycle, step: gamma**step,
}


class CyclicLR(LRScheduler):
    """Up and down between two rates, again and again; the momentum goes the other way.

        cycle = 1 + step // (up + down);  x = the height within the cycle, from 0 to 1 and back
        lr = base_lr + (max_lr - base_lr) * x * scale

    Args:
        optimizer: whose learning rates are set.
        base_lr: the lowest rate, or one a group.
        max_lr: the highest rate of the first cycle, or one a group.
        step_size_up: how many steps it rises.
        step_size_down: how many steps it falls; as many where None.
        mode: "triangular" (scale 1), "triangular2" (half as high every cycle), "exp_range" (``gamma ** step``).
        gamma: of "exp_range".
        scale_fn: a function of its own in place of ``mode``.
        scale_mode: whether ``scale_fn`` is given the "cycle" (from 1) or the "iterations".
        cycle_momentum: whether ``momentum`` (or the first of ``betas``) goes from ``max_momentum`` to
            ``base_momentum`` and back.
        last_epoch: the last step that was done.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = CyclicLR(opt, base_lr=0.0, max_lr=1.0, step_size_up=2, cycle_momentum=False)
        >>> [sched.group_rate(0, 1.0, t) for t in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        who = "CyclicLR"
        step_size_down = step_size_up if step_size_down is None else step_size_down
        checks.numbers(who, step_size_up=step_size_up, step_size_down=step_size_down, gamma=gamma)
        if step_size_up < 1 or step_size_down < 1:
            raise ValueError(
                f"{who}: step_size_up and step_size_down must be at least 1, got {step_size_up} and {step_size_down}"
            )
        if scale_fn is None and mode not in MODES:
            raise ValueError(f"{who}: mode must be one of {', '.join(MODES)}, got {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"{who}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        self.low, self.high = (
            per_group(who, "base_lr", base_lr, optimizer),
            per_group(who, "max_lr", max_lr, optimizer),
        )
        self.step_size_up, self.step_size_down = step_size_up, step_size_down
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.momenta = None
        if cycle_momentum:
            _needs_momentum(who, optimizer)
            low, high = (per_group(who, "momentum", m, optimizer) for m in (base_momentum, max_momentum))
            self.momenta = list(zip(low, high, strict=True))
        for group, low_rate in zip(optimizer.param_groups, self.low, strict=True):
            group["initial_lr"] = low_rate
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        low, high = self.low[index], self.high[index]
        return low + (high - low) * self._height(step)

    def group_momentum(self, index: int, step: int) -> float | None:
        if self.momenta is None:
            return None
        low, high = self.momenta[index]
        return high - (high - low) * self._height(step)

    def _height(self, step: int) -> float:
        length = self.step_size_up + self.step_size_down
        cycle = 1 + step // length
        at = step % length
        height = at / self.step_size_up if at <= self.step_size_up else (length - at) / self.step_size_down
        if self.scale_fn is None:
            return height * MODES[self.mode](self.gamma, cycle, step)
        return height * self.scale_fn(cycle if self.scale_mode == "cycle" else step)


def _needs_momentum(who: str, optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        if "betas" not in group and "momentum" not in group:
            raise ValueError(
                f"{who}: cycle_momentum needs an optimizer with momentum or betas, "
                f"got {type(optimizer).__name__}; say cycle_momentum=False"
            )


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _line(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


ANNEALINGS = {"cos": _cosine, "linear": _line}


class OneCycleLR(LRScheduler):
    """One rise to ``max_lr`` and one fall to almost nothing, a step a batch; the momentum goes the other way.

        lr: max_lr / div_factor -> max_lr -> max_lr / div_factor / final_div_factor

    Args:
        optimizer: whose learning rates are set.
        max_lr: the highest rate, or one a group.
        total_steps: how many steps there are; or ``epochs`` times ``steps_per_epoch``.
        epochs: of the training.
        steps_per_epoch: batches of an epoch.
        pct_start: the part of the steps that rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether ``momentum`` (or the first of ``betas``) goes from ``max_momentum`` to
            ``base_momentum`` and back.
        div_factor: what the first rate is divided by.
        final_div_factor: what the last rate is divided by, besides.
        three_phase: falls to the first rate as long as it rose, and only then to the last.
        last_epoch: the last step that was done.

    Raises:
        ValueError: for options out of range, and for a step beyond the last.

    Source: Smith and Topin, "Super-Convergence", arXiv:1708.07120.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0, momentum=0.9)
        >>> sched = OneCycleLR(opt, max_lr=1.0, total_steps=10, pct_start=0.5)
        >>> [round(sched.group_rate(0, 1.0, t), 3) for t in (0, 4, 9)]
        [0.04, 1.0, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        who = "OneCycleLR"
        self.total_steps = _total(who, total_steps, epochs, steps_per_epoch, max_lr)
        checks.numbers(who, pct_start=pct_start, div_factor=div_factor, final_div_factor=final_div_factor)
        if not 0 <= pct_start <= 1:
            raise ValueError(f"{who}: pct_start must be in [0, 1], got {pct_start}")
        if anneal_strategy not in ANNEALINGS:
            raise ValueError(f"{who}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        highest = per_group(who, "max_lr", max_lr, optimizer)
        self.anneal = ANNEALINGS[anneal_strategy]
        self.ends = _phases(self.total_steps, pct_start, three_phase)
        self.rates = [_corners(h / div_factor, h, h / div_factor / final_div_factor, three_phase) for h in highest]
        self.momenta = None
        if cycle_momentum:
            _needs_momentum(who, optimizer)
            low, high = (per_group(who, "momentum", m, optimizer) for m in (base_momentum, max_momentum))
            self.momenta = [_corners(b, a, b, three_phase) for a, b in zip(low, high, strict=True)]
        if last_epoch == -1:
            for group, corners in zip(optimizer.param_groups, self.rates, strict=True):
                group["initial_lr"] = corners[0]
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        return self._between(self.rates[index], step)

    def group_momentum(self, index: int, step: int) -> float | None:
        return None if self.momenta is None else self._between(self.momenta[index], step)

    def _between(self, corners: list[float], step: int) -> float:
        if step > self.total_steps:  # the step after the last batch is harmless
            raise ValueError(f"OneCycleLR: the schedule ends with step {self.total_steps}, got step {step}")
        phase = next((i for i, end in enumerate(self.ends) if step <= end), len(self.ends) - 1)
        before = self.ends[phase - 1] if phase else 0.0
        length = self.ends[phase] - before
        done = min((step - before) / length, 1.0) if length else 1.0
        return self.anneal(corners[phase], corners[phase + 1], done)


def _total(who: str, total_steps: int | None, epochs: int | None, steps_per_epoch: int | None, max_lr: Any) -> int:
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError(
                f"{who}: needs total_steps, or epochs and steps_per_epoch; got {epochs} and {steps_per_epoch} "
                f"beside max_lr, {checks.shown(max_lr)}"
            )
        checks.integers(who, epochs=epochs, steps_per_epoch=steps_per_epoch)
        total_steps = epochs * steps_per_epoch
    checks.integers(who, total_steps=total_steps)
    if total_steps < 1:
        raise ValueError(f"{who}: there must be at least one step, got {total_steps}")
    return total_steps


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[float]:
    """The step at which each phase ends."""
    top = float(pct_start * total_steps) - 1
    return [top, 2 * top, total_steps - 1] if three_phase else [top, total_steps - 1]


def _corners(first: float, top: float, last: float, three_phase: bool) -> list[float]:
    return [first, top, first, last] if three_phase else [first, top, last]
