"""`dovetail.amp` for the CPU, by the names that older programs use.

>>> with dt.cpu.amp.autocast():
...     (dt.ones(1, 1) @ dt.ones(1, 1)).dtype
dovetail.bfloat16
"""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import amp

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """`dt.autocast("cpu", ...)`."""

    def __init__(self, enabled: bool = True, dtype: dt.dtype = dt.bfloat16, cache_enabled: bool = True) -> None:
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """`dt.amp.GradScaler("cpu", ...)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("cpu", *args, **kwargs)
