"""Every op in every dtype: it works, or is refused in words; the page of them is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.framework import ALL_DTYPES
from tools import dtype_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dtypes.md"


@pytest.mark.parametrize("name", dtype_table.sampled_ops())
def test_no_dtype_is_a_surprise(name: str) -> None:
    outcomes = {dtype: dtype_table.outcome(name, dtype) for dtype in ALL_DTYPES}
    defects = [f"{dtype}: {said}" for dtype, (mark, said) in outcomes.items() if mark == dtype_table.DEFECT]
    assert not defects, f"{name} neither works nor is refused in words:\n" + "\n".join(defects)
    assert any(mark == dtype_table.WORKS for mark, _ in outcomes.values())


def test_the_page_says_what_is_found() -> None:
    assert PAGE.read_text(encoding="utf-8") == dtype_table.page(), (
        "docs/dtypes.md is out of date: python tools/dtype_table.py > docs/dtypes.md"
    )
