"""PyTorch's place for `dovetail.data`: `from dovetail.utils.data import DataLoader`."""

from __future__ import annotations

import sys

import dovetail

# The same module under another name.
sys.modules[__name__] = dovetail.__getattr__("data")
