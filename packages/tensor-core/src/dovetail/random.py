"""Seeds and states of the generator that all devices draw from.

Random numbers are counter-based (Philox 4x32-10): the same seed gives the same numbers on every device and for any
number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ._core import Generator, default_generator
from .settings import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


@contextmanager
def fork_rng(enabled: bool = True) -> Iterator[None]:
    """Leave the default generator as it was when the `with` began.

    Args:
        enabled: False changes nothing.

    Example:
        >>> _ = dt.manual_seed(0)
        >>> with dt.random.fork_rng():
        ...     a = dt.rand(3)
        >>> dt.equal(a, dt.rand(3))
        True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)
