"""Tensor's methods that are written in Python; the rest is in the core or comes from the ops."""

from __future__ import annotations

from .. import interchange
from . import autograd, by_function, conversion, copying, forms, inplace, kinds, places, protocols, random

# Where an op has a method of the same name, the form here takes more kinds of arguments and stands before it.
_FAMILIES = (by_function, conversion, copying, forms, inplace, kinds, places, random, autograd, interchange, protocols)


def install() -> None:
    """Put the methods on Tensor."""
    from .._core import Tensor

    for family in _FAMILIES:
        for name, value in family.METHODS.items():
            setattr(Tensor, name, value)
