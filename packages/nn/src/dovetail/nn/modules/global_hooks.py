"""Hooks on every module: before and after forward and backward, and when a module gets a member.

They are for debugging and profiling: they run in the whole process, before a module's own hooks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail import checks
from dovetail.utils.hooks import HookList, RemovableHandle

# One list for all kinds, so that a call asks once whether there are any: (kind, what the kind's list would hold).
EVERYWHERE = HookList()
REGISTRATIONS = HookList()


def everywhere(kind: str) -> list[Any]:
    """The hooks on every module of a kind."""
    return [hook for each, hook in EVERYWHERE.in_order() if each == kind]


def registered(kind: str, module: Any, name: str, member: Any) -> Any:
    """The member that a module gets: what the hooks give in its place, if they do."""
    for each, hook in REGISTRATIONS.in_order():
        changed = hook(module, name, member) if each == kind else None
        member = member if changed is None else changed
    return member


@checks.in_own_name
def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the forward of every module; what it returns, if not None, replaces the
    arguments.

    Example:
        >>> names = []
        >>> with register_module_forward_pre_hook(lambda module, args: names.append(type(module).__name__)):
        ...     out = dt.nn.Sequential(dt.nn.ReLU(), dt.nn.Tanh())(dt.ones(2))
        >>> names
        ['Sequential', 'ReLU', 'Tanh']
    """
    checks.callables("register_module_forward_pre_hook", hook=hook)
    return EVERYWHERE.add(("forward_pre", (hook, False)))


@checks.in_own_name
def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the forward of every module; what it returns, if not None, replaces the
    output.

    With ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``; with ``always_call`` also when forward
    raised (with output None).
    """
    checks.callables("register_module_forward_hook", hook=hook)
    return EVERYWHERE.add(("forward", (hook, with_kwargs, always_call)))


@checks.in_own_name
def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the gradients of any module's inputs are computed; what it returns, if
    not None, replaces the gradients of its outputs."""
    checks.callables("register_module_full_backward_pre_hook", hook=hook)
    return EVERYWHERE.add(("backward_pre", hook))


@checks.in_own_name
def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of any module's inputs have been computed; what
    it returns, if not None, replaces them."""
    checks.callables("register_module_full_backward_hook", hook=hook)
    return EVERYWHERE.add(("backward", hook))


@checks.in_own_name
def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` when a module gets a parameter; what it returns, if not None, is taken in
    its place."""
    checks.callables("register_module_parameter_registration_hook", hook=hook)
    return REGISTRATIONS.add(("parameter", hook))


@checks.in_own_name
def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when a module gets a buffer; what it returns, if not None, is taken in its
    place."""
    checks.callables("register_module_buffer_registration_hook", hook=hook)
    return REGISTRATIONS.add(("buffer", hook))


@checks.in_own_name
def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, child)`` when a module gets a child; what it returns, if not None, is taken in its
    place."""
    checks.callables("register_module_module_registration_hook", hook=hook)
    return REGISTRATIONS.add(("module", hook))
