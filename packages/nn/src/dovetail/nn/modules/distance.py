"""Distances between vectors, as layers."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between vectors.

        out = x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)), along dim

    Args:
        dim: along which the vectors lie.
        eps: the least length that is divided by.

    Shape:
        inputs that broadcast; the output without ``dim``.

    Example:
        >>> CosineSimilarity()(dt.tensor([[1.0, 0.0]]), dt.tensor([[0.0, 2.0]])).tolist()
        [0.0]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        checks.integers("CosineSimilarity", dim=dim)
        checks.numbers("CosineSimilarity", eps=eps)
        self.dim, self.eps = dim, eps

    def forward(self, x1: dt.Tensor, x2: dt.Tensor) -> dt.Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The distance between vectors: ``‖x1 - x2 + eps‖_p`` along the last dim.

    Args:
        p: the order of the norm.
        eps: keeps the derivative finite where the vectors are equal.
        keepdim: keep the last dim with size 1.

    Shape:
        inputs ``(N, D)`` or ``(D,)`` that broadcast; output ``(N,)`` or ``()``.

    Example:
        >>> round(PairwiseDistance()(dt.zeros(1, 2), dt.tensor([[3.0, 4.0]])).item(), 4)
        5.0
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        checks.numbers("PairwiseDistance", p=p, eps=eps)
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: dt.Tensor, x2: dt.Tensor) -> dt.Tensor:
        return F.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)
