"""Losses that are likelihoods, as layers: of counts, of values with variances, of label sequences."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .loss import _Loss


class PoissonNLLLoss(_Loss):
    """The negative log-likelihood of counts under Poisson distributions.

        l = exp(input) - target · input           with log_input
        l = input - target · log(input + eps)     without

    Args:
        log_input: the inputs are the rates' logarithms.
        full: add Stirling's approximation of log(target!) where the target is above 1.
        eps: keeps the logarithm from zero.
        reduction, broadcast: as MSELoss's.

    Example:
        >>> PoissonNLLLoss()(dt.zeros(2), dt.tensor([1.0, 2.0])).item()
        1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
        *,
        broadcast: bool = False,
    ) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: dt.Tensor, target: dt.Tensor) -> dt.Tensor:
        return F.poisson_nll_loss(
            log_input, target, self.log_input, self.full, self.eps, self.reduction, broadcast=self.broadcast
        )


class GaussianNLLLoss(_Loss):
    """The negative log-likelihood of values under normal distributions whose means and variances are given.

        l = (log(max(var, eps)) + (input - target)² / max(var, eps)) / 2

    Args:
        full: add the constant log(2π) / 2.
        eps: the least variance.
        reduction, broadcast: as MSELoss's.

    Shape:
        input and target ``(N, *)``; var alike, without the last dim, with size 1 in one dim, or a number.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    Example:
        >>> GaussianNLLLoss()(dt.zeros(2), dt.ones(2), dt.ones(2)).item()
        0.5
    """

    def __init__(
        self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean", broadcast: bool = False
    ) -> None:
        super().__init__(reduction, broadcast=broadcast)
        self.full, self.eps = full, eps

    def forward(self, input: dt.Tensor, target: dt.Tensor, var: dt.Tensor | float) -> dt.Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction, broadcast=self.broadcast)


class CTCLoss(_Loss):
    """Connectionist temporal classification: the likelihood of label sequences whose places are not known.

        l = -log Σ Π_t p(path_t),  over the paths that give the target when repeats, then blanks are dropped

    Args:
        blank: the class that stands for none.
        reduction: "mean" divides each loss by its target's length first; "sum", "none".
        zero_infinity: 0 for targets that are too long for their input, in place of infinity.

    Shape:
        log_probs ``(T, N, C)`` or ``(T, C)``; int64 targets ``(N, S)``, or those of all samples behind one another;
        input_lengths and target_lengths ``(N,)`` or tuples.

    Source: Graves et al., "Connectionist Temporal Classification", 2006.

    Example:
        >>> log_probs = dt.full((2, 1, 2), 0.5).log()
        >>> round(CTCLoss()(log_probs, dt.tensor([[1]]), (2,), (1,)).exp().item(), 4)
        1.3333
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        checks.integers("CTCLoss", blank=blank)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: dt.Tensor, targets: dt.Tensor, input_lengths: Any, target_lengths: Any) -> dt.Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
