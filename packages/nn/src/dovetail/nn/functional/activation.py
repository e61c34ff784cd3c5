"""Activation functions. Those that the core has fused kernels for are the core's; the others are composites."""

from __future__ import annotations

import dovetail as dt
from dovetail import Generator
from dovetail.checks import in_own_name
from dovetail.ops import get_op, op

from ._common import in_place_of, of_floats, with_inplace

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

gelu = get_op("gelu")
sigmoid = dt.sigmoid
silu_op = get_op("silu")
tanh = dt.tanh
relu = with_inplace(get_op("relu"))
relu_ = in_place_of(get_op("relu"))


def silu(input: dt.Tensor, inplace: bool = False) -> dt.Tensor:
    """``x · sigmoid(x)``; also known as swish.

    Source: Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function Approximation", arXiv:1702.03118.

    Example:
        >>> silu(dt.tensor([0.0])).tolist()
        [0.0]
    """
    result = silu_op(input)
    return in_own_name(input.copy_, "silu")(result) if inplace else result


@op("leaky_relu(Tensor self, float negative_slope=0.01) -> Tensor", inplace=True)
@of_floats
def leaky_relu_op(self: dt.Tensor, negative_slope: float) -> dt.Tensor:
    """``x`` where it is positive, else ``negative_slope · x``.

    Example:
        >>> dt.leaky_relu(dt.tensor([-1.0, 2.0]), 0.1).tolist()
        [-0.10000000149011612, 2.0]
    """
    return dt.where(self > 0, self, self * negative_slope)


@op("prelu(Tensor self, Tensor weight) -> Tensor")
@of_floats
def prelu(self: dt.Tensor, weight: dt.Tensor) -> dt.Tensor:
    """``x`` where it is positive, else ``weight · x``; one weight, or one a channel (dim 1).

    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.

    Example:
        >>> dt.prelu(dt.tensor([-1.0, 2.0]), dt.tensor([0.5])).tolist()
        [-0.5, 2.0]
    """
    if weight.numel() != 1:
        channels = self.shape[1] if self.ndim > 1 else 1
        if weight.ndim != 1 or weight.numel() != channels:
            raise ValueError(f"prelu: {weight.numel()} weights for an input of shape {tuple(self.shape)}")
        weight = weight.reshape([-1] + [1] * (self.ndim - 2)) if self.ndim > 1 else weight
    return dt.where(self > 0, self, self * weight)


