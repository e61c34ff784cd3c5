"""Losses that are likelihoods: of counts, of values with variances, of label sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import of_floats, shape_text
from ._older_reduction import with_older_reduction
from .loss import broadcastable, check_shapes, reduce, takes_classes, value_of


@with_older_reduction
@op(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input=True, bool full=False, float eps=1e-08, "
    "str reduction='mean', *, bool broadcast=False) -> Tensor"
)
@of_floats
def poisson_nll_loss(
    input: dt.Tensor,
    target: dt.Tensor,
    log_input: bool,
    full: bool,
    eps: float,
    reduction: str,
    *,
    broadcast: bool = False,
) -> dt.Tensor:
    """The negative log-likelihood of counts under a Poisson distribution.

        l = exp(input) - target · input            with log_input
        l = input - target · log(input + eps)      without

    Args:
        input: the rates or, with `log_input`, their logarithms.
        target: the counts.
        full: add Stirling's approximation of log(target!) where the target is above 1.
        eps: keeps the logarithm from zero.
        reduction, broadcast: as mse_loss's.

    Example:
        >>> dt.poisson_nll_loss(dt.zeros(2), dt.tensor([1.0, 2.0])).item()
        1.0
    """
    input, target = check_shapes("poisson_nll_loss", input, target, broadcast)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        more = dt.where(target > 1, target, 1)
        stirling = more * more.log() - more + 0.5 * (2 * math.pi * more).log()
        loss = loss + dt.where(target > 1, stirling, 0)
    return reduce("poisson_nll_loss", loss, reduction)


@op(
    "gaussian_nll_loss(Tensor input, Tensor target, Tensor var, bool full=False, float eps=1e-06, "
    "str reduction='mean', *, bool broadcast=False) -> Tensor"
)
@of_floats
def gaussian_nll_loss(
    input: dt.Tensor,
    target: dt.Tensor,
    var: dt.Tensor,
    full: bool,
    eps: float,
    reduction: str,
    *,
    broadcast: bool = False,
) -> dt.Tensor:
    """The negative log-likelihood of values under normal distributions.

        l = (log(max(var, eps)) + (input - target)² / max(var, eps)) / 2

    Args:
        input: the means.
        target: the values.
        var: the variances: a number, of the input's shape, without its last dim, or with size 1 in one dim.
        full: add the constant log(2π) / 2.
        eps: the least variance; what is raised to it gets its gradient nonetheless.
        reduction, broadcast: as mse_loss's.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    Example:
        >>> dt.gaussian_nll_loss(dt.zeros(2), dt.ones(2), dt.ones(2)).item()
        0.5
    """
    input, target = check_shapes("gaussian_nll_loss", input, target, broadcast)
    var = _variances(input, var)
    if value_of((var < 0).any()):
        raise ValueError(f"gaussian_nll_loss: variances must not be negative, got {var.min().item():g}")
    var = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (var.log() + (input - target).square() / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce("gaussian_nll_loss", loss, reduction)


def _variances(input: dt.Tensor, var: dt.Tensor) -> dt.Tensor:
    """In a shape that broadcasts to the input's, and to no other."""
    if var.ndim and var.shape == input.shape[:-1]:
        var = var.unsqueeze(-1)
    if var.ndim not in (0, input.ndim):
        raise ValueError(
            f"gaussian_nll_loss: var of shape {tuple(var.shape)} does not fit an input of shape {tuple(input.shape)}"
        )
    broadcastable("gaussian_nll_loss", "var", var, tuple(input.shape))
    return var.to(input.dtype)


# ---- sequences whose places are not known ----

NEVER = -1e30  # the logarithm of an impossible path's probability; finite, so that its derivatives are


