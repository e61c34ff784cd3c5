"""A softmax over very many classes, of which most are rare."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module


class LogProbabilities(NamedTuple):
    """What AdaptiveLogSoftmaxWithLoss gives."""

    output: dt.Tensor
    loss: dt.Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of the right classes among very many, with small layers for the rare ones.

    Classes are sorted by how frequent they are. The first ``cutoffs[0]`` of them, the shortlist, and one entry for each
    cluster of the others are the head's outputs; cluster i, of the classes from ``cutoffs[i]`` to ``cutoffs[i + 1]``,
    has a layer of ``in_features / div_value^(i + 1)`` features.

        log p(class) = log p(cluster) + log p(class | cluster)

    Args:
        in_features: of the input.
        n_classes: of all classes.
        cutoffs: where the clusters begin: increasing, between 1 and n_classes - 1.
        div_value: by how much each cluster's layer is smaller than that before it.
        head_bias: whether the head has a bias.
        device, dtype: of the parameters.

    Shape:
        input ``(N, in_features)`` and int64 targets ``(N,)``, or ``(in_features,)`` and ``()``; output alike the
        targets, loss ``()``: their mean, negated.

    Source: Grave et al., "Efficient softmax approximation for GPUs", arXiv:1609.04309.

    Example:
        >>> layer = AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
        >>> output, loss = layer(dt.zeros(3, 8), dt.tensor([0, 7, 19]))
        >>> output.shape, round(loss.item(), 4)
        (dovetail.Size([3]), 3.2499)
        >>> layer.log_prob(dt.zeros(1, 8)).exp().sum().round(decimals=4).item()
        1.0
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = "AdaptiveLogSoftmaxWithLoss"
        checks.sizes(who, in_features=in_features, n_classes=n_classes, cutoffs=tuple(cutoffs))
        bounds: list[int] = list(cutoffs)
        increasing = all(a < b for a, b in itertools.pairwise([0, *bounds, n_classes]))
        if not bounds or not increasing:
            raise ValueError(
                f"{who}: cutoffs must increase, between 1 and n_classes - 1, got {checks.shown(cutoffs)} for "
                f"{n_classes} classes"
            )
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*bounds, n_classes]
        self.shortlist_size = bounds[0]
        self.n_clusters = len(bounds)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, False, device, dtype), Linear(hidden, high - low, False, device, dtype)
                )
            )

    def reset_parameters(self) -> None:
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: dt.Tensor, target_: dt.Tensor) -> LogProbabilities:
        self._check(input_, target_)
        input, target = (input_, target_) if target_.ndim else (input_.unsqueeze(0), target_.unsqueeze(0))
        head = F.log_softmax(self.head(input), 1)
        place = target
        in_cluster = dt.zeros_like(head[:, 0])
        for i, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            mine = (target >= low) & (target < high)
            rows = mine.nonzero().squeeze(1)
            place = dt.where(mine, self.shortlist_size + i, place)
            if rows.numel():
                log_p = F.log_softmax(self.tail[i](input.index_select(0, rows)), 1)
                picked = log_p.gather(1, (target.index_select(0, rows) - low).unsqueeze(1)).squeeze(1)
                in_cluster = in_cluster.index_add(0, rows, picked)
        output = head.gather(1, place.unsqueeze(1)).squeeze(1) + in_cluster
        return LogProbabilities(output if target_.ndim else output.squeeze(0), -output.mean())

    def _check(self, input: dt.Tensor, target: dt.Tensor) -> None:
        who = "AdaptiveLogSoftmaxWithLoss"
        checks.tensors(who, input_=input, target_=target)
        if input.ndim not in (1, 2) or input.shape[:-1] != target.shape or input.shape[-1] != self.in_features:
            raise ValueError(
                f"{who}: expected an input (N, {self.in_features}) and targets (N,), or ({self.in_features},) and (), "
                f"got {tuple(input.shape)} and {tuple(target.shape)}"
            )
        if target.is_floating_point() or target.dtype == dt.bool:
            raise TypeError(f"{who}: expected int64 class targets, got dtype {target.dtype}")
        if target.numel():
            for value in (target.min().item(), target.max().item()):
                if not 0 <= value < self.n_classes:
                    raise IndexError(f"{who}: target {value} is out of range for {self.n_classes} classes")

    def log_prob(self, input: dt.Tensor) -> dt.Tensor:
        """The log-probabilities of all classes: ``(N, in_features)`` to ``(N, n_classes)``."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, projection in enumerate(self.tail):
            cluster = head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(projection(input), 1) + cluster)
        return dt.cat(parts, 1)

    def predict(self, input: dt.Tensor) -> dt.Tensor:
        """The most probable class of each sample: as ``log_prob(input).argmax(1)``, but the clusters are computed only
        for the samples whose head points to one."""
        head = self.head(input)
        best = head.argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel() == 0:
            return best
        return best.index_copy(0, rows, self.log_prob(input.index_select(0, rows)).argmax(1))
