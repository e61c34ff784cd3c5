"""Module: the base of all layers and models."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import dovetail as dt
from dovetail import checks

from ..parameter import Buffer, Parameter
from .casting import Casting
from .global_hooks import (
    EVERYWHERE,
    REGISTRATIONS,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    registered,
)
from .hooks import HookMethods, Hooks
from .location import locate
from .state import load_own, load_state, save_own, save_state

if TYPE_CHECKING:
    from .summary import Summary

__all__ = [
    "HasForward",
    "Module",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

T = TypeVar("T", bound="Module")
P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
_KINDS = ("_parameters", "_buffers", "_modules")


class HasForward(Protocol[P, R_co]):
    """What gives a module's call its type: that of its ``forward``."""

    _hooks: Hooks

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Module(Casting, HookMethods):
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

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)
        if cls.__getattr__ is Module.__getattr__ and cls.__getattribute__ is object.__getattribute__:
            dt._core.find_members(cls, _KINDS)

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

    def __call__(self: HasForward[P, R_co], /, *args: P.args, **kwargs: P.kwargs) -> R_co:
        try:
            hooks = self._hooks
            if hooks.forward_pre or hooks.forward or hooks.backward_pre or hooks.backward or EVERYWHERE:
                return hooks.call(self, args, kwargs)  # type: ignore[arg-type]
            return self.forward(*args, **kwargs)
        except Exception as error:
            locate(error, self)  # type: ignore[arg-type]
            raise

    def _functional_call(self, *args: Any, **kwargs: Any) -> Any:
        """What `dt.func.functional_call` calls."""
        from ..utils.stateless import functional_call

        return functional_call(self, *args, **kwargs)

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
        for members in _KINDS:
            if members in own and name in own[members]:
                return own[members][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__ or not self._forget(name):
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
        param = registered("parameter", self, name, param) if REGISTRATIONS else param
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
        tensor = registered("buffer", self, name, tensor) if REGISTRATIONS else tensor
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
        module = registered("module", self, name, module) if REGISTRATIONS else module
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: {name} must be a Module or None, got {type(module).__name__}")
        self._modules[name] = module

    add_module = register_module

    # ---- state ----

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by their dotted names; detached, but sharing storage, unless ``keep_vars``.

        Args:
            destination: a dict to put them into; a new one without.
            prefix: what all names begin with, its dot included.
            keep_vars: give the parameters themselves.

        Example:
            >>> list(dt.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        state = {} if destination is None else destination
        save_state(self, prefix, keep_vars, state)
        return state

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

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own part into a state dict; for subclasses that keep it in another form."""
        save_own(self, destination, prefix, keep_vars)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own part of a state dict, which is a copy; for subclasses that change it first."""
        load_own(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    def get_extra_state(self) -> Any:
        """State of a subclass beside tensors; define it together with ``set_extra_state``."""
        raise RuntimeError(f"{type(self).__name__}: get_extra_state was called, but the class does not define it")

    def set_extra_state(self, state: Any) -> None:
        """Take over what ``get_extra_state`` gave."""
        raise RuntimeError(f"{type(self).__name__}: set_extra_state was called, but the class does not define it")

    # ---- text ----

    @checks.in_class_name
    def summary(self, *args: Any, **kwargs: Any) -> Summary:
        """Run once on an input and list the layers: shapes, parameters, multiply-adds, memory.

        The run is in evaluation mode and without gradients. ``print`` shows the table; the numbers are attributes.

        Args:
            args, kwargs: what ``forward`` takes.

        Example:
            >>> net = dt.nn.Sequential(dt.nn.Linear(4, 3), dt.nn.ReLU())
            >>> print(net.summary(dt.ones(2, 4)))
            layer         input   output  parameters  multiply-adds
            -------------------------------------------------------
            Sequential    (2, 4)  (2, 3)                         24
              0 (Linear)  (2, 4)  (2, 3)          15             24
              1 (ReLU)    (2, 3)  (2, 3)           0              0
            -------------------------------------------------------
            parameters: 15 (15 trainable), 60 B
            multiply-adds: 24
            outputs of layers: 48 B
            >>> net.summary(dt.ones(2, 4)).multiply_adds
            24
        """
        from .summary import summarize

        return summarize(self, args, kwargs)

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


for _part in Module.__mro__[1:-1]:  # Python's own errors name a method as its user knows it
    for _method in vars(_part).values():
        if isinstance(_method, FunctionType):
            _method.__qualname__ = f"Module.{_method.__name__}"
