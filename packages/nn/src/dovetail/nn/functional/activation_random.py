"""Activations that draw random numbers."""

from __future__ import annotations

import dovetail as dt
from dovetail import Generator
from dovetail.ops import get_op, op

from ._common import in_place_of, of_floats, with_inplace


@with_inplace
@op(
    "rrelu(Tensor self, float lower=0.125, float upper=0.3333333333333333, bool training=False, *, "
    "Generator? generator=None) -> Tensor",
    inplace=True,
    random=True,
)
@of_floats
def rrelu(
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


rrelu_ = in_place_of(get_op("rrelu"))


@op(
    "gumbel_softmax(Tensor logits, float tau=1.0, bool hard=False, float eps=1e-10, int dim=-1, *, "
    "Generator? generator=None) -> Tensor",
    random=True,
)
@of_floats
def gumbel_softmax(
    logits: dt.Tensor, tau: float, hard: bool, eps: float, dim: int, *, generator: Generator | None = None
) -> dt.Tensor:
    """A sample of the Gumbel-softmax distribution: a relaxed draw of one of several classes.

        y = softmax((logits + g) / tau) along dim,   g = -log(-log(u)), u uniform

    Args:
        logits: unnormalized log-probabilities.
        tau: the temperature, positive; the lower, the closer to a one-hot vector.
        hard: give the one-hot vector itself, with the gradient of the soft one.
        eps: not used; PyTorch has it.
        dim: of the classes.

    Source: Jang et al., "Categorical Reparameterization with Gumbel-Softmax", arXiv:1611.01144.

    Example:
        >>> dt.gumbel_softmax(dt.zeros(4, 3), hard=True).sum(1).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau must be positive, got {tau}")
    uniform = dt.rand(logits.shape, generator=generator, dtype=logits.dtype, device=logits.device)
    gumbel = -dt.log(-dt.log(uniform.clamp(min=dt.finfo(logits.dtype).tiny)))
    soft = dt.softmax((logits + gumbel) / tau, dim)
    if not hard:
        return soft
    chosen = soft.argmax(dim, keepdim=True)
    one_hot = dt.zeros_like(soft).scatter(dim, chosen, 1.0)
    return one_hot - soft.detach() + soft
