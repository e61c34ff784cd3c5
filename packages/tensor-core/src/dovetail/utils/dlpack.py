"""PyTorch's place for DLPack's functions."""

from __future__ import annotations

from ..interchange import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
