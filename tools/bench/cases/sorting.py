"""Order: sort and what is built on it, over a million elements."""

from __future__ import annotations

from .case import Case, Section

VALUES = "a = data(1_000_000)"

SECTION = Section(
    key="sorting",
    title="Sorting",
    about="10⁶ elements, float32 unless said.",
    cases=[
        Case("sort", VALUES, "a.sort()", 0.3, result="a.sort()[0]"),
        # The order of equal values is anybody's: what is compared is what the order gives.
        Case("argsort", VALUES, "a.argsort()", 0.3, result="a[a.argsort()]"),
        Case("unique", VALUES, "a.unique()", 0.6),
        Case("unique, int64 below 1,000", "a = classes(1000, 1_000_000)", "a.unique()", 0.6),
        Case("topk, 100", VALUES, "a.topk(100)", 0.6, result="a.topk(100)[0]"),
        Case("median", VALUES, "a.median()", 0.6),
    ],
)
