"""Modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers, to transform it as a function of them.

    Args:
        module: an `nn.Module`.
        parameter_and_buffer_dicts: tensors by name, or several such dicts. What is not named stays as it is.
        args: the module's argument, or a tuple of them.
        kwargs: its keyword arguments.
        tie_weights: a parameter that the module has under several names is replaced under all of them.
        strict: every parameter and buffer must be named.

    See `dovetail.nn.utils.functional_call`.
    """
    call = getattr(module, "_functional_call", None)
    if call is None:
        raise TypeError(f"functional_call: expected a Module, got {checks.shown(module)}")
    return call(parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)


def _stacked(name: str, tensors: Sequence[Tensor]) -> Tensor:
    wants = {t.requires_grad for t in tensors}
    if len(wants) > 1:
        raise RuntimeError(f"stack_module_state: {name} must have the same requires_grad in every model")
    for what in ("shape", "dtype", "device"):
        found = {getattr(t, what) for t in tensors}
        if len(found) > 1:
            raise RuntimeError(f"stack_module_state: {name} must have the same {what} in every model, got {found}")
    return dt.stack(list(tensors)).detach().requires_grad_(wants.pop())


@checks.in_own_name
def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several modules of one class, stacked, to map over the modules by vmap.

    Args:
        models: modules of one class, all training or all not.

    Returns (params, buffers), dicts by name of tensors with a new dim in front. They are leaves of their own, which
    require gradients where the modules' did, and can be given to an optimizer.

    Raises RuntimeError where there is no model, or they differ in class, mode, names, shapes or dtypes.

    Example:
        >>> models = [dt.nn.Linear(3, 2) for _ in range(5)]
        >>> params, buffers = dt.func.stack_module_state(models)
        >>> params["weight"].shape
        dovetail.Size([5, 2, 3])
        >>> def call(params, buffers, x):
        ...     return dt.func.functional_call(models[0], (params, buffers), x)
        >>> dt.func.vmap(call, in_dims=(0, 0, None))(params, buffers, dt.ones(4, 3)).shape
        dovetail.Size([5, 4, 2])
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: expected at least one model, got 0")
    for model in models:
        if getattr(model, "_functional_call", None) is None:
            raise TypeError(f"stack_module_state: expected Modules, got {checks.shown(model)}")
    if len({type(model) for model in models}) > 1:
        names = ", ".join(sorted({type(model).__name__ for model in models}))
        raise RuntimeError(f"stack_module_state: the models must be of one class, got {names}")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: the models must all be training or all not; call train() or eval()")

    def stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        for state in states:
            if set(state) != set(states[0]):
                odd = sorted(set(state) ^ set(states[0]))
                raise RuntimeError(f"stack_module_state: not every model has {', '.join(odd)}")
        return {name: _stacked(name, [state[name] for state in states]) for name in states[0]}

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])


@checks.in_own_name
def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Make every batch norm in a module use the statistics of its batch alone, and keep none; returns the module.

    Running statistics are written in place, which `vmap` cannot do where the samples share them.

    Example:
        >>> net = dt.nn.Sequential(dt.nn.Linear(2, 3), dt.nn.BatchNorm1d(3))
        >>> dt.func.replace_all_batch_norm_modules_(net)[1].running_mean is None
        True
    """
    if getattr(root, "_functional_call", None) is None:
        raise TypeError(f"expected a Module, got {checks.shown(root)}")
    for module in root.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
