"""Samplers: in which order the indices of a data set are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import dovetail as dt
from dovetail import checks

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An iterable over indices (or, for a batch sampler, lists of indices)."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        checks.class_speaks(cls)

    def __iter__(self) -> Iterator[T_co]:
        raise TypeError(f"{type(self).__name__}: a Sampler must define __iter__(self)")


class OrderSampler(Sampler[int]):
    """A sampler whose whole epoch is one tensor of indices, so that a loader can slice it into batches.

    Subclasses define ``order()``.
    """

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        """The indices of one epoch: a one-dim int64 tensor. A random sampler draws anew at every call."""
        raise TypeError(f"{type(self).__name__}: an OrderSampler must define order(self)")

    def __iter__(self) -> Iterator[int]:
        yield from self.order().tolist()


def _check_length(who: str, data_source: Any) -> None:
    if not hasattr(data_source, "__len__"):
        raise TypeError(f"{who}: what is sampled from must have a length, got {checks.shown(data_source)}")


class SequentialSampler(OrderSampler):
    """0, 1, 2, ... up to the length of the data source."""

    def __init__(self, data_source: Sized) -> None:
        _check_length("SequentialSampler", data_source)
        self.data_source = data_source

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        return dt.arange(len(self.data_source))

    @checks.in_class_name
    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(OrderSampler):
    """Random indices, with or without replacement.

    Args:
        data_source: what is sampled from; its length counts.
        replacement: draw each index independently.
        num_samples: how many to draw (default: the length). Without replacement, more than the length means several
            permutations one after the other.
        generator: where the randomness comes from; by default the global generator.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: dt.Generator | None = None,
    ) -> None:
        if num_samples is not None and (not isinstance(num_samples, int) or num_samples <= 0):
            raise ValueError(f"RandomSampler: num_samples must be a positive int, got {checks.shown(num_samples)}")
        _check_length("RandomSampler", data_source)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        n, wanted = len(self.data_source), self.num_samples
        if wanted == 0:
            return dt.arange(0)
        if n == 0:
            raise ValueError(f"RandomSampler: cannot draw {wanted} samples from an empty data source")
        if self.replacement:
            return dt.randint(0, n, (wanted,), generator=self.generator)
        rounds = -(-wanted // n)
        drawn = [dt.randperm(n, generator=self.generator) for _ in range(rounds)]
        return (drawn[0] if rounds == 1 else dt.cat(drawn))[:wanted]

    @checks.in_class_name
    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(OrderSampler):
    """The given indices in random order, without replacement."""

    def __init__(self, indices: Sequence[int], generator: dt.Generator | None = None) -> None:
        if not hasattr(indices, "__len__") or not hasattr(indices, "__iter__"):
            raise TypeError(f"SubsetRandomSampler: indices must be a sequence of ints, got {checks.shown(indices)}")
        self.indices = indices
        self.generator = generator

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        rows = dt.tensor([int(i) for i in self.indices], dtype=dt.int64)
        return dt.index_select(rows, 0, dt.randperm(len(self.indices), generator=self.generator))

    @checks.in_class_name
    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(OrderSampler):
    """Index ``i`` with probability proportional to ``weights[i]``.

    Args:
        weights: not negative, with a positive sum.
        num_samples: how many to draw.
        replacement: draw each independently; otherwise every index is drawn once at most.
        generator: where the randomness comes from.

    Raises:
        ValueError: for bad weights, or more draws without replacement than there are positive weights.
    """

    def __init__(
        self,
        weights: Sequence[float] | dt.Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: dt.Generator | None = None,
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(
                f"WeightedRandomSampler: num_samples must be a positive int, got {checks.shown(num_samples)}"
            )
        self.weights = dt.as_tensor(weights, dtype=dt.float64)
        if self.weights.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: weights must be one-dim, got shape {tuple(self.weights.shape)}")
        if bool((self.weights < 0).any()) or not float(self.weights.sum()) > 0:
            raise ValueError(
                "WeightedRandomSampler: weights must not be negative and must have a positive sum, got "
                f"{checks.shown(self.weights.tolist())}"
            )
        if not replacement and num_samples > int((self.weights > 0).sum()):
            raise ValueError(
                f"WeightedRandomSampler: cannot draw {num_samples} without replacement from "
                f"{int((self.weights > 0).sum())} positive weights"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        return dt.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)

    @checks.in_class_name
    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Gathers another sampler's indices into lists of ``batch_size``.

    Args:
        sampler: an iterable of indices.
        batch_size: how many to a batch.
        drop_last: leave out a last batch that is not full.

    Example:
        >>> list(BatchSampler(SequentialSampler(range(5)), 2, False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"BatchSampler: batch_size must be a positive int, got {checks.shown(batch_size)}")
        if not isinstance(drop_last, (bool, int)):
            raise TypeError(f"BatchSampler: drop_last must be a bool, got {checks.shown(drop_last)}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def batches(self) -> Iterator[list[int] | dt.Tensor]:
        """As iteration, but slices of one tensor where the sampler has the epoch's whole order."""
        sampler = self.sampler
        if not isinstance(sampler, OrderSampler) or type(sampler).__iter__ is not OrderSampler.__iter__:
            yield from self
            return
        order = sampler.order()
        n = len(order) - (len(order) % self.batch_size if self.drop_last else 0)
        for start in range(0, n, self.batch_size):
            yield order[start : min(start + self.batch_size, n)]

    @checks.in_class_name
    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class DistributedSampler(OrderSampler):
    """One replica's share of a data set: every ``num_replicas``-th index, the same number for each replica.

    Args:
        dataset: what is sampled from.
        num_replicas: how many processes share it.
        rank: which of them this is.
        shuffle: a new order each epoch, the same on every replica: call ``set_epoch`` before each.
        seed: of the shuffling.
        drop_last: leave out what does not divide evenly; otherwise some indices are drawn twice.
    """

    def __init__(
        self, dataset: Sized, num_replicas: int, rank: int, shuffle: bool = True, seed: int = 0, drop_last: bool = False
    ) -> None:
        _check_length("DistributedSampler", dataset)
        checks.integers("DistributedSampler", num_replicas=num_replicas, rank=rank, seed=seed)
        for name, flag in (("shuffle", shuffle), ("drop_last", drop_last)):
            if not isinstance(flag, (bool, int)):
                raise TypeError(f"DistributedSampler: {name} must be a bool, got {checks.shown(flag)}")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"DistributedSampler: rank must be in [0, {num_replicas}), got {rank}")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, so that each is shuffled differently."""
        self.epoch = epoch

    @checks.in_class_name
    def order(self) -> dt.Tensor:
        n = len(self.dataset)
        everything = dt.arange(n)
        if self.shuffle:
            everything = dt.randperm(n, generator=dt.Generator().manual_seed(self.seed + self.epoch))
        if n == 0:
            return everything
        return everything[dt.arange(self.rank, len(self) * self.num_replicas, self.num_replicas) % n]

    @checks.in_class_name
    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.num_replicas if self.drop_last else -(-n // self.num_replicas)


__all__: list[Any] = [
    "BatchSampler",
    "DistributedSampler",
    "OrderSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]
