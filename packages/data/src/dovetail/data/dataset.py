"""Data sets: things with samples in them.

A map-style data set has ``__getitem__`` and ``__len__``; an iterable one has ``__iter__``. A data set whose samples lie
in tensors also has ``get_batch(indices)``, which fetches a whole batch in one operation per tensor: the DataLoader uses
it where no ``collate_fn`` is given.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

import dovetail as dt
from dovetail import checks

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A map-style data set: ``dataset[i]`` is sample ``i``, ``len(dataset)`` their number.

    Subclasses define ``__getitem__`` and, nearly always, ``__len__``. They may define ``get_batch(indices)``, which is
    given a one-dim int64 tensor and returns the collated batch of these samples.

    Example:
        >>> class Squares(Dataset):
        ...     def __len__(self): return 4
        ...     def __getitem__(self, i): return i * i
        >>> Squares()[3]
        9
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __getitem__(self, index: Any) -> T_co:
        raise TypeError(f"{type(self).__name__}: a map-style Dataset must define __getitem__(self, index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A data set that is a stream: ``iter(dataset)`` gives its samples in its own order.

    With worker processes every worker iterates its own copy: shard the stream by ``get_worker_info()``.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise TypeError(f"{type(self).__name__}: an IterableDataset must define __iter__(self)")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset[T_co]:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[dt.Tensor, ...]]):
    """Tensors of equal first size; sample ``i`` is the tuple of their ``i``-th rows.

    Args:
        tensors: any number of tensors of shape ``(N, ...)``.

    Raises:
        ValueError: without tensors, or where their first sizes differ.

    Example:
        >>> ds = TensorDataset(dt.arange(6).reshape(3, 2), dt.tensor([0, 1, 0]))
        >>> len(ds)
        3
    """

    def __init__(self, *tensors: dt.Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor, got none")
        for t in tensors:
            if not isinstance(t, dt.Tensor) or t.ndim == 0:
                raise TypeError(f"TensorDataset: expected tensors with at least one dim, got {_describe(t)}")
        sizes = [t.shape[0] for t in tensors]
        if len(set(sizes)) > 1:
            raise ValueError(f"TensorDataset: the tensors must have one first size, got {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[dt.Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])

    def get_batch(self, indices: dt.Tensor) -> list[dt.Tensor]:
        return [dt.index_select(t, 0, indices) for t in self.tensors]


class StackDataset(Dataset[Any]):
    """Several data sets of one length side by side: a sample is the tuple (or dict) of theirs.

    Args:
        datasets: positional ones give tuples, keyword ones dicts.
    """

    def __init__(self, *datasets: Dataset[Any], **named: Dataset[Any]) -> None:
        if bool(datasets) == bool(named):
            told = f"{len(datasets)} by position and {len(named)} by name"
            raise ValueError(f"StackDataset: give data sets either by position or by name, got {told}")
        self.datasets: tuple[Dataset[Any], ...] | dict[str, Dataset[Any]] = datasets or named
        lengths = [_length(d) for d in (datasets or tuple(named.values()))]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the data sets must have one length, got {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: d[index] for name, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Several map-style data sets one after the other.

    Raises:
        ValueError: without data sets.
        TypeError: for an iterable data set (use ChainDataset).
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: expected at least one data set, got none")
        for d in self.datasets:
            if isinstance(d, IterableDataset):
                raise TypeError("ConcatDataset: takes map-style data sets; use ChainDataset for iterable ones")
        self.cumulative_sizes = list(itertools.accumulate(_length(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T_co:
        if not -len(self) <= index < len(self):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)} samples")
        if index < 0:
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        start = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - start]


class ChainDataset(IterableDataset[T_co]):
    """Several iterable data sets one after the other."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[T_co]:
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise TypeError(f"ChainDataset: takes iterable data sets, got {type(d).__name__}")
            yield from d

    @checks.in_class_name
    def __len__(self) -> int:
        return sum(_length(d) for d in self.datasets)


class Subset(Dataset[T_co]):
    """The samples of a data set at these indices.

    Args:
        dataset: a map-style data set.
        indices: their positions in it, in the subset's order.
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        if not hasattr(indices, "__getitem__") or not hasattr(indices, "__len__"):
            raise TypeError(f"Subset: indices must be a sequence of ints, got {checks.shown(indices)}")
        self.dataset = dataset
        self.indices = indices
        self._rows: dt.Tensor | None = None
        if hasattr(dataset, "get_batch"):
            self.get_batch = self._get_batch  # only where the data set itself has it

    def __getitem__(self, index: Any) -> T_co:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)

    def _get_batch(self, indices: dt.Tensor) -> Any:
        if self._rows is None:
            self._rows = dt.tensor([int(i) for i in self.indices], dtype=dt.int64)
        return cast(Any, self.dataset).get_batch(dt.index_select(self._rows, 0, indices))


@checks.in_own_name
def random_split(
    dataset: Dataset[T_co], lengths: Sequence[int | float], generator: dt.Generator | None = None
) -> list[Subset[T_co]]:
    """Split a data set at random into parts that do not overlap.

    Args:
        dataset: a map-style data set.
        lengths: how many samples each part gets; or fractions that add up to 1, where what rounding leaves over goes to
            the first parts, one sample each.
        generator: where the randomness comes from; by default the global generator.

    Raises:
        ValueError: where the lengths do not add up to the data set's.

    Example:
        >>> train, test = random_split(TensorDataset(dt.arange(10)), [0.8, 0.2], dt.Generator().manual_seed(0))
        >>> len(train), len(test)
        (8, 2)
    """
    total = _length(dataset)
    if not isinstance(lengths, Iterable):
        raise TypeError(f"random_split: lengths must be a list of numbers, got {checks.shown(lengths)}")
    for i, length in enumerate(lengths):
        checks.numbers("random_split", **{f"lengths[{i}]": length})
        if not length >= 0:
            raise ValueError(f"random_split: lengths must not be negative, got {checks.shown(lengths)}")
    counts = _part_sizes(lengths, total)
    if sum(counts) != total:
        raise ValueError(
            f"random_split: the lengths {list(lengths)} add up to {sum(counts)}, not to the {total} samples"
        )
    order = dt.randperm(total, generator=generator).tolist()
    ends = list(itertools.accumulate(counts))
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, counts, strict=True)]


def _part_sizes(lengths: Sequence[int | float], total: int) -> list[int]:
    if not all(isinstance(n, float) for n in lengths) or abs(sum(lengths) - 1) > 1e-6:
        return [int(n) for n in lengths]
    counts = [int(total * fraction) for fraction in lengths]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise TypeError(f"a data set with a length is needed here, got {checks.shown(dataset)}") from None


def _describe(value: Any) -> str:
    return f"a {value.ndim}-dim tensor" if isinstance(value, dt.Tensor) else type(value).__name__


__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]
