"""The page of the reliability kit shows the results that are kept, and names every session."""

import json
from pathlib import Path

import reliability

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_shows_the_results_that_are_kept():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    results = json.loads((ROOT / "docs" / "reliability.json").read_text(encoding="utf-8"))
    assert reliability.page(text, results) == text
    for session in ("fuzz", "sanitizers", "faults", "leaks", "threads"):
        assert f"nox -s {session}" in text and session in results
        assert results[session]["counts"]["problems"] == 0
