"""Whole networks trained beside PyTorch's from the same weights on the same data: in double precision 20 steps within
1e-6 of it, in single precision 10 steps within 1e-4, in losses, parameters and buffers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.compare.networks import BATCHES, NETWORKS, Network
from tests.compare.rows import DOVETAIL, PYTORCH, Side

Agreement = tuple[int, float]  # steps, relative tolerance
AGREEMENT: dict[str, Agreement] = {"float64": (20, 1e-6), "float32": (10, 1e-4)}


@dataclass(frozen=True)
class Recipe:
    """An optimizer, what is done to the gradients before its step, and a schedule; each from the library's own."""

    optimizer: Callable[[Any, Any], Any]
    clip: Callable[[Any, Any], Any] | None = None
    schedule: Callable[[Any, Any], Any] | None = None


def adamw(optim: Any, parameters: Any) -> Any:
    # A larger eps: a gradient that is zero but for rounding (of a key's bias, say) would become a step of any sign.
    return optim.AdamW(parameters, lr=2e-3, eps=1e-4, weight_decay=0.05)


def momentum(optim: Any, parameters: Any) -> Any:
    return optim.SGD(parameters, lr=0.02, momentum=0.9, weight_decay=1e-3)


def warm_up_and_cosine(schedules: Any, optimizer: Any) -> Any:
    up = schedules.LinearLR(optimizer, 0.25, total_iters=5)
    return schedules.SequentialLR(optimizer, [up, schedules.CosineAnnealingLR(optimizer, 15)], [5])


def one_cycle(schedules: Any, optimizer: Any) -> Any:
    return schedules.OneCycleLR(optimizer, max_lr=0.03, total_steps=24)


RECIPES = {
    "SGD": Recipe(momentum),
    "AdamW": Recipe(adamw),
    "SGD, clipped by norm, one cycle": Recipe(
        momentum, lambda nn, parameters: nn.utils.clip_grad_norm_(parameters, 0.5), one_cycle
    ),
    "AdamW, clipped by value, warm-up and cosine": Recipe(
        adamw, lambda nn, parameters: nn.utils.clip_grad_value_(parameters, 0.05), warm_up_and_cosine
    ),
}


def train(side: Side, network: Network, recipe: Recipe, module: Any, steps: int) -> list[float]:
    """The losses of some steps; the module is left as they leave it."""
    dtype = next(module.parameters()).dtype
    optimizer = recipe.optimizer(side.library.optim, module.parameters())
    schedule = recipe.schedule and recipe.schedule(side.library.optim.lr_scheduler, optimizer)
    losses = []
    for step in range(steps):
        batch = [side.tensor(array) for array in network.batch(step % BATCHES)]
        *inputs, target = (each.to(dtype) if each.is_floating_point() else each for each in batch)
        optimizer.zero_grad()
        loss = network.loss(side, module(*inputs), target)
        loss.backward()
        if recipe.clip:
            recipe.clip(side.nn, module.parameters())
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("dtype", AGREEMENT)
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:::torch")
def test_a_network_trains_as_pytorchs(name: str, recipe: str, dtype: str) -> None:
    steps, tolerance = AGREEMENT[dtype]
    network = NETWORKS[name]
    PYTORCH.library.manual_seed(0)
    theirs, ours = (network.make(side).to(getattr(side.library, dtype)) for side in (PYTORCH, DOVETAIL))
    ours.load_state_dict({key: DOVETAIL.tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    before = {key: value.numpy().copy() for key, value in theirs.state_dict().items()}

    wanted = train(PYTORCH, network, RECIPES[recipe], theirs, steps)
    got = train(DOVETAIL, network, RECIPES[recipe], ours, steps)

    np.testing.assert_allclose(got, wanted, rtol=tolerance, err_msg="losses")
    state = ours.state_dict()
    for key, value in theirs.state_dict().items():
        scale = np.abs(value.numpy()).max(initial=0)
        np.testing.assert_allclose(state[key].numpy(), value.numpy(), rtol=0, atol=tolerance * scale, err_msg=key)
    moved = [key for key, value in before.items() if not np.array_equal(value, theirs.state_dict()[key].numpy())]
    assert len(moved) == len(before), f"not trained: {sorted(before.keys() - moved)}"
