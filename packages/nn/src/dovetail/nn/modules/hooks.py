"""A module's hooks: what runs before and after its forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dovetail as dt
from dovetail.utils.hooks import HookList, RemovableHandle
from dovetail.utils.hooks import RemovableHandle as HookHandle

from .global_hooks import EVERYWHERE, everywhere

if TYPE_CHECKING:
    from .module import Module

__all__ = ["BackwardWatch", "HookHandle", "HookMethods", "Hooks"]


class Hooks:
    """The hooks of one module, in the order in which they run."""

    def __init__(self) -> None:
        self.forward_pre = HookList()  # of (hook, with_kwargs)
        self.forward = HookList()  # of (hook, with_kwargs, always_call)
        self.backward_pre = HookList()
        self.backward = HookList()
        self.state_dict_pre = HookList()
        self.state_dict = HookList()
        self.load_state_dict_pre = HookList()
        self.load_state_dict = HookList()

    @property
    def empty(self) -> bool:  # (A module's call looks for itself: this would take a quarter of its time.)
        return not (self.forward_pre or self.forward or self.backward_pre or self.backward)

    def add(self, hooks: HookList, hook: Any, prepend: bool) -> RemovableHandle:
        """Put a hook into one of the lists."""
        return hooks.add(hook, prepend)

    def of(self, kind: str) -> list[Any]:
        """The hooks of every module, and then those of this one."""
        own = getattr(self, kind).in_order()
        return [*everywhere(kind), *own] if EVERYWHERE else own

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs = self._before(module, args, kwargs)
        watch = BackwardWatch(module, self) if self.of("backward") or self.of("backward_pre") else None
        if watch is not None:
            args = watch.inputs(args)
        try:
            output = module.forward(*args, **kwargs)
        except BaseException:
            for hook, with_kwargs, always in self.of("forward"):
                if always:
                    hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
            raise
        for hook, with_kwargs, _ in self.of("forward"):
            changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if changed is None else changed
        return output if watch is None else watch.outputs(output)

    def _before(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hook, with_kwargs in self.of("forward_pre"):
            changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if changed is None:
                continue
            if with_kwargs:
                args, kwargs = changed
            else:
                args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs


class BackwardWatch:
    """Sees one call's gradients: identity Functions around the inputs and the outputs report them to the hooks."""

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module, self.hooks = module, hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.n_inputs = 0
        self.watches_inputs = False

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        places = [i for i, a in enumerate(args) if isinstance(a, dt.Tensor) and a.requires_grad]
        if not places or not dt.is_grad_enabled():
            return args
        self.watches_inputs = True
        passed = _identity(self._report_inputs(len(args), places), *[args[i] for i in places])
        replaced = list(args)
        for place, value in zip(places, passed, strict=True):
            replaced[place] = value
        return tuple(replaced)

    def outputs(self, output: Any) -> Any:
        items = output if isinstance(output, tuple) else (output,)
        places = [i for i, a in enumerate(items) if isinstance(a, dt.Tensor) and a.requires_grad]
        if not places:
            return output
        passed = _identity(self._report_outputs(len(items), places), *[items[i] for i in places])
        replaced = list(items)
        for place, value in zip(places, passed, strict=True):
            replaced[place] = value
        return tuple(replaced) if isinstance(output, tuple) else replaced[0]

    def _report_outputs(self, count: int, places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        def report(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            full = _spread(grads, count, places)
            for hook in self.hooks.of("backward_pre"):
                changed = hook(self.module, full)
                if changed is not None:
                    full = changed if isinstance(changed, tuple) else (changed,)
            self.grad_outputs = full
            if not self.watches_inputs:  # no input needs a gradient: this is all the hooks will see
                for hook in self.hooks.of("backward"):
                    hook(self.module, (None,) * self.n_inputs, full)
            return tuple(full[i] for i in places)

        return report

    def _report_inputs(self, count: int, places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        def report(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            full = _spread(grads, count, places)
            for hook in self.hooks.of("backward"):
                changed = hook(self.module, full, self.grad_outputs)
                if changed is not None:
                    full = changed if isinstance(changed, tuple) else (changed,)
            return tuple(full[i] for i in places)

        return report


def _spread(grads: tuple[Any, ...], count: int, places: list[int]) -> tuple[Any, ...]:
    full: list[Any] = [None] * count
    for place, grad in zip(places, grads, strict=True):
        full[place] = grad
    return tuple(full)


def _identity(report: Callable[[tuple[Any, ...]], tuple[Any, ...]], *tensors: Any) -> tuple[Any, ...]:
    from dovetail.autograd import Function

    class Identity(Function):
        @staticmethod
        def forward(ctx: Any, *values: Any) -> Any:
            ctx.set_materialize_grads(False)
            return tuple(v.view_as(v) for v in values)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return report(grads)

    result = Identity.apply(*tensors)
    return result if isinstance(result, tuple) else (result,)


class HookMethods:
    """The methods of a Module that register hooks."""

    _hooks: Hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before forward; what it returns, if not None, replaces the arguments.

        Args:
            hook: with ``with_kwargs``, it is called as ``hook(module, args, kwargs)`` and returns both or None.
            prepend: before the hooks there are already.

        Returns:
            a handle whose ``remove()`` takes the hook away.
        """
        return self._hooks.add(self._hooks.forward_pre, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns, if not None, replaces the output.

        With ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``; with ``always_call`` also when
        forward raised (with output None).
        """
        return self._hooks.add(self._hooks.forward, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs have been computed; what it
        returns, if not None, replaces the gradients of the inputs. Both are tuples, None where there is no gradient."""
        return self._hooks.add(self._hooks.backward, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the gradients of the inputs are computed; what it returns, if not
        None, replaces the gradients of the outputs."""
        return self._hooks.add(self._hooks.backward_pre, hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before this module's part of a state dict is made."""
        return self._hooks.add(self._hooks.state_dict_pre, hook, False)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after this module's part of a state dict, children
        included, has been made; it may change the dict in place. The last argument is an empty dict."""
        return self._hooks.add(self._hooks.state_dict, hook, False)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``
        before a state dict is loaded; it may change the dict, which is a copy, and add to the lists."""
        return self._hooks.add(self._hooks.load_state_dict_pre, hook, False)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a state dict was loaded; it may take names from the lists
        ``missing_keys`` and ``unexpected_keys``, which then are no error."""
        return self._hooks.add(self._hooks.load_state_dict, hook, False)
