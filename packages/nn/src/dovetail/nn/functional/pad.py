"""Padding."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import checks


@checks.in_own_name
def pad(input: dt.Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> dt.Tensor:
    """Pad the last dims.

    Args:
        input: any tensor.
        pad: amounts (before, after) of the last dim, then of the one before it, and so on; negative ones crop
            (mode "constant" only).
        mode: "constant"; or "reflect", "replicate" or "circular", which take values from the input.
        value: of the padding, in mode "constant" (default 0).

    Raises:
        ValueError: for an odd number of amounts, more than the dims, or amounts that the mode cannot fill.

    Example:
        >>> pad(dt.tensor([1, 2, 3]), (1, 1), mode="replicate").tolist()
        [1, 1, 2, 3, 3]
    """
    checks.tensors("pad", input=input)
    if not isinstance(pad, (list, tuple)):
        raise TypeError(f"pad: pad must be a tuple of ints, got {checks.shown(pad)}")
    checks.ints("pad", pad=pad)
    amounts = [int(a) for a in pad]
    if len(amounts) % 2 or len(amounts) > 2 * input.ndim:
        raise ValueError(f"pad: {len(amounts)} amounts do not fit an input of shape {tuple(input.shape)}")
    if mode == "constant":
        return dt.constant_pad_nd(input, amounts, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise ValueError(
            f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {checks.shown(mode)}"
        )
    if value is not None:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}")
    for i in range(len(amounts) // 2):
        dim = input.ndim - 1 - i
        rows = _rows(input.shape[dim], amounts[2 * i], amounts[2 * i + 1], mode, input.shape)
        if rows is not None:
            input = input.index_select(dim, rows.to(input.device))
    return input


def _rows(size: int, before: int, after: int, mode: str, shape: Sequence[int]) -> dt.Tensor | None:
    """Which row of the input every row of the output is."""
    if before == after == 0:
        return None
    most = {"reflect": size - 1, "circular": size, "replicate": before + after + 1 if size else 0}[mode]
    if before < 0 or after < 0 or max(before, after) > most:
        raise ValueError(
            f"pad: mode {mode!r} cannot pad a dim of size {size} by ({before}, {after}), shape {tuple(shape)}"
        )
    places = dt.arange(-before, size + after)
    if mode == "circular":
        return places % size
    if mode == "replicate":
        return places.clamp(0, size - 1)
    return size - 1 - (places.abs() - (size - 1)).abs()  # mirrored at the first row, then at the last
