"""Whether both libraries compute the same: a fast wrong answer does not count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cases import Case


def difference(case: Case, ours: Path, theirs: Path) -> str:
    """What differs between the results that two workers left in files; "" where they agree."""
    with np.load(ours) as mine, np.load(theirs) as other:
        if len(mine.files) != len(other.files):
            return f"{len(mine.files)} tensors, not {len(other.files)}"
        if not mine.files:
            return "nothing to compare"
        for i, name in enumerate(mine.files):
            a, b = mine[name], other[name]
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"tensor {i}: {a.dtype} of shape {a.shape}, not {b.dtype} of shape {b.shape}"
            largest = np.abs(b).max(initial=0)
            # Written so that a NaN counts as a difference.
            if a.size and not np.abs(a - b).max() <= case.tolerance * largest:
                return f"tensor {i}: off by {np.abs(a - b).max():.3g}, where the largest value is {largest:.3g}"
    return ""
