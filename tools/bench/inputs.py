"""What a case's program finds beside the library: the same numbers in all of them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np


@lru_cache(maxsize=8)
def normal(seed: int, shape: tuple[int, ...]) -> Any:
    """Standard normal floats; many cases begin with the same ones."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@lru_cache(maxsize=8)
def integers(seed: int, count: int, shape: tuple[int, ...]) -> Any:
    """Integers below `count`."""
    return np.random.default_rng(seed).integers(0, count, shape)


class Inputs:
    """A source of numbers that begins anew for every case."""

    def __init__(self, library: Any) -> None:
        self.library, self.calls = library, 0

    def seed(self) -> int:
        self.calls += 1
        return self.calls

    def tensor(self, values: Any) -> Any:
        make = getattr(self.library, "tensor", None)
        return make(values) if make else self.library.array(values)

    def data(self, *shape: int, requires_grad: bool = False) -> Any:
        """Standard normal floats."""
        values = self.tensor(normal(self.seed(), shape))
        return values.requires_grad_() if requires_grad else values

    def classes(self, count: int, *shape: int) -> Any:
        """Integers below `count`."""
        return self.tensor(integers(self.seed(), count, shape))

    def filled(self, model: Any) -> Any:
        """The model with other parameters, the size of those that it came with."""
        random = np.random.default_rng(self.seed())
        with self.library.no_grad():
            for name, p in model.named_parameters():
                shape = tuple(p.shape)
                values = random.uniform(-1, 1, shape) / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 100)
                if len(shape) == 1 and name.endswith("weight"):  # a norm's factor
                    values += 1
                p.copy_(self.library.tensor(values.astype(np.float32)))
        return model


def names_for(library: Any, variant: str = "", small: bool = False) -> dict[str, Any]:
    """The names that a case's program finds.

    `fused` are the arguments that ask PyTorch's optimizers for their fused form, none but in that variant; `small` is
    true where a program is run only to warm up.
    """
    name = library.__name__
    if name == "jax":
        numpy = import_module("jax.numpy")
        inputs = Inputs(numpy)
        return {"jax": library, "xp": numpy, "data": inputs.data, "classes": inputs.classes}
    inputs = Inputs(library)
    names = {"xp": library, "data": inputs.data, "classes": inputs.classes, "filled": inputs.filled, "small": small}
    if name == "numpy":
        return names
    parts = {"nn": "nn", "F": "nn.functional", "optim": "optim"}
    modules = {short: import_module(f"{name}.{path}") for short, path in parts.items()}
    return {**names, **modules, "fused": {"fused": True} if variant == "fused" else {}}


def arrays(result: Any) -> list[Any]:
    """A result's tensors as NumPy arrays, 16-bit floats as float32; None is left out."""
    if isinstance(result, (list, tuple)):
        return [array for part in result for array in arrays(part)]
    if result is None:
        return []
    if isinstance(result, (bool, int, float)):
        return [np.array(result)]
    values = result.detach()
    return [np.array((values.float() if values.element_size() == 2 and values.is_floating_point() else values).numpy())]
