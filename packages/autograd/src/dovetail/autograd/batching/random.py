"""Random ops that draw other numbers for every sample in one call (randomness="different")."""

from __future__ import annotations

from typing import Any

from .mapping import DIFFERENT
from .registry import op_of


def _sized(name: str, at: int) -> None:
    """A factory whose size is argument `at`."""

    def draw(b: Any, *args: Any) -> Any:
        return op_of(name).call((*args[:at], (b.size, *args[at]), *args[at + 1 :]), None)

    DIFFERENT[name] = draw


def _like(name: str) -> None:
    """An op that draws for every element of its first argument by itself."""
    DIFFERENT[name] = lambda b, x, *rest: op_of(name).call((b(x), *rest), None)


_sized("rand", 0)
_sized("randn", 0)
_sized("randint", 2)
for _name in ("rand_like", "randn_like", "randint_like", "bernoulli", "dropout"):
    _like(_name)
