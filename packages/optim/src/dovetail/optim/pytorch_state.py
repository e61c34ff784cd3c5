"""The state of one of PyTorch's optimizers, which is kept by position, as one by name."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .lbfgs import LBFGS
from .optimizer import Optimizer
from .options import Hints
from .state import every

# State of PyTorch's that is computed here from the step and the options.
DERIVED = {"ASGD": {"eta", "mu"}, "SGD": {"step"}, "Lion": {"step"}, "Muon": {"step"}}


@checks.in_own_name
def from_pytorch(state_dict: dict[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """A state that PyTorch's ``optimizer.state_dict()`` gave, by the names of this optimizer's parameters.

    PyTorch's state knows its parameters by their positions, so the parameters must have been given in the same order to
    the same kind of optimizer. Shapes are compared when the result is loaded; nothing else can be.

    Args:
        state_dict: PyTorch's, with its tensors, or with arrays or tensors in their place.
        optimizer: the one that is to load the result.

    Returns:
        What ``optimizer.load_state_dict`` takes.

    Raises:
        ValueError: where the number of groups or of parameters differs.

    Example:
        >>> w = dt.zeros(2)
        >>> opt = dt.optim.Adam([("w", w)])
        >>> saved = {
        ...     "state": {0: {"step": 3.0, "exp_avg": [0.5, 0.5], "exp_avg_sq": [1.0, 1.0]}},
        ...     "param_groups": [{"lr": 0.1, "foreach": None, "params": [0]}],
        ... }
        >>> opt.load_state_dict(dt.optim.from_pytorch(saved, opt))
        >>> opt.state[w]["step"].item(), opt.param_groups[0]["lr"]
        (3.0, 0.1)
    """
    checks.dicts("from_pytorch", state_dict=state_dict)
    groups = state_dict["param_groups"]
    counts = [len(group["params"]) for group in groups]
    ours = [len(group["params"]) for group in optimizer.param_groups]
    if counts != ours:
        raise ValueError(f"groups of {counts} parameters were saved, there are groups of {ours}")
    positions = [position for group in groups for position in group["params"]]
    named = dict(zip(positions, every(optimizer), strict=True))
    saved = {int(position): state for position, state in state_dict["state"].items()}
    if isinstance(optimizer, LBFGS):
        saved = _by_parameter(saved, [p for _, _, p in named.values()], positions)
    return {
        "state": {
            named[position][1]: _state(optimizer, state, named[position][2]) for position, state in saved.items()
        },
        "param_groups": [
            {**_options(optimizer, group), "params": list(mine["names"])}
            for group, mine in zip(groups, optimizer.param_groups, strict=True)
        ],
    }


def _options(optimizer: Optimizer, group: dict[str, Any]) -> dict[str, Any]:
    """The options that mean the same here; those that PyTorch's older versions did not have keep their defaults."""
    dropped = {"params", "param_names", *Hints.__annotations__}
    known = {name: value for name, value in group.items() if name in optimizer.defaults or name == "initial_lr"}
    strange = set(group) - set(known) - dropped - {"max_lr", "min_lr", "max_momentum", "base_momentum", "swa_lr"}
    if strange:
        raise ValueError(f"{type(optimizer).__name__} has no options {sorted(strange)}")
    return {**optimizer.defaults, **{name: _plain(value) for name, value in known.items()}}


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else _tensor(value) if hasattr(value, "detach") else value


def _state(optimizer: Optimizer, state: dict[str, Any], param: Any) -> dict[str, Any]:
    dropped = DERIVED.get(type(optimizer).__name__, set())
    kept = {key: value for key, value in state.items() if key not in dropped and value is not None}
    if isinstance(optimizer, LBFGS):
        return kept
    return {key: _like(value, key, param) for key, value in kept.items()}


def _like(value: Any, key: str, param: Any) -> Any:
    """A saved tensor in the dtype that it has here: counters in float32, the rest as the parameter."""
    tensor = _tensor(value)
    counts = key in ("step", "mu_product")
    return tensor.to(device=param.device, dtype=dt.float32 if counts else param.dtype)


def _tensor(value: Any) -> Any:
    """A copy of a tensor or an array of any library, or of a number or a list."""
    if hasattr(value, "__dlpack__"):
        return dt.from_dlpack(value.detach() if hasattr(value, "detach") else value).clone()
    return dt.tensor(value, dtype=dt.float64)


def _by_parameter(saved: dict[int, Any], params: list[Any], positions: list[int]) -> dict[int, Any]:
    """L-BFGS's vectors over all parameters, which PyTorch keeps with the first, cut to the parameters."""
    if not saved:
        return {}
    ((_, whole),) = saved.items()
    numbers = {"t": float(whole["t"]), "H_diag": float(whole["H_diag"])}
    numbers |= {key: int(whole[key]) for key in ("n_iter", "func_evals")}
    vectors = {"d": whole["d"], "prev_flat_grad": whole["prev_flat_grad"]}
    for key in ("old_dirs", "old_stps"):
        vectors |= {f"{key}.{i}": vector for i, vector in enumerate(whole[key])}
    states: list[dict[str, Any]] = [dict(numbers) for _ in params]
    for key, vector in vectors.items():
        flat, at = _tensor(vector), 0
        for state, p in zip(states, params, strict=True):
            shape = (*p.shape, 2) if p.is_complex() else tuple(p.shape)
            size = p.numel() * (2 if p.is_complex() else 1)
            state[key] = flat[at : at + size].reshape(shape).to(dt.view_as_real(p).dtype if p.is_complex() else p.dtype)
            at += size
    return dict(zip(positions, states, strict=True))
