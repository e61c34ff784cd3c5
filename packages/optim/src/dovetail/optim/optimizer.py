"""Optimizer: parameter groups, and state kept by the parameters' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Unpack

import dovetail as dt
from dovetail import checks
from dovetail.utils.hooks import HookList, RemovableHandle

from .options import SWITCHES, Hints, ParamGroup, check_hints, check_ranges, tuples
from .state import misfits, state_of, take_over

Names = tuple[str, ...]


class Optimizer:
    """The base of all optimizers.

    A subclass calls ``super().__init__(params, defaults)`` and defines ``update(group, params)``, which changes the
    given parameters (all have gradients) by one step. ``init_state(group, param)`` makes a parameter's state before
    its first step.

    Args:
        params: tensors, ``(name, tensor)`` pairs, ``model.parameters()`` (which carries its names), or dicts with the
            key ``params`` and options of their own.
        defaults: the options of groups that do not set them.
        hints: PyTorch's ``foreach``, ``fused`` and ``capturable``, which are accepted and change nothing: a group is
            one fused step, whose learning rate and step are tensors.

    Attributes:
        param_groups: one dict a group: ``params`` (tensors), ``names`` and the options.
        state: each parameter's state, a dict of tensors and numbers.

    Raises:
        ValueError: for an empty list, duplicate parameters or names, or options out of range.
        TypeError: for something that is no tensor.
    """

    counters: Names = ("step",)  # keys of a state that parameters which step together share, if it has them

    # What the conformance check asks for unless a subclass says otherwise.
    takes_groups = True  # whether there may be more than one
    lr_scales_steps = True  # rather than only the first ones
    only_matrices = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any], **hints: Unpack[Hints]) -> None:
        check_hints(self._who, hints)
        self.defaults = tuples(defaults)
        self.param_groups: list[ParamGroup] = []
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.schedules: list[Any] = []  # of the learning rate, in the order in which they act on it
        self._counters: dict[Any, Any] = {}
        self._pre_hooks, self._post_hooks = HookList(), HookList()
        self._save_pre_hooks, self._save_hooks, self._load_pre_hooks, self._load_hooks = (HookList() for _ in range(4))
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
        if self._pre_hooks:
            closure = self._before_step(closure)
        loss = self._take_step(closure)
        if self._post_hooks:
            for hook in self._post_hooks.in_order():
                hook(self, (closure,), {})
        return loss

    def _before_step(self, closure: Callable[[], Any] | None) -> Callable[[], Any] | None:
        for hook in self._pre_hooks.in_order():
            changed = hook(self, (closure,), {})
            if changed is not None:
                (closure,), _ = changed
        return closure

    def _take_step(self, closure: Callable[[], Any] | None) -> Any:
        loss = None
        if closure is not None:
            with dt.enable_grad():
                loss = closure()
        recording = dt._core.set_grad_enabled(False)  # dt.no_grad, in a fifth of its time
        try:
            for group in self.param_groups:
                self._step_group(group)
        finally:
            dt._core.set_grad_enabled(recording)
        return loss

    def _step_group(self, group: ParamGroup) -> None:
        params = [p for p in group["params"] if p.grad is not None]
        self._counters.clear()
        state = self.state
        for p in params:
            if p not in state:
                state[p] = self.init_state(group, p)
        if params:
            self.update(group, params)

    def counter(self, param: Any, key: str = "step", start: float = 0.0) -> Any:
        """A number for `init_state`, one tensor for all parameters of a group that take their first step together."""
        place = (key, param.device)
        if place not in self._counters:
            self._counters[place] = dt.full((), start, dtype=dt.float32, device=param.device)
        return self._counters[place]

    def advance(self, group: ParamGroup, state: dict[str, Any]) -> None:
        """Move the counters of parameters that step together, of which this is one's state, by a step."""
        state["step"].add_(1)

    def run_fused(
        self, op: Any, group: ParamGroup, params: list[Any], states: Names, singles: Names, options: Names
    ) -> None:
        """Call a fused step for each cohort.

        Args:
            op: the step: it takes lists of parameters, gradients and states, then single tensors, then numbers.
            group, params: as of `update`.
            states: keys of the state that become lists (see `columns`).
            singles: keys of counters, or options that may be tensors, which become tensors.
            options: those that become numbers and bools; a tuple becomes several.
        """
        settings = [setting for name in options for setting in _plain(name, group[name])]
        advance = partial(self.advance, group)
        for _, together in cohorts(self.state, group, params, self.counters, advance):
            first = self.state[together[0]]
            tensors = [first[key] if key in first else scalar(group[key], together[0]) for key in singles]
            op(*self.columns(together, *states), *tensors, *settings)

    def columns(self, params: list[Any], *keys: str) -> Iterator[list[Any]]:
        """What a fused step takes of parameters of one dtype: they, their gradients, a list for each key of the state.

        A key that the states do not have gives an empty list. Complex tensors come as pairs of real numbers.
        """
        columns = [params, [p.grad for p in params]]
        if keys:
            states = [self.state[p] for p in params]
            columns += [[s[key] for s in states if key in s] for key in keys]
        if params[0].is_complex():
            columns = [[dt.view_as_real(t) if t.is_complex() else t for t in column] for column in columns]
        return iter(columns)

    @checks.in_class_name
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every gradient, or fill it with zeros where ``set_to_none`` is False."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    with dt.no_grad():
                        p.grad = p.grad.detach().zero_()

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step; it may return other ``(args, kwargs)``."""
        return self._pre_hooks.add(hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step."""
        return self._post_hooks.add(hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before the state is collected."""
        return self._save_pre_hooks.add(hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after the state is collected; it may return another one."""
        return self._save_hooks.add(hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a state is looked at; it may return another one."""
        return self._load_pre_hooks.add(hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state is taken over."""
        return self._load_hooks.add(hook, prepend)

    # ---- groups ----

    @checks.in_class_name
    def add_param_group(self, group: ParamGroup) -> None:
        """Add parameters with options of their own. Keys that are no options are kept for whoever gave them."""
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(
                f"{self._who}: a parameter group is a dict with the key 'params', got {checks.shown(group)}"
            )
        if self.param_groups and not self.takes_groups:
            raise ValueError(f"{self._who}: takes one parameter group, got another one")
        group = {**self.defaults, **tuples(group)}
        self._check_keys(set(group) - set(self.defaults) - {"params", "names", "initial_lr"})
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

    def _check_keys(self, unknown: set[Any]) -> None:
        """Refuse a key that looks like an option misspelt: it would be kept, and do nothing."""
        from difflib import get_close_matches

        for key in sorted(map(str, unknown)):
            made_of_one = not self.defaults.keys().isdisjoint(key.split("_"))  # lr_scale, max_momentum
            meant = [] if made_of_one else get_close_matches(key, self.defaults, n=1, cutoff=0.8)
            if meant:
                raise ValueError(f"{self._who}: a parameter group has the key {key!r}; did you mean {meant[0]!r}?")

    def check_options(self, group: ParamGroup) -> None:
        """Raise ValueError for an option out of range. Those of common names (lr, betas, ...) are looked at here."""
        check_ranges(self._who, group)

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

    @checks.in_class_name
    def state_dict(self) -> dict[str, Any]:
        """The state by parameter names, and the groups' options: ready for ``dt.save``.

        Returns:
            ``{"state": {name: {...}}, "param_groups": [{option: value, "params": [name, ...]}]}``
        """
        for hook in self._save_pre_hooks.in_order():
            hook(self)
        saved = state_of(self)
        for hook in self._save_hooks.in_order():
            changed = hook(self, saved)
            saved = saved if changed is None else changed
        return saved

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state saved by ``state_dict``.

        PyTorch's, which is kept by position, comes in by ``dt.optim.from_pytorch``.

        Raises:
            ValueError: listing every name that is missing or unexpected, every option that is not known or out of
                range, and every tensor whose shape or dtype differs. Nothing is changed then.
        """
        checks.dicts("load_state_dict", state_dict=state_dict)
        for hook in self._load_pre_hooks.in_order():
            changed = hook(self, dict(state_dict))
            state_dict = state_dict if changed is None else changed
        problems = misfits(self, state_dict)
        if problems:
            raise ValueError(f"{self._who}: the state does not fit these parameters:\n  " + "\n  ".join(problems))
        take_over(self, state_dict)
        for hook in self._load_hooks.in_order():
            hook(self)

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
    """A number as the zero-dim tensor that a fused step takes: float32, or float64 where ``like`` is, on its device."""
    if isinstance(value, dt.Tensor):
        return value
    dtype = like.dtype
    exact = dtype is dt.float64 or dtype is dt.complex128
    return dt.full((), float(value), dtype=dt.float64 if exact else dt.float32, device=like.device)


def cohorts(
    state: dict[Any, dict[str, Any]],
    group: ParamGroup,
    params: list[Any],
    counters: Names = ("step",),
    advance: Callable[[dict[str, Any]], Any] = lambda state: state["step"].add_(1),
) -> Iterator[tuple[Any, list[Any]]]:
    """Parameters by their common step counter and dtype, each counter advanced by one; by dtype alone without counters.

    Parameters that step together share their counters, so that a whole group is one fused step. Where only some of a
    counter's parameters have gradients this time, those go on with counters of their own.

    Args:
        state: of all parameters.
        group: in which they are.
        params: those that take a step.
        counters: the keys of a state that are shared.
        advance: moves the counters of a state on by a step.
    """
    if not params or "step" not in state[params[0]]:
        yield from ((None, alike) for alike in by_dtype(params))
        return
    members: dict[int, int] = {}
    for p in group["params"]:
        if p in state:
            key = id(state[p]["step"])
            members[key] = members.get(key, 0) + 1
    by_counter: dict[int, list[Any]] = {}
    for p in params:
        by_counter.setdefault(id(state[p]["step"]), []).append(p)
    for key, together in by_counter.items():
        first = state[together[0]]
        if len(together) < members[key]:
            own = {counter: first[counter].clone() for counter in counters}
            for p in together:
                state[p].update(own)
        advance(first)
        for alike in by_dtype(together):
            yield first["step"], alike


def _plain(name: str, value: Any) -> list[Any]:
    if name in SWITCHES:
        return [value]
    return [float(each) for each in value] if isinstance(value, tuple) else [float(value)]


def by_dtype(params: list[Any]) -> Iterable[list[Any]]:
    """Parameters of one dtype together: a fused step's kernel takes no others."""
    if not params:
        return []
    dtype = params[0].dtype
    for p in params:
        if p.dtype is not dtype:
            break
    else:
        return [params]
    alike: dict[Any, list[Any]] = {}
    for p in params:
        alike.setdefault(p.dtype, []).append(p)
    return alike.values()
