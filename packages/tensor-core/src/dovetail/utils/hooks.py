"""PyTorch's place for the handle that every `register_..._hook` returns."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import dovetail

    return getattr(dovetail.__getattr__("autograd").hooks, name)