@op("elu(Tensor self, float alpha=1.0) -> Tensor", inplace=True)
@of_floats
def elu_op(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``x`` where it is positive, else ``alpha · (exp(x) - 1)``.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", arXiv:1511.07289.

    Example:
        >>> dt.elu(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@op("celu(Tensor self, float alpha=1.0) -> Tensor", inplace=True)
@of_floats
def celu_op(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``max(0, x) + min(0, alpha · (exp(x / alpha) - 1))``.

    Source: Barron, "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483.

    Example:
        >>> dt.celu(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0")
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0) / alpha))


@op("selu(Tensor self) -> Tensor", inplace=True)
@of_floats
def selu_op(self: dt.Tensor) -> dt.Tensor:
    """``scale · elu(x, alpha)`` with the constants that keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    Example:
        >>> dt.selu(dt.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0507010221481323]
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@op("softplus(Tensor self, float beta=1.0, float threshold=20.0) -> Tensor")
@of_floats
def softplus(self: dt.Tensor, beta: float, threshold: float) -> dt.Tensor:
    """``log(1 + exp(beta · x)) / beta``; ``x`` itself where ``beta · x`` is above the threshold.

    Example:
        >>> round(dt.softplus(dt.tensor(0.0)).item(), 4)
        0.6931
    """
    scaled = self * beta
    return dt.where(scaled > threshold, self, dt.log1p(dt.exp(scaled.clamp(max=threshold))) / beta)


@op("logsigmoid(Tensor self) -> Tensor")
@of_floats
def logsigmoid(self: dt.Tensor) -> dt.Tensor:
    """``log(sigmoid(x)) = min(0, x) - log(1 + exp(-|x|))``.

    Example:
        >>> round(dt.logsigmoid(dt.tensor(0.0)).item(), 4)
        -0.6931
    """
    return self.clamp(max=0) - dt.log1p(dt.exp(-self.abs()))


@op("hardtanh(Tensor self, float min_val=-1.0, float max_val=1.0) -> Tensor", inplace=True)
def hardtanh_op(self: dt.Tensor, min_val: float, max_val: float) -> dt.Tensor:
    """``x`` kept within [min_val, max_val].

    Example:
        >>> dt.hardtanh(dt.tensor([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """
    return self.clamp(min_val, max_val)


@op("relu6(Tensor self) -> Tensor", inplace=True)
def relu6_op(self: dt.Tensor) -> dt.Tensor:
    """``x`` kept within [0, 6].

    Example:
        >>> dt.relu6(dt.tensor([-3.0, 9.0])).tolist()
        [0.0, 6.0]
    """
    return self.clamp(0, 6)


@op("hardsigmoid(Tensor self) -> Tensor", inplace=True)
@of_floats
def hardsigmoid_op(self: dt.Tensor) -> dt.Tensor:
    """``min(max(x + 3, 0), 6) / 6``.

    Example:
        >>> dt.hardsigmoid(dt.tensor([-3.0, 0.0])).tolist()
        [0.0, 0.5]
    """
    return (self + 3).clamp(0, 6) / 6


@op("hardswish(Tensor self) -> Tensor", inplace=True)
@of_floats
def hardswish_op(self: dt.Tensor) -> dt.Tensor:
    """``x · hardsigmoid(x)``.

    Source: Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.

    Example:
        >>> dt.hardswish(dt.tensor([-3.0, 3.0])).tolist()
        [0.0, 3.0]
    """
    return self * (self + 3).clamp(0, 6) / 6


@op("mish(Tensor self) -> Tensor", inplace=True)
@of_floats
def mish_op(self: dt.Tensor) -> dt.Tensor:
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681.

    Example:
        >>> dt.mish(dt.tensor([0.0])).tolist()
        [0.0]
    """
    return self * dt.tanh(softplus(self))


@op("softsign(Tensor self) -> Tensor")
@of_floats
def softsign(self: dt.Tensor) -> dt.Tensor:
    """``x / (1 + |x|)``.

    Example:
        >>> dt.softsign(dt.tensor([1.0])).tolist()
        [0.5]
    """
    return self / (1 + self.abs())


@op("tanhshrink(Tensor self) -> Tensor")
@of_floats
def tanhshrink(self: dt.Tensor) -> dt.Tensor:
    """``x - tanh(x)``.

    Example:
        >>> dt.tanhshrink(dt.tensor([0.0])).tolist()
        [0.0]
    """
    return self - dt.tanh(self)


@op("softshrink(Tensor self, float lambd=0.5) -> Tensor")
@of_floats
def softshrink(self: dt.Tensor, lambd: float) -> dt.Tensor:
    """``x`` moved towards 0 by ``lambd``, and 0 within it.

    Example:
        >>> dt.softshrink(dt.tensor([-2.0, 0.2])).tolist()
        [-1.5, 0.0]
    """
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must be >= 0, got {lambd}")
    return dt.where(self > lambd, self - lambd, dt.where(self < -lambd, self + lambd, self * 0))


@op("hardshrink(Tensor self, float lambd=0.5) -> Tensor")
@of_floats
def hardshrink(self: dt.Tensor, lambd: float) -> dt.Tensor:
    """``x`` where it is outside [-lambd, lambd], else 0.

    Example:
        >>> dt.hardshrink(dt.tensor([-2.0, 0.2])).tolist()
        [-2.0, 0.0]
    """
    return dt.where(self.abs() > lambd, self, self * 0)


@op("threshold(Tensor self, float threshold, float value) -> Tensor", inplace=True)
def threshold_op(self: dt.Tensor, threshold: float, value: float) -> dt.Tensor:
    """``x`` where it is above the threshold, else ``value``.

    Example:
        >>> dt.threshold(dt.tensor([-2.0, 3.0]), 1.0, 20.0).tolist()
        [20.0, 3.0]
    """
    return dt.where(self > threshold, self, value)


@op("glu(Tensor self, int dim=-1) -> Tensor")
@of_floats
def glu(self: dt.Tensor, dim: int) -> dt.Tensor:
    """``a · sigmoid(b)``, where a and b are the halves of ``x`` along ``dim``.

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv:1612.08083.

    Example:
        >>> dt.glu(dt.tensor([4.0, 0.0])).tolist()
        [2.0]
    """
    if self.ndim == 0 or self.shape[dim] % 2:
        raise ValueError(f"glu: dim {dim} must have an even size, got shape {tuple(self.shape)}")
    half = self.shape[dim] // 2
    return self.narrow(dim, 0, half) * dt.sigmoid(self.narrow(dim, half, half))


@op(
    "rrelu(Tensor self, float lower=0.125, float upper=0.3333333333333333, bool training=False, *, "
    "Generator? generator=None) -> Tensor",
    inplace=True,
    random=True,
)
@of_floats
def rrelu_op(
    self: dt.Tensor, lower: float, upper: float, training: bool, *, generator: Generator | None = None
) -> dt.Tensor:
    """``x`` where it is positive, else ``slope · x``, with a slope of its own for every element.

    In training the slopes are drawn from [lower, upper); else all are the middle.

    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolution Network", arXiv:1505.00853.

    Example:
        >>> dt.rrelu(dt.tensor([-2.0, 2.0]), 0.25, 0.75).tolist()
        [-1.0, 2.0]
    """
    if not lower <= upper:
        raise ValueError(f"rrelu: lower must be at most upper, got {lower} and {upper}")
    slope: dt.Tensor | float = (lower + upper) / 2
    if training:
        drawn = dt.rand(self.shape, generator=generator, dtype=self.dtype, device=self.device)
        slope = drawn * (upper - lower) + lower
    return dt.where(self > 0, self, self * slope)


# ---- as functions that may overwrite their input ----

leaky_relu = with_inplace(leaky_relu_op)
elu = with_inplace(elu_op)
celu = with_inplace(celu_op)
selu = with_inplace(selu_op)
hardtanh = with_inplace(hardtanh_op)
relu6 = with_inplace(relu6_op)
hardsigmoid = with_inplace(hardsigmoid_op)
hardswish = with_inplace(hardswish_op)
mish = with_inplace(mish_op)
threshold = with_inplace(threshold_op)
rrelu = with_inplace(rrelu_op)
celu_ = in_place_of(celu_op)
elu_ = in_place_of(elu_op)
hardtanh_ = in_place_of(hardtanh_op)
leaky_relu_ = in_place_of(leaky_relu_op)
rrelu_ = in_place_of(rrelu_op)
selu_ = in_place_of(selu_op)
threshold_ = in_place_of(threshold_op)
