"""PyTorch's names for what lives elsewhere: `dt.utils.data` is `dt.data`, `dt.utils.checkpoint` has autograd's
checkpointing, and `dt.utils.dlpack` the interchange of `dt.from_dlpack`."""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    import dovetail

    if name == "data":
        return dovetail.__getattr__(name)
    if name in ("checkpoint", "dlpack", "hooks"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "checkpoint", "data", "dlpack", "hooks"]
