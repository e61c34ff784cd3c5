"""A module's state dict: making it and loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dovetail as dt

from ..parameter import Parameter, is_lazy
from .traversal import named_modules

if TYPE_CHECKING:
    from .module import Module

EXTRA = "_extra_state"
LOADS = "loads"  # in the metadata of a load: what is copied in the end
Load = tuple["Module", str, Any, bool]  # whose, which, what, and whether it is taken over rather than copied


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


def save_state(module: Module, prefix: str, keep_vars: bool, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """Put the state of a module and those below it into a dict, a new one where None is given."""
    state = {} if state is None else state
    hooks = module._hooks
    for hook in list(hooks.state_dict_pre.values()):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(state, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            save_state(child, f"{prefix}{name}.", keep_vars, state)
    for hook in list(hooks.state_dict.values()):
        changed = hook(module, state, prefix, {})
        if changed is not None:
            raise RuntimeError(
                f"{type(module).__name__}: a state dict hook changes the dict in place and returns None, "
                f"got {type(changed).__name__}"
            )
    return state


def save_own(module: Module, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
    """One module's part of a state dict."""
    for name, tensor in own_tensors(module).items():
        destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
    if _has_extra(module):
        destination[prefix + EXTRA] = module.get_extra_state()


def load_state(module: Module, state_dict: dict[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    if not hasattr(state_dict, "items"):
        raise TypeError(f"load_state_dict: expected a dict, got {type(state_dict).__name__}")
    state_dict = dict(state_dict)
    keys, problems = IncompatibleKeys([], []), list[str]()
    owners = list(named_modules(module, set(), "", remove_duplicate=False))
    for path, owner in owners:
        for hook in list(owner._hooks.load_state_dict_pre.values()):
            prefix = f"{path}." if path else ""
            hook(owner, state_dict, prefix, {}, strict, keys.missing_keys, keys.unexpected_keys, problems)
    loads: list[Load] = []
    for path, owner in owners:
        metadata = {"assign_to_params_buffers": assign, LOADS: loads}
        prefix = f"{path}." if path else ""
        owner._load_from_state_dict(state_dict, prefix, metadata, True, *keys, problems)
    may_forgive = any(owner._hooks.load_state_dict for _, owner in owners)
    _refuse(module, problems if may_forgive else [*_strictly(keys, strict), *problems])
    with dt.no_grad():
        for load in loads:
            _load_one(*load)
    for _, owner in reversed(owners):
        for hook in list(owner._hooks.load_state_dict.values()):
            hook(owner, keys)
    if may_forgive:
        _refuse(module, _strictly(keys, strict))
    return keys


def _strictly(keys: IncompatibleKeys, strict: bool) -> list[str]:
    """What strict loading has against names."""
    kinds = (("unexpected", keys.unexpected_keys), ("missing", keys.missing_keys))
    return [f"{kind}: " + ", ".join(names) for kind, names in kinds if strict and names]


def _refuse(module: Module, problems: list[str]) -> None:
    if problems:
        text = "\n  ".join(problems)
        raise RuntimeError(f"{type(module).__name__}: the state dict does not fit this module:\n  {text}")


def load_own(
    module: Module,
    state_dict: dict[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """One module's part of loading: what is missing, unexpected or does not fit goes to the lists, and what fits is
    copied once all modules were asked and nothing is wrong; at once where `load_state_dict` did not ask."""
    own, known = own_tensors(module), len(error_msgs)
    names = [*own, *([EXTRA] if _has_extra(module) else [])]
    fitting: list[Load] = []
    for name in names:
        if prefix + name in state_dict:
            value = state_dict[prefix + name]
            problem = None if name == EXTRA else _problem(own[name], value)
            if problem is None:
                fitting.append((module, name, value, bool(local_metadata.get("assign_to_params_buffers"))))
            else:
                error_msgs.append(f"{prefix}{name}: {problem}")
        elif strict:
            missing_keys.append(prefix + name)
    if strict:
        below = {*names, *(f"{name}." for name in module._modules)}
        ours = [name for name in state_dict if name.startswith(prefix)]
        unexpected_keys += [name for name in ours if "".join(name[len(prefix) :].partition(".")[:2]) not in below]
    if LOADS in local_metadata:
        local_metadata[LOADS] += fitting
    elif len(error_msgs) == known:
        with dt.no_grad():
            for load in fitting:
                _load_one(*load)


def _problem(own: Any, value: Any) -> str | None:
    """Why a value can't become a tensor's."""
    if not isinstance(value, dt.Tensor):
        return f"expected a tensor, got {type(value).__name__}"
    if is_lazy(value) and not is_lazy(own):
        return "has no values yet in the state dict; run the module that gave it once"
    if not is_lazy(own) and value.shape != own.shape:
        return f"shape {tuple(value.shape)} in the state dict, {tuple(own.shape)} in the module"
    if value.is_complex() and not own.is_complex():
        return f"{value.dtype} in the state dict, {own.dtype} in the module, which would lose the imaginary part"
    return None


def _load_one(owner: Module, key: str, value: Any, assign: bool) -> None:
    if key == EXTRA:
        owner.set_extra_state(value)
        return
    own = own_tensors(owner)[key]
    if is_lazy(own) and not is_lazy(value) and not assign:
        own.materialize(value.shape)
    if is_lazy(value) and is_lazy(own):
        return
    if not assign:
        own.copy_(value)
    elif key in owner._parameters:
        owner._parameters[key] = value if isinstance(value, Parameter) else Parameter(value, own.requires_grad)
    else:
        owner._buffers[key] = value
