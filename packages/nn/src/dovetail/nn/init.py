"""Initial values of parameters. Every function writes its tensor in place, without recording, and returns it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dovetail as dt
from dovetail import checks

_skipping: ContextVar[bool] = ContextVar("skipping", default=False)


@contextmanager
def skipping() -> Iterator[None]:
    """A scope in which the functions of this module leave their tensors as they are."""
    token = _skipping.set(True)
    try:
        yield
    finally:
        _skipping.reset(token)


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
    if _skipping.get():
        return tensor
    with dt.no_grad():
        return tensor.uniform_(a, b, generator=generator)


@checks.in_own_name
def normal_(tensor: dt.Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> dt.Tensor:
    """Values from the normal distribution."""
    if _skipping.get():
        return tensor
    with dt.no_grad():
        return tensor.normal_(mean, std, generator=generator)


@checks.in_own_name
def trunc_normal_(
    tensor: dt.Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> dt.Tensor:
    """Values from the normal distribution, kept within [a, b] by inverting its distribution function."""

    def cdf(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    if _skipping.get():
        return tensor
    with dt.no_grad():
        low, high = cdf(a), cdf(b)
        tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
        tensor.erfinv_().mul_(std * math.sqrt(2)).add_(mean)
        return tensor.clamp_(a, b)


@checks.in_own_name
def constant_(tensor: dt.Tensor, val: float) -> dt.Tensor:
    """Every element ``val``."""
    if _skipping.get():
        return tensor
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
def dirac_(tensor: dt.Tensor, groups: int = 1) -> dt.Tensor:
    """A convolution's weight that passes its channels on as they are, as many as there are.

        weight[g·n + c, c, middle] = 1 for c < min(n, in), n = out / groups

    Args:
        tensor: of shape ``(out, in, *kernel)`` with 1 to 3 dims of the kernel.
        groups: the groups of the convolution.

    Example:
        >>> dirac_(dt.empty(2, 2, 3))[1].tolist()
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected a tensor of 3 to 5 dims, got shape {tuple(tensor.shape)}")
    checks.integers("dirac_", groups=groups)
    if groups < 1 or tensor.shape[0] % groups:
        raise ValueError(f"dirac_: groups must divide the first dim of shape {tuple(tensor.shape)}, got {groups}")
    each = tensor.shape[0] // groups
    middle = tuple(size // 2 for size in tensor.shape[2:])
    zeros_(tensor)
    with dt.no_grad():
        for group in range(groups):
            for channel in range(min(each, tensor.shape[1])):
                tensor[(group * each + channel, channel, *middle)] = 1
    return tensor


@checks.in_own_name
def orthogonal_(tensor: dt.Tensor, gain: float = 1, generator: Any = None) -> dt.Tensor:
    """A matrix with orthonormal rows, or columns if it has fewer of them; further dims count as columns.

    The Q of a normally distributed matrix, with the signs that make it uniform over all such matrices.

    Args:
        tensor: of at least 2 dims.
        gain: a factor on it all.

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    arXiv:1312.6120.

    Example:
        >>> w = orthogonal_(dt.empty(3, 5))
        >>> dt.allclose(w @ w.T, dt.eye(3), atol=1e-5)
        True
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected a tensor of at least 2 dims, got shape {tuple(tensor.shape)}")
    if tensor.numel() == 0 or _skipping.get():
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    with dt.no_grad():
        flat = dt.empty(rows, columns, dtype=tensor.dtype, device=tensor.device).normal_(0, 1, generator=generator)
        q, r = dt.linalg.qr(flat.T if rows < columns else flat)
        q = q * dt.diagonal(r).sign()
        q = q.T if rows < columns else q
        return tensor.copy_(q.reshape(tensor.shape)).mul_(gain)


@checks.in_own_name
def sparse_(tensor: dt.Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> dt.Tensor:
    """A normal matrix in whose every column a fraction ``sparsity`` of the elements, chosen at random, is zero.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010.

    Example:
        >>> (sparse_(dt.empty(4, 3), 0.5) == 0).sum(0).tolist()
        [2, 2, 2]
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected a matrix, got shape {tuple(tensor.shape)}")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity must be in [0, 1], got {checks.shown(sparsity)}")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0, std, generator)
    if _skipping.get():
        return tensor
    with dt.no_grad():
        for column in range(columns):
            tensor[dt.randperm(rows, generator=generator)[:zeros], column] = 0
    return tensor


@checks.in_own_name
def fans(tensor: dt.Tensor) -> tuple[int, int]:
    """How many inputs and outputs one unit of a weight of shape ``(out, in, *kernel)`` has."""
    if tensor.ndim < 2:
        raise ValueError(f"fans: a weight needs at least 2 dims, got shape {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = fans  # layers written for PyTorch call it by this name


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
    "dirac_",
    "eye_",
    "fans",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
