"""Pruning: parts of a parameter held at zero by a mask.

prune.l1_unstructured(layer, "weight", amount=0.3)   # the 30 % nearest to zero
prune.remove(layer, "weight")                        # makes it permanent
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dovetail as dt
from dovetail import checks

from ..modules.module import Module
from .prune_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    pruned,
)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


@checks.in_own_name
def identity(module: Module, name: str) -> Module:
    """Give a parameter a mask that keeps all of it."""
    Identity.apply(module, name)
    return module


@checks.in_own_name
def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune elements of a parameter at random.

    Args:
        module: whose parameter it is.
        name: of the parameter, which becomes ``name_orig`` and the buffer ``name_mask``.
        amount: how many (an int) or which fraction (a float).

    Example:
        >>> layer = random_unstructured(dt.nn.Linear(4, 2), "weight", 3)
        >>> int((layer.weight_mask == 0).sum())
        3
    """
    RandomUnstructured.apply(module, name, amount=amount)
    return module


@checks.in_own_name
def l1_unstructured(module: Module, name: str, amount: float, importance_scores: dt.Tensor | None = None) -> Module:
    """Prune the elements of a parameter that are nearest to zero.

    Args:
        module: whose parameter it is.
        name: of the parameter, which becomes ``name_orig`` and the buffer ``name_mask``.
        amount: how many (an int) or which fraction (a float).
        importance_scores: what to judge by in place of the values.

    Example:
        >>> layer = l1_unstructured(dt.nn.Linear(4, 2), "weight", 0.5)
        >>> sorted(layer.state_dict())
        ['bias', 'weight_mask', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


@checks.in_own_name
def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune whole channels of a parameter, along ``dim``, at random; ``amount`` of them or that fraction."""
    RandomStructured.apply(module, name, amount, dim)
    return module


@checks.in_own_name
def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: dt.Tensor | None = None
) -> Module:
    """Prune the channels of a parameter, along ``dim``, whose ``n``-norm is smallest.

    Args:
        module: whose parameter it is.
        name: of the parameter, which becomes ``name_orig`` and the buffer ``name_mask``.
        amount: how many channels (an int) or which fraction of them (a float).
        n: the norm, as ``dt.norm`` takes it.
        dim: along which the channels lie.
        importance_scores: what to judge by in place of the values.

    Example:
        >>> layer = ln_structured(dt.nn.Linear(4, 2), "weight", 1, n=2, dim=0)
        >>> sorted(layer.weight_mask.sum(1).tolist())
        [0.0, 4.0]
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


@checks.in_own_name
def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], dt.Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one.

    Args:
        parameters: pairs of module and name.
        pruning_method: a class of unstructured pruning.
        importance_scores: what to judge by in place of the values, by those pairs.
        kwargs: of the method's constructor (``amount``).

    Example:
        >>> a, b = dt.nn.Linear(4, 2), dt.nn.Linear(4, 2)
        >>> global_unstructured([(a, "weight"), (b, "weight")], L1Unstructured, amount=5)
        >>> int((a.weight == 0).sum() + (b.weight == 0).sum())
        5
    """
    pairs = list(parameters)
    if not pairs or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"global_unstructured: expected pairs of module and name, got {checks.shown(pairs)}")
    method = PruningContainer()
    method._tensor_name = "temp"
    single = pruning_method(**kwargs)
    single._tensor_name = "temp"
    if getattr(single, "PRUNING_TYPE", None) != "unstructured":
        raise TypeError(f"global_unstructured: needs an unstructured method, got {pruning_method.__name__}")
    method.add_pruning_method(single)
    given = importance_scores or {}
    scores = [given.get((module, name), getattr(module, name)).detach().reshape(-1) for module, name in pairs]
    masks = [getattr(module, f"{name}_mask", dt.ones_like(getattr(module, name))) for module, name in pairs]
    mask = method.compute_mask(dt.cat(scores), dt.cat([m.detach().reshape(-1) for m in masks]))
    at = 0
    for module, name in pairs:
        tensor = getattr(module, name)
        custom_from_mask(module, name, mask[at : at + tensor.numel()].reshape(tensor.shape))
        at += tensor.numel()


@checks.in_own_name
def custom_from_mask(module: Module, name: str, mask: dt.Tensor) -> Module:
    """Prune of a parameter what a mask of its shape has as 0.

    Example:
        >>> layer = custom_from_mask(dt.nn.Linear(2, 1), "weight", dt.tensor([[1, 0]]))
        >>> layer.weight[0, 1].item()
        0.0
    """
    CustomFromMask.apply(module, name, mask)
    return module


@checks.in_own_name
def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter a plain one again; what was pruned stays zero."""
    there = pruned(module, name)
    if there is None:
        raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned")
    there[0].remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether some parameter of the module, or of one below it, is pruned.

    Example:
        >>> is_pruned(dt.nn.Linear(2, 2))
        False
    """
    return any(part.__dict__.get("_pruning") for part in module.modules())
