"""Softmax and what is made of it."""

from __future__ import annotations

import warnings

import dovetail as dt
from dovetail import Generator, checks
from dovetail.ops import op

from ._common import of_floats

__all__ = [
    "gumbel_softmax",
    "log_softmax",
    "softmax",
    "softmin",
]

softmax_op = dt.softmax
log_softmax_op = dt.log_softmax


def _dim(name: str, input: dt.Tensor, dim: int | None) -> int:
    """The dim, or where none is given the one that PyTorch takes, with its warning."""
    if dim is not None:
        return dim
    checks.tensors(name, input=input)
    chosen = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name}: the sum runs over dim {chosen}, as none is given: say dim=...", stacklevel=4)
    return chosen


@checks.in_own_name
def softmax(input: dt.Tensor, dim: int | None = None, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``exp(x) / Σ exp(x)`` along ``dim``, computed in ``dtype`` where that is given.

    Example:
        >>> softmax(dt.zeros(2), 0).tolist()
        [0.5, 0.5]
    """
    return softmax_op(input, _dim("softmax", input, dim), dtype=dtype)


@checks.in_own_name
def log_softmax(input: dt.Tensor, dim: int | None = None, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``log(softmax(x))`` along ``dim``, computed without the intermediate overflow.

    Example:
        >>> round(log_softmax(dt.zeros(2), 0)[0].item(), 4)
        -0.6931
    """
    return log_softmax_op(input, _dim("log_softmax", input, dim), dtype=dtype)


@checks.in_own_name
def softmin(input: dt.Tensor, dim: int | None = None, *, dtype: dt.dtype | None = None) -> dt.Tensor:
    """``softmax(-x)`` along ``dim``.

    Example:
        >>> softmin(dt.zeros(2), 0).tolist()
        [0.5, 0.5]
    """
    checks.tensors("softmin", input=input)
    return softmax_op(-input, _dim("softmin", input, dim), dtype=dtype)


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
    soft = softmax_op((logits + gumbel) / tau, dim)
    if not hard:
        return soft
    chosen = soft.argmax(dim, keepdim=True)
    one_hot = dt.zeros_like(soft).scatter(dim, chosen, 1.0)
    return one_hot - soft.detach() + soft
