"""What several files share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dovetail as dt
from dovetail.autograd import _engine


@pytest.fixture
def autocast_left_as_found() -> Iterator[None]:
    """Autocast is off after the test, and nothing of it stays."""
    yield
    assert not dt.is_autocast_enabled("cpu")
    assert dt.get_autocast_dtype("cpu") == dt.bfloat16
    assert dt.is_autocast_cache_enabled()
    assert _engine.autocast_cache_size() == 0
    assert (dt.ones(1, 1) @ dt.ones(1, 1)).dtype == dt.float32
