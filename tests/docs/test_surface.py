"""The page of PyTorch's names: every name that it calls present is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import surface

PAGE = Path(__file__).resolve().parents[2] / "docs" / "surface.md"
FAMILIES = {family.title: family for family in surface.families()}


def shown() -> Iterator[tuple[str, list[str]]]:
    """The families of the page, with the names that they hold."""
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        yield title, re.findall(r"^\| `([\w.]+)` ", rest, flags=re.MULTILINE)


def test_the_page_has_every_family_and_name() -> None:
    assert {title for title, _ in shown()} == set(FAMILIES)
    for title, names in shown():
        missing = re.search(rf"^## {re.escape(title)}\n\nMissing: (.*)\.$", PAGE.read_text(), flags=re.MULTILINE)
        named = [*names, *re.findall(r"`([\w.]+)`", missing.group(1) if missing else "")]
        assert sorted(named) == sorted(FAMILIES[title].names), title


@pytest.mark.parametrize("title", FAMILIES)
def test_what_is_called_present_is_there(title: str) -> None:
    names = dict(shown())[title]
    gone = [name for name in names if not surface.entry(FAMILIES[title], name, count_dtypes=False).present]
    assert not gone, "python tools/surface.py > docs/surface.md"


WHOLE = (
    "functions",
    "Tensor methods and attributes",
    "in-place methods",
    "linalg",
    "fft",
    "special",
    "signal.windows",
)


@pytest.mark.parametrize("title", WHOLE)
def test_the_core_has_every_name_and_tests_it(title: str) -> None:
    entries = [surface.entry(FAMILIES[title], name, count_dtypes=False) for name in FAMILIES[title].names]
    assert not [each.name for each in entries if not each.present]
    assert not [each.name for each in entries if not each.tested]
