"""Whether both libraries compute the same: a fast wrong answer does not count."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0))


def difference(tolerance: float, ours: Path, theirs: Path) -> str:
    """What differs between the results that two workers left in files; "" where they agree.

    Values may be off by `tolerance` of their tensor's largest.
    """
    with np.load(ours) as mine, np.load(theirs) as other:
        if len(mine.files) != len(other.files):
            return f"{len(mine.files)} tensors, not {len(other.files)}"
        if not mine.files:
            return "nothing to compare"
        for i, name in enumerate(mine.files):
            a, b = mine[name], other[name]
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"tensor {i}: {a.dtype} of shape {a.shape}, not {b.dtype} of shape {b.shape}"
            if a.dtype.kind in "bui":
                a, b = a.astype(np.float64), b.astype(np.float64)
            off, size = largest(a - b), largest(b)
            if not off <= tolerance * size:  # written so that a NaN counts as a difference
                return f"tensor {i}: off by {off:.3g}, where its largest is {size:.3g}"
    return ""
