"""Modules without initial values."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import dovetail as dt  # noqa: F401  (for the example)
from dovetail import checks

from .. import init
from ..modules.module import Module

M = TypeVar("M", bound=Module)


@checks.in_own_name
def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """Construct a module whose parameters hold whatever is in memory: for one whose values are loaded at once.

    Args:
        module_cls: a class of modules that takes ``device``.
        args, kwargs: of its constructor.

    Example:
        >>> skip_init(dt.nn.Linear, 3, 2).weight.shape
        dovetail.Size([2, 3])
    """
    if not isinstance(module_cls, type) or not issubclass(module_cls, Module):
        raise TypeError(f"skip_init: expected a class of modules, got {checks.shown(module_cls)}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"skip_init: {module_cls.__name__} must take a device argument")
    with init.skipping():
        return module_cls(*args, **kwargs)
