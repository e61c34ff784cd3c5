"""Whether both libraries compute the same: a fast wrong answer does not count."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0))


def root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.abs(values) ** 2))) if values.size else 0.0


def difference(tolerance: float, by_square: bool, ours: Path, theirs: Path) -> str:
    """What differs between the results that two workers left in files; "" where they agree.

    Values may be off by `tolerance` of their tensor's largest; or, by square, the root of the differences' mean square
    by `tolerance` of that of the tensor's own.
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
            norm = root_mean_square if by_square else largest
            off, size = norm(a - b), norm(b)
            if not off <= tolerance * size:  # written so that a NaN counts as a difference
                return f"tensor {i}: off by {off:.3g}, where its {'mean' if by_square else 'largest'} is {size:.3g}"
    return ""
