"""PyTorch's place for the transforms: `from dovetail.func import grad, vmap`."""

from __future__ import annotations

import sys

import dovetail

# The same module under another name.
sys.modules[__name__] = dovetail.__getattr__("func")
