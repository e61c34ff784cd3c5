"""The version of the core: `dt.version.__version__`; the other names are PyTorch's."""

from __future__ import annotations

from dovetail.__about__ import __version__

__all__ = ["__version__", "cuda", "debug", "hip"]

# Dovetail's core is built without CUDA, which a distribution of its own brings.
debug = False
cuda = hip = None
