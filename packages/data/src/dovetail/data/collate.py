"""From a list of samples to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dovetail as dt
from dovetail import checks


@checks.in_own_name
def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars become tensors, inside any nesting of mappings and sequences; all else stays.

    Example:
        >>> default_convert((1, "a"))
        (1, 'a')
    """
    if isinstance(data, dt.Tensor):
        return data
    if _is_numpy(data) and data.dtype.kind not in "SUO":
        return dt.as_tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple):
        return _like(data, [default_convert(value) for value in data])
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return [default_convert(value) for value in data]
    return data


@checks.in_own_name
def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together: tensors, arrays and numbers are stacked along a new first dim, mappings and sequences are
    collated entry by entry, strings and bytes are listed.

    Raises:
        TypeError: for an element of another type.
        ValueError: where the samples' sequences differ in length, or tensors in shape.

    Example:
        >>> default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2], shape=(2,), dtype=int64, device=cpu), ['a', 'b']]
    """
    if not isinstance(batch, Sequence):
        raise TypeError(f"default_collate: expected a sequence of samples, got {type(batch).__name__} {batch!r}")
    if not batch:
        raise ValueError(f"default_collate: the batch is empty: {batch!r}")
    first = batch[0]
    if isinstance(first, dt.Tensor):
        return dt.stack(list(batch))
    if _is_numpy(first):
        if first.dtype.kind in "SUO":
            raise TypeError(f"default_collate: arrays of dtype {first.dtype} do not become tensors")
        return dt.stack([dt.as_tensor(array) for array in batch])
    if isinstance(first, (bool, int, float, complex)):
        return dt.tensor(list(batch), dtype=dt.float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError(f"default_collate: samples differ in length: {[len(s) for s in batch]}")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return _like(first, columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        "default_collate: expected tensors, arrays, numbers, strings, mappings or sequences, "
        f"got {type(first).__name__}; give the DataLoader a collate_fn"
    )


def _is_numpy(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "dtype")


def _like(model: Any, values: list[Any]) -> Any:
    return type(model)(*values) if hasattr(model, "_fields") else tuple(values)


__all__ = ["default_collate", "default_convert"]
