"""A module's state dict: making it and loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dovetail as dt

from ..parameter import Parameter
from .traversal import join, named_modules

if TYPE_CHECKING:
    from .module import Module

EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` returns."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def _has_extra(module: Module) -> bool:
    from .module import Module

    return type(module).get_extra_state is not Module.get_extra_state


def own_tensors(module: Module) -> dict[str, Any]:
    """The parameters and persistent buffers of one module, without those of its children."""
    buffers = {k: v for k, v in module._buffers.items() if k not in module._non_persistent}
    return {k: v for k, v in {**module._parameters, **buffers}.items() if v is not None}


def save_state(module: Module, prefix: str, keep_vars: bool) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for path, owner in named_modules(module, set(), prefix.rstrip("."), remove_duplicate=False):
        for name, tensor in own_tensors(owner).items():
            state[join(path, name)] = tensor if keep_vars else tensor.detach()
        if _has_extra(owner):
            state[join(path, EXTRA)] = owner.get_extra_state()
    return state


def load_state(module: Module, state_dict: dict[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    if not hasattr(state_dict, "items"):
        raise TypeError(f"load_state_dict: expected a dict, got {type(state_dict).__name__}")
    targets: dict[str, tuple[Module, str]] = {}
    for path, owner in named_modules(module, set(), "", remove_duplicate=False):
        names = [*own_tensors(owner), *([EXTRA] if _has_extra(owner) else [])]
        targets.update({join(path, name): (owner, name) for name in names})
    missing = [name for name in targets if name not in state_dict]
    unexpected = [name for name in state_dict if name not in targets]
    problems = _problems(targets, state_dict)
    if strict and missing:
        problems.insert(0, "missing: " + ", ".join(missing))
    if strict and unexpected:
        problems.insert(0, "unexpected: " + ", ".join(unexpected))
    if problems:
        text = "\n  ".join(problems)
        raise RuntimeError(f"{type(module).__name__}: the state dict does not fit this module:\n  {text}")
    with dt.no_grad():
        for name, (owner, key) in targets.items():
            if name in state_dict:
                _load_one(owner, key, state_dict[name], assign)
    return IncompatibleKeys(missing, unexpected)


def _problems(targets: dict[str, tuple[Module, str]], state_dict: dict[str, Any]) -> list[str]:
    problems = []
    for name, (owner, key) in targets.items():
        if name not in state_dict or key == EXTRA:
            continue
        value, own = state_dict[name], own_tensors(owner)[key]
        if not isinstance(value, dt.Tensor):
            problems.append(f"{name}: expected a tensor, got {type(value).__name__}")
        elif value.shape != own.shape:
            problems.append(f"{name}: shape {tuple(value.shape)} in the state dict, {tuple(own.shape)} in the module")
    return problems


def _load_one(owner: Module, key: str, value: Any, assign: bool) -> None:
    if key == EXTRA:
        owner.set_extra_state(value)
        return
    own = own_tensors(owner)[key]
    if not assign:
        own.copy_(value)
    elif key in owner._parameters:
        owner._parameters[key] = value if isinstance(value, Parameter) else Parameter(value, own.requires_grad)
    else:
        owner._buffers[key] = value
