"""Accumulation: a step of the optimizer for several batches."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .optimizer import Optimizer


class Accumulation:
    """Steps an optimizer once for every ``every`` batches, by the mean of their gradients.

        for batch in loader:
            loss(batch).backward()
            accumulation.step()
        accumulation.finish()      # the batches that were left over

    A loss that leaves elements out (padding, ignored classes) has another weight in every batch: sum it
    (``reduction="sum"``), and give ``step`` the number of elements that counted.

    Args:
        optimizer: whose gradients are collected.
        every: how many batches make a step.

    Example:
        >>> w = dt.zeros(1)
        >>> optimizer = dt.optim.SGD([w], lr=1.0)
        >>> accumulation = Accumulation(optimizer, every=2)
        >>> for gradient in (1.0, 3.0):
        ...     w.grad = dt.tensor([gradient]) if w.grad is None else w.grad + gradient
        ...     stepped = accumulation.step()
        >>> stepped, w.item()
        (True, -2.0)
    """

    @checks.in_class_name
    def __init__(self, optimizer: Optimizer, every: int) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"Accumulation: expected an Optimizer, got {checks.shown(optimizer)}")
        checks.integers("Accumulation", every=every)
        if every < 1:
            raise ValueError(f"Accumulation: every must be at least 1, got {every}")
        self.optimizer, self.every = optimizer, every
        self.batches, self.weight = 0, 0.0

    @checks.in_class_name
    def step(self, weight: float = 1) -> bool:
        """Count a batch whose gradient has been added; step, and drop the gradients, where it was the last.

        Args:
            weight: how much the batch counts: 1 where its loss is a mean, the number of elements where it is a sum.

        Returns:
            Whether the optimizer stepped.
        """
        checks.numbers("Accumulation", weight=weight)
        self.batches += 1
        self.weight += float(weight)
        return self.finish() if self.batches >= self.every else False

    def finish(self) -> bool:
        """Step by what has been collected, if anything has."""
        if self.batches == 0:
            return False
        with dt.no_grad():
            for group in self.optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None and self.weight:
                        p.grad.div_(self.weight)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.batches, self.weight = 0, 0.0
        return True

    def __repr__(self) -> str:
        return f"Accumulation({type(self.optimizer).__name__}, every={self.every}, batches={self.batches})"


__all__ = ["Accumulation"]
