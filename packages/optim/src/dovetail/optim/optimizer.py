"""Optimizer: parameter groups, and state kept by the parameters' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dovetail as dt
from dovetail import checks

ParamGroup = dict[str, Any]


class Optimizer:
    """The base of all optimizers.

    A subclass calls ``super().__init__(params, defaults)`` and defines ``update(group, params)``, which changes the
    given parameters (all have gradients) by one step. ``init_state(group, param)`` makes a parameter's state before
    its first step.

    Args:
        params: tensors, ``(name, tensor)`` pairs, ``model.parameters()`` (which carries its names), or dicts with the
            key ``params`` and options of their own.
        defaults: the options of groups that do not set them.

    Attributes:
        param_groups: one dict a group: ``params`` (tensors), ``names`` and the options.
        state: each parameter's state, a dict of tensors and numbers.

    Raises:
        ValueError: for an empty list, duplicate parameters or names, or options out of range.
        TypeError: for something that is no tensor.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[ParamGroup] = []
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self._pre_hooks: list[Callable[..., Any]] = []
        self._post_hooks: list[Callable[..., Any]] = []
        for group in self._groups_of(params):
            self.add_param_group(group)
        if not any(group["params"] for group in self.param_groups):
            raise ValueError(f"{self._who}: got an empty parameter list")

    # ---- what a subclass defines ----

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        """Change ``params`` (those of the group that have gradients) by one step."""
        raise TypeError(f"{self._who}: an optimizer must define update(self, group, params)")

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        return {}

    # ---- the step ----

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss anew (with gradients enabled); its value is returned.
        """
        for hook in self._pre_hooks:
            hook(self, (closure,), {})
        loss = None
        if closure is not None:
            with dt.enable_grad():
                loss = closure()
        with dt.no_grad():
            for group in self.param_groups:
                params = [p for p in group["params"] if p.grad is not None]
                for p in params:
                    if p not in self.state:
                        self.state[p] = self.init_state(group, p)
                if params:
                    self.update(group, params)
        for hook in self._post_hooks:
            hook(self, (closure,), {})
        return loss

    @checks.in_class_name
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every gradient, or fill it with zeros where ``set_to_none`` is False."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if set_to_none:
                    p.grad = None
                else:
                    p.grad = dt.zeros_like(p.grad)

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(optimizer, args, kwargs)`` before every step. Returns a function that removes it."""
        self._pre_hooks.append(hook)
        return lambda: self._pre_hooks.remove(hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(optimizer, args, kwargs)`` after every step. Returns a function that removes it."""
        self._post_hooks.append(hook)
        return lambda: self._post_hooks.remove(hook)

    # ---- groups ----

    @checks.in_class_name
    def add_param_group(self, group: ParamGroup) -> None:
        """Add parameters with options of their own."""
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(
                f"{self._who}: a parameter group is a dict with the key 'params', got {checks.shown(group)}"
            )
        group = {**self.defaults, **group}
        unknown = set(group) - set(self.defaults) - {"params", "names", "initial_lr"}
        if unknown:
            raise ValueError(f"{self._who}: unknown options {sorted(unknown)}; there are {sorted(self.defaults)}")
        count = sum(len(g["params"]) for g in self.param_groups)
        pairs = list(named(group["params"], count))
        seen = {id(p) for g in self.param_groups for p in g["params"]}
        names = {name for g in self.param_groups for name in g["names"]}
        for name, p in pairs:
            self._check_param(name, p)
            if id(p) in seen:
                raise ValueError(f"{self._who}: parameter {name} is given more than once")
            if name in names:
                raise ValueError(f"{self._who}: two parameters are named {name}")
            seen.add(id(p))
            names.add(name)
        group["params"] = [p for _, p in pairs]
        group["names"] = [name for name, _ in pairs]
        self.check_options(group)
        self.param_groups.append(group)

    def check_options(self, group: ParamGroup) -> None:
        """Raise ValueError for an option out of range. By default lr and weight_decay must not be negative."""
        for option in ("lr", "weight_decay", "eps", "momentum"):
            if option in group:
                checks.numbers(self._who, **{option: group[option]})
                if not float(group[option]) >= 0:
                    raise ValueError(f"{self._who}: {option} must be >= 0, got {group[option]}")
        for option in ("amsgrad", "nesterov", "maximize"):
            if option in group and not isinstance(group[option], (bool, int)):
                raise TypeError(f"{self._who}: {option} must be a bool, got {checks.shown(group[option])}")
        if "betas" in group:
            betas = group["betas"]
            if not isinstance(betas, (list, tuple)) or len(betas) != 2:
                raise TypeError(f"{self._who}: betas must be two numbers, got {checks.shown(betas)}")
            checks.numbers(self._who, beta1=betas[0], beta2=betas[1])
            if not all(0 <= beta < 1 for beta in betas):
                raise ValueError(f"{self._who}: betas must be in [0, 1), got {checks.shown(betas)}")

    def _groups_of(self, params: Iterable[Any]) -> list[ParamGroup]:
        if isinstance(params, dt.Tensor):
            raise TypeError(
                f"{self._who}: params must be an iterable of tensors or dicts, got one tensor of shape "
                f"{tuple(params.shape)}; put it in a list"
            )
        if hasattr(params, "named"):
            return [{"params": params}]
        if not isinstance(params, Iterable):
            raise TypeError(f"{self._who}: params must be an iterable of tensors or dicts, got {checks.shown(params)}")
        items = list(params)
        if items and isinstance(items[0], dict):
            return items
        return [{"params": items}]

    def _check_param(self, name: str, p: Any) -> None:
        if not isinstance(p, dt.Tensor):
            raise TypeError(f"{self._who}: expected tensors to optimize, got {checks.shown(p)} for {name}")
        if not p.is_floating_point() and not p.is_complex():
            raise TypeError(
                f"{self._who}: parameter {name} has dtype {p.dtype}; only floating-point tensors have gradients"
            )
        if p.requires_grad and not p.is_leaf:
            raise ValueError(
                f"{self._who}: parameter {name} is not a leaf: it was computed, and has no gradient to step by"
            )

    # ---- state by name ----

    def state_dict(self) -> dict[str, Any]:
        """The state by parameter names, and the groups' options: ready for ``dt.save``.

        Returns:
            ``{"state": {name: {...}}, "param_groups": [{option: value, "params": [name, ...]}]}``
        """
        state = {
            name: dict(self.state[p])
            for group in self.param_groups
            for name, p in zip(group["names"], group["params"], strict=True)
            if p in self.state
        }
        groups = []
        for group in self.param_groups:
            options = {k: v for k, v in group.items() if k not in ("params", "names")}
            groups.append({**options, "params": list(group["names"])})
        return {"state": state, "param_groups": groups}

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state saved by ``state_dict``.

        Raises:
            ValueError: listing every name that is missing or unexpected and every tensor whose shape differs. Nothing
                is changed then.
        """
        checks.dicts("load_state_dict", state_dict=state_dict)
        problems = self._mismatches(state_dict)
        if problems:
            raise ValueError(f"{self._who}: the state does not fit these parameters:\n  " + "\n  ".join(problems))
        shared: dict[tuple[float, str], Any] = {}
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            for option, value in saved.items():
                if option != "params":
                    group[option] = tuple(value) if isinstance(self.defaults.get(option), tuple) else value
            for name, p in zip(group["names"], group["params"], strict=True):
                if name in state_dict["state"]:
                    self.state[p] = self._take_over(state_dict["state"][name], p, shared)

    def _take_over(self, saved: dict[str, Any], p: Any, shared: dict[tuple[float, str], Any]) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for key, value in saved.items():
            if not isinstance(value, dt.Tensor):
                state[key] = value
            elif key == "step":  # parameters at one step share one counter
                state[key] = shared.setdefault((float(value.item()), str(p.device)), value.to(p.device).clone())
            else:
                state[key] = value.to(p.device).to(p.dtype).clone()
        return state

    def _mismatches(self, state_dict: dict[str, Any]) -> list[str]:
        groups, state = state_dict["param_groups"], state_dict["state"]
        if len(groups) != len(self.param_groups):
            return [f"{len(groups)} parameter groups were saved, there are {len(self.param_groups)}"]
        problems = []
        for i, (group, saved) in enumerate(zip(self.param_groups, groups, strict=True)):
            ours, theirs = set(group["names"]), set(saved["params"])
            problems += [f"group {i}: {name} was not saved" for name in group["names"] if name not in theirs]
            problems += [
                f"group {i}: {name} was saved, but is not here" for name in saved["params"] if name not in ours
            ]
            for name, p in zip(group["names"], group["params"], strict=True):
                for key, value in state.get(name, {}).items():
                    if isinstance(value, dt.Tensor) and value.ndim > 0 and value.shape != p.shape:
                        problems.append(
                            f"{name}: {key} was saved with shape {tuple(value.shape)}, "
                            f"the parameter has {tuple(p.shape)}"
                        )
        return problems

    # ---- names ----

    @property
    def _who(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [f"{self._who} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k not in ("params", "names")]
        return "\n".join([*lines, ")"])


def named(params: Any, start: int) -> Iterator[tuple[str, Any]]:
    """``(name, tensor)`` pairs of what may be given as parameters; nameless ones are numbered from ``start``."""
    if isinstance(params, dt.Tensor):
        params = [params]
    items = params.named() if hasattr(params, "named") else params
    for i, item in enumerate(items, start):
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
            yield item
        else:
            yield str(i), item


def scalar(value: Any, like: Any) -> Any:
    """A number as the zero-dim float32 tensor that a fused step takes, on the device of ``like``."""
    if isinstance(value, dt.Tensor):
        return value
    return dt.tensor(float(value), dtype=dt.float32, device=like.device)


def cohorts(state: dict[Any, dict[str, Any]], group: ParamGroup, params: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Parameters by their common step counter, each counter advanced by one.

    Parameters that step together share one counter, so that a whole group is one fused step. Where only some of a
    counter's parameters have gradients this time, those go on with a counter of their own.
    """
    members: dict[int, int] = {}
    for p in group["params"]:
        if p in state:
            key = id(state[p]["step"])
            members[key] = members.get(key, 0) + 1
    by_counter: dict[int, list[Any]] = {}
    for p in params:
        by_counter.setdefault(id(state[p]["step"]), []).append(p)
    for key, together in by_counter.items():
        step = state[together[0]]["step"]
        if len(together) < members[key]:
            step = step.clone()
            for p in together:
                state[p]["step"] = step
        step.add_(1)
        yield step, together
