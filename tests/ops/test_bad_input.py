"""Whatever a call is given, it works or raises; nothing crashes or hangs, and a refusal begins with the name of what
refuses and shows what it got.

Some calls of every name; `nox -s fuzz` makes more of them, and of one name by hand, with a seed:

    python -m tests.reliability.fuzz --calls 500 --seed 2 --names softmax
"""

from __future__ import annotations

import pytest

import dovetail as dt
from tests.reliability.calls import names
from tests.reliability.shown import shows
from tests.reliability.workers import run

CALLS = 10  # of each name


@pytest.mark.parametrize("part", range(8))
def test_bad_input(part: int) -> None:
    wrong = list(run(names()[part::8], CALLS, seed=1))
    assert not wrong, f"{len(wrong)} calls went wrong\n" + "\n".join(wrong)


def test_what_counts_as_shown() -> None:
    x = dt.ones(2, 3)
    for text in (
        ": got shape (2, 3)",
        ": expected an int, got 'mean'",
        ": dim 7 is out of range",
        ": missing argument 'dim'",
    ):
        assert shows(text, dt.sum, [x, 7, "mean"], {}), text
    for text in (": went wrong", ": dim 71 is out of range", ": expected 16 elements", ": must be a bool"):
        assert not shows(text, dt.sum, [x, 7, "mean"], {}), text
