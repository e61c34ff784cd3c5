"""A Dovetail backend in NumPy: the required primitives and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dovetail as dt

from . import elementwise, index, random, reduce, window
from .sixteen import in_float32

Kernel = Callable[[Any, Any, Any], None]

KERNELS: dict[str, Kernel] = {
    **elementwise.KERNELS,
    **{name: in_float32(kernel) for name, kernel in (reduce.KERNELS | index.KERNELS | window.KERNELS).items()},
    **index.DYNAMIC_KERNELS,
    **random.KERNELS,
}


class ReferenceBackend:
    """One device; a kernel for every required primitive, whatever the dtypes."""

    def device_count(self) -> int:
        return 1

    def get_kernel(self, op: str, dtypes: tuple[str, ...]) -> Kernel | None:
        return KERNELS.get(op)


def register() -> None:
    """The entry point: called when the device type "reference" is first named."""
    dt.backends.register("reference", ReferenceBackend())
