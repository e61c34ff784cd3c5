"""Module: the base of all layers and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

import dovetail as dt
from dovetail import checks

from ..parameter import Buffer, Parameter
from .hooks import HookHandle, Hooks
from .state import load_state, save_state
from .traversal import NamedParameters, named_members, named_modules

T = TypeVar("T", bound="Module")


class Module:
    """A layer or a model: parameters, buffers and child modules under the names of their attributes.

    Subclasses define ``forward``; calling the module runs it with the hooks around it.

    Example:
        >>> class Scale(Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = Parameter(dt.ones(1))
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> [name for name, _ in Scale().named_parameters()]
        ['factor']
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, dt.Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]
    _hooks: Hooks

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    @checks.in_class_name
    def __init__(self) -> None:
        # Past our own __setattr__, which needs these to be there.
        object.__setattr__(self, "training", True)
        object.__setattr__(self, "_parameters", {})
        object.__setattr__(self, "_buffers", {})
        object.__setattr__(self, "_modules", {})
        object.__setattr__(self, "_non_persistent", set())
        object.__setattr__(self, "_hooks", Hooks())

    # ---- running ----

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a Module must define forward")

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self._hooks.empty:
            return self.forward(*args, **kwargs)
        return self._hooks.call(self, args, kwargs)

    def _functional_call(self, *args: Any, **kwargs: Any) -> Any:
        """What `dt.func.functional_call` calls."""
        from ..utils.stateless import functional_call

        return functional_call(self, *args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
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
    ) -> HookHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns, if not None, replaces the output.

        With ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``; with ``always_call`` also when
        forward raised (with output None).
        """
        return self._hooks.add(self._hooks.forward, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs have been computed; what it
        returns, if not None, replaces the gradients of the inputs. Both are tuples, None where there is no gradient."""
        return self._hooks.add(self._hooks.backward, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_output)`` before the gradients of the inputs are computed; what it returns, if not
        None, replaces the gradients of the outputs."""
        return self._hooks.add(self._hooks.backward_pre, hook, prepend)

    # ---- attributes ----

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, (dt.Tensor, Module)):
                raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name}")
            object.__setattr__(self, name, value)
            return
        if isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, self._modules)
            self.register_module(name, value)
        elif name in self._parameters:
            if value is not None:
                raise TypeError(
                    f"{type(self).__name__}: {name} is a parameter: "
                    f"assign a Parameter or None, got {type(value).__name__}"
                )
            self._parameters[name] = None
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"{type(self).__name__}: {name} is a child module: "
                    f"assign a Module or None, got {type(value).__name__}"
                )
            self._modules[name] = None
        elif isinstance(value, Buffer):
            self._forget(name, self._buffers)
            self.register_buffer(name, value, value.persistent)
        elif name in self._buffers:
            if value is not None and not isinstance(value, dt.Tensor):
                raise TypeError(
                    f"{type(self).__name__}: {name} is a buffer: assign a tensor or None, got {type(value).__name__}"
                )
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for members in ("_parameters", "_buffers", "_modules"):
            if members in own and name in own[members]:
                return own[members][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        if not self._forget(name):
            object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def _forget(self, name: str, keep: dict[str, Any] | None = None) -> bool:
        """Remove what is registered (or stored) under a name, but in ``keep``, where it is to be replaced in its place;
        whether it was registered."""
        self.__dict__.pop(name, None)
        self._non_persistent.discard(name)
        kinds: list[dict[str, Any]] = [self._parameters, self._buffers, self._modules]
        return any(members.pop(name, self) is not self for members in kinds if members is not keep)

    def _check_name(self, name: str, what: str) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise ValueError(f"{type(self).__name__}: a {what}'s name must be a string without dots, got {name!r}")
        taken = name in self._parameters or name in self._buffers or name in self._modules
        if not taken and hasattr(self, name):
            raise KeyError(f"{type(self).__name__}: attribute {name!r} exists already")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter (or None: a place for one) under a name."""
        self._check_name(name, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"{type(self).__name__}: {name} must be a Parameter or None, got {type(param).__name__}")
        if param is not None and not param.is_leaf:
            raise ValueError(f"{type(self).__name__}: parameter {name} was computed; a Parameter must be a leaf")
        self._parameters[name] = param

    @checks.in_class_name
    def register_buffer(self, name: str, tensor: dt.Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state but no parameter (running statistics).

        Args:
            name: under which it is an attribute.
            tensor: or None: a place for one.
            persistent: whether it belongs to the state dict.
        """
        self._check_name(name, "buffer")
        if tensor is not None and not isinstance(tensor, dt.Tensor):
            raise TypeError(
                f"{type(self).__name__}: buffer {name} must be a tensor or None, got {type(tensor).__name__}"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent.discard(name)
        else:
            self._non_persistent.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Register a child module (or None: a place for one) under a name."""
        self._check_name(name, "module")
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: {name} must be a Module or None, got {type(module).__name__}")
        self._modules[name] = module

    add_module = register_module

    # ---- members ----

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """``(name, parameter)`` pairs, names with dots for children's."""
        return named_members(self, "_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> NamedParameters:
        """The parameters, one after the other. What it returns carries their names, so that an optimizer made from it
        keeps its state by name."""
        return NamedParameters(self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, dt.Tensor]]:
        """``(name, buffer)`` pairs."""
        return named_members(self, "_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[dt.Tensor]:
        """The buffers, one after the other."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """``(name, module)`` pairs: this module under the prefix itself, and everything below it."""
        return named_modules(self, set() if memo is None else memo, prefix, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and every module below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """``(name, module)`` pairs of the direct children."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct children."""
        return (module for _, module in self.named_children())

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; "" is this one. Raises AttributeError naming the part that is not there."""
        module = self
        for part in target.split(".") if target else ():
            child = module._modules.get(part)
            if child is None:
                raise AttributeError(
                    f"{type(self).__name__}: no module at {target!r}: {type(module).__name__} has no child {part!r}"
                )
            module = child
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        path, _, name = target.rpartition(".")
        param = self.get_submodule(path)._parameters.get(name)
        if param is None:
            raise AttributeError(f"{type(self).__name__}: there is no parameter at {target!r}")
        return param

    def get_buffer(self, target: str) -> dt.Tensor:
        """The buffer at a dotted path."""
        path, _, name = target.rpartition(".")
        buffer = self.get_submodule(path)._buffers.get(name)
        if buffer is None:
            raise AttributeError(f"{type(self).__name__}: there is no buffer at {target!r}")
        return buffer

    # ---- changing everything ----

    def train(self, mode: bool = True) -> Self:
        """Training mode, here and below (dropout drops, batch norm measures); ``train(False)`` is ``eval()``."""
        if not isinstance(mode, bool):
            raise ValueError(f"{type(self).__name__}: train mode must be a bool, got {mode!r}")
        for module in self.modules():
            object.__setattr__(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode, here and below."""
        return self.train(False)

    @checks.in_class_name
    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether gradients are computed for the parameters here and below."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    @checks.in_class_name
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every parameter's gradient, or fill it with zeros where ``set_to_none`` is False."""
        for param in self.parameters():
            if param.grad is not None:
                param.grad = None if set_to_none else dt.zeros_like(param.grad)

    @checks.in_class_name
    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on every module below, children first, then on this one."""
        checks.callables(type(self).__name__, fn=fn)
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[dt.Tensor], dt.Tensor]) -> Self:
        """Put ``fn(tensor)`` in the place of every parameter, gradient and buffer; parameters stay the same objects."""
        with dt.no_grad():
            for module in self.modules():
                for param in module._parameters.values():
                    if param is None:
                        continue
                    moved, grad = fn(param.data), param.grad
                    param.grad = None
                    param.data = moved
                    if grad is not None:
                        param.grad = fn(grad)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = fn(buffer)
        return self

    @checks.in_class_name
    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, or floating-point ones to a dtype: ``to(device)``, ``to(dtype)``,
        ``to(device, dtype)``, ``to(tensor)``, also by keyword."""
        device, dtype = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"{type(self).__name__}: to() takes floating-point dtypes only, got {dtype}")

        def move(t: dt.Tensor) -> dt.Tensor:
            if device is not None:
                t = t.to(device)
            return t.to(dtype) if dtype is not None and t.is_floating_point() else t

        return self._apply(move)

    def cpu(self) -> Self:
        """Move parameters and buffers to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | str | None = None) -> Self:
        """Move parameters and buffers to a CUDA device."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    @checks.in_class_name
    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self.to(dt.float32)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self.to(dt.float64)

    # ---- state ----

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by their dotted names; detached, but sharing storage, unless ``keep_vars``.

        Example:
            >>> list(dt.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        return save_state(self, prefix, keep_vars)

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy a state dict's values into this module and those below it.

        Args:
            state_dict: as ``state_dict()`` gives.
            strict: names that are missing here or there are an error.
            assign: take the tensors over instead of copying their values.

        Returns:
            ``(missing_keys, unexpected_keys)``

        Raises:
            RuntimeError: listing every missing and unexpected name and every shape that differs; nothing is changed.
        """
        return load_state(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """State of a subclass beside tensors; define it together with ``set_extra_state``."""
        raise RuntimeError(f"{type(self).__name__}: get_extra_state was called, but the class does not define it")

    def set_extra_state(self, state: Any) -> None:
        """Take over what ``get_extra_state`` gave."""
        raise RuntimeError(f"{type(self).__name__}: set_extra_state was called, but the class does not define it")

    # ---- text ----

    def extra_repr(self) -> str:
        """What ``repr`` shows of the module's own options."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = []
        for name, module in self._modules.items():
            text = repr(module).replace("\n", "\n  ")
            children.append(f"({name}): {text}")
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        body = "\n  ".join([*lines, *children])
        return f"{self._get_name()}(\n  {body}\n)"


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    kwargs.pop("non_blocking", None)
    tensor = kwargs.pop("tensor", None)
    if kwargs:
        raise TypeError(f"Module.to: unexpected arguments {sorted(kwargs)}")
    for arg in args:
        if isinstance(arg, dt.dtype):
            dtype = arg
        elif isinstance(arg, dt.Tensor):
            tensor = arg
        elif isinstance(arg, (str, dt.device)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(f"Module.to: expected a device, a dtype or a tensor, got {type(arg).__name__}")
    if tensor is not None:
        device, dtype = tensor.device, tensor.dtype
    return device, dtype
