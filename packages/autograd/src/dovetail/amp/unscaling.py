"""Gradients divided by a scale, and looked at for infinities and NaN, in one op."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op

__all__ = ["amp_unscale", "grouped"]


@op(
    "amp_unscale(Tensor(a!)[] grads, Tensor(b!) found_inf, Tensor inv_scale) -> ()",
    internal=True,
    non_differentiable=True,
)
def amp_unscale(grads: Sequence[Tensor], found_inf: Tensor, inv_scale: Tensor) -> None:
    """Multiply gradients in place, and note whether one of them was not finite.

        found_inf = 1 if any element of any gradient is Inf or NaN, else as it was
        grad *= inv_scale

    Args:
        grads: gradients on one device.
        found_inf: a zero-dim float32 tensor, written.
        inv_scale: what to multiply by, a zero-dim float32 tensor.
    """
    for grad in grads:
        found_inf.copy_(dt.maximum(found_inf, grad.isfinite().all().logical_not().to(found_inf.dtype)))
        grad.mul_(inv_scale)


def grouped(grads: Sequence[Tensor]) -> dict[dt.device, list[list[Tensor]]]:
    """Gradients by device, and there by dtype and whether they are contiguous: each list is one fused op."""
    groups: dict[dt.device, dict[tuple[dt.dtype, bool], list[Tensor]]] = {}
    for grad in grads:
        groups.setdefault(grad.device, {}).setdefault((grad.dtype, grad.is_contiguous()), []).append(grad)
    return {device: list(by_kind.values()) for device, by_kind in groups.items()}
