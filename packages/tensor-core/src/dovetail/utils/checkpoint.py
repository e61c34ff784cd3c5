"""PyTorch's place for checkpointing: `from dovetail.utils.checkpoint import checkpoint`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import dovetail

    return getattr(dovetail.__getattr__("autograd").checkpointing, name)
