"""Initial values of parameters. Every function writes its tensor in place, without recording, and returns it."""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail import checks


@checks.in_own_name
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity's weights are scaled to keep the variance.

    1 for linear, convolution and sigmoid; 5/3 for tanh; sqrt(2) for relu; sqrt(2 / (1 + slope²)) for leaky_relu, whose
    slope is ``param`` (default 0.01); 3/4 for selu.

    Example:
        >>> round(calculate_gain("relu"), 4)
        1.4142
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}
    gains |= {f"conv{t}{n}d": 1.0 for t in ("", "_transpose") for n in (1, 2, 3)}
    if nonlinearity not in gains:
        raise ValueError(f"calculate_gain: no gain for {nonlinearity!r}; there are {sorted([*gains, 'leaky_relu'])}")
    return gains[nonlinearity]


@checks.in_own_name
def uniform_(tensor: dt.Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> dt.Tensor:
    """Values from the uniform distribution on [a, b)."""
    with dt.no_grad():
        return tensor.uniform_(a, b, generator=generator)


@checks.in_own_name
def normal_(tensor: dt.Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> dt.Tensor:
    """Values from the normal distribution."""
    with dt.no_grad():
        return tensor.normal_(mean, std, generator=generator)


@checks.in_own_name
def trunc_normal_(
    tensor: dt.Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> dt.Tensor:
    """Values from the normal distribution, kept within [a, b] by inverting its distribution function."""

    def cdf(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    with dt.no_grad():
        low, high = cdf(a), cdf(b)
        tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
        tensor.erfinv_().mul_(std * math.sqrt(2)).add_(mean)
        return tensor.clamp_(a, b)


@checks.in_own_name
def constant_(tensor: dt.Tensor, val: float) -> dt.Tensor:
    """Every element ``val``."""
    with dt.no_grad():
        return tensor.fill_(val)


@checks.in_own_name
def ones_(tensor: dt.Tensor) -> dt.Tensor:
    """Every element 1."""
    return constant_(tensor, 1.0)


@checks.in_own_name
def zeros_(tensor: dt.Tensor) -> dt.Tensor:
    """Every element 0."""
    return constant_(tensor, 0.0)


@checks.in_own_name
def eye_(tensor: dt.Tensor) -> dt.Tensor:
    """The identity, for a matrix."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {tuple(tensor.shape)}")
    with dt.no_grad():
        return tensor.copy_(dt.eye(tensor.shape[0], tensor.shape[1]))


@checks.in_own_name
def fans(tensor: dt.Tensor) -> tuple[int, int]:
    """How many inputs and outputs one unit of a weight of shape ``(out, in, *kernel)`` has."""
    if tensor.ndim < 2:
        raise ValueError(f"fans: a weight needs at least 2 dims, got shape {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@checks.in_own_name
def xavier_uniform_(tensor: dt.Tensor, gain: float = 1.0, generator: Any = None) -> dt.Tensor:
    """Uniform on ±gain·sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


@checks.in_own_name
def xavier_normal_(tensor: dt.Tensor, gain: float = 1.0, generator: Any = None) -> dt.Tensor:
    """Normal with standard deviation gain·sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(who: str, tensor: dt.Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{who}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


@checks.in_own_name
def kaiming_uniform_(
    tensor: dt.Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> dt.Tensor:
    """Uniform on ±gain·sqrt(3 / fan).

    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@checks.in_own_name
def kaiming_normal_(
    tensor: dt.Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> dt.Tensor:
    """Normal with standard deviation gain / sqrt(fan)."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "fans",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
