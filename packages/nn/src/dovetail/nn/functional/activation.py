"""Activation functions. Those that the core has fused kernels for are the core's; the others are composites."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

gelu = get_op("gelu")
relu_op = get_op("relu")
log_softmax_op = dt.log_softmax
sigmoid = dt.sigmoid
silu_op = get_op("silu")
softmax_op = dt.softmax
tanh = dt.tanh


def relu(input: dt.Tensor, inplace: bool = False) -> dt.Tensor:
    """``max(0, x)``, in place where asked."""
    try:
        return input.relu_() if inplace else relu_op(input)
    except Exception as error:
        checks.speak_as("relu", error, (input, inplace))
        raise


def silu(input: dt.Tensor, inplace: bool = False) -> dt.Tensor:
    """``x · sigmoid(x)``; also known as swish."""
    result = silu_op(input)
    try:
        return input.copy_(result) if inplace else result
    except Exception as error:
        checks.speak_as("silu", error, (input, inplace))
        raise


def softmax(input: dt.Tensor, dim: int, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``exp(x) / Σ exp(x)`` along ``dim``."""
    return softmax_op(input, dim, dtype=dtype)


def log_softmax(input: dt.Tensor, dim: int, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``log(softmax(x))`` along ``dim``, computed without the intermediate overflow."""
    return log_softmax_op(input, dim, dtype=dtype)


@checks.in_own_name
def softmin(input: dt.Tensor, dim: int, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``softmax(-x)`` along ``dim``."""
    return softmax_op(-input, dim, dtype=dtype)


@op("leaky_relu(Tensor self, float negative_slope=0.01) -> Tensor", inplace=True)
def leaky_relu(self: dt.Tensor, negative_slope: float) -> dt.Tensor:
    """``x`` where it is positive, else ``negative_slope · x``.

    Example:
        >>> leaky_relu(dt.tensor([-1.0, 2.0]), 0.1).tolist()
        [-0.10000000149011612, 2.0]
    """
    return dt.where(self > 0, self, self * negative_slope)


@op("prelu(Tensor self, Tensor weight) -> Tensor")
def prelu(self: dt.Tensor, weight: dt.Tensor) -> dt.Tensor:
    """``x`` where it is positive, else ``weight · x``; one weight, or one a channel (dim 1)."""
    if weight.numel() != 1:
        channels = self.shape[1] if self.ndim > 1 else 1
        if weight.ndim != 1 or weight.numel() != channels:
            raise ValueError(f"prelu: {weight.numel()} weights for an input of shape {tuple(self.shape)}")
        weight = weight.reshape([-1] + [1] * (self.ndim - 2)) if self.ndim > 1 else weight
    return dt.where(self > 0, self, self * weight)


@op("elu(Tensor self, float alpha=1.0) -> Tensor", inplace=True)
def elu(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``x`` where it is positive, else ``alpha · (exp(x) - 1)``."""
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@op("celu(Tensor self, float alpha=1.0) -> Tensor", inplace=True)
def celu(self: dt.Tensor, alpha: float) -> dt.Tensor:
    """``max(0, x) + min(0, alpha · (exp(x / alpha) - 1))``."""
    if alpha == 0:
        raise ValueError("celu: alpha must not be 0")
    return dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0) / alpha))


@op("selu(Tensor self) -> Tensor", inplace=True)
def selu(self: dt.Tensor) -> dt.Tensor:
    """``scale · elu(x, alpha)`` with the constants that keep mean 0 and variance 1.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * dt.where(self > 0, self, alpha * dt.expm1(self.clamp(max=0)))


@op("softplus(Tensor self, float beta=1.0, float threshold=20.0) -> Tensor")
def softplus(self: dt.Tensor, beta: float, threshold: float) -> dt.Tensor:
    """``log(1 + exp(beta · x)) / beta``; ``x`` itself where ``beta · x`` is above the threshold."""
    scaled = self * beta
    return dt.where(scaled > threshold, self, dt.log1p(dt.exp(scaled.clamp(max=threshold))) / beta)


@op("logsigmoid(Tensor self) -> Tensor")
def logsigmoid(self: dt.Tensor) -> dt.Tensor:
    """``log(sigmoid(x)) = min(0, x) - log(1 + exp(-|x|))``."""
    return self.clamp(max=0) - dt.log1p(dt.exp(-self.abs()))


@op("hardtanh(Tensor self, float min_val=-1.0, float max_val=1.0) -> Tensor", inplace=True)
def hardtanh(self: dt.Tensor, min_val: float, max_val: float) -> dt.Tensor:
    """``x`` kept within [min_val, max_val]."""
    return self.clamp(min_val, max_val)


@op("relu6(Tensor self) -> Tensor", inplace=True)
def relu6(self: dt.Tensor) -> dt.Tensor:
    """``x`` kept within [0, 6]."""
    return self.clamp(0, 6)


@op("hardsigmoid(Tensor self) -> Tensor", inplace=True)
def hardsigmoid(self: dt.Tensor) -> dt.Tensor:
    """``min(max(x + 3, 0), 6) / 6``."""
    return (self + 3).clamp(0, 6) / 6


@op("hardswish(Tensor self) -> Tensor", inplace=True)
def hardswish(self: dt.Tensor) -> dt.Tensor:
    """``x · hardsigmoid(x)``."""
    return self * (self + 3).clamp(0, 6) / 6


@op("mish(Tensor self) -> Tensor", inplace=True)
def mish(self: dt.Tensor) -> dt.Tensor:
    """``x · tanh(softplus(x))``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681.
    """
    return self * dt.tanh(softplus(self))


@op("softsign(Tensor self) -> Tensor")
def softsign(self: dt.Tensor) -> dt.Tensor:
    """``x / (1 + |x|)``."""
    return self / (1 + self.abs())


@op("tanhshrink(Tensor self) -> Tensor")
def tanhshrink(self: dt.Tensor) -> dt.Tensor:
    """``x - tanh(x)``."""
    return self - dt.tanh(self)


@op("softshrink(Tensor self, float lambd=0.5) -> Tensor")
def softshrink(self: dt.Tensor, lambd: float) -> dt.Tensor:
    """``x`` moved towards 0 by ``lambd``, and 0 within it."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must be >= 0, got {lambd}")
    return dt.where(self > lambd, self - lambd, dt.where(self < -lambd, self + lambd, self * 0))


@op("hardshrink(Tensor self, float lambd=0.5) -> Tensor")
def hardshrink(self: dt.Tensor, lambd: float) -> dt.Tensor:
    """``x`` where it is outside [-lambd, lambd], else 0."""
    return dt.where(self.abs() > lambd, self, self * 0)


@op("threshold(Tensor self, float threshold, float value) -> Tensor", inplace=True)
def threshold(self: dt.Tensor, threshold: float, value: float) -> dt.Tensor:
    """``x`` where it is above the threshold, else ``value``."""
    return dt.where(self > threshold, self, value)


@op("glu(Tensor self, int dim=-1) -> Tensor")
def glu(self: dt.Tensor, dim: int) -> dt.Tensor:
    """``a · sigmoid(b)``, where a and b are the halves of ``x`` along ``dim``."""
    if self.ndim == 0 or self.shape[dim] % 2:
        raise ValueError(f"glu: dim {dim} must have an even size, got shape {tuple(self.shape)}")
    half = self.shape[dim] // 2
    return self.narrow(dim, 0, half) * dt.sigmoid(self.narrow(dim, half, half))


@op("normalize(Tensor input, float p=2.0, int dim=1, float eps=1e-12) -> Tensor")
def normalize(input: dt.Tensor, p: float, dim: int, eps: float) -> dt.Tensor:
    """``x / max(‖x‖_p, eps)`` along ``dim``."""
    return input / dt.norm(input, p, dim, keepdim=True).clamp(min=eps)
