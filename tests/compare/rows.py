"""What a module is compared with PyTorch's by: ways to construct it, and what it is called with.

The files `modules_*.py` hold the table, by the names of the classes:

    ROWS = {"Linear": [Row((4, 3), inputs=(normal(2, 4),))]}

Arrays among the arguments become each library's tensors. A class without a row fails in test_modules.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dovetail as dt

__all__ = ["DOVETAIL", "PYTORCH", "Row", "Side", "integers", "normal", "table", "uniform"]


@dataclass(frozen=True, eq=False)
class Row:
    """One way to construct a module, and one call of it.

    Args:
        args, kwargs: of the constructor.
        inputs: of the call; floating-point arrays get gradients. None: the module is constructed, not called.
        call: keyword arguments of the call.
        training: the mode, for a module that draws random numbers when it trains.
        make: constructs the module in place of its class, from a Side; for one that is made of others.
        calls: how often it is called, for a module that keeps something from call to call.
        no_grad: the places of inputs that get no gradient (targets, that PyTorch refuses one for).
        same_repr: whether repr is PyTorch's word for word; not where it names the library.
        rtol: relative tolerance.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] | None = None
    call: dict[str, Any] = field(default_factory=dict)
    training: bool = True
    make: Callable[[Side], Any] | None = None
    calls: int = 1
    no_grad: tuple[int, ...] = ()
    same_repr: bool = True
    rtol: float = 1e-9

    def __repr__(self) -> str:
        shown = [_short(arg) for arg in self.args] + [f"{name}={_short(arg)}" for name, arg in self.kwargs.items()]
        return ",".join(shown + [_short(each) for each in self.inputs or ()])


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "x".join(map(str, value.shape)) or "scalar"
    return str(value).replace(" ", "")


class Side:
    """One of the two libraries, with the few things in which they are not called alike."""

    def __init__(self, library: Any) -> None:
        self.library, self.nn = library, library.nn

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        tensor = self.library.from_numpy(np.array(array))  # memory of its own
        return tensor.requires_grad_() if requires_grad else tensor

    def values(self, arguments: Any) -> Any:
        """Arguments with this library's tensors in place of arrays."""
        if isinstance(arguments, np.ndarray):
            return self.tensor(arguments)
        if isinstance(arguments, (list, tuple)):
            return type(arguments)(self.values(each) for each in arguments)
        if isinstance(arguments, dict):
            return {name: self.values(each) for name, each in arguments.items()}
        return arguments

    def module(self, name: str, row: Row) -> Any:
        """A module in double precision and in the row's mode."""
        if row.make is not None:
            module = row.make(self)
        else:
            module = getattr(self.nn, name)(*self.values(row.args), **self.values(row.kwargs))
        return module.double().train(row.training)


DOVETAIL, PYTORCH = Side(dt), Side(torch)


# ---- inputs -------------------------------------------------------------------------------------------------------


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).uniform(low, high, shape)


def integers(high: int, *shape: int, low: int = 0, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng((seed, *shape)).integers(low, high, shape))


# ---- the table ----------------------------------------------------------------------------------------------------


def table() -> dict[str, list[Row]]:
    """All rows, by the name of the class."""
    rows: dict[str, list[Row]] = {}
    for found in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if found.name.startswith("modules_"):
            for name, these in importlib.import_module(f"tests.compare.{found.name}").ROWS.items():
                rows.setdefault(name, []).extend(these)
    return rows
