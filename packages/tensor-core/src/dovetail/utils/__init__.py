"""PyTorch's names for what lives elsewhere: `dt.utils.data` is `dt.data`, `dt.utils.checkpoint` is
`dt.autograd.checkpoint`."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import dovetail

    if name == "data":
        return dovetail.data
    if name == "checkpoint":
        return dovetail.autograd.checkpoint
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "checkpoint", "data"]
