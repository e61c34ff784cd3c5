"""From indices to a batch: the same code in the loader's process and in its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dovetail as dt

from .collate import default_collate, default_convert
from .dataset import IterableDataset

Indices = Any  # a list of indices, a one-dim int64 tensor, or one index where batching is off


class Fetcher:
    """Fetches the samples of a map-style data set and collates them.

    Args:
        dataset: the data set.
        collate_fn: makes the batch; None for the default, which lets the data set fetch whole batches at once
            (``get_batch``, or ``__getitems__``, which gives a list of samples).
        batched: whether there are batches at all, or single samples.
    """

    def __init__(self, dataset: Any, collate_fn: Callable[[Any], Any] | None, batched: bool) -> None:
        self.dataset = dataset
        self.batched = batched
        self.whole = batched and collate_fn is None and hasattr(dataset, "get_batch")
        self.many = batched and hasattr(dataset, "__getitems__")
        self.collate = collate_fn or (default_collate if batched else default_convert)

    def __call__(self, indices: Indices) -> Any:
        if not self.batched:
            return self.collate(self.dataset[indices])
        if self.whole and all_ints(indices):
            rows = indices if isinstance(indices, dt.Tensor) else dt.tensor(indices, dtype=dt.int64)
            return self.dataset.get_batch(rows)
        if isinstance(indices, dt.Tensor):
            indices = indices.tolist()
        samples = self.dataset.__getitems__(indices) if self.many else [self.dataset[i] for i in indices]
        return self.collate(samples)


def all_ints(indices: Indices) -> bool:
    return isinstance(indices, dt.Tensor) or all(isinstance(i, int) and i >= 0 for i in indices)


def stream(
    dataset: IterableDataset[Any], collate_fn: Callable[[Any], Any] | None, batch_size: int | None, drop_last: bool
) -> Iterator[Any]:
    """The batches of an iterable data set (its samples, where ``batch_size`` is None)."""
    collate = collate_fn or (default_convert if batch_size is None else default_collate)
    if batch_size is None:
        yield from map(collate, dataset)
        return
    samples: list[Any] = []
    for sample in dataset:
        samples.append(sample)
        if len(samples) == batch_size:
            yield collate(samples)
            samples = []
    if samples and not drop_last:
        yield collate(samples)