@op(
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank=0, "
    "str reduction='mean', bool zero_infinity=False) -> Tensor"
)
@takes_classes(3)
@of_floats
def ctc_loss_op(
    log_probs: dt.Tensor,
    targets: dt.Tensor,
    input_lengths: dt.Tensor,
    target_lengths: dt.Tensor,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> dt.Tensor:
    """The negative log-likelihood of label sequences, summed over all ways to place them in longer ones.

        l = -log Σ Π_t p(path_t),  over the paths that give the target when repeats, then blanks are dropped

    Args:
        log_probs: log-probabilities ``(T, N, C)`` or ``(T, C)``.
        targets: classes ``(N, S)``, or those of all samples behind one another; without the blank.
        input_lengths, target_lengths: of each sample, ``(N,)`` or ``()``.
        blank: the class that stands for none.
        reduction: "mean" divides each loss by its target's length first.
        zero_infinity: 0 for targets that are too long for their input, in place of infinity.

    Source: Graves et al., "Connectionist Temporal Classification", 2006.

    Example:
        >>> p = dt.full((2, 1, 2), 0.5).log()
        >>> round(dt.ctc_loss(p, dt.tensor([[1]]), dt.tensor([2]), dt.tensor([1])).exp().item(), 4)
        1.3333
    """
    single = log_probs.ndim == 2
    if log_probs.ndim not in (2, 3):
        raise ValueError(f"ctc_loss: expected log_probs (T, N, C) or (T, C), got shape {shape_text(log_probs)}")
    log_p = log_probs.unsqueeze(1) if single else log_probs
    longest, batch, classes = log_p.shape
    if not 0 <= blank < classes:
        raise IndexError(f"ctc_loss: blank {blank} is out of range for {classes} classes")
    lengths = _lengths("input_lengths", input_lengths, batch, longest)
    sizes = _lengths("target_lengths", target_lengths, batch, None)
    labels = _padded(targets.unsqueeze(0) if single and targets.ndim == 1 else targets, sizes, batch)
    _lengths("target_lengths", target_lengths, batch, labels.shape[1])
    loss = ctc_losses(log_p, labels, lengths, sizes, blank)
    loss = dt.where(loss > -NEVER / 10, 0.0 if zero_infinity else math.inf, loss)
    if reduction == "mean":
        loss = loss / sizes.clamp(min=1)
    return reduce("ctc_loss", loss.squeeze(0) if single else loss, reduction)


def _lengths(what: str, lengths: dt.Tensor, batch: int, most: int | None) -> dt.Tensor:
    if lengths.numel() != batch or lengths.ndim > 1:
        raise ValueError(f"ctc_loss: expected {batch} {what}, got shape {shape_text(lengths)}")
    if batch and lengths.min().item() < 0:
        raise ValueError(f"ctc_loss: {what} must not be negative, got {lengths.min().item()}")
    if batch and most is not None and lengths.max().item() > most:
        raise ValueError(f"ctc_loss: {what} must be at most {most}, got {lengths.max().item()}")
    return lengths.reshape(-1).to(dt.int64)


def _padded(targets: dt.Tensor, sizes: dt.Tensor, batch: int) -> dt.Tensor:
    """The targets as ``(N, S)``; what lies behind a target's length is any class."""
    if targets.ndim == 2 and targets.shape[0] == batch:
        return targets.to(dt.int64)
    if targets.ndim != 1:
        raise ValueError(f"ctc_loss: expected targets ({batch}, S) or of one dim, got shape {shape_text(targets)}")
    if targets.numel() != (total := int(sizes.sum().item())):
        raise ValueError(f"ctc_loss: {targets.numel()} targets for target_lengths whose sum is {total}")
    longest = int(sizes.max().item()) if batch else 0
    places = (sizes.cumsum(0) - sizes).unsqueeze(1) + dt.arange(longest, device=targets.device)
    if targets.numel() == 0:
        return dt.zeros(batch, longest, dtype=dt.int64, device=targets.device)
    return targets.to(dt.int64)[places.clamp(max=targets.numel() - 1)]


class _States:
    """The labels of sequences with blanks between them, and what the steps in time from one to the next can be."""

    def __init__(self, log_p: dt.Tensor, labels: dt.Tensor, lengths: dt.Tensor, sizes: dt.Tensor, blank: int) -> None:
        batch, size = labels.shape
        device = labels.device
        labels = dt.where(dt.arange(size, device=device) < sizes.unsqueeze(1), labels, blank)
        blanks = dt.full_like(labels[:, :1], blank) if size else dt.full((batch, 1), blank, device=device)
        between = dt.stack([dt.full_like(labels, blank), labels], -1).reshape(batch, 2 * size)
        self.spread = dt.cat([between, blanks], 1)
        self.count = 2 * size + 1
        index = self.spread.unsqueeze(0).expand(log_p.shape[0], batch, self.count)
        self.emitted = log_p.gather(2, index).clamp(min=NEVER)
        # A blank between two labels may be skipped, unless they are alike.
        behind = (self.spread[:, 2:] != self.spread[:, :-2]) & (self.spread[:, 2:] != blank)
        self.skips_to = dt.constant_pad_nd(behind, [2, 0], False)
        self.skips_from = dt.constant_pad_nd(behind, [0, 2], False)
        self.places = dt.arange(self.count, device=device)
        last = (2 * sizes).unsqueeze(1)
        self.ends = (self.places == last) | (self.places == last - 1)
        self.lengths, self.dtype = lengths.unsqueeze(1), log_p.dtype
        # Of no input there is no path but the empty one.
        self.empty = dt.where(sizes == 0, 0.0, NEVER).to(log_p.dtype)

    def forward(self) -> list[dt.Tensor]:
        """By time: the logarithm of the probability of what leads to each state."""
        first = dt.where(self.places < 2, self.emitted[0], NEVER) if len(self.emitted) else None
        states = [] if first is None else [first]
        for t in range(1, len(self.emitted)):
            state = states[-1]
            one = dt.constant_pad_nd(state, [1, 0], NEVER)[:, :-1]
            two = dt.where(self.skips_to, dt.constant_pad_nd(state, [2, 0], NEVER)[:, : self.count], NEVER)
            moved = dt.logsumexp(dt.stack([state, one, two]), 0) + self.emitted[t]
            states.append(dt.where(t < self.lengths, moved, state))
        return states

    def backward(self) -> list[dt.Tensor]:
        """By time: the logarithm of the probability of what follows each state."""
        state = dt.where(self.ends, 0.0, NEVER).to(self.dtype)
        states = [state]
        for t in range(len(self.emitted) - 1, 0, -1):
            here = state + self.emitted[t]
            one = dt.constant_pad_nd(here, [0, 1], NEVER)[:, 1:]
            two = dt.where(self.skips_from, dt.constant_pad_nd(here, [0, 2], NEVER)[:, 2:], NEVER)
            state = dt.where(t < self.lengths, dt.logsumexp(dt.stack([here, one, two]), 0), state)
            states.append(state)
        return states[::-1]

    def losses(self, states: list[dt.Tensor]) -> dt.Tensor:
        if not states:
            return -self.empty
        total = dt.logsumexp(dt.where(self.ends, states[-1], NEVER), 1)
        return -dt.where(self.lengths.squeeze(1) == 0, self.empty, total)


@op(
    "ctc_losses(Tensor log_probs, Tensor labels, Tensor input_lengths, Tensor target_lengths, int blank) -> Tensor",
    internal=True,
    kernel=True,
)
@of_floats
def ctc_losses(
    log_probs: dt.Tensor, labels: dt.Tensor, input_lengths: dt.Tensor, target_lengths: dt.Tensor, blank: int
) -> dt.Tensor:
    """The losses of `ctc_loss`, one by one; 1e30 or more of a target that is too long for its input.

    Args:
        log_probs: ``(T, N, C)``.
        labels: ``(N, S)``; what lies behind a target's length does not count.
        input_lengths, target_lengths: ``(N,)``.

    Example:
        >>> losses = dt._core.get_op("ctc_losses")
        >>> p = dt.full((2, 1, 2), 0.5).log()
        >>> round(losses(p, dt.tensor([[1]]), dt.tensor([2]), dt.tensor([1]), 0).exp().item(), 4)
        1.3333
    """
    states = _States(log_probs, labels, input_lengths, target_lengths, blank)
    return states.losses(states.forward())


@op(
    "ctc_losses_grad(Tensor grad, Tensor log_probs, Tensor labels, Tensor input_lengths, Tensor target_lengths, "
    "int blank) -> Tensor",
    internal=True,
    kernel=True,
)
@of_floats
def ctc_losses_grad(
    grad: dt.Tensor,
    log_probs: dt.Tensor,
    labels: dt.Tensor,
    input_lengths: dt.Tensor,
    target_lengths: dt.Tensor,
    blank: int,
) -> dt.Tensor:
    """The gradient of `ctc_losses` with respect to its log-probabilities: less what part of the paths is there.

        out[t, n, c] = -grad[n] · Σ p(paths of n that are at c at time t) / Σ p(paths of n)

    Example:
        >>> grad = dt._core.get_op("ctc_losses_grad")
        >>> p = dt.full((1, 1, 2), 0.5).log()
        >>> grad(dt.ones(1), p, dt.tensor([[1]]), dt.tensor([1]), dt.tensor([1]), 0).tolist()
        [[[0.0, -1.0]]]
    """
    states = _States(log_probs, labels, input_lengths, target_lengths, blank)
    if not log_probs.shape[0]:
        return dt.zeros_like(log_probs)
    forward, backward = states.forward(), states.backward()
    losses = states.losses(forward)
    times = dt.arange(log_probs.shape[0], device=log_probs.device).reshape(-1, 1, 1)
    counts = (times < states.lengths) & (losses < -NEVER / 10).unsqueeze(1) & (states.emitted > NEVER)
    there = dt.where(counts, dt.stack(forward) + dt.stack(backward) + losses.unsqueeze(1), NEVER).exp()
    shares = there * grad.unsqueeze(1)
    index = states.spread.unsqueeze(0).expand(shares.shape)
    return -dt.zeros_like(log_probs).scatter_add(2, index, shares)


@checks.in_own_name
def ctc_loss(
    log_probs: dt.Tensor,
    targets: dt.Tensor,
    input_lengths: dt.Tensor | Sequence[int],
    target_lengths: dt.Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> dt.Tensor:
    """Connectionist temporal classification, see CTCLoss; the lengths may be tuples of ints.

    Example:
        >>> round(ctc_loss(dt.full((2, 1, 2), 0.5).log(), dt.tensor([[1]]), (2,), (1,)).exp().item(), 4)
        1.3333
    """
    checks.tensors("ctc_loss", log_probs=log_probs, targets=targets)
    given = []
    for what, each in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if not isinstance(each, dt.Tensor):
            checks.ints("ctc_loss", **{what: each})
            each = dt.tensor(each, dtype=dt.int64)
        given.append(each.to(log_probs.device))
    return ctc_loss_op(log_probs, targets, *given, blank, reduction, zero_infinity)
