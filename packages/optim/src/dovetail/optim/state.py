"""An optimizer's state as a dict by the parameters' names: what fits, and taking it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dovetail as dt
from dovetail import checks

from .options import ParamGroup, tuples

if TYPE_CHECKING:
    from .optimizer import Optimizer


def state_of(optimizer: Optimizer) -> dict[str, Any]:
    """The state by parameter names, and the groups' options."""
    state = {name: dict(optimizer.state[p]) for _, name, p in every(optimizer) if p in optimizer.state}
    groups = []
    for group in optimizer.param_groups:
        options = {k: v for k, v in group.items() if k not in ("params", "names")}
        groups.append({**options, "params": list(group["names"])})
    return {"state": state, "param_groups": groups}


def every(optimizer: Optimizer) -> list[tuple[ParamGroup, str, Any]]:
    """Each parameter with its group and its name."""
    groups = optimizer.param_groups
    return [(group, name, p) for group in groups for name, p in zip(group["names"], group["params"], strict=True)]


def take_over(optimizer: Optimizer, saved: dict[str, Any]) -> None:
    """Make a saved state the optimizer's own; to be called with one that has no misfits."""
    for group, options in zip(optimizer.param_groups, saved["param_groups"], strict=True):
        group.update(with_options(options))
        counters: dict[tuple[Any, ...], dict[str, Any]] = {}  # parameters of a group that are at one step share them
        for name, p in zip(group["names"], group["params"], strict=True):
            if name in saved["state"]:
                optimizer.state[p] = _copied(saved["state"][name], p, optimizer.counters, counters)
            else:
                optimizer.state.pop(p, None)


def with_options(saved: dict[str, Any]) -> ParamGroup:
    """The group's options after a load."""
    return {option: value for option, value in tuples(saved).items() if option != "params"}


def _copied(saved: dict[str, Any], p: Any, names: tuple[str, ...], known: dict[tuple[Any, ...], Any]) -> dict[str, Any]:
    counters = {key: saved[key] for key in names if isinstance(saved.get(key), dt.Tensor)}
    values = tuple(float(value.item()) for value in counters.values())
    shared = known.setdefault((str(p.device), values), {key: _moved(value, p) for key, value in counters.items()})
    return {key: shared[key] if key in shared else _moved(value, p) for key, value in saved.items()}


def _moved(value: Any, p: Any) -> Any:
    return value.to(p.device).clone() if isinstance(value, dt.Tensor) else value


def misfits(optimizer: Optimizer, saved: dict[str, Any]) -> list[str]:
    """Everything about a saved state that is not as the optimizer would have it, a line each."""
    groups, states = saved.get("param_groups"), saved.get("state")
    if "param_groups" not in saved or "state" not in saved:
        return [f"it must have the keys 'state' and 'param_groups', got {checks.shown(saved)}"]
    if not isinstance(groups, (list, tuple)):
        return [f"it must have 'param_groups', a list, got {checks.shown(groups)}"]
    if not isinstance(states, dict):
        return [f"it must have 'state', a dict by parameter names, got {checks.shown(states)}"]
    if len(groups) != len(optimizer.param_groups):
        return [f"{len(groups)} parameter groups were saved, there are {len(optimizer.param_groups)}"]
    problems: list[str] = []
    after: dict[str, tuple[ParamGroup, Any]] = {}
    for i, (group, theirs) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        problems += _of_group(optimizer, f"group {i}", group, theirs)
        if isinstance(theirs, dict):
            merged = {**group, **with_options(theirs)}
            after |= {name: (merged, p) for name, p in zip(group["names"], group["params"], strict=True)}
    listed = {str(name) for group in groups if isinstance(group, dict) for name in group.get("params", ())}
    for name, state in states.items():
        if name in after:
            problems += _of_parameter(optimizer, name, *after[name], state)
        elif str(name) not in listed:
            problems.append(f"{name}: has a state, but is in no group")
    return problems


def _of_group(optimizer: Optimizer, who: str, group: ParamGroup, saved: dict[str, Any]) -> list[str]:
    if not isinstance(saved, dict) or not isinstance(saved.get("params"), (list, tuple)):
        return [f"{who}: must be a dict with 'params', a list of names; got {checks.shown(saved)}"]
    ours, theirs = set(group["names"]), set(saved["params"])
    problems = [f"{who}: {name} was not saved" for name in group["names"] if name not in theirs]
    problems += [f"{who}: {name} was saved, but is not here" for name in saved["params"] if name not in ours]
    known = set(optimizer.defaults)
    problems += [f"{who}: the option {option} was not saved" for option in sorted(known - set(saved))]
    strange = set(saved) - known - {"params", "initial_lr"} - set(group)
    problems += [f"{who}: there is no option {option}, got {checks.shown(saved[option])}" for option in sorted(strange)]
    if not problems:
        try:
            optimizer.check_options({**group, **with_options(saved)})
        except (TypeError, ValueError) as error:
            problems.append(f"{who}: {str(error).removeprefix(type(optimizer).__name__ + ': ')}")
    return problems


def _of_parameter(optimizer: Optimizer, name: str, group: ParamGroup, p: Any, saved: Any) -> list[str]:
    """A saved state beside the one that the parameter would begin with."""
    if not isinstance(saved, dict):
        return [f"{name}: its state must be a dict, got {checks.shown(saved)}"]
    try:
        fresh = optimizer.init_state(group, p)
    except Exception:  # its options do not fit, which was said already
        return []
    who = type(optimizer).__name__
    problems = [f"{name}: {key} was not saved" for key in fresh if key not in saved]
    for key, value in saved.items():
        if key not in fresh:
            if fresh:
                problems.append(f"{name}: {key} was saved, which {who} does not keep with these options")
            elif isinstance(value, dt.Tensor) and value.ndim > 0 and value.shape != p.shape:
                problems.append(f"{name}: {key} was saved with {_described(value)}, the parameter has {_described(p)}")
        elif isinstance(fresh[key], dt.Tensor) != isinstance(value, dt.Tensor):
            problems.append(f"{name}: {key} must be a {type(fresh[key]).__name__}, got {checks.shown(value)}")
        elif isinstance(value, dt.Tensor) and (value.shape, value.dtype) != (fresh[key].shape, fresh[key].dtype):
            problems.append(f"{name}: {key} was saved with {_described(value)}, here it has {_described(fresh[key])}")
    return problems


def _described(tensor: Any) -> str:
    return f"shape {tuple(tensor.shape)} and {tensor.dtype}"
