"""Activation functions. Those whose functions here are decompositions have kernels of backends too."""

from __future__ import annotations

import math
import warnings

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

from ._common import dtype_name, in_place_of, of_floats, of_real_numbers, takes_input, with_inplace, wrapped
from .distance import normalize as normalize

gelu = get_op("gelu")
relu_op = get_op("relu")
log_softmax_op = dt.log_softmax
sigmoid = dt.sigmoid
silu_op = get_op("silu")
prelu_op = get_op("prelu_of")
softmax_op = dt.softmax
tanh = dt.tanh


def relu(input: dt.Tensor, inplace: bool = False) -> dt.Tensor:
    """``max(0, x)``, in place where asked.

    Example:
        >>> relu(dt.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    try:
        return input.relu_() if inplace else relu_op(input)
    except Exception as error:
        checks.speak_as("relu", error, (input, inplace))
        raise


def silu(input: dt.Tensor, inplace: bool = False) -> dt.Tensor:
    """``x · sigmoid(x)``; also known as swish.

    Source: Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function Approximation", arXiv:1702.03118.

    Example:
        >>> silu(dt.tensor([0.0])).tolist()
        [0.0]
    """
    try:
        return input.silu_() if inplace else silu_op(input)
    except Exception as error:
        checks.speak_as("silu", error, (input, inplace))
        raise


def _dim(name: str, input: dt.Tensor, dim: int | None, level: int) -> int:
    """The dim, or where none is given the one that PyTorch takes, with its warning."""
    if dim is not None:
        return dim
    checks.tensors(name, input=input)
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name}: the sum runs over dim {chosen}, as none is given: say dim=...", stacklevel=level + 1)
    return chosen


@checks.in_own_name
def softmax(input: dt.Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``exp(x) / Σ exp(x)`` along ``dim``, computed in ``dtype`` where that is given.

    Example:
        >>> softmax(dt.zeros(2), 0).tolist()
        [0.5, 0.5]
    """
    return softmax_op(input, _dim("softmax", input, dim, _stacklevel), dtype=dtype)


@checks.in_own_name
def log_softmax(
    input: dt.Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None
) -> dt.Tensor:
    """``log(softmax(x))`` along ``dim``, computed without the intermediate overflow.

    Example:
        >>> round(log_softmax(dt.zeros(2), 0)[0].item(), 4)
        -0.6931
    """
    return log_softmax_op(input, _dim("log_softmax", input, dim, _stacklevel), dtype=dtype)


