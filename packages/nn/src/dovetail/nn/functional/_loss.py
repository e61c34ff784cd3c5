"""What the losses share: shapes that must fit, and reductions."""

from __future__ import annotations

import dovetail as dt

from ._common import dtype_name

REDUCTIONS = ("mean", "sum", "none")


def reduce(who: str, values: dt.Tensor, reduction: str) -> dt.Tensor:
    """``mean``, ``sum`` or ``none`` of the elements' losses."""
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    if reduction == "none":
        return values
    raise ValueError(f"{who}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def weighted(who: str, values: dt.Tensor, weight: dt.Tensor | None, reduction: str) -> dt.Tensor:
    """The reduction of losses times weights; the mean divides by the weights' sum."""
    if weight is None:
        return reduce(who, values, reduction)
    if weight.shape != values.shape:
        raise ValueError(f"{who}: expected weights of shape {tuple(values.shape)}, got {tuple(weight.shape)}")
    if reduction == "mean":
        return (values * weight).sum() / weight.sum()
    return reduce(who, values * weight, reduction)


def paired(who: str, input: dt.Tensor, target: dt.Tensor, broadcast: bool) -> tuple[dt.Tensor, dt.Tensor]:
    """Input and target in one shape: they have it, or broadcasting them is what the caller asked for."""
    if input.shape == target.shape:
        return input, target
    if not broadcast:
        raise ValueError(
            f"{who}: input {tuple(input.shape)} and target {tuple(target.shape)} must have one shape; "
            "reshape one, or say broadcast=True where broadcasting is meant"
        )
    first, second = dt.broadcast_tensors(input, target)
    return first, second


def of_one_shape(who: str, **tensors: dt.Tensor) -> None:
    """Refuse tensors of several shapes."""
    if len({tuple(each.shape) for each in tensors.values()}) > 1:
        shown = ", ".join(f"{name} {tuple(each.shape)}" for name, each in tensors.items())
        raise ValueError(f"{who}: expected tensors of one shape, got {shown}")


def broadcastable(who: str, what: str, tensor: dt.Tensor | None, shape: tuple[int, ...]) -> None:
    """Refuse weights that would make the losses' shape another one."""
    if tensor is None:
        return
    fits = tensor.ndim <= len(shape) and all(
        own in (1, size) for own, size in zip(reversed(tensor.shape), reversed(shape), strict=False)
    )
    if not fits:
        raise ValueError(f"{who}: {what} of shape {tuple(tensor.shape)} does not broadcast to {tuple(shape)}")


def class_targets(who: str, target: dt.Tensor) -> None:
    """Refuse targets that are no integers."""
    if target.is_floating_point() or target.is_complex() or target.dtype == dt.bool:
        raise TypeError(f"{who}: expected int64 class targets, got dtype {dtype_name(target)}")
