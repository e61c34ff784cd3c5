"""PyTorch's place for `dovetail.data`: `from dovetail.utils.data import DataLoader`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import dovetail

    return getattr(dovetail.__getattr__("data"), name)
