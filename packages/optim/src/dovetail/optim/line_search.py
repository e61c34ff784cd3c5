"""A step length that is neither too long nor too short: the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SUFFICIENT = 1e-4  # how much of the slope's promise a step must keep
CURVATURE = 0.9  # how much of the slope may be left


@dataclass
class Trial:
    """A point at distance ``t`` along the direction: the loss there, its gradient, its slope along the direction."""

    t: float
    loss: float
    gradient: list[Any]
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Trial], start: Trial, t: float, longest: float, tolerance: float, most: int
) -> tuple[Trial, int]:
    """A point that satisfies the strong Wolfe conditions, and how often the loss was computed.

        loss(t) <= loss(0) + c1 * t * slope(0)   and   |slope(t)| <= c2 * |slope(0)|

    Args:
        evaluate: the point at a distance.
        start: the point at distance 0, whose slope is negative.
        t: the distance to try first.
        longest: the largest entry of the direction, in absolute value.
        tolerance: a bracket in which no parameter moves by more ends the search.
        most: how often it tries again.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 3.5 and 3.6.
    """
    previous, trial = start, evaluate(t)
    for tried in range(most):
        rose = _too_high(trial, start) or (tried > 1 and trial.loss >= previous.loss)
        if not rose and _flat_enough(trial, start):
            return trial, tried + 1
        if rose or trial.slope >= 0:
            best, more = _zoom(evaluate, start, previous, trial, longest, tolerance, most - tried)
            return best, tried + 1 + more
        further = _cubic_minimum(previous, trial, trial.t + 0.01 * (trial.t - previous.t), trial.t * 10)
        previous, trial = trial, evaluate(further)
    return min(start, trial, key=lambda point: point.loss), max(most, 0) + 1


def _too_high(trial: Trial, start: Trial) -> bool:
    return trial.loss > start.loss + SUFFICIENT * trial.t * start.slope


def _flat_enough(trial: Trial, start: Trial) -> bool:
    return abs(trial.slope) <= -CURVATURE * start.slope


def _zoom(
    evaluate: Callable[[float], Trial],
    start: Trial,
    one: Trial,
    other: Trial,
    longest: float,
    tolerance: float,
    most: int,
) -> tuple[Trial, int]:
    """Narrow a bracket that has a good point in it; gives the best found, and how often the loss was computed."""
    low, high = (one, other) if one.loss <= other.loss else (other, one)
    near_the_edge = False
    for tried in range(most):
        if abs(high.t - low.t) * longest < tolerance:
            return low, tried
        left, right = min(low.t, high.t), max(low.t, high.t)
        t = _cubic_minimum(low, high, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if near_the_edge or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                near_the_edge = False
            else:
                near_the_edge = True
        else:
            near_the_edge = False
        trial = evaluate(t)
        if _too_high(trial, start) or trial.loss >= low.loss:
            low, high = (low, trial) if low.loss <= trial.loss else (trial, low)
            continue
        if _flat_enough(trial, start):
            return trial, tried + 1
        if trial.slope * (high.t - low.t) >= 0:
            high = low
        low = trial
    return low, most


def _cubic_minimum(one: Trial, other: Trial, left: float, right: float) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds; their middle where it has none."""
    if one.t > other.t:
        one, other = other, one
    d1 = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.t - other.t)
    square = d1 * d1 - one.slope * other.slope
    if not square >= 0:
        return (left + right) / 2
    d2 = square**0.5
    bottom = other.slope - one.slope + 2 * d2
    if bottom == 0:
        return (left + right) / 2
    return min(max(other.t - (other.t - one.t) * ((other.slope + d2 - d1) / bottom), left), right)
