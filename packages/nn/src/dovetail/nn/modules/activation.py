"""Activation layers: each a function of nn.functional with its options as attributes."""

from __future__ import annotations

from typing import Any, ClassVar

import dovetail as dt

from .. import functional as F
from ..parameter import Parameter
from .module import Module


class _Activation(Module):
    """An elementwise function whose options are attributes; ``options`` names those that repr shows."""

    options: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        shown = [f"{name}={getattr(self, name)}" for name in self.options]
        return ", ".join(shown + (["inplace=True"] if getattr(self, "inplace", False) else []))


class _InPlace(_Activation):
    """An activation without options but ``inplace``: overwrite the input instead of making a new tensor."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def _give(self, input: dt.Tensor, result: dt.Tensor) -> dt.Tensor:
        return input.copy_(result) if self.inplace else result


class ReLU(_InPlace):
    """``max(0, x)``.

    Example:
        >>> ReLU()(dt.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.relu(input, self.inplace)


class ReLU6(_InPlace):
    """``min(max(0, x), 6)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return self._give(input, F.relu6(input))


class SiLU(_InPlace):
    """``x · sigmoid(x)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.silu(input, self.inplace)


class SELU(_InPlace):
    """``scale · elu(x, alpha)`` with the self-normalizing constants."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return self._give(input, F.selu(input))


class Mish(_InPlace):
    """``x · tanh(softplus(x))``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return self._give(input, F.mish(input))


class Hardsigmoid(_InPlace):
    """``min(max(x + 3, 0), 6) / 6``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return self._give(input, F.hardsigmoid(input))


class Hardswish(_InPlace):
    """``x · hardsigmoid(x)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return self._give(input, F.hardswish(input))


class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.sigmoid(input)


class Tanh(_Activation):
    """``tanh(x)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.tanh(input)


class LogSigmoid(_Activation):
    """``log(sigmoid(x))``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.logsigmoid(input)


class Softsign(_Activation):
    """``x / (1 + |x|)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softsign(input)


class Tanhshrink(_Activation):
    """``x - tanh(x)``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.tanhshrink(input)


class GELU(_Activation):
    """``x · Φ(x)``, Φ the normal distribution function; ``approximate="tanh"`` approximates it.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class LeakyReLU(_Activation):
    """``x`` where it is positive, else ``negative_slope · x``."""

    options = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        result = F.leaky_relu(input, self.negative_slope)
        return input.copy_(result) if self.inplace else result


class ELU(_Activation):
    """``x`` where it is positive, else ``alpha · (exp(x) - 1)``."""

    options = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        result = F.elu(input, self.alpha)
        return input.copy_(result) if self.inplace else result


class CELU(ELU):
    """``max(0, x) + min(0, alpha · (exp(x / alpha) - 1))``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        result = F.celu(input, self.alpha)
        return input.copy_(result) if self.inplace else result


class Softplus(_Activation):
    """``log(1 + exp(beta · x)) / beta``; ``x`` itself where ``beta · x`` is above the threshold."""

    options = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Hardtanh(_Activation):
    """``x`` kept within [min_val, max_val]."""

    options = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        result = F.hardtanh(input, self.min_val, self.max_val)
        return input.copy_(result) if self.inplace else result


class Softshrink(_Activation):
    """``x`` moved towards 0 by ``lambd``, and 0 within it."""

    options = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softshrink(input, self.lambd)


class Hardshrink(Softshrink):
    """``x`` where it is outside [-lambd, lambd], else 0."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.hardshrink(input, self.lambd)


class Threshold(_Activation):
    """``x`` where it is above the threshold, else ``value``."""

    options = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        result = F.threshold(input, self.threshold, self.value)
        return input.copy_(result) if self.inplace else result


class PReLU(_Activation):
    """``x`` where it is positive, else ``weight · x``; the weight is learned, one for all or one a channel."""

    options = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(dt.full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.prelu(input, self.weight)


class _AlongDim(_Activation):
    options = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class Softmax(_AlongDim):
    """``exp(x) / Σ exp(x)`` along ``dim``.

    Example:
        >>> Softmax(dim=0)(dt.zeros(2)).tolist()
        [0.5, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softmax(input, self.dim)


class Softmin(_AlongDim):
    """``softmax(-x)`` along ``dim``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softmin(input, self.dim)


class LogSoftmax(_AlongDim):
    """``log(softmax(x))`` along ``dim``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.log_softmax(input, self.dim)


class GLU(_AlongDim):
    """``a · sigmoid(b)``, where a and b are the halves of ``x`` along ``dim``."""

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.glu(input, self.dim)