@checks.in_own_name
def softmin(input: dt.Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``softmax(-x)`` along ``dim``.

    Example:
        >>> softmin(dt.zeros(2), 0).tolist()
        [0.5, 0.5]
    """
    checks.tensors("softmin", input=input)
    return softmax_op(-input, _dim("softmin", input, dim, _stacklevel), dtype=dtype)


@with_inplace
@op("leaky_relu(Tensor self, float negative_slope=0.01) -> Tensor", inplace=True, elementwise=True)
@of_floats
def leaky_relu(self: dt.Tensor, negative_slope: float) -> dt.Tensor:
    """``x`` where it is positive, else ``negative_slope · x``.

    Example:
        >>> dt.leaky_relu(dt.tensor([-1.0, 2.0]), 0.1).tolist()
        [-0.10000000149011612, 2.0]
    """
    return dt.where(self > 0, self, self * negative_slope)


@op("prelu(Tensor self, Tensor weight) -> Tensor", method=True)
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
    return prelu_op(self, weight if self.ndim else weight.reshape([]))


@with_inplace
@op("elu(Tensor self, float alpha=1.0) -> Tensor", inplace=True, elementwise=True)
@of_floats
def elu(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``x`` where it is positive, else ``alpha · (exp(x) - 1)``.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", arXiv:1511.07289.

    Example:
        >>> dt.elu(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@with_inplace
@op("celu(Tensor self, float alpha=1.0) -> Tensor", inplace=True, elementwise=True)
@of_floats
def celu(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``max(0, x) + min(0, alpha · (exp(x / alpha) - 1))``.

    Source: Barron, "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483.

    Example:
        >>> dt.celu(dt.tensor([0.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0")
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0) / alpha))


@with_inplace
@op("selu(Tensor self) -> Tensor", inplace=True, elementwise=True)
@of_floats
def selu(self: dt.Tensor) -> dt.Tensor:
    """``scale · elu(x, alpha)`` with the constants that keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    Example:
        >>> dt.selu(dt.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0507010221481323]
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@op("softplus(Tensor self, float beta=1.0, float threshold=20.0) -> Tensor", elementwise=True)
@of_floats
def softplus(self: dt.Tensor, beta: float, threshold: float) -> dt.Tensor:
    """``log(1 + exp(beta · x)) / beta``; ``x`` itself where ``beta · x`` is above the threshold.

    Example:
        >>> round(dt.softplus(dt.tensor(0.0)).item(), 4)
        0.6931
    """
    scaled = self * beta
    return dt.where(scaled > threshold, self, (scaled.clamp(min=0) + dt.log1p(dt.exp(-scaled.abs()))) / beta)


@op("logsigmoid(Tensor self) -> Tensor", elementwise=True)
@of_floats
def logsigmoid(self: dt.Tensor) -> dt.Tensor:
    """``log(sigmoid(x)) = min(0, x) - log(1 + exp(-|x|))``.

    Example:
        >>> round(dt.logsigmoid(dt.tensor(0.0)).item(), 4)
        -0.6931
    """
    return self.clamp(max=0) - dt.log1p(dt.exp(-self.abs()))


def _of_its_dtype(name: str, x: dt.Tensor, number: float) -> float:
    """An option of an activation that keeps the dtype of `x`, as a number of that dtype."""
    if x.dtype == dt.bool or x.is_complex():
        raise TypeError(f"{name}: expected a floating-point or integer tensor, got {dtype_name(x)}")
    if x.is_floating_point():
        return number
    if not math.isfinite(number) or not dt.iinfo(x.dtype).min <= int(number) <= dt.iinfo(x.dtype).max:
        raise ValueError(f"{name}: {number} is no number of the tensor's dtype, {dtype_name(x)}")
    return int(number)


@with_inplace
@op("hardtanh(Tensor self, Scalar min_val=-1.0, Scalar max_val=1.0) -> Tensor", inplace=True, elementwise=True)
def hardtanh(self: dt.Tensor, min_val: float, max_val: float) -> dt.Tensor:
    """``x`` kept within [min_val, max_val], which integer tensors take without their fractions.

    Example:
        >>> dt.hardtanh(dt.tensor([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    return self.clamp(_of_its_dtype("hardtanh", self, min_val), _of_its_dtype("hardtanh", self, max_val))


@with_inplace
@op("relu6(Tensor self) -> Tensor", inplace=True, elementwise=True)
def relu6(self: dt.Tensor) -> dt.Tensor:
    """``x`` kept within [0, 6].

    Example:
        >>> dt.relu6(dt.tensor([-3.0, 9.0])).tolist()
        [0.0, 6.0]
    """
    return self.clamp(_of_its_dtype("relu6", self, 0), 6)


@with_inplace
@op("hardsigmoid(Tensor self) -> Tensor", inplace=True, elementwise=True)
@of_floats
def hardsigmoid(self: dt.Tensor) -> dt.Tensor:
    """``min(max(x + 3, 0), 6) / 6``.

    Example:
        >>> dt.hardsigmoid(dt.tensor([-3.0, 0.0])).tolist()
        [0.0, 0.5]
    """
    return (self + 3).clamp(0, 6) / 6


@with_inplace
@op("hardswish(Tensor self) -> Tensor", inplace=True, elementwise=True)
@of_floats
def hardswish(self: dt.Tensor) -> dt.Tensor:
    """``x · hardsigmoid(x)``.

    Source: Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.

    Example:
        >>> dt.hardswish(dt.tensor([-3.0, 3.0])).tolist()
        [0.0, 3.0]
    """
    return self * (self + 3).clamp(0, 6) / 6


@with_inplace
@op("mish(Tensor self) -> Tensor", inplace=True, elementwise=True)
@of_floats
def mish(self: dt.Tensor) -> dt.Tensor:
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681.

    Example:
        >>> dt.mish(dt.tensor([0.0])).tolist()
        [0.0]
    """
    return self * dt.tanh(softplus(self))


@op("softsign(Tensor self) -> Tensor", elementwise=True)
@of_real_numbers
def softsign_op(self: dt.Tensor) -> dt.Tensor:
    """``x / (1 + |x|)``; of integers in the default dtype.

    Example:
        >>> dt.softsign(dt.tensor([1.0])).tolist()
        [0.5]
    """
    return self / (1 + self.abs())


@takes_input
def softsign(self: dt.Tensor) -> dt.Tensor:
    """``x / (1 + |x|)``, of complex numbers too.

    Example:
        >>> softsign(dt.tensor([3 + 4j])).tolist()
        [(0.5+0.6666666865348816j)]
    """
    if isinstance(self, dt.Tensor) and self.is_complex():
        return self / (1 + self.abs())
    return softsign_op(self)


@op("tanhshrink(Tensor self) -> Tensor", elementwise=True)
@of_real_numbers
def tanhshrink_op(self: dt.Tensor) -> dt.Tensor:
    """``x - tanh(x)``; of integers in the default dtype.

    Example:
        >>> dt.tanhshrink(dt.tensor([0.0])).tolist()
        [0.0]
    """
    return self - dt.tanh(self)


@takes_input
def tanhshrink(self: dt.Tensor) -> dt.Tensor:
    """``x - tanh(x)``, of complex numbers too.

    Example:
        >>> tanhshrink(dt.tensor([0j])).tolist()
        [0j]
    """
    if isinstance(self, dt.Tensor) and self.is_complex():
        return self - dt.tanh(self)
    return tanhshrink_op(self)


@op("softshrink(Tensor self, float lambd=0.5) -> Tensor", elementwise=True)
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


@op("hardshrink(Tensor self, float lambd=0.5) -> Tensor", method=True, elementwise=True)
@of_floats
def hardshrink(self: dt.Tensor, lambd: float) -> dt.Tensor:
    """``x`` where it is outside [-lambd, lambd], else 0.

    Example:
        >>> dt.hardshrink(dt.tensor([-2.0, 0.2])).tolist()
        [-2.0, 0.0]
    """
    return dt.where(self.abs() <= lambd, 0, self)


@with_inplace
@op("threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", inplace=True, elementwise=True)
def threshold(self: dt.Tensor, threshold: float, value: float) -> dt.Tensor:
    """``x``, but ``value`` where ``x`` is at most the threshold. Integer tensors take both without their fractions.

    Example:
        >>> dt.threshold(dt.tensor([-2.0, 3.0]), 1.0, 20.0).tolist()
        [20.0, 3.0]
    """
    limit, value = (_of_its_dtype("threshold", self, number) for number in (threshold, value))
    return dt.where(self <= limit, value, self)


@op("glu(Tensor self, int dim=-1) -> Tensor")
@of_floats
def glu(self: dt.Tensor, dim: int) -> dt.Tensor:
    """``a · sigmoid(b)``, where a and b are the halves of ``x`` along ``dim``.

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv:1612.08083.

    Example:
        >>> dt.glu(dt.tensor([4.0, 0.0])).tolist()
        [2.0]
    """
    dim = wrapped("glu", dim, self)
    if self.shape[dim] % 2:
        raise ValueError(f"glu: dim {dim} must have an even size, got shape {tuple(self.shape)}")
    half = self.shape[dim] // 2
    return self.narrow(dim, 0, half) * dt.sigmoid(self.narrow(dim, half, half))


# ---- in place ----

relu_ = in_place_of(relu_op)
celu_ = in_place_of(get_op("celu"))
elu_ = in_place_of(get_op("elu"))
hardtanh_ = in_place_of(get_op("hardtanh"))
leaky_relu_ = in_place_of(get_op("leaky_relu"))
selu_ = in_place_of(get_op("selu"))
threshold_ = in_place_of(get_op("threshold"))
