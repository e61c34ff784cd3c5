"""What options may be: PyTorch's hints, which are accepted, and the ranges of numbers."""

from __future__ import annotations

import math
from typing import Any, TypedDict

from dovetail import checks

ParamGroup = dict[str, Any]


class Hints(TypedDict, total=False):
    """PyTorch's keywords for how a step is computed. One fused step does it here, so they change nothing."""

    foreach: bool | None
    fused: bool | None
    capturable: bool
    differentiable: bool


def check_hints(who: str, hints: Any) -> None:
    """Refuse keywords that nobody knows, and `differentiable=True`, which would not be heeded."""
    for name, value in hints.items():
        if name not in Hints.__annotations__:
            raise TypeError(f"{who}: got an unexpected keyword argument {name!r}, {checks.shown(value)}")
        if not isinstance(value, (bool, int, type(None))):
            raise TypeError(f"{who}: {name} must be a bool, got {checks.shown(value)}")
    if hints.get("differentiable"):
        raise NotImplementedError(
            f"{who}: differentiable=True: a step is written in place and has no gradient; "
            "to differentiate through steps, write them over dt.func.grad"
        )


def tuples(options: ParamGroup) -> ParamGroup:
    """Options with tuples in place of lists, which a file or a user may have given."""
    lists = ("params", "names")
    return {k: tuple(v) if isinstance(v, list) and k not in lists else v for k, v in options.items()}


# Options that are never negative, by the names that optimizers share.
NOT_NEGATIVE = (
    "lr", "weight_decay", "eps", "momentum", "lr_decay", "initial_accumulator_value", "momentum_decay", "lambd",
    "tolerance_grad", "tolerance_change",
)  # fmt: skip
FRACTIONS = ("rho", "alpha")
SWITCHES = ("amsgrad", "nesterov", "maximize", "centered", "decoupled_weight_decay")


def check_ranges(who: str, group: ParamGroup) -> None:
    """Raise TypeError or ValueError for an option of a common name that is out of its range."""
    for option in NOT_NEGATIVE:
        if option in group and not isinstance(group[option], tuple):
            not_negative(who, option, group[option])
    for option in FRACTIONS:
        if option in group:
            not_negative(who, option, group[option])
            if group[option] > 1:
                raise ValueError(f"{who}: {option} must be in [0, 1], got {group[option]}")
    for option in SWITCHES:
        if option in group and not isinstance(group[option], (bool, int)):
            raise TypeError(f"{who}: {option} must be a bool, got {checks.shown(group[option])}")
    if "betas" in group:
        beta1, beta2 = pair(who, "betas", group["betas"])
        if not (0 <= beta1 < 1 and 0 <= beta2 < 1):
            raise ValueError(f"{who}: betas must be in [0, 1), got {checks.shown(group['betas'])}")


def not_negative(who: str, option: str, value: Any) -> None:
    """Refuse what is no finite number from 0 on."""
    checks.numbers(who, **{option: value})
    if not float(value) >= 0:
        raise ValueError(f"{who}: {option} must be >= 0, got {value}")
    if math.isinf(float(value)):
        raise ValueError(f"{who}: {option} must be finite, got {value}")


def pair(who: str, option: str, values: Any) -> tuple[float, float]:
    """Two numbers, or a refusal."""
    if not isinstance(values, (list, tuple)) or len(values) != 2:
        raise TypeError(f"{who}: {option} must be two numbers, got {checks.shown(values)}")
    checks.numbers(who, **{f"{option}[{i}]": value for i, value in enumerate(values)})
    return float(values[0]), float(values[1])
