"""Averages of a model's weights along its training: SWA and EMA. Needs dovetail-nn (the extra ``swa``)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dovetail as dt
from dovetail import checks, nn

from .lr_scheduler import LRScheduler
from .lr_scheduler.base import per_group
from .lr_scheduler.cyclic import ANNEALINGS
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Any, Any, Any], Any]
ManyAverages = Callable[[list[Any], list[Any], Any], None]


def get_swa_avg_fn() -> Average:
    """The equal average: ``average + (param - average) / (n + 1)``.

    Example:
        >>> from dovetail.optim.swa_utils import get_swa_avg_fn
        >>> get_swa_avg_fn()(dt.tensor(1.0), dt.tensor(3.0), 1).item()
        2.0
    """
    return lambda average, param, count: average + (param - average) / (count + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential average: ``decay * average + (1 - decay) * param``.

    Example:
        >>> from dovetail.optim.swa_utils import get_ema_avg_fn
        >>> get_ema_avg_fn(0.5)(dt.tensor(1.0), dt.tensor(3.0), 1).item()
        2.0
    """
    _check_decay("get_ema_avg_fn", decay)
    return lambda average, param, count: average.lerp(param, 1 - decay)


def get_swa_multi_avg_fn() -> ManyAverages:
    """The equal average of lists of tensors, in place."""
    return _in_place(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> ManyAverages:
    """The exponential average of lists of tensors, in place; counts and other integers are copied."""
    return _in_place(get_ema_avg_fn(decay))


def _in_place(average_of: Average) -> ManyAverages:
    def many(averages: list[Any], params: list[Any], count: Any) -> None:
        for average, param in zip(averages, params, strict=True):
            exact = average.is_floating_point() or average.is_complex()
            average.copy_(average_of(average, param, count) if exact else param)

    return many


def _check_decay(who: str, decay: float) -> None:
    checks.numbers(who, decay=decay)
    if not 0 <= decay <= 1:
        raise ValueError(f"{who}: decay must be in [0, 1], got {decay}")


class AveragedModel(nn.Module):
    """A copy of a model whose weights are an average of the model's along its training.

        averaged = AveragedModel(model)                                            # SWA: the equal average
        averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))  # EMA
        ...
        averaged.update_parameters(model)      # after a step, or an epoch
        update_bn(loader, averaged)            # at the end, where there is batch normalization

    Args:
        model: what is copied.
        device: where the copy lives; the model's where None.
        avg_fn: ``(average, parameter, how many)`` to the new average; the equal average where None.
        multi_avg_fn: the same on lists of tensors, in place.
        use_buffers: average the buffers too, in place of copying them.

    Raises:
        ValueError: for both functions at once.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv:1803.05407.

    Example:
        >>> from dovetail import nn
        >>> from dovetail.optim.swa_utils import AveragedModel
        >>> model = nn.Linear(1, 1, bias=False)
        >>> averaged = AveragedModel(model)
        >>> for value in (1.0, 3.0):
        ...     _ = nn.init.constant_(model.weight, value)
        ...     averaged.update_parameters(model)
        >>> averaged.module.weight.item()
        2.0
    """

    def __init__(
        self,
        model: nn.Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: ManyAverages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: got both avg_fn and multi_avg_fn; give one of them")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", dt.tensor(0, dtype=dt.int64, device=device))
        self.average_of = multi_avg_fn or _in_place(avg_fn or get_swa_avg_fn())
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: nn.Module) -> None:
        """Take the model's parameters as they are now into the average; the first time, copy them."""
        with dt.no_grad():
            ours, theirs = self._tensors(self.module), self._tensors(model)
            theirs = [p.detach().to(a.device) for a, p in zip(ours, theirs, strict=True)]
            if self.n_averaged.item() == 0:
                for average, param in zip(ours, theirs, strict=True):
                    average.copy_(param)
            else:
                self.average_of(ours, theirs, self.n_averaged)
            if not self.use_buffers:
                for own, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                    own.copy_(buffer.detach())
            self.n_averaged += 1

    def _tensors(self, model: nn.Module) -> list[Any]:
        tensors = itertools.chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()
        return [tensor.detach() for tensor in tensors]


def update_bn(loader: Iterable[Any], model: nn.Module, device: Any = None) -> None:
    """Compute the running statistics of every batch normalization anew, in one pass over the data.

    Args:
        loader: batches, tensors or lists whose first entry is the input.
        model: called on every input, in training mode; its own mode is as before in the end.
        device: where the inputs are moved to; nowhere where None.
    """
    norms = [m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    with dt.no_grad():
        model.train()
        try:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # the equal average of all batches
            for batch in loader:
                inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(inputs if device is None else inputs.to(device))
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
            model.train(was_training)


class SWALR(LRScheduler):
    """From the rate that there is to ``swa_lr`` over ``anneal_epochs`` steps, and constant from then on.

    Args:
        optimizer: whose learning rates are set.
        swa_lr: the rate to come to, or one a group.
        anneal_epochs: how many steps it takes.
        anneal_strategy: "cos" or "linear".
        last_epoch: the last step that was done.

    Example:
        >>> from dovetail.optim.swa_utils import SWALR
        >>> opt = dt.optim.SGD([dt.zeros(1)], lr=1.0)
        >>> sched = SWALR(opt, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> [sched.group_rate(0, 1.0, t) for t in range(4)]
        [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        checks.integers("SWALR", anneal_epochs=anneal_epochs)
        if anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must not be negative, got {anneal_epochs}")
        if anneal_strategy not in ANNEALINGS:
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.swa_lrs = per_group("SWALR", "swa_lr", swa_lr, optimizer)
        self.anneal_epochs, self.anneal = anneal_epochs, ANNEALINGS[anneal_strategy]
        super().__init__(optimizer, last_epoch)

    def group_rate(self, index: int, base_lr: float, step: int) -> float:
        done = min(1.0, step / self.anneal_epochs) if self.anneal_epochs else 1.0
        return self.anneal(base_lr, self.swa_lrs[index], done)
