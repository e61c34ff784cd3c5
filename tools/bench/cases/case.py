"""A row of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One row: `statement` is timed after `setup` has run, and counts as `per` operations.

    Both are programs that either library runs as it is, `xp` standing for the library; what inputs.py offers gives both
    the same numbers. `result`, an expression of tensors, is evaluated after a fresh setup and compared with the other
    library's, within `tolerance` of each tensor's largest value; by default it is the statement's own value.

    `target` is the ratio to PyTorch that the row should not exceed; None where it is only reported. `moved` counts the
    bytes that the statement must move between memory and processor, as `kernel` (of stream.c) does; `flops` its
    floating-point operations.
    """

    name: str
    setup: str
    statement: str
    target: float | None = None
    per: int = 1
    result: str = ""
    tolerance: float = 1e-5
    moved: int = 0
    kernel: str = ""
    flops: int = 0
