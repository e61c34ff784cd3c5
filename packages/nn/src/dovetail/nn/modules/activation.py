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


class ReLU(_InPlace):
    """``max(0, x)``.

    Example:
        >>> ReLU()(dt.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.relu(input, self.inplace)


class ReLU6(_InPlace):
    """``min(max(0, x), 6)``.

    Example:
        >>> ReLU6()(dt.tensor([-1.0, 9.0])).tolist()
        [0.0, 6.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.relu6(input, self.inplace)


class SiLU(_InPlace):
    """``x · sigmoid(x)``.

    Source: Elfwing et al., "Sigmoid-Weighted Linear Units", arXiv:1702.03118.

    Example:
        >>> SiLU()(dt.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.silu(input, self.inplace)


class SELU(_InPlace):
    """``scale · elu(x, alpha)`` with the self-normalizing constants.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    Example:
        >>> SELU()(dt.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0507010221481323]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.selu(input, self.inplace)


class Mish(_InPlace):
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681.

    Example:
        >>> Mish()(dt.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.mish(input, self.inplace)


class _Unshown(_InPlace):
    """As PyTorch's of these names, whose repr does not say whether they are in place."""

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(_Unshown):
    """``min(max(x + 3, 0), 6) / 6``.

    Example:
        >>> Hardsigmoid()(dt.tensor([-3.0, 0.0])).tolist()
        [0.0, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Unshown):
    """``x · hardsigmoid(x)``.

    Source: Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.

    Example:
        >>> Hardswish()(dt.tensor([-3.0, 3.0])).tolist()
        [0.0, 3.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.hardswish(input, self.inplace)


class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``.

    Example:
        >>> Sigmoid()(dt.tensor([0.0])).tolist()
        [0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.sigmoid(input)


class Tanh(_Activation):
    """``tanh(x)``.

    Example:
        >>> Tanh()(dt.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.tanh(input)


class LogSigmoid(_Activation):
    """``log(sigmoid(x))``.

    Example:
        >>> round(LogSigmoid()(dt.tensor(0.0)).item(), 4)
        -0.6931
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.logsigmoid(input)


class Softsign(_Activation):
    """``x / (1 + |x|)``.

    Example:
        >>> Softsign()(dt.tensor([1.0])).tolist()
        [0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softsign(input)


class Tanhshrink(_Activation):
    """``x - tanh(x)``.

    Example:
        >>> Tanhshrink()(dt.tensor([0.0])).tolist()
        [0.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.tanhshrink(input)


class GELU(_Activation):
    """``x · Φ(x)``, Φ the normal distribution function; ``approximate="tanh"`` approximates it.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.

    Example:
        >>> GELU()(dt.tensor([0.0])).tolist()
        [0.0]
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class LeakyReLU(_Activation):
    """``x`` where it is positive, else ``negative_slope · x``.

    Args:
        negative_slope: the slope below 0.
        inplace: overwrite the input instead of making a new tensor.

    Example:
        >>> LeakyReLU(0.5)(dt.tensor([-2.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    options = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(_Activation):
    """``x`` where it is positive, else ``alpha · (exp(x) - 1)``.

    Args:
        alpha: the negative of the limit at -∞.
        inplace: overwrite the input instead of making a new tensor.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by ELUs", arXiv:1511.07289.

    Example:
        >>> ELU()(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    options = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.elu(input, self.alpha, self.inplace)


class CELU(ELU):
    """``max(0, x) + min(0, alpha · (exp(x / alpha) - 1))``.

    Args:
        alpha: the negative of the limit at -∞.
        inplace: overwrite the input instead of making a new tensor.

    Source: Barron, "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483.

    Example:
        >>> CELU()(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.celu(input, self.alpha, self.inplace)


class Softplus(_Activation):
    """``log(1 + exp(beta · x)) / beta``; ``x`` itself where ``beta · x`` is above the threshold.

    Example:
        >>> round(Softplus()(dt.tensor(0.0)).item(), 4)
        0.6931
    """

    options = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Hardtanh(_Activation):
    """``x`` kept within [min_val, max_val].

    Args:
        min_val, max_val: the range.
        inplace: overwrite the input instead of making a new tensor.

    Example:
        >>> Hardtanh()(dt.tensor([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """

    options = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class Softshrink(_Activation):
    """``x`` moved towards 0 by ``lambd``, and 0 within it.

    Example:
        >>> Softshrink()(dt.tensor([-2.0, 0.2])).tolist()
        [-1.5, 0.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Softshrink):
    """``x`` where it is outside [-lambd, lambd], else 0.

    Example:
        >>> Hardshrink()(dt.tensor([-2.0, 0.2])).tolist()
        [-2.0, 0.0]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.hardshrink(input, self.lambd)


class Threshold(_Activation):
    """``x`` where it is above the threshold, else ``value``.

    Args:
        threshold, value: see above.
        inplace: overwrite the input instead of making a new tensor.

    Example:
        >>> Threshold(1.0, 20.0)(dt.tensor([-2.0, 3.0])).tolist()
        [20.0, 3.0]
    """

    options = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


class PReLU(_Activation):
    """``x`` where it is positive, else ``weight · x``; the weight is learned, one for all or one a channel.

    Args:
        num_parameters: 1, or how many channels the input has in dim 1.
        init: what the weight starts as.
        device, dtype: of the parameters.

    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.

    Example:
        >>> PReLU()(dt.tensor([-4.0, 2.0])).tolist()
        [-1.0, 2.0]
    """

    options = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(dt.full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.prelu(input, self.weight)


class GLU(_Activation):
    """``a · sigmoid(b)``, where a and b are the halves of ``x`` along ``dim``.

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv:1612.08083.

    Example:
        >>> GLU()(dt.tensor([4.0, 0.0])).tolist()
        [2.0]
    """

    options = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.glu(input, self.dim)


class _AlongDim(_Activation):
    """A function along a dim; where none is given, PyTorch's choice with its warning."""

    options = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
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
    """``softmax(-x)`` along ``dim``.

    Example:
        >>> Softmin(dim=0)(dt.zeros(2)).tolist()
        [0.5, 0.5]
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.softmin(input, self.dim)


class LogSoftmax(_AlongDim):
    """``log(softmax(x))`` along ``dim``.

    Example:
        >>> round(LogSoftmax(dim=0)(dt.zeros(2))[0].item(), 4)
        -0.6931
    """

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.log_softmax(input, self.dim)
