"""Parameters that are functions of other parameters.

A parametrization is a Module; once registered for a tensor of a module, reading that tensor gives
``parametrization(original)``, and the original is what is trained.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import dovetail as dt
from dovetail import checks

from ..modules.containers import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: ContextVar[dict[tuple[int, str], dt.Tensor] | None] = ContextVar("parametrized", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """A scope in which a parametrized tensor is computed once, however often it is read.

    Example:
        >>> from dovetail.nn.utils import parametrizations
        >>> layer = parametrizations.weight_norm(dt.nn.Linear(2, 2))
        >>> with cached():
        ...     print(layer.weight is layer.weight)
        True
    """
    if _cache.get() is not None:  # within another: the outer one's values stay
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and the originals that they begin with.

    One original is registered as ``original``; where the last parametrization's ``right_inverse`` gives several, they
    are ``original0``, ``original1`` and so on.

    Args:
        modules: the parametrizations, in the order in which they are applied.
        original: the tensor before.
        unsafe: they may change shape and dtype; nothing is checked then.
    """

    def __init__(self, modules: Sequence[Module], original: dt.Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList: needs at least one module, got none")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with dt.no_grad():
            new: Any = original
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        continue
        if not isinstance(new, (dt.Tensor, list, tuple)):
            raise ValueError(
                f"ParametrizationList: right_inverse must return a tensor or several, got {checks.shown(new)}"
            )
        self.is_tensor = isinstance(new, dt.Tensor)
        tensors: list[dt.Tensor] = [new] if isinstance(new, dt.Tensor) else list(new)
        self.ntensors = len(tensors)
        if self.is_tensor:
            _check_same(new, dtype, original.device)
            original.data = tensors[0].detach()
            self._take("original", original)
        else:
            for i, tensor in enumerate(tensors):
                checks.tensors("ParametrizationList: what right_inverse returned", **{f"entry {i}": tensor})
                if isinstance(original, Parameter):
                    tensor = Parameter(tensor, original.requires_grad)
                self._take(f"original{i}", tensor)
        if not unsafe:
            self._check_result(shape, dtype)

    def _take(self, name: str, tensor: dt.Tensor) -> None:
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    def _originals(self) -> list[Any]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def _check_result(self, shape: Any, dtype: Any) -> None:
        result = self()
        if not isinstance(result, dt.Tensor):
            raise ValueError(f"ParametrizationList: a parametrization must return a tensor, got {checks.shown(result)}")
        if result.dtype != dtype or result.shape != shape:
            raise ValueError(
                f"ParametrizationList: a parametrization must not change shape or dtype unless unsafe=True; it made "
                f"{tuple(result.shape)} of {result.dtype} from {tuple(shape)} of {dtype}"
            )

    def right_inverse(self, value: dt.Tensor) -> None:
        """Give the originals the values from which the parametrizations make ``value``."""
        with dt.no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"{type(module).__name__}: it defines no right_inverse, so its tensor can't be assigned to"
                    )
                new = module.right_inverse(new)
            tensors = [new] if isinstance(new, dt.Tensor) else list(new)
            if len(tensors) != self.ntensors:
                raise ValueError(
                    f"ParametrizationList: right_inverse must give {self.ntensors} tensors, got {len(tensors)}"
                )
            for original, tensor in zip(self._originals(), tensors, strict=True):
                _check_same(tensor, original.dtype, original.device)
                original.data = tensor.detach()

    def forward(self) -> dt.Tensor:
        first, *others = list(self)
        x = first(*self._originals())
        for module in others:
            x = module(x)
        return x


def _check_same(tensor: Any, dtype: Any, device: Any) -> None:
    checks.tensors("ParametrizationList: right_inverse", result=tensor)
    if tensor.dtype != dtype or tensor.device != device:
        raise ValueError(
            f"ParametrizationList: right_inverse must not change dtype or device, got {tensor.dtype} on "
            f"{tensor.device} for {dtype} on {device}"
        )


# ---- the class that a parametrized module has ----


def _inject_class(module: Module) -> None:
    cls = type(module)

    def deep_copy(self: Any, memo: dict[int, Any]) -> Any:
        """With a class of its own, so that changing one of the two leaves the other."""
        if id(self) not in memo:
            own = {k: v for k, v in vars(type(self)).items() if k not in ("__dict__", "__weakref__")}
            new: Any = object.__new__(type(type(self).__name__, type(self).__bases__, own))
            memo[id(self)] = new
            new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return memo[id(self)]

    def reduce(self: Any, protocol: Any) -> Any:
        raise RuntimeError(
            f"{type(self).__name__}: a parametrized module can't be pickled; save its state_dict() instead"
        )

    members = {"__deepcopy__": deep_copy, "__reduce_ex__": reduce, "__module__": cls.__module__}
    object.__setattr__(module, "__class__", type(f"Parametrized{cls.__name__}", (cls,), members))


def _inject_property(module: Module, name: str) -> None:
    def read(self: Any) -> dt.Tensor:
        values = _cache.get()
        if values is None:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in values:
            values[key] = self.parametrizations[name]()
        return values[key]

    def write(self: Any, value: dt.Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(read, write))


