"""Whatever a call is given, it works or raises; nothing crashes or hangs, and a refusal begins with the name of what
refuses and shows what it got.

Some calls of every name; `nox -s fuzz` makes more of them, and of one name by hand, with a seed:

    python -m tests.reliability.fuzz --calls 500 --seed 2 --names softmax
"""

from __future__ import annotations

import pytest

from tests.reliability.calls import names
from tests.reliability.workers import run

CALLS = 10  # of each name


@pytest.mark.parametrize("part", range(8))
def test_bad_input(part: int) -> None:
    wrong = list(run(names()[part::8], CALLS, seed=1))
    assert not wrong, f"{len(wrong)} calls went wrong\n" + "\n".join(wrong)
