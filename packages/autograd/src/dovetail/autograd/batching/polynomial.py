"""Orthogonal polynomials, which read their degrees: all samples' at once."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor
from dovetail._core import ops

from .registry import rule

_POLYNOMIALS = [op.name for op in ops() if op.family == "polynomial"]


@rule(*_POLYNOMIALS)
def _polynomial(op: Any, b: Any, x: Tensor, n: Tensor) -> Tensor:
    rank = max(x.ndim, n.ndim)
    return op(b.with_rank(x, rank), b.with_rank(n, rank))