@checks.in_own_name
def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make a parameter or buffer a function of another tensor.

    Afterwards ``module.<tensor_name>`` is ``parametrization(original)``, with the original at
    ``module.parametrizations.<tensor_name>.original``. Several can be registered one after the other. A parametrization
    may define ``right_inverse``, which says with what original to begin, and makes assigning to the tensor possible.

    Args:
        module: whose tensor it is.
        tensor_name: of the parameter or buffer.
        parametrization: a Module whose forward gets the original.
        unsafe: it may change shape and dtype; nothing is checked then.

    Returns:
        the module, whose class is now a ``Parametrized...`` one.

    Raises:
        ValueError: the module has no such tensor, or shape or dtype would change.

    Example:
        >>> class Symmetric(dt.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        ...     def right_inverse(self, a):
        ...         return a.triu()
        >>> layer = register_parametrization(dt.nn.Linear(3, 3), "weight", Symmetric())
        >>> dt.equal(layer.weight, layer.weight.T)
        True
    """
    if not isinstance(module, Module) or not isinstance(parametrization, Module):
        raise TypeError(
            "register_parametrization: module and parametrization must be Modules, "
            f"got {checks.shown(module)} and {checks.shown(parametrization)}"
        )
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _add(module.parametrizations[tensor_name], getattr(module, tensor_name), parametrization, unsafe)
        return module
    own: dict[str, Any] = module._parameters if tensor_name in module._parameters else module._buffers
    if own.get(tensor_name) is None:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer named {tensor_name!r}"
        )
    parametrizations = ParametrizationList([parametrization], own[tensor_name], unsafe=unsafe)
    del own[tensor_name]
    if not is_parametrized(module):
        _inject_class(module)
        module.parametrizations = ModuleDict()
    _inject_property(module, tensor_name)
    module.parametrizations[tensor_name] = parametrizations
    return module


def _add(there: ParametrizationList, before: dt.Tensor, parametrization: Module, unsafe: bool) -> None:
    """One more parametrization of what is parametrized already."""
    if not unsafe:
        after = parametrization(before)
        if not isinstance(after, dt.Tensor) or after.shape != before.shape or after.dtype != before.dtype:
            raise ValueError(
                "register_parametrization: a parametrization must not change shape or dtype unless unsafe=True; "
                f"got {checks.shown(after)} from {checks.shown(before)}"
            )
        if hasattr(parametrization, "right_inverse"):
            inverse = parametrization.right_inverse(after)
            if not isinstance(inverse, dt.Tensor) or inverse.shape != before.shape or inverse.dtype != before.dtype:
                raise ValueError(
                    "register_parametrization: right_inverse of a second parametrization must keep shape and dtype; "
                    f"got {checks.shown(inverse)} from {checks.shown(after)}"
                )
    there.append(parametrization)
    there.unsafe |= unsafe


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module, or one tensor of it, is parametrized.

    Example:
        >>> is_parametrized(dt.nn.Linear(2, 2), "weight")
        False
    """
    there = module._modules.get("parametrizations")
    if not isinstance(there, ModuleDict):
        return False
    return len(there) > 0 if tensor_name is None else tensor_name in there


@checks.in_own_name
def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor a plain one again.

    Args:
        module: whose tensor it is.
        tensor_name: of the tensor.
        leave_parametrized: keep its value; else the original's, where there is one original.

    Returns:
        the module, which has its old class once nothing of it is parametrized.

    Example:
        >>> from dovetail.nn.utils import parametrizations
        >>> layer = parametrizations.weight_norm(dt.nn.Linear(2, 2))
        >>> remove_parametrizations(layer, "weight")
        Linear(in_features=2, out_features=2, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized")
    there = module.parametrizations[tensor_name]
    first = there._originals()[0]
    if leave_parametrized:
        with dt.no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if there.is_tensor:
            first.data = value
            kept = first
        else:
            kept = Parameter(value, first.requires_grad) if isinstance(first, Parameter) else value
    else:
        if not there.is_tensor:
            raise ValueError(
                f"remove_parametrizations: {tensor_name!r} has {there.ntensors} originals, of which none stands for "
                "it; use leave_parametrized=True"
            )
        kept = first
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if isinstance(kept, Parameter):
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        object.__setattr__(module, "__class__", type(module).__bases__[0])
    return module


def type_before_parametrizations(module: Module) -> type:
    """A module's class, or that which it had before it was parametrized.

    Example:
        >>> type_before_parametrizations(dt.nn.Linear(2, 2)).__name__
        'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


@checks.in_own_name
def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Register one module's parametrizations for another one too, with copies of the originals.

    Args:
        from_module: a parametrized module.
        to_module: one of the same class.
        tensor_name: of the one tensor to do it for; all without.

    Returns:
        the second module.
    """
    if not is_parametrized(from_module):
        raise ValueError(f"transfer_parametrizations_and_params: {type(from_module).__name__} is not parametrized")
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        there = from_module.parametrizations[name]
        for parametrization in there:
            register_parametrization(to_module, name, parametrization, unsafe=there.unsafe)
        with dt.no_grad():
            for old, new in zip(there._originals(), to_module.parametrizations[name]._originals(), strict=True):
                new.data = old.detach().clone()
    return to_module
