"""The standard library's `multiprocessing`, under PyTorch's name.

Tensors in shared memory (`Tensor.share_memory_`) can be sent by its queues and pipes; others are refused, in words.

Example:
    >>> import multiprocessing
    >>> dt.multiprocessing.get_context("spawn") is multiprocessing.get_context("spawn")
    True
"""

from __future__ import annotations

import multiprocessing as _standard
from multiprocessing import *  # noqa: F403

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

__all__ = [name for name in dir(_standard) if not name.startswith("_")]


def __getattr__(name: str) -> Any:
    return getattr(_standard, name)
