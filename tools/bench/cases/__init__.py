"""What is timed, a file a family."""

from __future__ import annotations

from . import models, ops, training, transforms
from .case import Case

__all__ = ["CASES", "Case"]

CASES: list[Case] = [*ops.CASES, *training.CASES, *transforms.CASES, *models.CASES]
