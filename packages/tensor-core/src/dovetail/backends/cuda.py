"""What PyTorch's programs ask and set for CUDA's kernels; `dt.cuda` is the device itself.

Example:
    >>> dt.backends.cuda.matmul.allow_tf32
    False
"""

from __future__ import annotations

from .. import settings
from . import is_available

__all__ = ["is_built", "matmul"]


class _Products:
    """How products of matrices may be computed."""

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may use fewer bits: the same as `dt.set_float32_matmul_precision("high")`."""
        return settings.get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        settings.set_float32_matmul_precision("high" if allowed else "highest")


matmul = _Products()


def is_built() -> bool:
    """Whether the distribution dovetail-tensor-core-cuda is installed and has found a GPU."""
    return is_available("cuda")
