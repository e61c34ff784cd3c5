"""What tests of autocast share: names of dtypes, leaves, and a product in sixteen bits that is cast by hand."""

from __future__ import annotations

import dovetail as dt

BF16, F16, F32, F64 = dt.bfloat16, dt.float16, dt.float32, dt.float64


def leaf(*shape: int, dtype: dt.dtype = F32) -> dt.Tensor:
    return dt.randn(*shape, dtype=dtype, requires_grad=True)


def cast_by_hand(a: dt.Tensor, b: dt.Tensor) -> dt.Tensor:
    return a.to(BF16) @ b.to(BF16)
