"""Copies, and tensors made like others."""

from __future__ import annotations

from typing import Any

from .registry import op_of, rule


@rule("clone", "cast", "to_device", "zeros_like", "ones_like", "full_like", "empty_like", "positive")
def _same_shape(op: Any, b: Any, x: Any, *rest: Any) -> Any:
    return op.call((b(x), *rest), None)


@rule("contiguous")
def _contiguous(b: Any, x: Any) -> Any:
    return b(x).contiguous()


@rule("new_zeros", "new_ones", "new_empty", "new_full")
def _new(op: Any, b: Any, x: Any, size: Any, *rest: Any) -> Any:
    return op.call((b(x), (b.size, *size), *rest), None)


@rule("copy", "fill")
def _copied(op: Any, b: Any, x: Any, source: Any) -> Any:
    return op_of("copy")(b(x), b.with_rank(source, x.ndim))
