"""What tests use: `assert_close`, and the conformance check of backends (`python -m dovetail.testing.backend`)."""

from __future__ import annotations

from .comparison import assert_close, default_tolerances

__all__ = ["assert_close", "default_tolerances"]
