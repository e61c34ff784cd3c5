"""Schedules that fall, or rise, to an end: by functions, steps, powers and lines."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

from dovetail import checks

from ..optimizer import Optimizer
from .base import LRScheduler, per_group


class LambdaLR(LRScheduler):
    """``lr = initial * lr_lambda(step)``; one function, or one a group.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> LambdaLR(opt, lambda step: 1 / (step + 1)).group_rate(0, 1.0, 3)
        0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = per_group("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            checks.callables("LambdaLR", lr_lambda=function)
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        return base_lr * self.lr_lambdas[index](step)


FURTHEST = 10**7  # how many factors are multiplied for one step


class MultiplicativeLR(LRScheduler):
    """``lr = initial * lr_lambda(1) * ... * lr_lambda(step)``; one function, or one a group.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> MultiplicativeLR(opt, lambda step: 0.5).group_rate(0, 1.0, 3)
        0.125
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = per_group("MultiplicativeLR", "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            checks.callables("MultiplicativeLR", lr_lambda=function)
        self._products = [[1.0] for _ in self.lr_lambdas]  # up to each step, as far as it was asked for
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        products, function = self._products[index], self.lr_lambdas[index]
        if step > len(products) + FURTHEST:
            raise ValueError(
                f"MultiplicativeLR: step {step} is too far to multiply up to; the last was {len(products) - 1}"
            )
        while len(products) <= step:
            products.append(products[-1] * function(len(products)))
        return base_lr * products[max(step, 0)]


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


class PolynomialLR(LRScheduler):
    """From ``initial`` to 0 over ``total_iters`` steps: ``lr = initial * (1 - step / total_iters) ** power``.

    Example:
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = PolynomialLR(opt, total_iters=4, power=2)
        >>> [sched.rate(1.0, t) for t in (0, 2, 4, 6)]
        [1.0, 0.25, 0.0, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        checks.numbers("PolynomialLR", total_iters=total_iters, power=power)
        if total_iters < 1:
            raise ValueError(f"PolynomialLR: total_iters must be at least 1, got {total_iters}")
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr: float, step: int) -> float:
        return base_lr * (1 - min(step, self.total_iters) / self.total_iters) ** self.power
