"""What looks at a module's members: parameters, buffers and modules by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import dovetail as dt

from ..parameter import Parameter
from .traversal import NamedParameters, named_members, named_modules

if TYPE_CHECKING:
    from .module import Module


class Members:
    """The methods of a Module that find its members."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, dt.Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]

    if TYPE_CHECKING:

        def get_extra_state(self) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """``(name, parameter)`` pairs, names with dots for children's."""
        return named_members(_whole(self), "_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> NamedParameters:
        """The parameters, one after the other. What it returns carries their names, so that an optimizer made from it
        keeps its state by name."""
        return NamedParameters(self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, dt.Tensor]]:
        """``(name, buffer)`` pairs."""
        return named_members(_whole(self), "_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[dt.Tensor]:
        """The buffers, one after the other."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """``(name, module)`` pairs: this module under the prefix itself, and everything below it."""
        return named_modules(_whole(self), set() if memo is None else memo, prefix, remove_duplicate)

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
        module = _whole(self)
        for part in target.split(".") if target else ():
            child = module._modules.get(part)
            if child is None:
                raise AttributeError(
                    f"{type(self).__name__}: no module at {target!r}: {type(module).__name__} has no child {part!r}"
                )
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path.

        Args:
            target: the path; what is above its last part must be there.
            module: what to put there.
            strict: something must be there to be replaced.

        Example:
            >>> net = dt.nn.Sequential(dt.nn.Sequential(dt.nn.ReLU()))
            >>> net.set_submodule("0.0", dt.nn.Tanh())
            >>> net[0][0]
            Tanh()
        """
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError(f"{type(self).__name__}: set_submodule needs a path of at least one name, got {target!r}")
        owner = self.get_submodule(path)
        if strict and name not in owner._modules:
            raise AttributeError(f"{type(self).__name__}: there is no module at {target!r} to replace")
        if name in owner._modules:
            setattr(owner, name, module)
        else:
            owner.register_module(name, module)

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


def _whole(module: Members) -> Module:
    """The module that these methods are part of."""
    return cast("Module", module)
