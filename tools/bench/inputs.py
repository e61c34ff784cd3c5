"""What a case's program finds beside the library: the same numbers in both of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np


class Inputs:
    """A source of numbers that begins anew for every case."""

    def __init__(self, library: Any) -> None:
        self.library, self.random = library, np.random.default_rng(0)

    def data(self, *shape: int, requires_grad: bool = False) -> Any:
        """Standard normal floats."""
        values = self.random.standard_normal(shape, dtype=np.float32)
        return self.library.tensor(values, requires_grad=requires_grad)

    def classes(self, count: int, *shape: int) -> Any:
        """Integers below `count`."""
        return self.library.tensor(self.random.integers(0, count, shape))

    def filled(self, model: Any) -> Any:
        """The model with other parameters, the size of those that it came with."""
        with self.library.no_grad():
            for name, p in model.named_parameters():
                shape = tuple(p.shape)
                values = self.random.uniform(-1, 1, shape) / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 100)
                if len(shape) == 1 and name.endswith("weight"):  # a norm's factor
                    values += 1
                p.copy_(self.library.tensor(values.astype(np.float32)))
        return model


def names_for(library: Any) -> dict[str, Any]:
    """The names that a case's program finds."""
    inputs = Inputs(library)
    parts = {"nn": "nn", "F": "nn.functional", "optim": "optim"}
    modules = {name: import_module(f"{library.__name__}.{path}") for name, path in parts.items()}
    return {"xp": library, **modules, "data": inputs.data, "classes": inputs.classes, "filled": inputs.filled}


def arrays(result: Any) -> list[Any]:
    """A result's tensors as NumPy arrays; None is left out."""
    if isinstance(result, (list, tuple)):
        return [array for part in result for array in arrays(part)]
    return [] if result is None else [np.array(result.detach().numpy())]
