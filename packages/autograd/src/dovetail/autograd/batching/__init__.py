"""How vmap runs the ops that meet its tensors: batching rules, one line each, by family.

An op has a rule of its own, or is elementwise, or is decomposed into ops that come back here; failing all, it runs once
for every sample. `batched_by(name)` says which.
"""

from __future__ import annotations

from . import contract, copies, fft, gather, linalg, polynomial, random, reduce, shape, window
from .mapping import RANDOMNESS, Mapping
from .registry import batched_by, register_batching

__all__ = [
    "RANDOMNESS",
    "Mapping",
    "batched_by",
    "contract",
    "copies",
    "fft",
    "gather",
    "linalg",
    "polynomial",
    "random",
    "reduce",
    "register_batching",
    "shape",
    "window",
]
